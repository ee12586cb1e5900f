"""The caller speaks while something is being played: silence at once, and only what was heard counts."""

from __future__ import annotations

import pytest

from realtime.bridge import Limits
from realtime.bridge.transcript import heard_text
from tests.realtime.world import World, audio

TEXT = "We are open from nine to five on weekdays and from ten to two on Saturdays, and closed on Sundays."


def answering(ms: float = 4000, **options: object) -> World:
    """A call in which an answer of that length begins now."""
    world = World(**options).start().run(3000)  # type: ignore[arg-type]
    world.speech(ms=500).run(300)
    return world.answer(TEXT, ms)


def interrupt(world: World) -> World:
    return world.say("input_audio_buffer.speech_started", audio_start_ms=0, item_id="u9")


def test_clear_goes_out_in_the_same_moment() -> None:
    world = answering().run(1000)
    interrupt(world)
    assert world.sent("clear")[-1].at == world.now


def test_clear_goes_out_before_anything_is_said_to_the_engine() -> None:
    order: list[str] = []
    world = World(check=False).start().run(3000)
    world.created().delta(4000).run(500)
    send = world.bridge.effects.carrier_send
    world.bridge.mouth._send = lambda frame: (order.append("carrier"), send(frame))[1]
    line = world.bridge.line.send
    world.bridge.line.send = lambda frame: (order.append("engine"), line(frame))[1]
    interrupt(world)
    assert order == ["carrier", "engine", "engine"]


@pytest.mark.parametrize("heard", [1, 20, 777, 1500, 3999])
def test_the_answer_is_truncated_to_the_millisecond_that_was_heard(heard: int) -> None:
    world = answering().run(heard)
    interrupt(world)
    cut = world.asked("conversation.item.truncate")[-1].what
    assert (cut["item_id"], cut["content_index"], cut["audio_end_ms"]) == ("a1", 0, heard)


def test_nothing_is_truncated_when_nothing_was_heard() -> None:
    world = answering()
    interrupt(world)
    assert not world.asked("conversation.item.truncate")
    assert world.sent("clear")
    assert not any(role == "receptionist" and text in TEXT for role, text in world.turns()[1:])


def test_nothing_is_truncated_when_all_was_heard() -> None:
    world = answering(1000).run(1000)
    interrupt(world).run(100)
    assert not world.asked("conversation.item.truncate")
    assert world.turns()[-1] == ("receptionist", TEXT)


def test_truncation_never_exceeds_what_was_sent() -> None:
    """openclaw#138592: 'Audio content of 3700ms is already shorter than 3760ms'."""
    world = World().start().run(3000)
    world.created().words(TEXT).delta(700).run(5000)
    interrupt(world)
    assert not world.asked("conversation.item.truncate") or (
        world.asked("conversation.item.truncate")[-1].what["audio_end_ms"] <= 700
    )


def test_a_gap_in_the_engines_audio_is_not_counted_as_heard() -> None:
    world = World().start().run(3000)
    world.created().words(TEXT).delta(500).run(2000).delta(500).run(100)
    interrupt(world)
    assert world.asked("conversation.item.truncate")[-1].what["audio_end_ms"] == 600


def test_a_carrier_that_plays_late_is_believed_about_it() -> None:
    world = answering(lag_ms=250).run(1000)
    interrupt(world)
    assert world.asked("conversation.item.truncate")[-1].what["audio_end_ms"] == pytest.approx(750, abs=1)


def test_marks_that_come_back_too_early_prove_nothing() -> None:
    world = answering(marks="early").run(1000)
    interrupt(world)
    assert world.asked("conversation.item.truncate")[-1].what["audio_end_ms"] == 1000


def test_a_carrier_that_never_returns_marks_is_believed_by_the_clock() -> None:
    world = answering(1000, marks="never").run(4000)
    assert world.turns()[-1] == ("receptionist", TEXT)


def test_marks_that_clear_sends_back_are_not_taken_for_playing() -> None:
    world = answering().run(400)
    interrupt(world).run(5000)
    turn = world.of("turn")[-1]
    assert turn["interrupted"]
    assert turn["end_ms"] - turn["start_ms"] == 400


def test_unknown_and_doubled_marks_are_harmless() -> None:
    world = answering().run(500)
    for name in ("m1", "m999", "", "m2", "m2"):
        world.frame({"event": "mark", "streamSid": "x", "mark": {"name": name}})
    interrupt(world)
    assert world.asked("conversation.item.truncate")[-1].what["audio_end_ms"] == 500


def test_a_mark_stands_for_all_earlier_ones() -> None:
    world = World(marks="never").start().run(3000)
    names = []
    for number in (1, 2):
        world.answer(f"Answer {number}.", 400, item=f"a{number}", response=f"r{number}")
        names.append(world.sent("mark")[-1].what["mark"]["name"])
    world.run(800)
    world.frame({"event": "mark", "streamSid": "x", "mark": {"name": names[-1]}})
    assert [text for _, text in world.turns()[-2:]] == ["Answer 1.", "Answer 2."]


def test_the_transcript_holds_only_what_was_heard_cut_at_a_word() -> None:
    world = answering().run(2000)
    interrupt(world).run(50)
    text = world.of("turn")[-1]["text"]
    assert TEXT.startswith(text)
    assert TEXT[len(text)] == " "
    assert 0.4 < len(text) / len(TEXT) <= 0.5


def test_cancel_is_sent_only_while_a_response_is_active() -> None:
    world = answering().run(1000)
    interrupt(world)
    assert not world.asked("response.cancel")
    world = World().start().run(3000)
    world.created().delta(4000).run(1000)
    interrupt(world)
    assert len(world.asked("response.cancel")) == 1


def test_cancelling_what_has_just_ended_is_harmless() -> None:
    """openai-agents-js#122: the error crashed the server."""
    world = World().start().run(3000)
    world.created().delta(4000).run(1000)
    interrupt(world).say("error", error={"type": "invalid_request_error", "code": "response_cancel_not_active"})
    world.run(100)
    assert not world.of("error")
    assert len(world.dialled) == 1


def test_what_still_comes_of_an_interrupted_answer_is_not_played() -> None:
    world = World().start().run(3000)
    world.created().words(TEXT).delta(1000).run(500)
    interrupt(world)
    before = world.played_ms()
    world.delta(1000).delta(1000).done(status="cancelled")
    world.say("input_audio_buffer.speech_stopped", item_id="u9", audio_end_ms=1)
    assert world.played_ms() == before
    world.created("r2").delta(300, item="a2", response="r2")
    assert world.played_ms() == before + 300


def test_an_unannounced_answer_can_be_interrupted_and_followed_by_another_of_the_same_name() -> None:
    world = World().start().run(3000)
    world.delta(1000, item="x", response="y").run(300)
    interrupt(world)
    assert world.asked("conversation.item.truncate")[-1].what["audio_end_ms"] == 300
    before = world.played_ms()
    world.delta(500, item="x", response="y")
    assert world.played_ms() == before
    world.say("input_audio_buffer.speech_stopped", item_id="u9", audio_end_ms=1)
    world.delta(500, item="x", response="y")
    assert world.played_ms() == before + 500


def test_the_greeting_can_be_interrupted() -> None:
    world = World().start().run(1000)
    interrupt(world)
    assert world.sent("clear")
    deleted = world.asked("conversation.item.delete")[0].what["item_id"]
    again = world.asked("conversation.item.create")
    assert again[0].what["item"]["id"] == deleted
    text = again[1].what["item"]["content"][0]["text"]
    assert text and world.snap.greeting_text.startswith(text) and text != world.snap.greeting_text
    assert world.turns() == [("receptionist", text)]


def _end(world: World, transcript: str) -> World:
    world.say("input_audio_buffer.speech_stopped", item_id="u9", audio_end_ms=1)
    world.say("input_audio_buffer.committed", item_id="u9")
    kind = "conversation.item.input_audio_transcription.completed"
    return world.say(kind, item_id="u9", content_index=0, transcript=transcript)


def test_a_greeting_that_a_noise_cut_off_is_said_to_its_end() -> None:
    world = World().start().run(1000)
    interrupt(world)
    _end(world, "").run(100)
    heard = world.turns()[0][1]
    [asked] = world.asked("response.create")
    rest = asked.what["response"]["instructions"].removeprefix('Say exactly: "').removesuffix('"')
    assert f"{heard} {rest}".strip() == world.snap.greeting_text


def test_a_greeting_that_words_cut_off_is_over() -> None:
    world = World().start().run(1000)
    interrupt(world)
    _end(world, "Are you open today?").run(100)
    world.answer("Yes.", 500).run(1000)
    interrupt(world)
    _end(world, "").run(100)
    assert not world.asked("response.create")


def test_a_greeting_of_which_nothing_was_heard_is_off_the_record() -> None:
    world = World(auto_open=False).start().run(2)
    world.open()
    interrupt(world)
    assert world.of("turn")[-1]["text"] == ""


def test_speech_into_silence_clears_nothing() -> None:
    world = World().start().run(4000)
    interrupt(world)
    assert not world.sent("clear")


def test_a_short_sound_does_not_interrupt_where_that_is_set() -> None:
    world = answering(limits=Limits(barge_in_ms=300)).run(500)
    assert world.engine[0].what["session"]["audio"]["input"]["turn_detection"]["interrupt_response"] is False
    interrupt(world).run(200)
    world.say("input_audio_buffer.speech_stopped", item_id="u9", audio_end_ms=1)
    world.say("input_audio_buffer.committed", item_id="u9").run(1000)
    assert not world.sent("clear")
    assert not world.bridge.turns.awaiting
    interrupt(world).run(301)
    assert world.sent("clear")


def test_two_answers_in_the_buffer_are_cut_each_by_what_was_heard_of_it() -> None:
    world = World().start().run(3000)
    world.answer("First answer here.", 1000, item="a1", response="r1")
    world.answer("Second answer here.", 1000, item="a2", response="r2").run(1500)
    interrupt(world)
    cut = [s.what for s in world.asked("conversation.item.truncate")]
    assert [(c["item_id"], c["audio_end_ms"]) for c in cut] == [("a2", 500)]
    assert world.turns()[-2] == ("receptionist", "First answer here.")


def test_keys_interrupt_as_speech_does() -> None:
    world = answering().run(500)
    world.press("1")
    assert world.sent("clear")


@pytest.mark.parametrize(
    ("heard", "total", "text"),
    [
        (0, 1000, ""),
        (1000, 1000, "one two three"),
        (2000, 1000, "one two three"),
        (500, 1000, "one"),
        (600, 1000, "one two"),
        (10, 0, ""),
        (1, 1000, ""),
    ],
)
def test_text_is_cut_in_proportion_and_never_within_a_word(heard: float, total: float, text: str) -> None:
    assert heard_text("one two three", heard, total) == text


def test_the_interrupted_turn_stands_before_the_callers_in_the_next_engines_conversation() -> None:
    world = answering().run(2000)
    world.speech("u2", text="And on Sundays?").created("r2")
    world.links[-1].closed("closed", world.now)
    world.engine.clear()
    world.run(200)
    texts = [s.what["item"]["content"][0]["text"] for s in world.asked("conversation.item.create")]
    assert texts[-1] == "And on Sundays?"
    assert TEXT.startswith(texts[-2])
    assert len(world.asked("response.create")) == 1
    assert not any(payload == audio(20) for payload in texts)
