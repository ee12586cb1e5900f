"""Forms of team and settings."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms

from common.forms import SeenMixin, one_line
from tenants.models import Role
from tenants.services.api_keys import SCOPES
from tenants.services.team import roles_to_give

#: Where most businesses of a product in English are; any other zone comes below them.
_COMMON_ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Europe/London")
#: How dates, times and telephone numbers are written.
LOCALES = (
    ("en-US", "United States"),
    ("en-GB", "United Kingdom"),
    ("en-CA", "Canada"),
    ("en-AU", "Australia"),
    ("en-NZ", "New Zealand"),
    ("en-IE", "Ireland"),
    ("en-IN", "India"),
    ("de-DE", "Germany"),
    ("de-AT", "Austria"),
    ("de-CH", "Switzerland"),
    ("fr-FR", "France"),
    ("es-ES", "Spain"),
)


@cache
def zones() -> list[tuple[str, Any]]:
    """Time zones for a select."""
    rest = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/")))
    return [
        ("Common", [(zone, zone.replace("_", " ")) for zone in _COMMON_ZONES]),
        ("All", [(zone, zone.replace("_", " ")) for zone in rest if zone not in _COMMON_ZONES]),
    ]


class InviteForm(forms.Form):
    """Somebody to invite; only the roles that the inviter may give."""

    email = forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label="Role")

    def __init__(self, *args: Any, actor_role: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = roles_to_give(actor_role)
        self.fields["role"] = forms.ChoiceField(label="Role", choices=[(role.value, role.label) for role in roles])
        self.fields["role"].initial = Role.AGENT.value


class BusinessProfileForm(SeenMixin, forms.Form):
    """The business in its own words, and where it is."""

    name = forms.CharField(
        label="Name of the business",
        max_length=120,
        validators=[one_line],
        help_text="The greeting keeps the words it has; change it on the page of the receptionist.",
    )
    timezone = forms.ChoiceField(
        label="Time zone", choices=zones, help_text="Opening hours and times are in this zone."
    )
    locale = forms.ChoiceField(
        label="Country", choices=LOCALES, help_text="How dates, times and telephone numbers are written."
    )


class ApiKeyForm(forms.Form):
    """A new key."""

    name = forms.CharField(label="What is it for?", max_length=80, validators=[one_line])
    scopes = forms.MultipleChoiceField(
        label="What may it do?", choices=list(SCOPES.items()), widget=forms.CheckboxSelectMultiple
    )
