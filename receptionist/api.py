"""The API of the receptionist room: greeting and voice, hours, special days, services."""

from __future__ import annotations

from ninja import Router

from receptionist import schemas, selectors, services
from receptionist.models import Service
from tenants.context import require_tenant
from tenants.rest import ApiRequest, key

router = Router(tags=["Receptionist"])


@router.get(
    "/receptionist", response=schemas.PersonaOut, auth=key("receptionist:read"), summary="Read greeting and voice"
)
def read_persona(request: ApiRequest) -> schemas.PersonaOut:
    """How the receptionist greets, sounds and behaves."""
    return schemas.PersonaOut.of(selectors.persona(require_tenant()))


@router.patch(
    "/receptionist", response=schemas.PersonaOut, auth=key("receptionist:write"), summary="Change greeting and voice"
)
def change_persona(request: ApiRequest, body: schemas.PersonaChange) -> schemas.PersonaOut:
    """What is given is changed, from the next call on."""
    persona = services.change_persona(**body.model_dump())
    return schemas.PersonaOut.of(persona)


@router.get("/receptionist/hours", response=schemas.HoursOut, auth=key("receptionist:read"), summary="Read the hours")
def read_hours(request: ApiRequest) -> schemas.HoursOut:
    """The regular week."""
    tenant = require_tenant()
    weekly = {day: list(intervals) for day, intervals in selectors.schedule(tenant).weekly.items()}
    return schemas.HoursOut(timezone=tenant.timezone, week=schemas.Week.of(weekly))


@router.put(
    "/receptionist/hours", response=schemas.HoursOut, auth=key("receptionist:write"), summary="Replace the hours"
)
def replace_hours(request: ApiRequest, body: schemas.Week) -> schemas.HoursOut:
    """Replace the regular week; a day that is left out is closed."""
    services.set_hours(body.parsed())
    return read_hours(request)


@router.get(
    "/receptionist/holidays", response=schemas.Holidays, auth=key("receptionist:read"), summary="Read special days"
)
def read_holidays(request: ApiRequest) -> schemas.Holidays:
    """Holidays, and days with hours of their own."""
    return schemas.Holidays(
        items=[
            schemas.Holiday(
                date=f"{day.year:04d}-{day.month:02d}-{day.day:02d}" if day.year else f"{day.month:02d}-{day.day:02d}",
                name=day.name,
                open=[schemas.written(interval) for interval in day.intervals],
            )
            for day in selectors.schedule(require_tenant()).special
        ]
    )


@router.put(
    "/receptionist/holidays", response=schemas.Holidays, auth=key("receptionist:write"), summary="Replace special days"
)
def replace_holidays(request: ApiRequest, body: schemas.Holidays) -> schemas.Holidays:
    """Replace all special days."""
    services.set_holidays([holiday.parsed() for holiday in body.items])
    return read_holidays(request)


@router.get("/receptionist/services", response=schemas.Offers, auth=key("receptionist:read"), summary="Read services")
def read_services(request: ApiRequest) -> schemas.Offers:
    """What the business does, for how much and how long."""
    return schemas.Offers(items=[schemas.Offer.of(row) for row in Service.objects.all()])


@router.put(
    "/receptionist/services", response=schemas.Offers, auth=key("receptionist:write"), summary="Replace services"
)
def replace_services(request: ApiRequest, body: schemas.Offers) -> schemas.Offers:
    """Replace all services, and the price list the receptionist answers from."""
    services.set_services([offer.parsed() for offer in body.items])
    return read_services(request)
