"""The document that describes a business (docs/seams.md), checked; and the professions' templates of the same shape."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from common.errors import Invalid
from common.names import Name
from receptionist.hours import DAY_MINUTES, Interval, SpecialDay, overlap, stretch

PROFESSIONS = Path(__file__).parent / "professions"
DEFAULT_PROFESSION = "generic"
#: Names of voices, as providers write them; they are part of addresses.
VOICE = r"^[A-Za-z0-9_.:-]*$"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_INTERVAL = re.compile(r"^\s*(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\s*$")


def parse_interval(text: str) -> Interval:
    """``"09:00-17:00"`` as minutes; as `stretch` takes them. Raises ValueError."""
    match = _INTERVAL.match(text)
    if match is None:
        raise ValueError("hours are written like 09:00-17:00")
    first, first_minute, last, last_minute = (int(part) for part in match.groups())
    start, end = first * 60 + first_minute, last * 60 + last_minute
    if first_minute > 59 or last_minute > 59 or start >= DAY_MINUTES or end > DAY_MINUTES:
        raise ValueError("there is no such time of day")
    return stretch(start, end)


def _intervals(value: Any) -> Any:
    if value is None or value is False:
        return []
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple):
        raise ValueError("hours are a list like [09:00-17:00]")
    return [parse_interval(item) if isinstance(item, str) else item for item in values]


def _apart(value: list[Interval]) -> list[Interval]:
    if overlap(value):
        raise ValueError("two of these times overlap")
    return sorted(value)


Intervals = Annotated[list[Interval], BeforeValidator(_intervals), Field(max_length=12), AfterValidator(_apart)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class ServiceIn(_Part):
    """A service; `price` in the currency's main unit."""

    name: Name = Field(min_length=1, max_length=120)
    price: float | None = Field(default=None, ge=0, le=1_000_000)
    minutes: int | None = Field(default=None, ge=1, le=10_000)

    @property
    def cents(self) -> int | None:
        """The price in cents."""
        return None if self.price is None else round(self.price * 100)


class FaqIn(_Part):
    """A question and its answer."""

    q: str = Field(min_length=1, max_length=500)
    a: str = Field(min_length=1, max_length=4000)


class DocumentIn(_Part):
    """A text the receptionist may answer from."""

    title: Name = Field(min_length=1, max_length=110)
    text: str = Field(min_length=1, max_length=500_000)
    kind: str = Field(default="markdown", pattern="^(text|markdown)$")


class HolidayIn(_Part):
    """``date`` is ``MM-DD`` (every year) or ``YYYY-MM-DD``; ``open`` the hours of that day, none when closed."""

    date: str
    name: Name = Field(default="", max_length=80)
    open: Intervals = []

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"date": value} if isinstance(value, str | date) else value

    @field_validator("date", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value

    @field_validator("date")
    @classmethod
    def _exists(cls, value: str) -> str:
        match = re.fullmatch(r"(?:(\d{4})-)?(\d{2})-(\d{2})", value)
        if match is None:
            raise ValueError("a day is written like 12-25 or 2026-12-25")
        date(int(match[1] or 2024), int(match[2]), int(match[3]))  # 2024 had a 29 February
        return value

    def special_day(self) -> SpecialDay:
        """As the schedule knows it."""
        *year, month, day = (int(part) for part in self.date.split("-"))
        return SpecialDay(month, day, year[0] if year else None, self.name, tuple(self.open))


class HoursIn(_Part):
    """Open hours of each weekday; a day that is not named is closed."""

    mon: Intervals = []
    tue: Intervals = []
    wed: Intervals = []
    thu: Intervals = []
    fri: Intervals = []
    sat: Intervals = []
    sun: Intervals = []

    def weekly(self) -> dict[int, list[Interval]]:
        """By weekday, 0 = Monday."""
        return {number: getattr(self, day) for number, day in enumerate(DAYS)}


def professions() -> list[str]:
    """Keys of all templates."""
    return sorted(path.stem for path in PROFESSIONS.glob("*.yaml"))


def _known(profession: str) -> str:
    if profession not in professions():
        raise ValueError(f"there is no profession {profession[:60]!r}; there are {', '.join(professions())}")
    return profession


Profession = Annotated[str, AfterValidator(_known)]
MAX_LINE_CHARS = 300
#: A sentence that is spoken as it is.
Line = Annotated[str, Field(min_length=1, max_length=MAX_LINE_CHARS)]
MAX_IDLE_PROMPTS = 3


class BusinessProfile(_Part):
    """A business. A section that is None was not given: what the business has stays.

    `timezone` and `locale` are columns of the tenant's own row: provisioning takes them.
    """

    name: Name = Field(min_length=1, max_length=120)
    profession: Profession = DEFAULT_PROFESSION
    timezone: str | None = None
    locale: str | None = Field(default=None, pattern=r"^[a-z]{2}(-[A-Z]{2})?$")
    greeting: str | None = Field(default=None, max_length=600)
    goodbye: Line | None = None
    idle_prompts: list[Line] | None = Field(default=None, min_length=1, max_length=MAX_IDLE_PROMPTS)
    voice: str | None = Field(default=None, max_length=60, pattern=VOICE)
    guidance: list[str] | None = Field(default=None, max_length=20)
    hours: HoursIn | None = None
    holidays: list[HolidayIn] | None = Field(default=None, max_length=200)
    services: list[ServiceIn] | None = Field(default=None, max_length=500)
    faq: list[FaqIn] | None = Field(default=None, max_length=1000)
    documents: list[DocumentIn] | None = Field(default=None, max_length=200)


SECTIONS = ("greeting", "guidance", "hours", "holidays", "services", "faq", "documents")


Part = TypeVar("Part", bound=BaseModel)


def checked(kind: type[Part], data: dict[str, Any]) -> Part:
    """`data` as a `kind`. Raises `Invalid` that names the first wrong place; a key that is not known is one."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        unknown = first["type"] == "extra_forbidden"
        why = "there is no such key (docs/receptionist.md names them)" if unknown else first["msg"]
        raise Invalid(f"{where}: {why.removeprefix('Value error, ')}", field=where) from None


def parse_profile(data: dict[str, Any]) -> BusinessProfile:
    """The description of a business, checked. Raises `Invalid` that names the first wrong place."""
    return checked(BusinessProfile, data)


@cache
def template(profession: str) -> BusinessProfile:
    """The template of a profession, every section filled; the generic one for an unknown key."""
    path = PROFESSIONS / f"{profession if profession in professions() else DEFAULT_PROFESSION}.yaml"
    found = parse_profile({"name": "{name}", **yaml.safe_load(path.read_text())})
    empty: dict[str, Any] = {
        section: HoursIn() if section == "hours" else [] for section in SECTIONS if getattr(found, section) is None
    }
    return found.model_copy(update=empty)
