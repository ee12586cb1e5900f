"""Calls to the demo practice: recorded people and synthetic callers, heard end to end."""

from __future__ import annotations

import numpy as np
import pytest

from common.audio import RATE, level_db
from tests.e2e.stack import DEMO, Heard, Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # calls take their time

LINE = 1  # right channel: what the caller hears


@pytest.fixture(scope="session")
def calls(stack: Stack) -> dict[str, Heard]:
    """Every call of this module, placed a few at a time."""
    soon = {
        "hours": stack.call_soon(DEMO, "What are your opening hours on Friday?"),
        "faq": stack.call_soon(DEMO, "Do you take walk in patients for emergencies?"),
        "price": stack.call_soon(DEMO, "How much does a teeth whitening cost?"),
        "unknown": stack.call_soon(
            DEMO, "Which team won the football match last night?", "No thank you.", "Goodbye.", caller="+14155550177"
        ),
        "message": stack.call_soon(
            DEMO,
            "I would like to leave a message.",
            "My name is Peter Miller.",
            "Please call me back about my invoice from last week.",
            "No, that is all. Goodbye.",
            caller="+14155550123",
        ),
    }
    return {name: future.result(timeout=400) for name, future in soon.items()}


def line_speech(heard: Heard) -> list[tuple[int, int]]:
    """Stretches (ms, ms) in which the line was speaking."""
    samples = heard.wav.channel(LINE)
    step = RATE // 50
    loud = [level_db(samples[i : i + step]) > -45 for i in range(0, len(samples) - step, step)]
    stretches: list[tuple[int, int]] = []
    for index, on in enumerate(loud):
        start = index * 20
        if on and stretches and start - stretches[-1][1] <= 600:
            stretches[-1] = (stretches[-1][0], start + 20)
        elif on:
            stretches.append((start, start + 20))
    return stretches


def test_the_greeting_is_on_the_line_within_a_second(calls):
    for heard in calls.values():
        assert line_speech(heard)[0][0] < 1500
        assert "bright smile" in heard.receptionist_said.lower()


def test_the_recording_holds_what_the_transcript_says(stack, calls):
    heard = calls["hours"]
    spoken = stack.hear(heard.wav.channel(LINE)).lower()
    said = heard.receptionist_said.lower()
    words = {w.strip(".,?!") for w in said.split() if len(w) > 3}
    found = {w for w in words if w in spoken}
    assert len(found) >= 0.7 * len(words), (said, spoken)


def test_opening_hours_come_from_the_tool(stack, calls):
    heard = calls["hours"]
    tool = heard.tool("business_hours")
    assert tool["ok"]
    assert "friday" in str(tool["arguments"]).lower()
    assert "friday" in heard.receptionist_said.lower()
    assert "friday" in heard.caller_said.lower()


def test_a_known_question_is_answered_with_its_source(stack, calls):
    heard = calls["faq"]
    assert heard.tool("answer_question")["ok"]
    (citation, *_) = heard.report["citations"]
    assert 0 < citation["confidence"] <= 1
    assert citation["source"]
    assert "according to" in heard.receptionist_said.lower()
    assert "according" in stack.hear(heard.wav.channel(LINE)).lower()


def test_a_price_comes_from_the_price_list(calls):
    heard = calls["price"]
    assert heard.tool("answer_question")["ok"]
    assert "whitening" in heard.receptionist_said.lower()
    assert "price" in str(heard.report["citations"]).lower()


def test_what_it_does_not_know_is_declined_and_a_message_offered(calls):
    heard = calls["unknown"]
    said = heard.receptionist_said.lower()
    assert heard.report["citations"] == []
    assert "message" in said
    assert "football" not in said.replace("which team won the football match last night", "")


def test_a_message_is_taken_and_kept(stack, calls):
    heard = calls["message"]
    tool = heard.tool("take_message")
    assert tool["ok"]
    assert "miller" in str(tool["arguments"]).lower()
    assert "invoice" in str(tool["arguments"]).lower()
    stored = stack.in_tenant(
        "demo",
        "from calls.models import Message\n"
        f"rows = Message.objects.filter(call__sid={heard.sid!r})\n"
        "answer = [[m.name, m.number, m.body] for m in rows]",
    )
    ((name, number, body),) = stored
    assert "miller" in name.lower()
    assert number == "+14155550123"
    assert "invoice" in body.lower()


def test_the_receptionist_hangs_up_after_a_goodbye_that_was_heard(calls):
    heard = calls["unknown"]
    assert heard.tool("end_call")["ok"]
    speech = line_speech(heard)
    assert heard.wav.seconds * 1000 - speech[-1][1] < 4000


def test_every_call_has_turns_in_order_with_times(calls):
    for heard in calls.values():
        turns = heard.report["transcript"]
        assert [t["role"] for t in turns][:2] == ["receptionist", "caller"]
        starts = [t["start_ms"] for t in turns]
        assert starts == sorted(starts)
        assert all(t["end_ms"] >= t["start_ms"] for t in turns)
        assert turns[-1]["end_ms"] <= heard.report["seconds"] * 1000 + 1500


def test_every_call_is_debited_once_by_its_length(stack, calls):
    for heard in calls.values():
        seconds = heard.report["seconds"]
        assert heard.report["credits"] == -(-seconds * 10 // 60)
        entries = stack.python(
            "import json\n"
            "from billing.models import LedgerEntry\n"
            f"rows = LedgerEntry.objects.filter(call_sid={heard.sid!r})\n"
            "print(json.dumps(list(rows.values_list('kind', 'credits'))))"
        )
        assert entries == [["debit", -heard.report["credits"]]]


def test_every_call_is_recorded_encrypted_and_playable(stack, calls):
    for heard in calls.values():
        row = stack.in_tenant(
            "demo",
            "from calls.models import Recording\n"
            "from calls.recordings import read_recording, recording_path\n"
            "from common.audio import read_wav\n"
            f"r = Recording.objects.get(call__sid={heard.sid!r})\n"
            "answer = [b'RIFF' in recording_path(r).read_bytes()[:200], read_wav(read_recording(r)).seconds]",
        )
        plain_on_disk, seconds = row
        assert not plain_on_disk
        assert seconds == pytest.approx(heard.wav.seconds, abs=2.5)


def test_no_log_line_holds_what_a_caller_said_or_their_number(stack, calls):
    logs = "".join(p.read_text(errors="replace") for p in (stack.var / "log").glob("*.log*"))
    assert logs
    for private in ("Miller", "miller", "+14155550123", "4155550123", "invoice from last week", "football"):
        assert private not in logs, private


def test_the_answer_keeps_a_telephone_level(calls):
    for heard in calls.values():
        for start, end in line_speech(heard):
            if end - start > 500:
                samples = heard.wav.channel(LINE)[start * 8 : end * 8]
                assert -35 < level_db(samples) < -6
                assert np.abs(samples.astype(int)).max() > 1500
