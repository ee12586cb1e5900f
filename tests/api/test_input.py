"""Hostile input ends in a clear message, and nothing is lost or changed."""

from __future__ import annotations

import base64
from typing import Any
from uuid import uuid4

import pytest

from calls.models import Call, Message
from common.clock import now
from knowledge.models import Document
from receptionist.models import OpenInterval, Persona, Service
from tests.api.program import Filled, Program
from tests.api.test_door import refused

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert(1)</script>"


def counted() -> list[Any]:
    """Everything that could have changed."""
    return [list(m.objects.order_by("pk").values()) for m in (Message, Document, Persona, OpenInterval, Service)]


BAD = [
    ("POST", "/messages", b"{", 400),
    ("POST", "/messages", b"\xff\xfe", 400),
    ("POST", "/messages", "", 422),
    ("POST", "/messages", b"[" * 100_000, 400),
    ("POST", "/messages", [], 422),
    ("POST", "/messages", {"call_id": 7, "body": "x"}, 422),
    ("POST", "/messages", {"call_id": str(uuid4()), "body": "x"}, 404),
    ("POST", "/messages", {"call_id": "CALL", "body": ""}, 422),
    ("POST", "/messages", {"call_id": "CALL", "body": "   "}, 422),
    ("POST", "/messages", {"call_id": "CALL", "body": "x" * 4001}, 422),
    ("POST", "/messages", {"call_id": "CALL", "body": {"a": 1}}, 422),
    ("POST", "/messages", {"call_id": "CALL", "body": "a\x00b"}, 422),
    ("POST", "/messages", b'{"call_id": "CALL", "body": "\\ud800"}', 422),
    ("POST", "/messages", {"call_id": "CALL", "body": "x", "urgency": "now"}, 422),
    ("POST", "/messages", {"call_id": "CALL", "body": "x", "surprise": 1}, 422),
    ("PATCH", "/messages/MESSAGE", {"done": "perhaps"}, 422),
    ("PATCH", "/messages/MESSAGE", {}, 422),
    ("PATCH", "/messages/00000000-0000-4000-8000-000000000000", {"done": True}, 404),
    ("GET", "/messages/1", None, 422),
    ("GET", "/calls/x' OR 1=1--", None, 422),
    ("GET", "/calls?limit=0", None, 422),
    ("GET", "/calls?limit=201", None, 422),
    ("GET", "/calls?outcome=lost", None, 422),
    ("GET", "/calls?started_after=yesterday", None, 422),
    ("GET", "/calls?started_after=2026-01-01T00:00:00", None, 422),
    ("GET", "/calls?started_after=0256-07-12T07:49:06%2B17:18", None, 422),
    ("GET", "/calls?caller=%00", None, 422),
    ("GET", "/calls?cursor=nonsense", None, 422),
    ("GET", "/recordings/00000000-0000-0000-0000-000000000000/audio", None, 404),
    ("POST", "/knowledge/documents", {"title": "x", "text": "y", "kind": "prices"}, 422),
    ("POST", "/knowledge/documents", {"title": "t" * 201, "text": "y"}, 422),
    ("POST", "/knowledge/documents", {"title": " ", "text": "y"}, 422),
    ("POST", "/knowledge/documents", {"title": "x", "text": "y" * 2_000_001}, 422),
    ("POST", "/knowledge/documents", {"title": "x", "text": "y", "language": "klingon"}, 422),
    ("POST", "/knowledge/documents", {"title": "two\nlines", "text": "y"}, 422),
    ("POST", "/messages", {"call_id": "CALL", "body": "x", "name": "turned \u202e round"}, 422),
    ("PUT", "/receptionist/holidays", {"items": [{"date": "12-25", "name": "a\tb"}]}, 422),
    ("PUT", "/receptionist/services", {"items": [{"name": "turned \u2066 round"}]}, 422),
    ("PUT", "/knowledge/documents/99999999", {"title": "x", "text": "y"}, 404),
    ("DELETE", "/knowledge/documents/9223372036854775808", None, 422),
    ("PUT", "/knowledge/faq", {"items": [{"q": "", "a": "x"}]}, 422),
    ("PUT", "/knowledge/faq", {"items": [{"q": "x", "a": "y"}] * 1001}, 422),
    ("POST", "/knowledge/ask", {"question": "x" * 501}, 422),
    ("PATCH", "/receptionist", {"greeting": ""}, 422),
    ("PATCH", "/receptionist", {"greeting": "x" * 601}, 422),
    ("PATCH", "/receptionist", {"guidance": ["x"] * 21}, 422),
    ("PATCH", "/receptionist", {"voice": "../marin"}, 422),
    ("PUT", "/receptionist/hours", {"mon": ["9-17"]}, 422),
    ("PUT", "/receptionist/hours", {"mon": ["25:00-26:00"]}, 422),
    ("PUT", "/receptionist/hours", {"mon": ["09:00-09:00"]}, 422),
    ("PUT", "/receptionist/hours", {"monday": []}, 422),
    ("PUT", "/receptionist/hours", {"mon": ["09:00-10:00"] * 13}, 422),
    ("PUT", "/receptionist/holidays", {"items": [{"date": "02-30"}]}, 422),
    ("PUT", "/receptionist/holidays", {"items": [{"date": "12-25"}, {"date": "12-25"}]}, 422),
    ("PUT", "/receptionist/services", {"items": [{"name": "x", "price": -1}]}, 422),
    ("PUT", "/receptionist/services", {"items": [{"name": "x"}, {"name": "x"}]}, 422),
    ("PUT", "/receptionist/services", b'{"items": [{"name": "x", "price": NaN}]}', 422),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), BAD)
def test_what_can_not_be_used_changes_nothing(
    api: Program, filled: Filled, method: str, path: str, body: Any, status: int
) -> None:
    before = counted()
    path = path.replace("MESSAGE", str(filled.message.pk))
    if isinstance(body, dict) and body.get("call_id") == "CALL":
        body["call_id"] = str(filled.call.pk)
    codes = {400: "bad_request", 404: "not_found", 422: "invalid"}
    data = refused(api(method, path, body), status, codes[status])
    if status == 422 and "cursor" not in path:
        assert data["errors"][0]["message"]
    assert counted() == before


def test_a_message_says_which_part_is_wrong_without_repeating_it(api: Program, filled: Filled) -> None:
    items = [{"name": "Cleaning"}, {"name": SCRIPT, "price": -1}]
    answer = api("PUT", "/receptionist/services", {"items": items})
    assert refused(answer, 422, "invalid")["errors"][0]["field"] == "items.1.price"
    assert SCRIPT not in answer.content.decode()


@pytest.mark.parametrize("path", ["/knowledge/documents", "/messages", "/nothing", "/me"])
def test_a_body_that_is_too_long_is_not_read(api: Program, filled: Filled, settings: Any, path: str) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000
    before = counted()
    answer = api("POST", path, b"x" * 10_001)
    assert refused(answer, 413, "too_large") == {"limit": 10_000}
    assert counted() == before


def test_script_text_is_kept_as_text(api: Program, filled: Filled) -> None:
    made = api("POST", "/messages", {"call_id": str(filled.call.pk), "name": SCRIPT, "body": SCRIPT})
    assert made.status_code == 201
    kept = api("GET", f"/messages/{made.json()['id']}")
    assert kept.json()["body"] == SCRIPT
    assert kept["Content-Type"].startswith("application/json")
    assert kept["X-Content-Type-Options"] == "nosniff"


def test_pages_follow_one_another_though_new_calls_come_in(api: Program) -> None:
    same = now()
    for number in range(5):
        Call.objects.create(sid=f"CA{number}", started_at=same)
    wanted = [str(pk) for pk in Call.objects.order_by("-started_at", "-pk").values_list("pk", flat=True)]
    first = api("GET", "/calls?limit=2").json()
    Call.objects.create(sid="CAnew")
    second = api("GET", f"/calls?limit=2&cursor={first['next']}").json()
    third = api("GET", f"/calls?limit=2&cursor={second['next']}").json()
    assert [call["id"] for page in (first, second, third) for call in page["items"]] == wanted
    assert third["next"] is None


@pytest.mark.parametrize(
    "plain", ["", "|", "2026-01-01T00:00:00+00:00|", "2026-01-01|7", "0001-01-01T00:00:00+00:00|x"]
)
def test_a_cursor_that_was_made_up_is_refused(api: Program, plain: str) -> None:
    cursor = base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=") or "="
    refused(api("GET", f"/calls?cursor={cursor}"), 422, "invalid")


def test_the_last_page_is_full_without_a_next_one(api: Program) -> None:
    for number in range(3):
        Call.objects.create(sid=f"CA{number}")
    page = api("GET", "/calls?limit=3").json()
    assert (len(page["items"]), page["next"]) == (3, None)
