"""What Home shows: what needs somebody, what is going on, and two plots. Runs inside the tenant."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count
from django.db.models.functions import TruncDate
from django.utils import timezone

from calls import inbox, journal, story
from calls.models import Call, CallEvent, DecisionKind, Outcome
from calls.selectors import CallRow, live_rows, midnight, rows_of
from knowledge import faq

DAYS = 14
#: Entries of "needs you", calls of today, questions, and how many tool uses are opened to find those.
_MOST = 6
_QUESTION_DAYS = 7
_OPENED = 300


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call on the line, and the last thing that was said on it."""

    row: CallRow
    role: str
    words: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question the receptionist had no answer to."""

    text: str
    call_id: UUID
    event_id: int
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the plot; heights and positions in percent of the plot."""

    day: dt.date
    answered: int
    voicemail: int
    other: int
    parts: list[tuple[str, str, str]]
    """Class, y and height of each part, from the ground upwards."""

    @property
    def total(self) -> int:
        """All calls of the day."""
        return self.answered + self.voicemail + self.other


@dataclass(frozen=True, slots=True)
class Share:
    """One part of the whole, for the plot of outcomes."""

    label: str
    kind: str
    count: int
    percent: int
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Home:
    """The page's content."""

    any_calls: bool
    new_items: list[inbox.Item]
    new_count: int
    questions: list[Question]
    live: list[LiveCall]
    today: list[CallRow]
    today_count: int
    bars: list[Bar]
    shares: list[Share]
    answered_percent: int | None
    calls_shown: int
    average_seconds: float | None

    @property
    def waiting(self) -> int:
        """How much needs somebody."""
        return self.new_count + len(self.questions)

    @property
    def answered_shown(self) -> str:
        """The share of calls that were answered, to read."""
        return "–" if self.answered_percent is None else f"{self.answered_percent} %"

    @property
    def answered_note(self) -> str:
        """What the share is of."""
        return f"of {self.calls_shown} call{'' if self.calls_shown == 1 else 's'}"


def home() -> Home:
    """Everything at once."""
    bars = _bars()
    answered, voicemail, other = (
        sum(getattr(bar, name) for bar in bars) for name in ("answered", "voicemail", "other")
    )
    since = midnight(timezone.localdate())
    today = Call.objects.filter(started_at__gte=since)
    page = inbox.items(state="new")
    shown = answered + voicemail + other
    return Home(
        any_calls=bool(shown) or Call.objects.exists(),
        new_items=list(page.object_list)[:_MOST],
        new_count=page.paginator.count,
        questions=_questions(),
        live=live_calls(),
        today=rows_of(today[: _MOST + 2]),
        today_count=today.count(),
        bars=bars,
        shares=_shares({"answered": answered, "voicemail": voicemail, "other": other}),
        calls_shown=shown,
        answered_percent=round(100 * answered / shown) if shown else None,
        average_seconds=_average(bars[0].day),
    )


def live_calls() -> list[LiveCall]:
    """The calls on the line, with the last words of each: one query for all journals."""
    rows = live_rows()
    spoken: dict[Any, list[CallEvent]] = {row.call.pk: [] for row in rows}
    for event in CallEvent.objects.filter(call__in=spoken, kind__in=("turn", "greeting")).order_by("offset_ms", "id"):
        spoken[event.call_id].append(event)
    live = []
    for row in rows:
        turns = journal.turns_of(spoken[row.call.pk])
        live.append(LiveCall(row, turns[-1].role if turns else "", turns[-1].text if turns else ""))
    return live


def _questions() -> list[Question]:
    """Questions of the last days that were declined, newest first, each once.

    Whoever dismissed one has no more of the same words for as long, and one that was written down with its answer is
    settled. Questions are sealed, so words are compared here and not by the database.
    """
    since = timezone.now() - timedelta(days=_QUESTION_DAYS)
    uses = CallEvent.objects.filter(kind="tool", call__started_at__gte=since).select_related("call")
    dismissed = CallEvent.objects.filter(dismissal__dismissed_at__gte=since)
    settled = {_words(story.unanswered(event)) for event in dismissed} | {_words(pair.question) for pair in faq.pairs()}
    found: dict[str, Question] = {}
    for event in uses.order_by("-pk")[:_OPENED]:
        text = story.unanswered(event)
        if text and _words(text) not in settled:
            at = event.call.started_at + timedelta(milliseconds=event.offset_ms)
            found.setdefault(_words(text), Question(text, event.call_id, event.pk, at))
    return list(found.values())[:_MOST]


def _words(question: str) -> str:
    """What makes two questions the same."""
    return " ".join(question.casefold().split()).rstrip(" ?.!")


def _average(since: dt.date) -> float | None:
    """Mean length in seconds of the conversations since that day; None without any."""
    talked = Call.objects.filter(started_at__gte=midnight(since), decision=DecisionKind.ANSWER, seconds__gt=0)
    average: float | None = talked.aggregate(mean=Avg("seconds"))["mean"]
    return average


_GROUPS = {
    Outcome.ANSWERED: "answered",
    Outcome.MESSAGE_TAKEN: "answered",
    Outcome.VOICEMAIL: "voicemail",
}


def _bars() -> list[Bar]:
    """The last days, today included. A call on the line counts for whoever took it."""
    today = timezone.localdate()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    counts: dict[dt.date, dict[str, int]] = {day: {"answered": 0, "voicemail": 0, "other": 0} for day in days}
    rows = (
        Call.objects.filter(started_at__gte=midnight(days[0]))
        .order_by()
        .annotate(day=TruncDate("started_at"))
        .values_list("day", "outcome", "decision")
        .annotate(calls=Count("pk"))
    )
    for day, outcome, decision, calls in rows:
        if day in counts:
            taken = not outcome and decision == DecisionKind.ANSWER
            counts[day]["answered" if taken else _GROUPS.get(outcome, "other")] += calls
    highest = max(1, *(sum(each.values()) for each in counts.values()))
    return [Bar(day, **each, parts=_parts(each, highest)) for day, each in counts.items()]


def _parts(counts: dict[str, int], highest: int) -> list[tuple[str, str, str]]:
    parts, top = [], 100.0
    for kind, calls in counts.items():
        height = round(100 * calls / highest, 2)
        if calls:
            top = round(top - height, 2)
            parts.append((kind, f"{max(0.0, top):g}", f"{height:g}"))
    return parts


def _shares(counts: dict[str, int]) -> list[Share]:
    labels = {"answered": "Answered", "voicemail": "Voicemail", "other": "Neither"}
    total, x, shares = sum(counts.values()), 0.0, []
    for kind, calls in counts.items():
        width = round(100 * calls / total, 2) if total else 0.0
        shares.append(Share(labels[kind], kind, calls, round(width), f"{x:g}", f"{width:g}"))
        x = round(x + width, 2)
    return shares
