from __future__ import annotations

import uuid

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calls import journal
from calls.facts import JournalEvent, Turn
from calls.models import Call, CallEvent, Message
from calls.services import take_message
from common.errors import Invalid, NotFound
from tests.cast import CALLER


@pytest.fixture
def call(tenant):
    return Call.objects.create(sid="CA1", caller=CALLER)


def turn(seq: int, role: str, text: str, start: int, end: int, **extra) -> JournalEvent:
    return JournalEvent("turn", {"role": role, "text": text, "start_ms": start, "end_ms": end, **extra}, end, seq)


def test_a_batch_that_is_delivered_again_is_written_once(call):
    batch = [turn(1, "caller", "Hello", 0, 10), turn(2, "receptionist", "Hi", 20, 30)]
    journal.append(call.pk, "media-0", batch)
    journal.append(call.pk, "media-0", [*batch, turn(3, "caller", "Bye", 40, 50)])
    assert [t.text for t in journal.transcript(call.pk)] == ["Hello", "Hi", "Bye"]
    assert CallEvent.objects.count() == 3


def test_writers_have_counts_of_their_own(call):
    journal.append(call.pk, "media-0", [turn(1, "caller", "first stream", 0, 10)])
    journal.append(call.pk, "media-1", [turn(1, "caller", "second stream", 5000, 6000)])
    assert [t.text for t in journal.transcript(call.pk)] == ["first stream", "second stream"]


def test_turns_come_in_the_order_of_time_whatever_the_order_of_writing(call):
    journal.append(call.pk, "media-1", [turn(1, "receptionist", "third", 9000, 9500)])
    journal.append(
        call.pk, "media-0", [turn(7, "caller", "second", 3000, 4000), turn(9, "receptionist", "first", 10, 90)]
    )
    assert [t.text for t in journal.transcript(call.pk)] == ["first", "second", "third"]


def test_a_turn_that_was_cut_short_counts_as_it_was_heard(call):
    said = "We are open from nine to five on all days"
    journal.append(call.pk, "m", [turn(1, "receptionist", said, 0, 4000, item_id="a")])
    journal.append(call.pk, "m", [turn(2, "receptionist", "We are open", 0, 900, item_id="a", interrupted=True)])
    assert journal.transcript(call.pk) == [Turn("receptionist", "We are open", 0, 900, True)]


def test_the_greeting_is_the_receptionists_first_turn_and_silence_is_none(call):
    journal.append(
        call.pk, "m", [JournalEvent("greeting", {"text": "Alpha, hello."}, 12, 1), turn(2, "caller", " ", 50, 60)]
    )
    assert journal.transcript(call.pk) == [Turn("receptionist", "Alpha, hello.", 12, 12)]


def test_what_was_said_is_not_readable_in_the_database(call):
    journal.append(call.pk, "m", [turn(1, "caller", "my secret wish", 0, 10)])
    take_message(call.pk, name="Petronella", number="+14155550123", body="my secret wish", urgency="urgent")
    with connection.cursor() as cursor:
        for model in (CallEvent, Message):
            cursor.execute(f"SELECT t::text FROM {model._meta.db_table} AS t")
            ((row,),) = cursor.fetchall()
            plain = bytes.fromhex("".join(part.split('"')[0] for part in row.split("\\x")[1:2]) or "00")
            for secret in ("secret", "Petronella", "4155550123"):
                assert secret not in row
                assert secret.encode() not in plain


def test_the_report_is_the_contract(call, tenant):
    journal.append(
        call.pk,
        "m",
        [
            turn(1, "caller", "When are you open?", 900, 2000),
            JournalEvent("tool", {"name": "business_hours", "arguments": '{"day": "friday"}', "ok": True}, 2100, 2),
            JournalEvent("tool", {"name": "answer_question", "arguments": {"question": "x"}, "ok": False}, 2200, 3),
            JournalEvent("citation", {"question": "x", "source": "Prices", "confidence": 0.8}, 2300, 4),
            JournalEvent("latency", {"first_audio": 600}, 2300, 5),
        ],
    )
    Call.objects.update(outcome="answered", seconds=12, credits=2)
    assert journal.report("CA1") == {
        "call_sid": "CA1",
        "tenant": tenant.slug,
        "outcome": "answered",
        "seconds": 12,
        "transcript": [{"role": "caller", "text": "When are you open?", "start_ms": 900, "end_ms": 2000}],
        "tools": [
            {"name": "business_hours", "arguments": {"day": "friday"}, "ok": True},
            {"name": "answer_question", "arguments": {"question": "x"}, "ok": False},
        ],
        "citations": [{"source": "Prices", "confidence": 0.8}],
        "credits": 2,
    }


def test_calls_nobody_made_have_no_journal(tenant):
    with pytest.raises(NotFound):
        journal.append(uuid.uuid4(), "m", [turn(1, "caller", "x", 0, 1)])
    with pytest.raises(NotFound):
        journal.report("CA404")
    assert journal.transcript(uuid.uuid4()) == []


def test_one_batch_is_two_statements(call, django_assert_num_queries):
    with django_assert_num_queries(4):  # touch the call; bulk insert inside a savepoint
        journal.append(call.pk, "m", [turn(i, "caller", "x", i, i) for i in range(40)])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 10_000)), max_size=12), st.data())
def test_any_split_and_repetition_of_batches_gives_the_same_journal(call, written, data):
    CallEvent.objects.all().delete()
    events = [turn(seq, "caller", f"{seq}", at, at) for seq, at in dict(written).items()]
    while True:
        batch = data.draw(st.lists(st.sampled_from(events), max_size=5)) if events else []
        if not batch:
            break
        journal.append(call.pk, "m", batch)
    journal.append(call.pk, "m", events)
    told = journal.transcript(call.pk)
    assert sorted(t.text for t in told) == sorted(e.data["text"] for e in events)
    assert [t.start_ms for t in told] == sorted(t.start_ms for t in told)


# Messages.


def test_a_message_without_a_number_is_for_the_number_that_rang(call):
    message = take_message(call.pk, name=" Peter ", number=" ", body=" Call me. ", urgency="whenever")
    message = Message.objects.get(pk=message.pk)
    assert (message.name, message.number, message.body, message.urgency) == ("Peter", CALLER, "Call me.", "normal")


def test_an_empty_message_or_one_of_no_call_is_refused(call):
    with pytest.raises(Invalid):
        take_message(call.pk, name="Peter", number="", body="  ", urgency="normal")
    with pytest.raises(NotFound):
        take_message(uuid.uuid4(), name="Peter", number="", body="x", urgency="normal")
