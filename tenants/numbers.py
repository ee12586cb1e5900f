"""Which tenant a called number belongs to, and what happens when a number is given to one."""

from __future__ import annotations

from collections.abc import Callable

from django.db import IntegrityError, transaction

from common.errors import Conflict
from common.phone import e164
from tenants.context import TenantInfo, UnknownTenant, in_public, load_tenant, require_tenant
from tenants.models import PhoneNumber

NumberSetup = Callable[[str], None]
NumberSource = Callable[[], str | None]
_setups: list[NumberSetup] = []
_sources: list[NumberSource] = []


def register_number_setup(fn: NumberSetup) -> None:
    """Call ``fn(number)`` inside the tenant's schema when a number is given to a tenant; raising refuses the number."""
    if fn not in _setups:
        _setups.append(fn)


def register_number_source(fn: NumberSource) -> None:
    """Ask ``fn()`` for a number for a new business that brings none; None where numbers are bought by hand."""
    if fn not in _sources:
        _sources.append(fn)


def free_number() -> str | None:
    """A number that no tenant has yet, in E.164, or None where no source offers one."""
    for source in _sources:
        if number := source():
            return number
    return None


def tenant_for_number(number: str) -> TenantInfo | None:
    """The tenant whose callers dial `number` (E.164); a suspended one too, the caller of this function decides."""

    def find() -> TenantInfo | None:
        try:
            return load_tenant(numbers__number=number).info
        except UnknownTenant:
            return None

    return in_public(find)


def add_number(number: str) -> str:
    """Give `number` to the current tenant and set the carrier up for it; returns it in E.164.

    Raises `Invalid` for what can't be a number, `Conflict` when another tenant has it, and what a set-up raises; then
    the tenant does not have it. Giving it twice is harmless.
    """
    tenant, wanted = require_tenant(), e164(number)

    def store() -> None:
        try:
            with transaction.atomic():
                row, _ = PhoneNumber.objects.get_or_create(number=wanted, defaults={"tenant_id": tenant.id})
        except IntegrityError:  # a race with another tenant
            row = PhoneNumber.objects.get(number=wanted)
        if row.tenant_id != tenant.id:
            raise Conflict("this number belongs to another business", field="number")

    with transaction.atomic():
        in_public(store)
        for setup in _setups:
            setup(wanted)
    return wanted
