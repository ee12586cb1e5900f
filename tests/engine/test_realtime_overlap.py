"""Sounds over an answer: "mm-hm" and coughs leave it alone, words and longer speech cut it off."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.house.dialogue import Reply
from engine.realtime.overlap import BARGE_IN_MS, is_backchannel
from tests.engine.stage import LOUD, QUIET, Stage

STARTED = "input_audio_buffer.speech_started"
COMMITTED = "input_audio_buffer.committed"
SAID = ["Yeah.", "Stop.", "", "What about Sunday?"]
ANSWER = "We are open on Monday from nine to five, and on Friday from nine to three."


def answering(answer: str = ANSWER, *, may_guess: bool = True) -> Stage:
    """A caller who asked something hears `answer`, 50 ms a character, for several seconds to come."""
    stage = Stage(may_guess=may_guess)
    stage.setup()
    stage.mind.reply = lambda prompt: Reply(answer)  # type: ignore[method-assign]
    stage.turn()
    assert len(stage.of(STARTED)) == len(stage.done) == 1
    return stage


def utter(stage: Stage, words: str, ms: int) -> None:
    stage.words = words
    stage.hear(LOUD, ms, work=True)
    stage.hear(QUIET, 700, work=True)


@pytest.mark.parametrize(
    "words", ["Mm-hmm.", "Yeah.", "Okay, yeah.", "Uh-huh", "I see.", "i c", "m m h n.", "All right.", "", "..."]
)
def test_a_back_channel_or_a_noise_leaves_the_answer_alone(words: str) -> None:
    stage = answering()
    heard = len(stage.events)
    utter(stage, words, 300)
    assert stage.events[heard:] == []
    utter(stage, "What about Sunday?", 900)
    assert [event["item_id"] for event in stage.of(STARTED)] == [event["item_id"] for event in stage.of(COMMITTED)]
    assert len(stage.of(COMMITTED)) == len(stage.done) == 2


@pytest.mark.parametrize(
    "words", ["Stop.", "No.", "Yes.", "And Sunday?", "Okay, but when?", "Wait, okay.", "Ja.", "はい"]
)
def test_a_short_word_that_means_something_interrupts_when_it_is_known(words: str) -> None:
    stage = answering()
    stage.words = words
    stage.hear(LOUD, 300, work=True)
    assert len(stage.of(STARTED)) == 1
    stage.hear(QUIET, 200, work=True)
    assert len(stage.of(STARTED)) == 2
    stage.hear(QUIET, 500, work=True)
    assert stage.of("conversation.item.input_audio_transcription.completed")[-1]["transcript"] == words
    assert len(stage.done) == 2


OFFER = "Call 911 first. Then call us at once. Would you like me to take a message for the whole team now?"


@pytest.mark.parametrize("words", ["Yeah.", "Okay.", "Sure", "Mm-hmm."])
@pytest.mark.parametrize(("after_ms", "turns"), [(0, 1), (2600, 2)])
def test_a_nod_answers_a_question_only_once_that_is_being_asked(words: str, after_ms: int, turns: int) -> None:
    stage = answering(OFFER)
    stage.hear(QUIET, after_ms)
    utter(stage, words, 300)
    assert len(stage.of(COMMITTED)) == len(stage.done) == turns


def test_a_noise_over_a_question_is_still_a_noise() -> None:
    stage = answering("Would you like me to take a message for the whole team?")
    utter(stage, "", 200)
    assert len(stage.of(COMMITTED)) == 1


def test_a_longer_sound_without_words_may_have_been_words() -> None:
    stage = answering()
    utter(stage, "", 600)
    assert len(stage.of(COMMITTED)) == len(stage.done) == 2


def test_longer_speech_interrupts_before_anybody_knows_its_words() -> None:
    stage = answering()
    stage.hear(LOUD, BARGE_IN_MS - 60)
    assert len(stage.of(STARTED)) == 1
    stage.hear(LOUD, 160)
    assert len(stage.of(STARTED)) == 2
    assert len(stage.recognised) == 2, "its words were asked for, and nobody waited for them"


@pytest.mark.parametrize(("words", "turns"), [("Okay", 1), ("What about", 2)])
def test_words_interrupt_while_they_are_being_said(words: str, turns: int) -> None:
    stage = answering()
    stage.words = words
    stage.hear(LOUD, BARGE_IN_MS - 100, work=True)
    assert len(stage.of(STARTED)) == turns
    stage.words = "What about Sunday?"
    stage.hear(LOUD, 600, work=True)
    stage.hear(QUIET, 700, work=True)
    assert len(stage.of(STARTED)) == len(stage.done) == 2
    assert stage.of("conversation.item.input_audio_transcription.completed")[1]["transcript"] == stage.words


def test_the_place_where_speech_began_is_told_though_it_is_told_late() -> None:
    plain, late = Stage(), answering()
    plain.setup()
    began = late.session._turns.ear.total_ms
    plain.hear(LOUD, 700)
    late.hear(LOUD, 700)
    [straight] = plain.of(STARTED)
    assert straight["audio_start_ms"] == 0
    assert began - 300 <= late.of(STARTED)[1]["audio_start_ms"] <= began


def test_once_the_answer_is_over_everything_is_a_turn_at_once() -> None:
    stage = answering("Short.")
    stage.hear(QUIET, 600)
    stage.hear(LOUD, 100)
    assert len(stage.of(STARTED)) == 2


def test_where_nothing_is_known_of_the_words_they_count() -> None:
    stage = answering()
    stage.hear(LOUD, 300)
    stage.hear(QUIET, 200)
    stage.finish(min(stage.jobs), RuntimeError("broken"))
    stage.hear(QUIET, 500, work=True)
    assert len(stage.of(COMMITTED)) == 2
    assert stage.of("conversation.item.input_audio_transcription.failed")


@pytest.mark.parametrize(("words", "turns"), [("Yeah.", 1), ("Stop it.", 2)])
@pytest.mark.parametrize("may_guess", [True, False])
def test_a_sound_whose_words_come_late_is_judged_then(words: str, turns: int, may_guess: bool) -> None:
    stage = answering(may_guess=may_guess)
    stage.words = words
    stage.hear(LOUD, 300)
    stage.hear(QUIET, 700)
    assert len(stage.of(STARTED)) == 1
    stage.work()
    assert len(stage.of(STARTED)) == len(stage.of(COMMITTED)) == len(stage.done) == turns


def test_speaking_again_before_the_words_are_known_takes_the_turn() -> None:
    stage = answering()
    stage.hear(LOUD, 300)
    stage.hear(QUIET, 600)
    stage.hear(LOUD, 300)
    stage.hear(QUIET, 600)
    stage.work()
    assert len(stage.of(STARTED)) == len(stage.of(COMMITTED)) == 3


def test_a_client_that_cuts_answers_itself_hears_of_every_sound_at_once() -> None:
    stage = answering()
    detection = {"type": "server_vad", "interrupt_response": False}
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": detection}}})
    stage.hear(LOUD, 100)
    assert len(stage.of(STARTED)) == 2


def test_a_turn_the_client_ends_is_announced_first() -> None:
    stage = answering()
    stage.hear(LOUD, 300)
    stage.send("input_audio_buffer.commit")
    stage.work()
    assert len(stage.of(STARTED)) == len(stage.of(COMMITTED)) == 2
    assert stage.of(STARTED)[1]["item_id"] == stage.of(COMMITTED)[1]["item_id"]


def test_what_the_client_clears_is_nobodys_turn() -> None:
    stage = answering()
    stage.hear(LOUD, 300)
    stage.send("input_audio_buffer.clear")
    stage.hear(QUIET, 700, work=True)
    assert len(stage.of(STARTED)) == len(stage.of(COMMITTED)) == 1


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["Yeah.", "Stop.", "", "What about Sunday?"]), st.integers(3, 45), st.integers(3, 45)
        ),
        max_size=5,
    ),
    work=st.booleans(),
    may_guess=st.booleans(),
)
def test_however_sounds_fall_each_announced_turn_is_committed_and_answered_once(
    steps: list[tuple[str, int, int]], work: bool, may_guess: bool
) -> None:
    stage = answering(may_guess=may_guess)
    for words, loud, quiet in steps:
        stage.words = words
        stage.hear(LOUD, loud * 20, work=work)
        stage.hear(QUIET, quiet * 20, work=work)
    stage.hear(QUIET, 1000, work=True)
    stage.work()
    started = [event["item_id"] for event in stage.of(STARTED)]
    assert started == [event["item_id"] for event in stage.of(COMMITTED)]
    assert len(set(started)) == len(started)
    assert len(stage.of("response.created")) == len(stage.done) <= len(started)
    spoken = [words for words, loud, _ in steps if words == "What about Sunday?" and loud * 20 >= BARGE_IN_MS + 100]
    assert len(started) >= (2 if spoken else 1)


@given(st.text())
def test_any_text_is_one_or_the_other(text: str) -> None:
    assert is_backchannel(text, "We are open.") in (True, False)
    assert not is_backchannel(f"{text} stop", "We are open.")
