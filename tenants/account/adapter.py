"""How django-allauth behaves here: our words, our limits, links of the root host, secrets under the master key."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from common import crypto
from common.errors import RateLimited
from tenants import mail, sessions
from tenants.models import User

#: allauth's remarks that are worth a toast; the others only say what the page shows.
_SAID = ("password_changed", "password_set", "email_confirmed", "totp_", "recovery_codes_", "sessions_")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # the library has no types
    """Accounts of people; see the module."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "This e-mail address and password do not match.",
        "too_many_login_attempts": "Too many attempts to sign in. Try again in a quarter of an hour.",
        "incorrect_code": "This code is not right. Codes change every half minute; type the one that shows now.",
        "rate_limited": "Too many attempts. Try again in a few minutes.",
    }

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt: one machine guessing is stopped early, a stranger elsewhere locks nobody out."""
        try:
            sessions.count_try(str(credentials.get("email", "")), self.get_client_ip(request))
        except RateLimited:
            raise self.validation_error("too_many_login_attempts") from None

    def login(self, request: HttpRequest, user: User) -> None:
        """A session of the root host."""
        sessions.forgive_try(user.email, self.get_client_ip(request))
        super().login(request, user)
        sessions.mark(request, None)

    def is_safe_url(self, url: str | None) -> bool:
        """Only paths of this very host."""
        return bool(url) and sessions.local_path(url) == url

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """The choice of businesses."""
        return str(settings.LOGIN_REDIRECT_URL)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """The account's page."""
        return reverse("account_overview")

    def get_email_verification_redirect_url(self, email_address: Any) -> str:
        """The account's page, behind the door if need be."""
        return reverse("account_overview")

    def get_reset_password_from_key_url(self, key: str) -> str:
        """An address of the platform's own, whatever host was asked."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return str(settings.PUBLIC_URL) + path.replace("UID-KEY", quote(key))

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """An address of the platform's own, whatever host was asked."""
        return str(settings.PUBLIC_URL) + reverse("account_confirm_email", args=[emailconfirmation.key])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Through the one door for mails; one that is not taken can be asked for again."""
        mail.send(template_prefix, email, context)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Say what is worth saying."""
        name = (message_template or "").rpartition("/")[2]
        if message or name.startswith(_SAID):
            super().add_message(request, level, message_template, message_context, extra_tags, message)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # the library has no types
    """The second factor; its secrets are sealed at rest."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": AccountAdapter.error_messages["incorrect_code"],
        "unverified_email": "Confirm your e-mail address first: it is the way back when the second factor is lost.",
    }

    def encrypt(self, text: str) -> str:
        """Seal a secret under the master key."""
        return base64.b64encode(crypto.wrap_key(text.encode(), "second-factor")).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """What `encrypt` was given. Raises `Unreadable`."""
        return crypto.unwrap_key(base64.b64decode(encrypted_text), "second-factor").decode()
