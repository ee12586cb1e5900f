"""Pages of the root host and the tenant's front page; bare, and complete without JavaScript."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlencode

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from common.crypto import random_token
from tenants import sessions
from tenants.access import TenantRequest
from tenants.context import TenantInfo
from tenants.hosts import tenant_origin
from tenants.models import Tenant, TenantStatus, User

# -- either kind of host -----------------------------------------------------------------------------------------------


@never_cache
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is not ours: back to its page, where what was typed is put under a new one.

    A sign-in that was left open while its person signed in elsewhere has nothing left to do and leads on.
    """
    match = request.resolver_match
    if match and match.url_name == "account_login" and request.user.is_authenticated:
        wanted = request.POST.get("next")
        return redirect(sessions.local_path(wanted) if wanted else settings.LOGIN_REDIRECT_URL)
    page = sessions.form_page(request)
    response = render(request, "403_csrf.html", {"page": page}, status=403)
    if page and request.headers.get("HX-Request") == "true":
        response.headers["HX-Redirect"] = page
    return response


# -- root host ---------------------------------------------------------------------------------------------------------


@require_GET
def landing(request: HttpRequest) -> HttpResponse:
    """What this is, and the way in."""
    return render(request, "landing.html")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, on either kind of host."""
    sessions.close_session(request)
    tenant: TenantInfo | None = getattr(request, "tenant", None)
    return redirect(f"{settings.PUBLIC_URL}/login" if tenant else "/login")


@never_cache
@login_required
@require_GET
def businesses(request: HttpRequest) -> HttpResponse:
    """The businesses one may enter; straight on where there is just one."""
    mine = Tenant.objects.filter(memberships__user=request.user.pk, status=TenantStatus.ACTIVE).order_by("name")
    entries = [(row.name, f"{tenant_origin(row.slug or '')}/login") for row in mine]
    if len(entries) == 1:
        return redirect(entries[0][1])
    return render(request, "tenants/businesses.html", {"entries": entries})


@never_cache
@login_required
@require_GET
def handover(request: HttpRequest, slug: str) -> HttpResponse:
    """Send a member on to the tenant's host with a ticket for the browser that asked there."""
    tenant = Tenant.objects.filter(
        slug=slug, status=TenantStatus.ACTIVE, memberships__user=request.user.pk, memberships__user__is_active=True
    ).first()
    state = request.GET.get("state", "")
    if tenant is None or len(state) != 64:
        raise Http404
    ticket = sessions.Ticket(
        user=cast("User", request.user).pk,
        tenant=tenant.pk,
        state=state,
        root_session=request.session.session_key or "",
        next=sessions.local_path(request.GET.get("next")),
    )
    token = sessions.issue_ticket(ticket)
    return redirect(f"{tenant_origin(slug)}/enter?{urlencode({'ticket': token})}")


# -- tenant host -------------------------------------------------------------------------------------------------------


@never_cache
@require_GET
def start_sign_in(request: TenantRequest) -> HttpResponse:
    """Mark this browser and ask the root host for a ticket."""
    secret = random_token()
    query = {"state": sessions.state_of(secret), "next": sessions.local_path(request.GET.get("next"))}
    wanted = f"/handover/{request.tenant.slug}?{urlencode(query)}"
    response = redirect(f"{settings.PUBLIC_URL}{wanted}")
    response.set_cookie(
        sessions.STATE_COOKIE, secret, max_age=600, httponly=True, samesite="Lax", secure=settings.SECURE, path="/enter"
    )
    return response


@never_cache
@require_GET
def enter(request: TenantRequest) -> HttpResponse:
    """Take the ticket and open a session on this host."""
    secret = request.COOKIES.get(sessions.STATE_COOKIE, "")
    ticket = sessions.take_ticket(request.GET.get("ticket", ""), request.tenant, secret)
    if ticket is None:
        raise PermissionDenied
    user = User.objects.filter(pk=ticket.user, is_active=True, memberships__tenant=request.tenant.id).first()
    if user is None:
        raise PermissionDenied
    sessions.open_session(request, user, request.tenant, ticket.root_session)
    UserSession.objects.create_from_request(request)
    UserSession.objects.filter(session_key=request.session.session_key).update(data={"business": request.tenant.name})
    response = redirect(sessions.local_path(ticket.next))
    response.delete_cookie(sessions.STATE_COOKIE, path="/enter")
    return response
