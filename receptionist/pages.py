"""What the receptionist pages show; reads only, inside the tenant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from common.audio import RATE, peaks, ulaw_decode
from common.clock import now
from receptionist import hours, prompts
from receptionist.models import Persona, Service, SpecialDay, SpokenPrompt

_BARS = 120


@dataclass(frozen=True, slots=True)
class Rendering:
    """The greeting as audio: its address, length and outline; `ready` is False while it is being rendered."""

    digest: str
    ready: bool
    seconds: float = 0.0
    peaks: str = ""


def greeting(persona: Persona) -> Rendering:
    """How far the greeting's audio is."""
    digest = prompts.digest(persona.greeting, persona.voice)
    ulaw = rendered_audio(digest)
    if ulaw is None:
        return Rendering(digest, ready=False)
    shape = json.dumps({"caller": [], "receptionist": peaks(ulaw_decode(ulaw), _BARS)})
    return Rendering(digest, ready=True, seconds=len(ulaw) / RATE, peaks=shape)


def rendered_audio(digest: str) -> bytes | None:
    """The sentence of that name as mu-law; None where it is not rendered."""
    ulaw = SpokenPrompt.objects.filter(digest=digest).values_list("ulaw", flat=True).first()
    return None if ulaw is None else bytes(ulaw)


@dataclass(frozen=True, slots=True)
class SpecialRow:
    """A special day of the list: when it comes next, and its hours in words."""

    pk: int
    name: str
    on: date | None
    yearly: bool
    text: str


def special_days(schedule: hours.Schedule) -> list[SpecialRow]:
    """Special days, the next one first, those that have passed at the end."""
    today = schedule.local_date(now())
    rows = []
    for row in SpecialDay.objects.all():
        intervals = tuple((int(a), int(b)) for a, b in row.intervals)
        day = hours.SpecialDay(row.month, row.day, row.year, row.name, intervals)
        text = hours.spoken_intervals(intervals).capitalize() if not intervals else hours.spoken_intervals(intervals)
        passed = date(row.year, row.month, row.day) if row.year else None
        rows.append(SpecialRow(row.pk, row.name, day.next_date(today) or passed, row.year is None, text))
    return sorted(rows, key=lambda row: (row.on is not None and row.on < today, row.on or date.max))


def service_rows() -> list[dict[str, Any]]:
    """Services as the form takes them."""
    return [
        {
            "name": row.name,
            "price": None if row.price_cents is None else f"{row.price_cents / 100:.2f}",
            "minutes": row.minutes,
        }
        for row in Service.objects.all()
    ]
