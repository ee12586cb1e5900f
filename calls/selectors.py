"""Reads for pages: the list of calls, its filters and its export. Every function runs inside the tenant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date

from calls.models import Call, DecisionKind, Message, Outcome, Recording
from common.errors import NotFound

PAGE_SIZE = 50
#: An export holds no more calls than this, the first ones in the order of the list.
EXPORT_LIMIT = 20_000
LIVE = "live"
OUTCOMES = ((LIVE, "On the line"), *Outcome.choices)
#: Value, order and name of each way to sort; the first is meant where none is named.
SORTS = (
    ("newest", "-started_at", "Newest first"),
    ("oldest", "started_at", "Oldest first"),
    ("longest", "-seconds", "Longest first"),
    ("shortest", "seconds", "Shortest first"),
)
_ORDERS = {value: order for value, order, _ in SORTS}
#: What to do with calls that the business placed itself to try its receptionist.
TESTS = (("without", "Without tests"), ("only", "Only tests"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """What a list of calls is narrowed down to; whatever makes no sense in an address counts as not said."""

    text: str = ""
    outcome: str = ""
    since: date | None = None
    until: date | None = None
    tests: str = ""
    sort: str = "newest"

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> CallFilter:
        """From the fields of an address."""
        outcome, tests, sort = (query.get(name, "") for name in ("outcome", "tests", "sort"))
        return cls(
            text=query.get("q", "").replace("\x00", "").strip()[:80],
            outcome=outcome if outcome in dict(OUTCOMES) else "",
            since=_date(query.get("since", "")),
            until=_date(query.get("until", "")),
            tests=tests if tests in dict(TESTS) else "",
            sort=sort if sort in _ORDERS else "newest",
        )

    @property
    def narrows(self) -> bool:
        """Whether anything is left out."""
        return bool(self.text or self.outcome or self.since or self.until or self.tests)


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call in a list, with the name its caller gave, if any."""

    call: Call
    name: str


def _date(text: str) -> date | None:
    try:
        found = parse_date(text[:10])
    except ValueError:
        return None
    # The edges of the calendar have no neighbours to compare with.
    return found if found and 1970 <= found.year <= 9000 else None


def midnight(day: date) -> datetime:
    """When `day` begins in the tenant's zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def find_calls(filters: CallFilter) -> QuerySet[Call]:
    """The calls that fit, in the order asked for. What was said is sealed and not searched."""
    calls = Call.objects.order_by(_ORDERS[filters.sort], "-started_at", "pk")
    if filters.outcome == LIVE:
        calls = calls.filter(ended_at__isnull=True)
    elif filters.outcome:
        calls = calls.filter(outcome=filters.outcome)
    if filters.tests:
        calls = calls.filter(is_test=filters.tests == "only")
    if filters.since:
        calls = calls.filter(started_at__gte=midnight(filters.since))
    if filters.until:
        calls = calls.filter(started_at__lt=midnight(filters.until + timedelta(days=1)))
    return calls.filter(_mentions(filters.text)) if filters.text else calls


def _mentions(text: str) -> Q:
    digits = re.sub(r"\D", "", text, flags=re.ASCII)
    if len(digits) >= 3:
        return Q(caller__contains=digits)
    labels = {value for value, label in Outcome.choices if text.lower() in label.lower()}
    return Q(caller__icontains=text) | Q(outcome__in=labels)


def rows_of(calls: Iterable[Call]) -> list[CallRow]:
    """The calls with the names their callers gave in messages: one query for all."""
    calls = list(calls)
    names: dict[Any, str] = {}
    for message in Message.objects.filter(call__in=calls).only("call_id", "name").order_by("created_at"):
        names[message.call_id] = message.name
    return [CallRow(call, names.get(call.pk, "")) for call in calls]


def call_rows(filters: CallFilter, *, page: int = 1) -> Page[Any]:
    """One page of `CallRow`s."""
    found: Page[Any] = Paginator(find_calls(filters), PAGE_SIZE).get_page(page)
    found.object_list = rows_of(found.object_list)
    return found


def live_rows() -> list[CallRow]:
    """The calls on the line just now, newest first."""
    return rows_of(Call.objects.filter(ended_at__isnull=True).exclude(decision=DecisionKind.REJECT)[:PAGE_SIZE])


def kept_recording(recording_id: UUID) -> Recording:
    """A recording whose audio is here. Raises `NotFound`."""
    recording = Recording.objects.filter(pk=recording_id, state=Recording.State.KEPT).first()
    if recording is None:
        raise NotFound("there is no such recording")
    return recording
