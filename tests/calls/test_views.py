from __future__ import annotations

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calls import journal
from calls.facts import JournalEvent
from calls.models import Call, FollowUp, Recording, Voicemail
from calls.recordings import recording_path, store_recording
from calls.services import take_message
from common.ranges import byte_range
from tests.cast import ALICE, BOB, CALLER, MALLORY

SOUND = b"RIFF" + bytes(range(256)) * 4 + b"end."


@pytest.fixture
def call(tenant, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    call = Call.objects.create(
        sid="CA1", caller=CALLER, outcome="answered", seconds=75, credits=13, ended_at=timezone.now()
    )
    journal.append(
        call.pk,
        "m",
        [
            JournalEvent("turn", {"role": "caller", "text": "Are you <b>open</b>?", "start_ms": 0, "end_ms": 9}, 9, 1),
            JournalEvent("tool", {"name": "business_hours", "arguments": "{}", "ok": False}, 20, 2),
        ],
    )
    return call


@pytest.fixture
def recording(call):
    recording = Recording.objects.create(call=call, sid="RE1", kind="voicemail", state="kept", seconds=4)
    recording.size = store_recording(recording, [SOUND])
    recording.save()
    Voicemail.objects.create(call=call, recording=recording, transcript="Please call back.", transcription="done")
    return recording


@pytest.fixture
def get(client_of):
    """A page as one of the people sees it; the test stays in its schema."""

    def ask(path, person=ALICE, **headers):
        client = client_of(person)
        here = connection.tenant
        try:
            return client.get(path, headers=headers)
        finally:
            connection.set_tenant(here)

    return ask


def test_the_list_shows_calls_newest_first(get, call):
    Call.objects.create(sid="CA2", caller="")
    page = get("/calls").content.decode()
    assert page.index("Number withheld") < page.index("(415) 555-0199")
    assert "1:15" in page
    assert f"/calls/{call.pk}" in page


LISTS = ["/", "/calls", "/inbox", "/inbox?state=all"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "Your receptionist is ready"),
        ("/calls", "No calls yet"),
        ("/calls?q=zzz", "No calls fit"),
        ("/inbox", "All done"),
        ("/inbox?state=done", "Nothing here yet"),
        ("/inbox?q=zzz", "Nothing fits"),
    ],
)
def test_an_empty_page_says_what_to_do(get, tenant, path, words):
    answer = get(path)
    assert answer.status_code == 200
    assert words in answer.content.decode()


@pytest.mark.parametrize("path", [*LISTS, "/calls/{call}"])
def test_a_fragment_is_the_same_markup_without_the_frame(get, call, recording, path):
    path = path.format(call=call.pk)
    whole, part = get(path), get(path, **{"HX-Request": "true"})
    assert "<html" in whole.content.decode()
    assert "<html" not in part.content.decode()
    # The token against forged requests is masked anew in every answer.
    assert without_token(part).strip() in without_token(whole)
    assert "HX-Request" in part.headers["Vary"]


def without_token(answer):
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())


@pytest.mark.parametrize("page", ["0", "999", "-1", "abc", "1" * 40])
def test_odd_page_numbers_show_a_page(get, call, page):
    assert get(f"/calls?page={page}").status_code == 200


@pytest.mark.parametrize("path", LISTS)
def test_a_list_costs_the_same_however_long_it_is(get, call, recording, path):
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert get(path).status_code == 200
        return len([each for each in asked if "search_path" not in each["sql"]])

    take_message(call.pk, name="A", number="", body="b", urgency="low")
    Call.objects.create(sid="CB", caller=CALLER)
    get(path)  # a recording from before there were outlines gets its outline now
    few = statements()
    for number in range(30):
        other = Call.objects.create(sid=f"CB{number}")
        take_message(other.pk, name="A", number="", body="b", urgency="low")
        kept = Recording.objects.create(call=other, sid=f"RE-{number}")
        Voicemail.objects.create(call=other, recording=kept)
    assert statements() == few


def test_a_call_shows_what_was_said_done_and_kept_with_every_word_escaped(get, call, recording):
    take_message(call.pk, name="Peter", number="", body="About the <i>invoice</i>", urgency="urgent")
    FollowUp.objects.create(call=call, kind="settle", key="x", state="failed", error="carrier: timeout")
    page = get(f"/calls/{call.pk}").content.decode()
    assert "<b>open" not in page
    assert "&lt;b&gt;open&lt;/b&gt;?</span>" in page
    assert "<i>invoice" not in page
    for shown in (
        "Looked up the opening hours",
        "Did not work",
        "About the &lt;i&gt;invoice",
        "Urgent",
        "Please call back.",
        "The cost of this call could not be booked.",
        "at 10 a minute",
    ):
        assert shown in page, shown
    assert f'src="/recordings/{recording.pk}.wav"' in page


@pytest.mark.parametrize(
    ("state", "words"), [("pending", "Being written down"), ("failed", "The words could not be written down.")]
)
def test_a_voicemail_that_is_not_ready_says_so(get, call, recording, state, words):
    Recording.objects.update(state=state)
    Voicemail.objects.update(transcription=state)
    page = get("/inbox").content.decode()
    assert "<audio" not in page
    assert Recording.State(state).label in page
    assert words in page


@pytest.mark.parametrize(("path", "kind"), [("/messages", "message"), ("/voicemails", "voicemail")])
def test_places_of_before_lead_to_the_inbox(get, tenant, path, kind):
    answer = get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/inbox?kind={kind}&state=all")


def test_a_call_nobody_made_is_not_found(get, tenant):
    assert get(f"/calls/{uuid.uuid4()}").status_code == 404


# The sound.


def audio(recording):
    return f"/recordings/{recording.pk}.wav"


def test_a_member_hears_the_recording_and_nothing_keeps_a_copy(get, recording):
    answer = get(audio(recording), BOB)
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer.headers["Content-Type"] == "audio/wav"
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-", 0, len(SOUND)),
        ("bytes=4-9", 4, 10),
        ("bytes=-4", len(SOUND) - 4, len(SOUND)),
        ("bytes=1000-9999", 1000, len(SOUND)),
    ],
)
def test_a_player_asks_for_a_part(get, recording, header, start, end):
    answer = get(audio(recording), Range=header)
    assert (answer.status_code, answer.content) == (206, SOUND[start:end])
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(SOUND)}"
    assert answer.headers["Content-Length"] == str(end - start)
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("header", ["bytes=1032-", "bytes=5000-6000", "bytes=-0"])
def test_a_part_outside_of_the_file_is_refused(get, recording, header):
    answer = get(audio(recording), Range=header)
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(SOUND)}"


@pytest.mark.parametrize(
    "header", ["", "bytes=", "bytes=-", "items=0-5", "bytes=5-2", "bytes=0-1,5-6", "bytes=a-b", "bytes=١-٢"]
)
def test_a_range_that_means_nothing_is_ignored(header):
    assert byte_range(header, 100) is None


def test_strangers_and_other_tenants_hear_nothing(get, client_of, recording):
    for path in (audio(recording), "/calls", "/calls/export.csv", f"/calls/{recording.call_id}", "/inbox", "/"):
        for person in (None, MALLORY):
            answer = get(path, person)
            assert answer.status_code in (302, 404)
            assert b"RIFF" not in answer.content
            assert CALLER.encode() not in answer.content


def test_a_recording_that_is_not_here_or_damaged_is_not_played(get, recording):
    assert get(f"/recordings/{uuid.uuid4()}.wav").status_code == 404
    recording_path(recording).write_bytes(b"\x00\x00\x00\x10" + bytes(16))
    assert get(audio(recording)).status_code == 410
    recording_path(recording).unlink()
    assert get(audio(recording)).status_code == 410
    Recording.objects.update(state="pending")
    assert get(audio(recording)).status_code == 404
