"""Writes of the receptionist room; inside the tenant, and each may be repeated."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import transaction

from knowledge import services as knowledge
from knowledge.models import Document
from receptionist import prompts, selectors
from receptionist.models import OpenInterval, Persona, Service, SpecialDay
from receptionist.profile import BusinessProfile, HolidayIn, HoursIn, ServiceIn, parse_profile, template
from receptionist.selectors import with_name
from tenants.context import require_tenant
from tenants.models import Tenant

T = TypeVar("T")

#: Keys of documents that came with the profile; others were added by people and are left alone.
_DOCUMENT_PREFIX = "profile:"


def provision(tenant: Tenant, profile: dict[str, Any]) -> None:
    """Provisioning step: see `apply_profile`."""
    described = {key: value for key, value in profile.items() if key != "later"}
    apply_profile(parse_profile({"name": tenant.name, **described}), greet=not profile.get("later"))


@transaction.atomic
def apply_profile(profile: BusinessProfile, *, greet: bool = True) -> None:
    """Make the business what `profile` says, all or nothing; applying the same again changes nothing.

    With `greet` the new greeting is rendered before this is told; else by the task that renders everything.

    A section that was not given is filled from the profession's template where the business has nothing yet.
    """
    base = template(profile.profession)
    _set_persona(profile, base)
    if (hours := _section(profile.hours, base.hours, OpenInterval.objects.exists())) is not None:
        set_hours(hours)
    if (holidays := _section(profile.holidays, base.holidays, SpecialDay.objects.exists())) is not None:
        set_holidays(holidays)
    if (services := _section(profile.services, base.services, Service.objects.exists())) is not None:
        set_services(services)
    known = Document.objects.filter(key="faq").exists()
    if (faq := _section(profile.faq, base.faq, known)) is not None:
        knowledge.add_faq(pairs=[(pair.q, pair.a) for pair in faq])
    if profile.documents is not None:
        kept = []
        for document in profile.documents:
            kept.append(f"{_DOCUMENT_PREFIX}{document.title}")
            knowledge.add_document(title=document.title, text=document.text, kind=document.kind, key=kept[-1])
        gone = Document.objects.filter(key__startswith=_DOCUMENT_PREFIX).exclude(key__in=kept)
        for key in gone.values_list("key", flat=True):
            knowledge.remove_document(key)
    if greet:
        prompts.greet_after_commit()
    prompts.render_after_commit()


def _section(given: T | None, default: T | None, present: bool) -> T | None:
    if given is not None:
        return given
    return None if present else default


def _set_persona(profile: BusinessProfile, base: BusinessProfile) -> None:
    persona = Persona.objects.select_for_update().filter(pk=Persona.ONLY).first()
    new = persona is None
    persona = persona or Persona(pk=Persona.ONLY)
    if profile.greeting or new:
        persona.greeting = with_name(profile.greeting or base.greeting or "", profile.name)
    if profile.goodbye is not None:
        persona.goodbye = with_name(profile.goodbye, profile.name)
    if profile.idle_prompts is not None:
        persona.idle_prompts = profile.idle_prompts
    if profile.voice is not None:
        persona.voice = profile.voice
    if profile.guidance is not None or new:
        persona.guidance = profile.guidance if profile.guidance is not None else base.guidance or []
    persona.save()


@transaction.atomic
def change_persona(
    *,
    greeting: str | None = None,
    goodbye: str | None = None,
    idle_prompts: list[str] | None = None,
    voice: str | None = None,
    guidance: list[str] | None = None,
) -> Persona:
    """Change what is given and leave the rest; what is spoken first is rendered again."""
    tenant = require_tenant()
    persona = Persona.objects.select_for_update().filter(pk=Persona.ONLY).first() or selectors.persona(tenant)
    if greeting is not None:
        persona.greeting = with_name(greeting, tenant.name)
    if goodbye is not None:
        persona.goodbye = with_name(goodbye, tenant.name)
    if idle_prompts is not None:
        persona.idle_prompts = idle_prompts
    if voice is not None:
        persona.voice = voice
    if guidance is not None:
        persona.guidance = guidance
    persona.save()
    prompts.render_after_commit()
    return persona


@transaction.atomic
def set_hours(hours: HoursIn) -> None:
    """Replace the weekly hours."""
    OpenInterval.objects.all().delete()
    OpenInterval.objects.bulk_create(
        OpenInterval(weekday=weekday, opens=opens, closes=closes)
        for weekday, intervals in hours.weekly().items()
        for opens, closes in intervals
    )


@transaction.atomic
def set_holidays(holidays: list[HolidayIn]) -> None:
    """Replace the special days; of two on the same date the last counts."""
    SpecialDay.objects.all().delete()
    days = {(day.year, day.month, day.day): day for day in (holiday.special_day() for holiday in holidays)}
    SpecialDay.objects.bulk_create(
        SpecialDay(year=day.year, month=day.month, day=day.day, name=day.name, intervals=list(day.intervals))
        for day in days.values()
    )


@transaction.atomic
def set_holiday(holiday: HolidayIn) -> None:
    """Add one special day; one of the same date is replaced."""
    day = holiday.special_day()
    SpecialDay.objects.update_or_create(
        year=day.year, month=day.month, day=day.day, defaults={"name": day.name, "intervals": list(day.intervals)}
    )


@transaction.atomic
def set_services(services: list[ServiceIn]) -> None:
    """Replace the services, and the price list the receptionist answers from."""
    rows = {service.name: service for service in services}
    Service.objects.exclude(name__in=rows).delete()
    for position, service in enumerate(rows.values()):
        Service.objects.update_or_create(
            name=service.name,
            defaults={"price_cents": service.cents, "minutes": service.minutes, "position": position},
        )
    renew_prices()


def renew_prices() -> None:
    """Write the price list anew from the services, in the currency of the business."""
    rows = [knowledge.Service(row.name, row.price_cents, row.minutes) for row in Service.objects.all()]
    if rows:
        knowledge.add_prices(services=rows)
    else:
        knowledge.remove_document("prices")
