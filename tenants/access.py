"""Who may see what: the decorators of tenant-host views."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from tenants.context import TenantInfo
from tenants.models import Membership, Role, User
from tenants.sessions import form_page

P = ParamSpec("P")


class TenantRequest(HttpRequest):
    """A request on a tenant's host by a member; for annotations."""

    tenant: TenantInfo
    user: User  # never anonymous behind `member_required`
    role: Role
    htmx: Any


def role_of(user_id: int, tenant_id: int) -> Role | None:
    """The person's role in the tenant, read now; None for people who are not members or no longer active."""
    role = (
        Membership.objects.filter(user_id=user_id, tenant_id=tenant_id, user__is_active=True)
        .values_list("role", flat=True)
        .first()
    )
    return Role(role) if role else None


View = Callable[Concatenate[Any, P], HttpResponseBase]


def member_required(*roles: Role | str) -> Callable[[View[P]], View[P]]:
    """Let members of the request's tenant in, those with one of `roles` if any are named.

    Membership is checked on each request. Nobody signed in: to the sign-in page. Not a member: 404, as if there were
    nothing. The wrong role: 403.
    """
    allowed = frozenset(Role(role) for role in roles)

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: Any, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            tenant: TenantInfo | None = getattr(request, "tenant", None)
            if tenant is None:
                raise Http404
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            role = role_of(request.user.pk, tenant.id)
            if role is None:
                raise Http404
            if allowed and role not in allowed:
                raise PermissionDenied
            request.role = role
            return view(request, *args, **kwargs)

        guarded.guards_membership = True  # type: ignore[attr-defined]  # the isolation suite looks for it
        return cast("View[P]", guarded)

    return decorate


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    # What a form carried is gone; its page puts back what was typed.
    here = request.get_full_path() if request.method == "GET" else form_page(request) or "/"
    target = f"/login?{urlencode({'next': here})}"
    if request.headers.get("HX-Request") == "true":
        # htmx would swap the sign-in page into a fragment.
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    return redirect(target)
