"""Forms of the root host."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, cast

from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ReauthenticateForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
)
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation.trans_real import parse_accept_lang_header

from common.errors import AppError
from common.forms import one_line
from tenants import professions
from tenants.hosts import tenant_origin
from tenants.models import Tenant, User
from tenants.panel.forms import LOCALES, BusinessProfileForm
from tenants.provisioning import RESERVED_SLUGS, check_slug

_ADVICE = "At least 8 characters; a few words are easier to remember than signs."
_PASSWORD_LABELS = {
    "oldpassword": "Current password",
    "password": "Password",
    "password1": "New password",
    "password2": "New password, once more",
}


def _email_field() -> forms.EmailField:
    widget = forms.EmailInput(attrs={"autocomplete": "username", "maxlength": 254})
    return forms.EmailField(label="E-mail address", max_length=254, widget=widget)


def new_password_field() -> forms.CharField:
    """A password that is being chosen."""
    return forms.CharField(
        label="Password",
        max_length=512,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_ADVICE,
    )


class SignInForm(LoginForm):  # type: ignore[misc]  # the library has no types
    """E-mail address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = _email_field()
        self.fields["login"].widget.attrs["autofocus"] = True
        widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})
        self.fields["password"] = forms.CharField(label="Password", max_length=512, strip=False, widget=widget)
        self.order_fields(["login", "password"])


class ForgottenForm(ResetPasswordForm):  # type: ignore[misc]  # the library has no types
    """The address that a way back is sent to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = _email_field()


class _InOurWords:
    """The library's password fields with our labels, without placeholders that say the same."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = _PASSWORD_LABELS.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)
            if name == "password1":
                field.help_text = _ADVICE


class PasswordChangeForm(_InOurWords, ChangePasswordForm):  # type: ignore[misc]  # the library has no types
    """The password there is, and another."""


class NewPasswordForm(_InOurWords, ResetPasswordKeyForm):  # type: ignore[misc]  # the library has no types
    """A password in place of a forgotten one."""


class ConfirmForm(_InOurWords, ReauthenticateForm):  # type: ignore[misc]  # the library has no types
    """The password once more, before something that matters."""


def slug_of(name: str) -> str:
    """A free address made of a business's name: "Café Übermut & Co." becomes ``cafe-ubermut-co``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32].strip("-") or "business"
    taken = set(Tenant.objects.filter(slug__startswith=base).values_list("slug", flat=True)) | RESERVED_SLUGS
    return next(slug for slug in (base, *(f"{base}-{number}" for number in range(2, 10_000))) if slug not in taken)


def locale_of(accepted: str) -> str:
    """The locale of the settings that a browser's ``Accept-Language`` asks for first, or nothing.

    A language without a country stands for the first country that speaks it.
    """
    first = next((language for language, _ in parse_accept_lang_header(accepted.lower())), "")
    known = [locale for locale, _ in LOCALES]
    return next((locale for locale in known if first in (locale.lower(), locale.partition("-")[0])), "")


class DeskAddressInput(forms.TextInput):
    """The part of a host name that a business chooses, with the rest of it beside."""

    template_name = "components/suffixed_input.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """`suffix`: what every business's host ends with, the port included."""
        return {**super().get_context(name, value, attrs), "suffix": tenant_origin("x").partition("://x")[2]}


class BusinessForm(forms.Form):
    """A new business of somebody who has an account."""

    name = forms.CharField(
        label="Name of your business",
        max_length=120,
        validators=[one_line],
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    slug = forms.CharField(
        label="Address of your desk",
        max_length=40,
        required=False,
        help_text="Where you will sign in. Small letters, digits and hyphens; made from the name when left empty.",
        widget=DeskAddressInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    # Nobody is taken for a dentist who has passed over the question.
    profession = forms.ChoiceField(label="What do you do?", choices=professions.choices, initial=professions.GENERIC)
    # Filled by the browser, so nobody is told off for it: a plain field takes whatever comes.
    timezone = forms.Field(required=False, widget=forms.HiddenInput)

    def clean_timezone(self) -> str:
        """The browser's time zone if the settings offer it, or nothing."""
        zone = str(self.cleaned_data["timezone"] or "")
        offered = cast(forms.ChoiceField, BusinessProfileForm.base_fields["timezone"])
        return zone if offered.valid_value(zone) else ""

    def clean_slug(self) -> str:
        """Free and well-formed, or made from the name."""
        slug = self.cleaned_data["slug"].strip().lower()
        if not slug:
            return slug_of(self.cleaned_data.get("name", ""))
        try:
            return check_slug(slug)
        except AppError as error:
            free = slug_of(slug)
            raise ValidationError(f"{error.message.capitalize()}. Free is: {free}") from None


class SignUpForm(BusinessForm):
    """A new business and the person who founds it."""

    email = _email_field()
    password = new_password_field()

    field_order = ["name", "slug", "profession", "email", "password"]

    def clean_email(self) -> str:
        """In lower case, so that it can't exist twice."""
        return str(self.cleaned_data["email"]).strip().lower()

    def clean(self) -> dict[str, Any]:
        """The password is judged beside the address it must not resemble."""
        data = super().clean() or self.cleaned_data
        if data.get("password"):
            try:
                validate_password(data["password"], User(email=data.get("email", "")))
            except ValidationError as error:
                self.add_error("password", error)
        return data


class JoinForm(forms.Form):
    """The person who accepts an invitation and has no account yet."""

    full_name = forms.CharField(
        label="Your name",
        max_length=120,
        validators=[one_line],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = new_password_field()

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email

    def clean_password(self) -> str:
        """Good enough for this address."""
        password = str(self.cleaned_data["password"])
        validate_password(password, User(email=self._email))
        return password
