"""The API's types of the receptionist room."""

from __future__ import annotations

from typing import Annotated

from ninja import Schema
from pydantic import AfterValidator, Field, ValidationError, model_validator

from common.names import Name
from common.rest import Input, Text
from receptionist.hours import DAY_MINUTES
from receptionist.hours import Interval as Minutes
from receptionist.models import Persona, Service
from receptionist.profile import (
    DAYS,
    MAX_IDLE_PROMPTS,
    MAX_LINE_CHARS,
    VOICE,
    HolidayIn,
    HoursIn,
    ServiceIn,
    checked,
    parse_interval,
)


def _interval(value: str) -> str:
    parse_interval(value)
    return value


def _day(value: str) -> str:
    try:
        HolidayIn(date=value)
    except ValidationError:
        raise ValueError("a day is written like 12-25 or 2026-12-25, and exists") from None
    return value


Interval = Annotated[
    str,
    AfterValidator(_interval),
    Field(pattern="^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$", examples=["09:00-17:00"]),
]
Day = Annotated[
    str, AfterValidator(_day), Field(pattern="^([0-9]{4}-)?[0-1][0-9]-[0-3][0-9]$", examples=["12-25", "2026-12-24"])
]
Intervals = Annotated[list[Interval], Field(max_length=12)]


def written(interval: Minutes) -> str:
    """``(540, 1020)`` as "09:00-17:00"; an end on the next day as the time of that day."""
    opens, closes = interval
    closes = closes - DAY_MINUTES if closes > DAY_MINUTES else closes
    return f"{opens // 60:02d}:{opens % 60:02d}-{closes // 60:02d}:{closes % 60:02d}"


class PersonaOut(Schema):
    """The receptionist of this business."""

    greeting: str = Field(description="The first words a caller hears")
    goodbye: str = Field(description="The last words a caller hears")
    idle_prompts: list[str] = Field(
        description="What a caller who has fallen silent is asked, one after the other; then comes the goodbye"
    )
    voice: str = Field(description="Empty for the platform's voice")
    guidance: list[str] = Field(description="Sentences the receptionist keeps to")

    @classmethod
    def of(cls, persona: Persona) -> PersonaOut:
        """From the row."""
        return cls(
            greeting=persona.greeting,
            goodbye=persona.goodbye,
            idle_prompts=list(persona.idle_prompts),
            voice=persona.voice,
            guidance=list(persona.guidance or []),
        )


class PersonaChange(Input):
    """What is given is changed, the rest stays. `{name}` in greeting and goodbye stands for the business."""

    greeting: Text | None = Field(default=None, min_length=1, max_length=600)
    goodbye: Text | None = Field(default=None, min_length=1, max_length=MAX_LINE_CHARS)
    idle_prompts: list[Annotated[Text, Field(min_length=1, max_length=MAX_LINE_CHARS)]] | None = Field(
        default=None, min_length=1, max_length=MAX_IDLE_PROMPTS
    )
    voice: Text | None = Field(default=None, max_length=60, pattern=VOICE)
    guidance: list[Annotated[Text, Field(min_length=1, max_length=500)]] | None = Field(default=None, max_length=20)


class Week(Input):
    """Open hours of each weekday; a day without any is closed."""

    mon: Intervals = []
    tue: Intervals = []
    wed: Intervals = []
    thu: Intervals = []
    fri: Intervals = []
    sat: Intervals = []
    sun: Intervals = []

    def parsed(self) -> HoursIn:
        """As the services take them. Raises `Invalid` when two of a day overlap."""
        return checked(HoursIn, self.model_dump())

    @classmethod
    def of(cls, weekly: dict[int, list[Minutes]]) -> Week:
        """From intervals by weekday, 0 = Monday."""
        return cls(**{day: [written(one) for one in weekly.get(number, [])] for number, day in enumerate(DAYS)})


class HoursOut(Schema):
    """When the business is open, in its own time zone."""

    timezone: str
    week: Week


class Holiday(Input):
    """A day with hours of its own; without any it is closed. `MM-DD` comes every year."""

    date: Day
    name: Name = Field(default="", max_length=80)
    open: Intervals = []

    def parsed(self) -> HolidayIn:
        """As the services take it. Raises `Invalid` when two times overlap."""
        return checked(HolidayIn, self.model_dump())


class Holidays(Input):
    """All special days."""

    items: list[Holiday] = Field(max_length=200)

    @model_validator(mode="after")
    def _once(self) -> Holidays:
        days = [holiday.date for holiday in self.items]
        if len(set(days)) < len(days):
            raise ValueError("a day is named twice")
        return self


class Offer(Input):
    """Something the business does. `price` is in the currency's main unit; null where nobody says."""

    name: Name = Field(min_length=1, max_length=120, examples=["Cleaning"])
    price: float | None = Field(default=None, ge=0, le=1_000_000, examples=[95.5])
    minutes: int | None = Field(default=None, ge=1, le=10_000, examples=[45])

    def parsed(self) -> ServiceIn:
        """As the services take it."""
        return checked(ServiceIn, self.model_dump())

    @classmethod
    def of(cls, service: Service) -> Offer:
        """From the row."""
        price = None if service.price_cents is None else service.price_cents / 100
        return cls(name=service.name, price=price, minutes=service.minutes)


class Offers(Input):
    """All services, in order. The receptionist's price list follows them."""

    items: list[Offer] = Field(max_length=500)

    @model_validator(mode="after")
    def _once(self) -> Offers:
        names = [offer.name for offer in self.items]
        if len(set(names)) < len(names):
            raise ValueError("a service is named twice")
        return self
