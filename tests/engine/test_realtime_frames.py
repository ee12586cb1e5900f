"""Bad and unusual client events: an error event each, and the session lives on."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.engine.stage import LOUD, QUIET, Stage


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.setup()
    return made


BAD: list[tuple[str, str, str | None]] = [
    ("", "invalid_json", None),
    ("{", "invalid_json", None),
    ("[1]", "invalid_json", None),
    ('{"a": 1}', "missing_required_parameter", "type"),
    ('{"type": 5}', "missing_required_parameter", "type"),
    ('{"type": "nothing.known"}', "invalid_value", "type"),
    ('{"type": "output_audio_buffer.clear"}', "invalid_event", "type"),
    ('{"type": "session.update"}', "missing_required_parameter", "session"),
    ('{"type": "session.update", "session": {"type": "transcription"}}', "invalid_value", "session.type"),
    (
        '{"type": "session.update", "session": {"type": "realtime", "wat": 1}}',
        "unknown_parameter",
        "session.wat",
    ),
    (
        '{"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 8000}}}}}',
        "invalid_value",
        "session.audio.input.format.audio/pcm.rate",
    ),
    ('{"type": "session.update", "session": {"output_modalities": ["audio", "text"]}}', "invalid_value", None),
    ('{"type": "session.update", "session": {"tools": [{"type": "function"}]}}', "missing_required_parameter", None),
    ('{"type": "input_audio_buffer.append"}', "missing_required_parameter", "audio"),
    ('{"type": "input_audio_buffer.append", "audio": "***"}', "invalid_audio", "audio"),
    ('{"type": "input_audio_buffer.append", "audio": "", "x": 1}', "unknown_parameter", "x"),
    ('{"type": "input_audio_buffer.commit"}', "input_audio_buffer_commit_empty", None),
    ('{"type": "conversation.item.create", "item": {"type": "image"}}', "invalid_value", "item"),
    (
        '{"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": []}}',
        "invalid_value",
        "item.content",
    ),
    (
        '{"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": "no", "output": ""}}',
        "invalid_tool_call_id",
        "item.call_id",
    ),
    (
        '{"type": "conversation.item.create", "previous_item_id": "no", "item": {"type": "message", "role": "system", '
        '"content": [{"type": "input_text", "text": "x"}]}}',
        "item_not_found",
        "previous_item_id",
    ),
    ('{"type": "conversation.item.delete", "item_id": "no"}', "item_not_found", "item_id"),
    ('{"type": "conversation.item.retrieve", "item_id": "no"}', "item_not_found", "item_id"),
    (
        '{"type": "conversation.item.truncate", "item_id": "no", "content_index": 0, "audio_end_ms": 5}',
        "item_not_found",
        "item_id",
    ),
    ('{"type": "response.cancel"}', "response_cancel_not_active", None),
    ('{"type": "response.create", "response": {"conversation": "other"}}', "invalid_value", "response.conversation"),
    ('{"type": "response.create", "response": {"input": [{"type": "x"}]}}', "invalid_value", "response.input.0"),
]


@pytest.mark.parametrize(("frame", "code", "param"), BAD)
def test_a_bad_event_is_an_error_and_the_session_lives_on(
    stage: Stage, frame: str, code: str, param: str | None
) -> None:
    if frame.startswith('{"type"') and not frame.startswith('{"type": 5'):
        frame = json.dumps(json.loads(frame) | {"event_id": "mine"})
    [event] = stage.raw(frame)
    assert event["type"] == "error"
    assert event["error"]["code"] == code
    assert event["error"]["type"] == "invalid_request_error"
    if param is not None:
        assert event["error"]["param"] == param
    if '"mine"' in frame:
        assert event["error"]["event_id"] == "mine"
    stage.turn()
    assert len(stage.done) == 1


def test_an_oversized_event_is_an_error_and_the_session_lives_on(stage: Stage) -> None:
    audio = "A" * (22 * 1024 * 1024)
    [event] = stage.send("input_audio_buffer.append", audio=audio)
    assert event["error"]["code"] == "event_too_large"
    stage.turn()
    assert len(stage.done) == 1


def test_binary_frames_are_refused(stage: Stage) -> None:
    stage.session.receive_binary()
    stage.collect()
    assert stage.of("error")[0]["error"]["code"] == "invalid_frame"


def test_settings_are_merged_deeply_and_only_what_is_named_changes(stage: Stage) -> None:
    detection = {"type": "server_vad", "silence_duration_ms": 700}
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": detection}}})
    stage.send(
        "session.update",
        session={"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7}}}},
    )
    session = stage.of("session.updated")[-1]["session"]
    assert session["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 700
    assert session["audio"]["input"]["turn_detection"]["threshold"] == 0.7
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    assert stage.of("session.updated")[-1]["session"]["audio"]["input"]["turn_detection"] is None


def test_what_official_clients_send_is_taken(stage: Stage) -> None:
    session: dict[str, Any] = {
        "type": "realtime",
        "model": "gpt-realtime-2.1",
        "instructions": "Be brief.",
        "output_modalities": ["audio"],
        "tool_choice": {"type": "function", "name": "clock"},
        "tools": [{"type": "function", "name": "clock", "description": "Tells the time", "parameters": {}}],
        "max_output_tokens": "inf",
        "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
        "tracing": None,
        "prompt": None,
        "include": None,
        "reasoning": {"effort": "low"},
        "parallel_tool_calls": False,
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "noise_reduction": None,
                "transcription": {"model": "gpt-transcribe", "language": "en", "prompt": "dental words"},
                "turn_detection": {"type": "semantic_vad", "eagerness": "high", "create_response": True},
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "cedar", "speed": 1},
        },
    }
    [event] = stage.send("session.update", session=session)
    assert event["type"] == "session.updated"
    assert event["session"]["model"] == "gpt-realtime-2.1"


def test_the_voice_is_fixed_once_it_was_heard(stage: Stage) -> None:
    stage.send("session.update", session={"type": "realtime", "audio": {"output": {"voice": "cedar"}}})
    assert stage.of("error") == []
    stage.turn()
    stage.send("session.update", session={"type": "realtime", "audio": {"output": {"voice": "marin"}}})
    assert stage.of("error")[0]["error"]["code"] == "cannot_update_voice"


def test_a_second_response_at_a_time_is_refused(stage: Stage) -> None:
    stage.send("response.create")
    stage.send("response.create", event_id="second")
    error = stage.of("error")[0]["error"]
    assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", "second")
    stage.send("response.cancel")
    assert stage.done[0]["status_details"]["reason"] == "client_cancelled"
    stage.send("response.create")
    stage.work()
    assert stage.done[1]["status"] == "completed"


def test_items_go_where_they_are_told(stage: Stage) -> None:
    def put(text: str, item_id: str, after: str | None = None) -> dict[str, Any]:
        item = {"id": item_id, "type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        return stage.send("conversation.item.create", item=item, previous_item_id=after)[0]

    assert put("a", "a")["previous_item_id"] is None
    assert put("c", "c")["previous_item_id"] == "a"
    assert put("b", "b", "a")["previous_item_id"] == "a"
    assert put("0", "z", "root")["previous_item_id"] is None
    assert put("again", "a")["error"]["code"] == "item_id_exists"
    stage.send("conversation.item.delete", item_id="c")
    stage.send("response.create")
    stage.work()
    assert stage.done[0]["output"][0]["content"][0]["transcript"] == "You said b."


def test_a_response_may_be_kept_out_of_the_conversation(stage: Stage) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "aside"}]}
    options = {
        "conversation": "none",
        "input": [item],
        "output_modalities": ["text"],
        "metadata": {"topic": "x"},
        "instructions": "Whatever.",
    }
    before = len(stage.events)
    stage.send("response.create", response=options)
    stage.work()
    assert not [kind for kind in stage.kinds(before) if kind.startswith("conversation.item")]
    assert stage.done[0]["metadata"] == {"topic": "x"}
    assert stage.done[0]["output"][0]["content"] == [{"type": "output_text", "text": "You said aside."}]
    assert "conversation_id" not in stage.done[0]


def test_an_answer_is_cut_at_the_token_limit(stage: Stage) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "word " * 50}]}
    stage.send("conversation.item.create", item=item)
    stage.send("response.create", response={"max_output_tokens": 5})
    stage.work()
    assert stage.done[0]["status"] == "incomplete"
    assert stage.done[0]["status_details"]["reason"] == "max_output_tokens"


def test_minutes_of_audio_in_one_event_are_taken(stage: Stage) -> None:
    audio = base64.b64encode((LOUD * 30 + QUIET * 50) * 60).decode()
    stage.send("input_audio_buffer.append", audio=audio)
    stage.work()
    assert len(stage.of("input_audio_buffer.committed")) == 60
