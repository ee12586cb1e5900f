"""What a program reads and changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from calls.models import Call, Recording, Voicemail
from calls.services import take_message
from common.clock import now
from knowledge.models import Document
from knowledge.services import add_document
from tests.api.program import SAID, Filled, Program
from tests.api.test_door import refused
from tests.cast import ALICE, BOB, CALLER

pytestmark = pytest.mark.django_db


def test_a_call_is_told_with_all_that_is_known_of_it(api: Program, filled: Filled) -> None:
    call = api("GET", f"/calls/{filled.call.pk}").json()
    assert call["credits"] == 13
    assert call["caller"] == CALLER
    assert [turn["text"] for turn in call["transcript"]] == ["Alpha Dental, good morning.", SAID]
    assert call["tools"] == [{"name": "business_hours", "arguments": {"day": "saturday"}, "ok": True, "at_ms": 5700}]
    assert call["citations"][0]["source"] == "FAQ: Saturday"
    assert [event["kind"] for event in call["timeline"]] == ["greeting", "turn", "tool", "citation"]
    assert call["recordings"][0]["id"] == str(filled.recording.pk)
    assert call["messages"] == [str(filled.message.pk)]


def test_calls_are_filtered(api: Program, filled: Filled) -> None:
    old = Call.objects.create(
        sid="CA2",
        started_at=now() - timedelta(days=2),
        ended_at=now(),
        direction="outbound",
        outcome="failed",
        is_test=True,
    )
    hour_ago = quote((now() - timedelta(hours=1)).isoformat())

    def found(query: str) -> set[str]:
        return {call["id"] for call in api("GET", f"/calls?{query}").json()["items"]}

    new, both = {str(filled.call.pk)}, {str(filled.call.pk), str(old.pk)}
    assert found("") == both
    assert found("outcome=failed") == {str(old.pk)}
    assert found("direction=outbound") == {str(old.pk)}
    assert found(f"caller={quote(CALLER)}") == new
    assert found("is_test=true") == {str(old.pk)}
    assert found("is_test=false") == new
    assert found("running=true") == new
    assert found("running=false") == {str(old.pk)}
    assert found(f"started_after={hour_ago}") == new
    assert found(f"started_before={hour_ago}") == {str(old.pk)}


@pytest.mark.parametrize("what", ["recordings", "voicemails"])
def test_sound_comes_whole_and_in_parts(api: Program, filled: Filled, what: str) -> None:
    row = filled.recording if what == "recordings" else filled.voicemail
    path = f"/{what}/{row.pk}/audio"
    whole = api("GET", path)
    assert (whole.status_code, whole["Content-Type"]) == (200, "audio/wav")
    assert whole.content.startswith(b"RIFF")
    assert len(whole.content) == filled.recording.size
    part = api("GET", path, range="bytes=0-3")
    assert (part.status_code, part.content, part["Content-Range"]) == (
        206,
        b"RIFF",
        f"bytes 0-3/{filled.recording.size}",
    )
    refused(api("GET", path, range="bytes=5000-"), 416, "no_such_range")


def test_sound_that_is_gone_is_said_to_be_gone(api: Program, filled: Filled) -> None:
    from calls.recordings import remove_recording
    from tenants.context import in_tenant, require_tenant

    in_tenant(require_tenant().schema, remove_recording, filled.recording)
    refused(api("GET", f"/recordings/{filled.recording.pk}/audio"), 410, "gone")


def test_a_message_is_marked_done_and_open_again(api: Program, filled: Filled) -> None:
    path = f"/messages/{filled.message.pk}"
    done = api("PATCH", path, {"done": True}).json()
    assert done["done_at"]
    assert api("GET", "/messages?done=false").json()["items"] == []
    assert api("GET", "/messages?done=true").json()["items"] == [done]
    assert api("PATCH", path, {"done": False}).json()["done_at"] is None


def test_a_voicemail_is_read_and_marked_as_heard(api: Program, filled: Filled) -> None:
    path = f"/voicemails/{filled.voicemail.pk}"
    assert api("GET", path).json()["transcript"] == SAID
    assert api("GET", "/voicemails?heard=true").json()["items"] == []
    assert api("PATCH", path, {"heard": True}).json()["heard_at"]
    assert len(api("GET", "/voicemails?heard=true").json()["items"]) == 1


def test_a_document_is_added_found_changed_and_removed(api: Program, filled: Filled) -> None:
    body = {"title": "Dogs", "text": "Dogs may wait in the garden."}
    made = api("POST", "/knowledge/documents", body).json()
    path = f"/knowledge/documents/{made['id']}"
    assert (made["state"], made["done"], made["total"]) == ("pending", 0, 1)
    answer = api("POST", "/knowledge/ask", {"question": "Where may dogs wait?"}).json()
    assert answer["hits"][0]["title"] == "Dogs"
    twin = api("POST", "/knowledge/documents", body).json()
    assert twin["id"] != made["id"]
    changed = api("PUT", path, {**body, "text": "Dogs stay at home."}).json()
    assert (changed["id"], changed["text"]) == (made["id"], "Dogs stay at home.")
    assert api("DELETE", path).status_code == 204
    refused(api("GET", path), 404, "not_found")


def test_a_document_is_indexed_again(api: Program, filled: Filled) -> None:
    from knowledge.models import Chunk

    Chunk.objects.filter(document=filled.document).update(embedding=[0.1] * 384, model="old")
    Document.objects.filter(pk=filled.document.pk).update(state="ready", done=1)
    answer = api("POST", f"/knowledge/documents/{filled.document.pk}/reindex")
    assert answer.status_code == 202
    assert (answer.json()["state"], answer.json()["done"]) == ("pending", 0)


def test_lists_that_follow_something_else_are_not_changed_as_documents(api: Program, filled: Filled) -> None:
    for key in ("faq", "prices"):
        path = f"/knowledge/documents/{Document.objects.get(key=key).pk}"
        assert api("GET", path).json()["pairs"]
        assert refused(api("DELETE", path), 409, "conflict") == {"kind": key}
        refused(api("PUT", path, {"title": "x", "text": "y"}), 409, "conflict")


def test_the_faq_is_replaced_as_a_whole(api: Program, filled: Filled) -> None:
    items = [{"q": "Do you take cards?", "a": "Yes."}, {"q": "And cheques?", "a": "No."}]
    assert api("PUT", "/knowledge/faq", {"items": items}).json() == {"items": items}
    assert api("GET", "/knowledge/faq").json() == {"items": items}


def test_the_receptionist_changes_what_is_given_and_keeps_the_rest(api: Program, filled: Filled) -> None:
    words = {"greeting": "{name}, hello.", "voice": "marin", "idle_prompts": ["Hello?"]}
    changed = api("PATCH", "/receptionist", words).json()
    assert changed == {
        "greeting": "Alpha Dental, hello.",
        "goodbye": "Thank you for calling. Goodbye!",
        "idle_prompts": ["Hello?"],
        "voice": "marin",
        "guidance": ["Be brief."],
    }
    assert api("PATCH", "/receptionist", {"goodbye": "Bye from {name}."}).json()["goodbye"] == "Bye from Alpha Dental."
    assert api("PATCH", "/receptionist", {"idle_prompts": []}).status_code == 422
    changed["goodbye"] = "Bye from Alpha Dental."
    assert api("PATCH", "/receptionist", {}).json() == changed
    assert api("GET", "/receptionist").json() == changed


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("hours", {"mon": ["09:00-12:00", "11:00-17:00"]}, "mon"),
        ("holidays", {"items": [{"date": "12-24", "open": ["09:00-12:00", "11:00-17:00"]}]}, "open"),
    ],
)
def test_times_that_overlap_are_refused_and_the_old_ones_stay(
    api: Program, filled: Filled, path: str, body: dict[str, Any], field: str
) -> None:
    before = api("GET", f"/receptionist/{path}").json()
    answer = api("PUT", f"/receptionist/{path}", body)
    assert answer.status_code == 422
    assert answer.json()["data"]["field"] == field
    assert "overlap" in answer.json()["message"]
    assert api("GET", f"/receptionist/{path}").json() == before


def test_hours_days_and_services_come_back_as_they_were_sent(api: Program, filled: Filled) -> None:
    hours = api("GET", "/receptionist/hours").json()
    assert hours["timezone"] == "America/New_York"
    assert hours["week"]["fri"] == ["00:00-21:00", "22:00-02:00"]
    week = {"mon": ["09:00-12:00", "13:00-17:30"], "sat": ["20:00-02:00"]}
    changed = api("PUT", "/receptionist/hours", week).json()["week"]
    assert {day: times for day, times in changed.items() if times} == week
    days = {"items": [{"date": "2026-12-24", "name": "Half day", "open": ["09:00-12:00"]}, {"date": "12-25"}]}
    api("PUT", "/receptionist/holidays", days)
    found = api("GET", "/receptionist/holidays").json()["items"]
    assert found[0] == {"date": "2026-12-24", "name": "Half day", "open": ["09:00-12:00"]}
    services = {"items": [{"name": "Whitening", "price": 250.0, "minutes": 60}, {"name": "Advice"}]}
    api("PUT", "/receptionist/services", services)
    assert api("GET", "/receptionist/services").json()["items"] == [
        {"name": "Whitening", "price": 250.0, "minutes": 60},
        {"name": "Advice", "price": None, "minutes": None},
    ]
    assert "250 dollars" in str(Document.objects.get(key="prices").pairs)


def test_the_team_is_told_with_roles(api: Program) -> None:
    members = api("GET", "/team").json()["items"]
    assert (members[0]["email"], members[0]["role"]) == (ALICE.email, ALICE.role)
    assert len(members) == 3


def test_the_page_shows_every_operation_without_a_script_of_its_own(db: Any) -> None:
    page = Program()("GET", "/docs")
    text = page.content.decode()
    assert page.status_code == 200
    assert "curl -H" in text
    assert "$DESKBELL_KEY" in text
    assert text.count('class="operation"') == sum(
        len(m) for m in Program()("GET", "/openapi.json").json()["paths"].values()
    )
    assert "cdn" not in text
    assert "<script>" not in text
    assert "script-src 'self';" in page["Content-Security-Policy"] + ";"


def test_the_page_leads_its_reader_to_the_keys_of_their_business(client_of: Any) -> None:
    found = client_of(ALICE, None).get("/api/v1/docs").content.decode()
    assert "http://alpha.localhost:8000/settings/api" in found
    assert "/settings/api" not in client_of(BOB, None).get("/api/v1/docs").content.decode()


@pytest.mark.parametrize("path", ["/calls", "/messages", "/voicemails", "/knowledge/documents"])
def test_a_longer_list_takes_no_more_queries(
    api: Program, filled: Filled, path: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        call = Call.objects.create(sid=f"CA{number}")
        take_message(call.pk, name="", number="", body=f"message {number}")
        recording = Recording.objects.create(call=call, sid=f"RE-{number}", kind="voicemail")
        Voicemail.objects.create(call=call, recording=recording)
        add_document(title=f"Document {number}", text="Something.")
    # The key, its business, when it was used, switching to the schema and back, the list.
    with django_assert_max_num_queries(12):
        assert len(api("GET", path).json()["items"]) >= 5
