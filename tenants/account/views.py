"""Signing up and in, and one's own account. What django-allauth has views for is only dressed here."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.internal import flows
from allauth.account.models import EmailAddress
from allauth.account.views import LoginView
from allauth.decorators import rate_limit
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from common.crypto import random_token
from common.errors import AppError
from tenants.account import browsers
from tenants.account.forms import BusinessForm, JoinForm, SignUpForm, locale_of
from tenants.hosts import tenant_origin
from tenants.models import Membership, Tenant, User
from tenants.provisioning import Provisioned, create_tenant
from tenants.services import audit, invitations
from tenants.sessions import is_unsent, local_path

#: First screen of the set-up after a profession was named at sign-up.
FIRST_STEP = "hours"
#: Session key of a business that somebody began to sign up with an address that has an account.
_KEPT = "signup"


class SignInView(LoginView):  # type: ignore[misc]  # the library has no types
    """E-mail address and password, then the second factor if there is one; then to `next`."""

    def get_initial(self) -> dict[str, Any]:
        """The address that was given at sign-up."""
        kept = self.request.session.get(_KEPT, {})
        return {**super().get_initial(), **({"login": kept["email"]} if kept else {})}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """`kept`: the business that waits for this sign-in; `unsent`: whether a form waits for it."""
        wanted = self.request.GET.get("next") or self.request.POST.get("next")
        waiting = self.request.session.get(_KEPT) if wanted == reverse("account_signup") else None
        return {**super().get_context_data(**kwargs), "kept": waiting, "unsent": is_unsent(wanted)}

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

    Whoever gives an address that has an account is led to sign in, and finds here again what was typed.
    """
    known = request.user.is_authenticated
    kept = request.session.get(_KEPT, {})
    form: BusinessForm = (BusinessForm if known else SignUpForm)(request.POST or None, initial=kept)
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
    return render(request, "account/signup.html", {"form": form}, status=status)


def _make(request: HttpRequest, form: BusinessForm, email: str, password: str) -> Provisioned:
    data = form.cleaned_data
    # What the browser does not tell stays as businesses begin.
    whereabouts = {"timezone": data["timezone"], "locale": locale_of(request.headers.get("Accept-Language", ""))}
    made = create_tenant(
        name=data["name"],
        slug=data["slug"],
        owner_email=email,
        password=password,
        profession=data["profession"],
        profile={key: value for key, value in whereabouts.items() if value},
        wait=False,
    )
    Tenant.objects.filter(pk=made.id).update(setup_step=FIRST_STEP)
    return made


def _found_as(request: HttpRequest, form: BusinessForm, user: User) -> HttpResponse:
    # The password is for an account that is made on the way, and none is.
    _make(request, form, user.email, random_token())
    request.session.pop(_KEPT, None)
    return redirect(_set_up(form.cleaned_data["slug"]))


def _found(request: HttpRequest, form: BusinessForm) -> HttpResponse:
    email, password = form.cleaned_data["email"], form.cleaned_data["password"]
    if User.objects.filter(email=email).exists():
        return _sign_in_first(request, form)
    _make(request, form, email, password)
    user = User.objects.get(email=email)
    if Membership.objects.filter(user=user).count() > 1:
        # Somebody else founded with this address in the same moment: the account is theirs, whatever our password says.
        return redirect("account_login")
    EmailAddress.objects.get_or_create(user=user, email=email, defaults={"primary": True})
    audit.record("user.signed_up", actor=user.pk)
    flows.signup.complete_signup(request, user=user)
    return redirect(_set_up(form.cleaned_data["slug"]))


def _sign_in_first(request: HttpRequest, form: BusinessForm) -> HttpResponse:
    request.session[_KEPT] = {name: form.cleaned_data[name] for name in ("name", "slug", "profession", "email")}
    return redirect(f"{reverse('account_login')}?next={reverse('account_signup')}")


def _set_up(slug: str) -> str:
    return f"{tenant_origin(slug)}/login?next=/welcome"


# -- one's own account -------------------------------------------------------------------------------------------------


@never_cache
@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Address, password, second factor, sessions."""
    user = cast(User, request.user)
    factors = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    context = {
        "unverified": EmailAddress.objects.filter(user=user, email=user.email, verified=False).exists(),
        "second_factor": Authenticator.Type.TOTP in factors,
        "sign_ins": browsers.sign_ins(user, _here(request)),
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


def _here(request: HttpRequest) -> str:
    return request.session.session_key or ""


@login_required
@require_POST
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign out of one browser, with every business it was in."""
    user = cast(User, request.user)
    ended = browsers.end(user, session_id, _here(request))
    audit.record("user.sessions_ended", actor=user.pk, count=ended)
    messages.success(request, "You are signed out there.")
    return redirect("account_overview")


@login_required
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere else."""
    user = cast(User, request.user)
    ended = browsers.end_others(user, _here(request))
    audit.record("user.sessions_ended", actor=user.pk, count=ended)
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
