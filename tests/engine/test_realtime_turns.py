"""Spoken turns through the state machine: order of events, guessing ahead, barge-in, noise, tools."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from engine.house.dialogue import Reply
from engine.realtime.effects import Recognise, Speak, Think
from engine.realtime.turns import looks_unfinished
from tests.engine.stage import LOUD, QUIET, Stage


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.setup()
    return made


SPOKEN_TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
    "rate_limits.updated",
]


def test_a_spoken_turn_has_every_event_in_order(stage: Stage) -> None:
    before = len(stage.events)
    stage.words = "hi"
    stage.turn()
    kinds = stage.kinds(before)
    assert [kind for i, kind in enumerate(kinds) if i == 0 or kinds[i - 1] != kind] == SPOKEN_TURN
    [response] = stage.done
    assert response["output"][0]["content"] == [{"type": "output_audio", "transcript": "You said hi."}]
    assert response["usage"]["output_token_details"]["audio_tokens"] == len("You said hi.")
    assert response["usage"]["input_token_details"]["audio_tokens"] > 5


def test_the_times_of_a_turn_are_positions_in_the_audio(stage: Stage) -> None:
    stage.hear(QUIET, 1000)
    stage.hear(LOUD, 800)
    stage.hear(QUIET, 600)
    [started], [stopped] = (
        stage.of("input_audio_buffer.speech_started"),
        stage.of("input_audio_buffer.speech_stopped"),
    )
    assert 650 <= started["audio_start_ms"] <= 740  # 300 ms of padding before the first sound
    assert 2200 <= stopped["audio_end_ms"] <= 2300
    assert started["item_id"] == stopped["item_id"] == stage.of("input_audio_buffer.committed")[0]["item_id"]


def test_recognition_and_the_first_clause_are_ready_before_the_turn_is_over(stage: Stage) -> None:
    stage.hear(LOUD, 600, work=True)
    stage.hear(QUIET, 200, work=True)
    assert len(stage.recognised) == 1 and stage.recognised[0].guess
    assert stage.of("response.created") == []
    stage.hear(QUIET, 400)
    # No work was done since: what is sent now had been prepared.
    assert stage.of("response.output_audio.delta")


def test_a_pause_inside_a_turn_throws_the_guess_away(stage: Stage) -> None:
    stage.hear(LOUD, 600)
    stage.hear(QUIET, 200)
    guess = stage.recognised[0].job
    stage.hear(LOUD, 600)
    assert stage.dropped == [guess]
    stage.hear(QUIET, 700)
    stage.work()
    assert len(stage.recognised) == 2
    assert stage.recognised[1].samples.size > stage.recognised[0].samples.size + 4000
    assert len(stage.done) == 1


def test_a_guess_that_is_late_is_promoted_not_repeated(stage: Stage) -> None:
    stage.hear(LOUD, 600)
    stage.hear(QUIET, 700)
    assert stage.promoted == [stage.recognised[0].job]
    assert stage.of("input_audio_buffer.committed")
    stage.work()
    assert len(stage.recognised) == 1 and len(stage.done) == 1


def test_a_busy_machine_does_not_guess() -> None:
    stage = Stage(may_guess=False)
    stage.setup()
    stage.turn()
    assert [job.guess for job in stage.recognised] == [False]
    assert len(stage.done) == 1


def test_guessing_is_limited_within_a_turn(stage: Stage) -> None:
    for _ in range(9):
        stage.hear(LOUD, 300)
        stage.hear(QUIET, 200)
    assert len(stage.recognised) == 4


def test_speech_cancels_the_answer_that_is_being_made(stage: Stage) -> None:
    stage.mind.reply = lambda prompt: Reply("First sentence. Second sentence. Third one.")  # type: ignore[method-assign]
    stage.hear(LOUD, 600, work=True)
    stage.hear(QUIET, 500)
    while not any(isinstance(job, Speak) and job.text.startswith("Second") for job in stage.jobs.values()):
        stage.finish(min(stage.jobs))
    stage.hear(LOUD, 800)
    [response] = stage.done
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["content"][0]["transcript"] == "First sentence."
    assert not [job for job in stage.jobs.values() if isinstance(job, Speak)]


def test_without_interruption_the_next_answer_waits_for_the_first(stage: Stage) -> None:
    detection = {"type": "server_vad", "interrupt_response": False}
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": detection}}})
    stage.hear(LOUD, 600)
    stage.hear(QUIET, 700)
    stage.finish(min(stage.jobs))  # recognised; the first answer is still being thought of
    stage.words = "second"
    stage.hear(LOUD, 600)
    stage.hear(QUIET, 700)
    stage.work()
    assert [response["status"] for response in stage.done] == ["completed", "completed"]
    assert stage.done[1]["output"][0]["content"][0]["transcript"] == "You said second."


def test_a_cough_gets_no_answer_but_is_in_the_conversation(stage: Stage) -> None:
    stage.words = ""
    stage.turn(speech=140)
    assert len(stage.of("input_audio_buffer.committed")) == 1
    assert stage.of("response.created") == []


def test_longer_sounds_without_words_reach_the_model(stage: Stage) -> None:
    stage.words = ""
    stage.turn(speech=800)
    assert len(stage.done) == 1


def test_a_noise_that_interrupted_the_answer_is_not_met_with_silence(stage: Stage) -> None:
    stage.turn()
    # The answer was sent in a burst and the client is still playing it.
    stage.words = ""
    stage.turn(speech=600)
    assert len(stage.done) == 2


def test_a_failed_recognition_is_reported_and_answered(stage: Stage) -> None:
    stage.hear(LOUD, 600)
    stage.hear(QUIET, 700)
    stage.finish(min(stage.jobs), RuntimeError("broken"))
    stage.work()
    assert stage.of("conversation.item.input_audio_transcription.failed")
    assert stage.done[0]["status"] == "completed"


def test_a_model_that_fails_is_excused_aloud(stage: Stage) -> None:
    stage.hear(LOUD, 600)
    stage.hear(QUIET, 700)
    stage.finish(min(stage.jobs))
    [think] = [number for number, job in stage.jobs.items() if isinstance(job, Think)]
    stage.finish(think, ValueError("broken"))
    stage.work()
    assert stage.done[0]["output"][0]["content"][0]["transcript"].startswith("Sorry, something went wrong")


def test_a_voice_that_fails_ends_the_response_as_failed(stage: Stage) -> None:
    stage.hear(LOUD, 600)
    stage.hear(QUIET, 700)
    stage.finish(min(stage.jobs))
    stage.finish(min(stage.jobs))
    stage.finish(min(stage.jobs), RuntimeError("broken"))
    [response] = stage.done
    assert response["status"] == "failed"
    assert response["status_details"]["error"]["code"] == "speech_synthesis_failed"


def test_a_tool_is_called_and_its_result_spoken(stage: Stage) -> None:
    stage.words = "call clock"
    stage.turn()
    [call] = stage.of("response.function_call_arguments.done")
    assert (call["name"], call["arguments"]) == ("clock", '{"a": 1}')
    assert stage.done[0]["output"][0]["type"] == "function_call"
    item = {"type": "function_call_output", "call_id": call["call_id"], "output": "noon"}
    stage.send("conversation.item.create", item=item)
    stage.send("response.create")
    stage.work()
    assert stage.done[1]["output"][0]["content"][0]["transcript"] == "The tool says noon."


def test_truncation_leaves_what_was_heard(stage: Stage) -> None:
    stage.words = "one two three four five six"
    stage.turn()
    item = stage.done[0]["output"][0]["id"]
    stage.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=700)
    assert stage.of("conversation.item.truncated")[0]["audio_end_ms"] == 700
    stage.send("conversation.item.retrieve", item_id=item)
    shown = stage.of("conversation.item.retrieved")[0]["item"]["content"][0]["transcript"]
    assert "You said one two three four five six.".startswith(shown)
    assert 1 <= len(shown.split()) <= 5
    stage.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=999_999)
    assert "already shorter" in stage.of("error")[0]["error"]["message"]


def test_semantic_turns_wait_for_an_unfinished_sentence(stage: Stage) -> None:
    detection = {"type": "semantic_vad"}
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": detection}}})
    stage.words = "my number is"
    stage.hear(LOUD, 600, work=True)
    stage.hear(QUIET, 1500, work=True)
    assert stage.of("input_audio_buffer.committed") == []
    stage.words = "my number is five"
    stage.hear(LOUD, 400, work=True)
    stage.hear(QUIET, 800, work=True)
    assert len(stage.of("input_audio_buffer.committed")) == 1


@pytest.mark.parametrize("text", ["my name is", "well, I", "on Monday and", "I would like to...", "and then,"])
def test_sentences_that_go_on_are_told_from_finished_ones(text: str) -> None:
    assert looks_unfinished(text)
    assert not looks_unfinished("What are your opening hours?")
    assert not looks_unfinished("My name is John.")


def test_a_client_may_end_turns_itself(stage: Stage) -> None:
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    stage.send("input_audio_buffer.commit")
    assert stage.of("error")[0]["error"]["code"] == "input_audio_buffer_commit_empty"
    stage.hear(LOUD, 400)
    stage.hear(QUIET, 2000)
    assert stage.of("input_audio_buffer.speech_started") == []
    stage.send("input_audio_buffer.commit")
    stage.work()
    assert stage.done == [] and stage.of("conversation.item.input_audio_transcription.completed")
    stage.send("response.create")
    stage.work()
    assert stage.done[0]["output"][0]["content"][0]["transcript"] == "You said hello."


def test_a_response_asked_for_early_waits_for_the_words(stage: Stage) -> None:
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    stage.hear(LOUD, 400)
    stage.send("input_audio_buffer.commit")
    stage.send("response.create")
    assert [type(job) for job in stage.jobs.values()] == [Recognise]
    stage.work()
    assert stage.done[0]["output"][0]["content"][0]["transcript"] == "You said hello."


def test_cleared_audio_is_forgotten(stage: Stage) -> None:
    stage.hear(LOUD, 600)
    stage.send("input_audio_buffer.clear")
    stage.hear(QUIET, 1000)
    stage.work()
    assert stage.of("input_audio_buffer.cleared") and stage.done == []


def test_silence_does_not_pile_up(stage: Stage) -> None:
    second = base64.b64encode(QUIET * 50).decode()
    for _ in range(120):
        stage.send("input_audio_buffer.append", audio=second)
    assert stage.session._turns.ear.buffered_ms < 3000


def test_a_caller_who_never_pauses_is_answered_after_a_minute(stage: Stage) -> None:
    stage.hear(LOUD, 61_000)
    assert stage.of("input_audio_buffer.committed")


def test_idle_time_is_answered_once_played_out(stage: Stage) -> None:
    detection = {"type": "server_vad", "idle_timeout_ms": 5000}
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": detection}}})
    stage.turn()
    played = len("You said hello.") * 0.05
    assert stage.session.deadline - stage.now == pytest.approx(5 + played, abs=1.0)
    stage.now = stage.session.deadline + 0.01
    stage.session.tick()
    stage.collect()
    stage.work()
    assert stage.of("input_audio_buffer.timeout_triggered")
    assert len(stage.done) == 2


def test_a_session_ends_after_its_longest_time() -> None:
    stage = Stage(max_seconds=60)
    stage.now += 61
    stage.session.tick()
    stage.collect()
    assert stage.of("error")[0]["error"]["code"] == "session_expired"
    assert stage.closed is not None and stage.closed.code == 1001


def test_wideband_audio_is_heard_and_answered_at_24_khz() -> None:
    stage = Stage()
    loud = (np.sin(np.arange(480) * 2 * np.pi * 300 / 24000) * 12000).astype("<i2").tobytes()
    stage.hear(loud, 600)
    stage.hear(bytes(960), 700)
    stage.work()
    assert stage.recognised[0].rate == 24000
    sound = b"".join(base64.b64decode(event["delta"]) for event in stage.of("response.output_audio.delta"))
    assert len(sound) == len("You said hello.") * 50 * 48


def test_text_sessions_answer_in_text(stage: Stage) -> None:
    stage.send("session.update", session={"type": "realtime", "output_modalities": ["text"]})
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi there"}]}
    stage.send("conversation.item.create", item=item)
    stage.send("response.create")
    stage.work()
    assert stage.done[0]["output"][0]["content"] == [{"type": "output_text", "text": "You said hi there."}]
    assert stage.of("response.output_text.delta") and not stage.of("response.output_audio.delta")


def test_recorded_turns_can_be_put_into_the_conversation(stage: Stage) -> None:
    audio = base64.b64encode(LOUD * 50).decode()
    item = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": audio}]}
    stage.send("conversation.item.create", item=item)
    assert "audio" not in json.dumps(stage.of("conversation.item.added")[-1]["item"]["content"]).replace(
        "input_audio", ""
    )
    stage.send("response.create")
    stage.work()
    assert stage.done[0]["output"][0]["content"][0]["transcript"] == "You said hello."


def test_a_resumed_conversation_begins_with_its_history(stage: Stage) -> None:
    for role, kind, text in (("user", "input_text", "when are you open"), ("assistant", "output_text", "At nine.")):
        item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
        stage.send("conversation.item.create", item=item)
    stage.hear(LOUD, 600)
    stage.hear(QUIET, 700)
    stage.finish(min(stage.jobs))
    [think] = [job for job in stage.jobs.values() if isinstance(job, Think)]
    assert [turn.text for turn in think.prompt.turns] == ["when are you open", "At nine.", "hello"]


def test_a_queued_answer_does_not_begin_while_the_caller_speaks(stage: Stage) -> None:
    for interrupt in (False, True):
        detection = {"type": "server_vad", "interrupt_response": interrupt}
        session = {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
        stage.send("session.update", session=session)
        if not interrupt:
            stage.hear(LOUD, 600)
            stage.hear(QUIET, 700)
            stage.finish(min(stage.jobs))  # the first answer is being thought of
            stage.hear(LOUD, 600)
            stage.hear(QUIET, 700)
            stage.finish(max(stage.jobs))  # the second waits for it
    before = len(stage.events)
    stage.hear(LOUD, 300)
    stage.work()
    assert stage.kinds(before).count("response.created") == 0
    assert stage.kinds(before).count("response.done") == 1


def test_a_guess_of_an_earlier_turn_is_never_used(stage: Stage) -> None:
    stage.words = "first"
    stage.hear(LOUD, 600, work=True)
    stage.hear(QUIET, 200, work=True)
    # The turn is forgotten half-way: the format changes.
    stage.send(
        "session.update",
        session={"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}}}},
    )
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    stage.words = "second"
    stage.turn()
    assert [response["output"][0]["content"][0]["transcript"] for response in stage.done] == ["You said second."]
