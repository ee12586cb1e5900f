"""What a member should know on every page: a set-up that waits to be finished, an address that is not confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tenants.models import Role, Tenant
from tenants.services.team import MANAGERS


@dataclass(frozen=True, slots=True)
class Notices:
    """`setup_step`: next screen of the set-up; `unverified`: the address to confirm. Empty where nothing waits."""

    setup_step: str
    unverified: str


def _read(request: Any) -> Notices:
    role: Role | None = getattr(request, "role", None)
    step = ""
    if role in MANAGERS:
        step = Tenant.objects.filter(pk=request.tenant.id).values_list("setup_step", flat=True).first() or ""
    waiting = EmailAddress.objects.filter(user_id=request.user.pk, email=request.user.email, verified=False)
    return Notices(step, request.user.email if waiting.exists() else "")


def notices(request: HttpRequest) -> dict[str, Any]:
    """Context processor: ``notices`` on pages that a member sees, read when a template asks."""
    if getattr(request, "tenant", None) is None or getattr(request, "role", None) is None:
        return {}
    return {"notices": SimpleLazyObject(lambda: _read(request)), "account_url": f"{settings.PUBLIC_URL}/account"}
