"""Signing up and in, and one's own account. What django-allauth has views for is only dressed here."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.internal import flows
from allauth.account.models import EmailAddress
from allauth.account.views import LoginView
from allauth.decorators import rate_limit
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from common.crypto import random_token
from common.errors import AppError
from tenants.account.forms import BusinessForm, JoinForm, SignUpForm
from tenants.hosts import tenant_origin
from tenants.models import Membership, Tenant, User
from tenants.provisioning import Provisioned, create_tenant
from tenants.services import audit, invitations
from tenants.sessions import local_path

#: First screen of the set-up after a profession was named at sign-up.
FIRST_STEP = "hours"


class SignInView(LoginView):  # type: ignore[misc]  # the library has no types
    """E-mail address and password, then the second factor if there is one; then to `next`."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """422, or 429 where the attempts are used up."""
        limited = form.has_error("__all__", "too_many_login_attempts")
        response: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        response.status_code = 429 if limited else 422
        return response


sign_in = SignInView.as_view()


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@rate_limit(action="signup")  # type: ignore[untyped-decorator]  # the library has no types
def sign_up(request: HttpRequest) -> HttpResponse:
    """A business, its owner, and both signed in; for somebody who is signed in, another business.

    An address that has an account already is not told apart on this page: its owner is told by mail.
    """
    known = request.user.is_authenticated
    form: BusinessForm = (BusinessForm if known else SignUpForm)(request.POST or None)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                return _found_as(request, form, cast(User, request.user)) if known else _found(request, form)
            except AppError as error:
                form.add_error(
                    error.data.get("field") if error.data.get("field") in form.fields else None, error.message
                )
        status = 422
    return render(request, "account/signup.html", {"form": form, "root_host": _tenant_suffix()}, status=status)


def _tenant_suffix() -> str:
    return tenant_origin("x").partition("://x")[2]


def _make(form: BusinessForm, email: str, password: str) -> Provisioned:
    data = form.cleaned_data
    made = create_tenant(
        name=data["name"],
        slug=data["slug"],
        owner_email=email,
        password=password,
        profession=data["profession"],
        wait=False,
    )
    Tenant.objects.filter(pk=made.id).update(setup_step=FIRST_STEP)
    return made


def _found_as(request: HttpRequest, form: BusinessForm, user: User) -> HttpResponse:
    # The password is for an account that is made on the way, and none is.
    _make(form, user.email, random_token())
    return redirect(_set_up(form.cleaned_data["slug"]))


def _found(request: HttpRequest, form: BusinessForm) -> HttpResponse:
    email, password = form.cleaned_data["email"], form.cleaned_data["password"]
    if User.objects.filter(email=email).exists():
        get_adapter(request).send_account_already_exists_mail(email)
        return redirect("account_signup_mail")
    _make(form, email, password)
    user = User.objects.get(email=email)
    if Membership.objects.filter(user=user).count() > 1:
        # Somebody else founded with this address in the same moment: the account is theirs, whatever our password says.
        return redirect("account_signup_mail")
    EmailAddress.objects.get_or_create(user=user, email=email, defaults={"primary": True})
    audit.record("user.signed_up", actor=user.pk)
    flows.signup.complete_signup(request, user=user)
    return redirect(_set_up(form.cleaned_data["slug"]))


def _set_up(slug: str) -> str:
    return f"{tenant_origin(slug)}/login?next=/welcome"


@require_GET
def signup_mail(request: HttpRequest) -> HttpResponse:
    """What to do next is in a mail."""
    return render(request, "account/signup_mail.html")


# -- one's own account -------------------------------------------------------------------------------------------------


def _other_sessions(request: HttpRequest) -> list[str]:
    """Keys of this person's sessions on all hosts, but for this one."""
    mine = UserSession.objects.filter(user=cast(User, request.user)).exclude(session_key=request.session.session_key)
    return list(mine.values_list("session_key", flat=True))


#: What browsers and systems call themselves, the telling name first: Chrome says that it is Safari, too.
_BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS": "Mac"} | {
    "Linux": "Linux"
}


def _browser(agent: str) -> str:
    """A browser's own words made short, as in "Firefox on Windows"."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in agent), "A browser")
    system = next((name for mark, name in _SYSTEMS.items() if mark in agent), "")
    return f"{browser} on {system}" if system else browser


@never_cache
@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Address, password, second factor, sessions."""
    user = cast(User, request.user)
    factors = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    seen = UserSession.objects.purge_and_list(user)
    context = {
        "unverified": EmailAddress.objects.filter(user=user, email=user.email, verified=False).exists(),
        "second_factor": Authenticator.Type.TOTP in factors,
        "sessions": [
            {"row": row, "browser": _browser(row.user_agent), "here": row.session_key == request.session.session_key}
            for row in sorted(seen, key=lambda row: row.last_seen_at, reverse=True)
        ],
    }
    return render(request, "account/overview.html", context)


@login_required
@require_POST
def send_verification(request: HttpRequest) -> HttpResponse:
    """The mail with the link once more; at most one in three minutes."""
    sent = flows.email_verification.send_verification_email_for_user(request, request.user)
    if sent:
        messages.success(request, "The mail is on its way.")
    else:
        messages.info(request, "A mail was sent a moment ago. It may take a minute; look among unwanted mail, too.")
    return redirect("account_overview")


@login_required
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere else."""
    keys = _other_sessions(request)
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(session_key__in=keys).delete()
    audit.record("user.sessions_ended", actor=cast(User, request.user).pk, count=len(keys))
    messages.success(request, "You are signed out everywhere else.")
    return redirect("account_overview")


# -- invitations -------------------------------------------------------------------------------------------------------


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@rate_limit(action="reset_password_from_key")  # type: ignore[untyped-decorator]  # the library has no types
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Join a business: as the person who is signed in, after signing in, or with a new account."""
    try:
        row = invitations.find(token)
    except invitations.NoInvitation as error:
        return render(request, "account/invitation_gone.html", status=error.http_status)
    known = User.objects.filter(email=row.email).exists()
    me = request.user if request.user.is_authenticated else None
    form = None if known or me else JoinForm(request.POST or None, email=row.email)
    context = {"invitation": row, "known": known, "form": form, "other": me is not None and me.email != row.email}
    if request.method != "POST":
        return render(request, "account/invitation.html", context)
    if form is None:
        if me is None:
            return redirect(f"{reverse('account_login')}?next={local_path(request.path)}")
        invitations.accept(token, me)
    elif form.is_valid():
        user = invitations.accept_as_new(token, **form.cleaned_data)
        flows.signup.complete_signup(request, user=user)
    else:
        return render(request, "account/invitation.html", context, status=422)
    return redirect(f"{tenant_origin(row.tenant.slug or '')}/login")
