"""Reads of the receptionist room; inside the tenant."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from receptionist import hours
from receptionist.models import OpenInterval, Persona, SpecialDay
from receptionist.profile import DEFAULT_PROFESSION, template
from tenants.context import TenantInfo


def schedule(tenant: TenantInfo) -> hours.Schedule:
    """When the business is open."""
    weekly: dict[int, list[hours.Interval]] = {}
    for row in OpenInterval.objects.all():
        weekly.setdefault(row.weekday, []).append((row.opens, row.closes))
    special = [
        hours.SpecialDay(row.month, row.day, row.year, row.name, tuple((a, b) for a, b in row.intervals))
        for row in SpecialDay.objects.all()
    ]
    return hours.Schedule(ZoneInfo(tenant.timezone), weekly, special)


def persona(tenant: TenantInfo) -> Persona:
    """The receptionist; the generic one where none was set up."""
    found = Persona.objects.filter(pk=Persona.ONLY).first()
    return found or Persona(greeting=with_name(template(DEFAULT_PROFESSION).greeting or "", tenant.name))


def with_name(text: str, name: str) -> str:
    """`text` with the business's name in its place."""
    return " ".join(text.replace("{name}", name).split())
