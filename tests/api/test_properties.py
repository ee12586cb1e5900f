"""Whatever there is and whatever is asked: pages lose nothing, and texts come back as they were sent."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import bidirectional, category
from urllib.parse import urlencode

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calls.models import Call
from knowledge.models import Document
from tests.api.program import Program

pytestmark = pytest.mark.django_db
START = datetime(2026, 5, 1, tzinfo=UTC)
PLENTY = settings(
    max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)

#: Few values, so that many calls begin at the same moment and many filters match.
CALLS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["answered", "failed"]), st.sampled_from(["inbound", "outbound"])),
    max_size=7,
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "outcome": st.sampled_from(["answered", "failed"]),
        "direction": st.sampled_from(["inbound", "outbound"]),
        "after": st.integers(-1, 3),
        "before": st.integers(-1, 3),
    },
)


@pytest.fixture
def unlimited(api: Program, settings: Any) -> Program:
    settings.API_RATE_PER_MINUTE = 10**9
    return api


@PLENTY
@given(calls=CALLS, filters=FILTERS, limit=st.integers(1, 4), late=st.booleans())
def test_pages_together_are_the_list(unlimited: Program, calls: Any, filters: Any, limit: int, late: bool) -> None:
    """Each call that is asked for once, newest first, though another one comes in after the first page."""

    def at(minute: int) -> datetime:
        return START + timedelta(minutes=minute)

    query = {name: value for name, value in filters.items() if name in ("outcome", "direction")}
    query |= {f"started_{name}": at(filters[name]).isoformat() for name in ("after", "before") if name in filters}
    with transaction.atomic():
        rows = [
            Call.objects.create(sid=f"CA{n}", started_at=at(minute), outcome=outcome, direction=direction)
            for n, (minute, outcome, direction) in enumerate(calls)
        ]
        wanted = [
            row
            for row in sorted(rows, key=lambda row: (row.started_at, row.pk), reverse=True)
            if filters.get("outcome", row.outcome) == row.outcome
            and filters.get("direction", row.direction) == row.direction
            and ("after" not in filters or row.started_at > at(filters["after"]))
            and ("before" not in filters or row.started_at < at(filters["before"]))
        ]
        found, cursor = [], ""
        while cursor is not None:
            page = unlimited("GET", f"/calls?{urlencode({**query, 'limit': limit, 'cursor': cursor})}").json()
            assert len(page["items"]) <= limit
            found += [call["id"] for call in page["items"]]
            cursor = page["next"]
            if late:
                late = False
                Call.objects.create(sid="CAlate", started_at=at(60 * 24), outcome="answered")
                if cursor is None:
                    break
        assert found == [str(row.pk) for row in wanted]
        transaction.set_rollback(True)


def _trimmed(text: str) -> str:
    """Without white space around it; Python's `strip` alone takes the separators U+001C to U+001F for some."""
    return re.sub(r"\A[^\S\x1c-\x1f]+|[^\S\x1c-\x1f]+\Z", "", text)


def _one_line(name: str) -> bool:
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return not any(category(c) in {"Cc", "Zl", "Zp"} or bidirectional(c) in turning for c in name)


@PLENTY
@given(title=st.text(max_size=210), text=st.text(max_size=400), kind=st.sampled_from(["text", "markdown"]))
def test_a_document_comes_back_as_it_was_sent_or_is_refused(
    unlimited: Program, title: str, text: str, kind: str
) -> None:
    usable = all(len(part.strip()) > 0 and "\0" not in part for part in (title, text))
    usable = usable and len(_trimmed(title)) <= 200 and _one_line(_trimmed(title))
    with transaction.atomic():
        answer = unlimited("POST", "/knowledge/documents", {"title": title, "text": text, "kind": kind})
        if usable:
            assert answer.status_code == 201, answer.content
            kept = unlimited("GET", f"/knowledge/documents/{answer.json()['id']}").json()
            assert (kept["title"], kept["text"]) == (_trimmed(title), _trimmed(text))
        else:
            assert answer.status_code == 422
            assert answer.json()["message"]
            assert not Document.objects.exists()
        transaction.set_rollback(True)
