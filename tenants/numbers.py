"""Which tenant a called number belongs to, and what happens when a number is given to one."""

from __future__ import annotations

from collections.abc import Callable

from django.db import IntegrityError, transaction

from common.errors import Conflict
from common.phone import e164
from tenants.context import TenantInfo, UnknownTenant, in_public, in_tenant, load_tenant, require_tenant
from tenants.models import PhoneNumber

NumberSetup = Callable[[str], None]
_setups: list[NumberSetup] = []


def register_number_setup(fn: NumberSetup) -> None:
    """Call ``fn(number)`` inside the tenant's schema, after commit, whenever a number is given to a tenant."""
    if fn not in _setups:
        _setups.append(fn)


def tenant_for_number(number: str) -> TenantInfo | None:
    """The tenant whose callers dial `number` (E.164); a suspended one too, the caller of this function decides."""

    def find() -> TenantInfo | None:
        try:
            return load_tenant(numbers__number=number).info
        except UnknownTenant:
            return None

    return in_public(find)


def add_number(number: str) -> str:
    """Give `number` to the current tenant; returns it in E.164.

    Raises `Invalid` for what can't be a number and `Conflict` when another tenant has it. Giving it twice is harmless.
    """
    tenant, wanted = require_tenant(), e164(number)

    def store() -> bool:
        try:
            with transaction.atomic():
                row, made = PhoneNumber.objects.get_or_create(number=wanted, defaults={"tenant_id": tenant.id})
        except IntegrityError:  # a race with another tenant
            row, made = PhoneNumber.objects.get(number=wanted), False
        if row.tenant_id != tenant.id:
            raise Conflict("this number belongs to another business", number=wanted)
        return made

    if in_public(store):
        for setup in _setups:
            transaction.on_commit(_bound(setup, tenant.schema, wanted))
    return wanted


def _bound(setup: NumberSetup, schema: str, number: str) -> Callable[[], None]:
    # Entered again when it runs: after commit the connection may be anybody's.
    return lambda: in_tenant(schema, setup, number)
