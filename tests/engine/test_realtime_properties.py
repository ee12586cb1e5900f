"""Whatever a client sends and in whichever order work comes back: the protocol holds, the session lives on."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.stage import LOUD, QUIET, Stage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 100_000) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
IDS = st.sampled_from([f"item_{n}" for n in range(1, 40)] + ["root", "a", ""])
TYPES = st.sampled_from(
    [
        "session.update",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
        "conversation.item.create",
        "conversation.item.delete",
        "conversation.item.retrieve",
        "conversation.item.truncate",
        "response.create",
        "response.cancel",
        "nothing",
    ]
)


def _message(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def _audio(frame: bytes, count: int) -> dict[str, Any]:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(frame * count).decode()}


DETECTION = st.sampled_from(
    [
        None,
        {"type": "server_vad"},
        {"type": "server_vad", "interrupt_response": False},
        {"type": "server_vad", "create_response": False, "silence_duration_ms": 200},
        {"type": "semantic_vad", "eagerness": "high"},
    ]
)
FORMAT = st.sampled_from([{"type": "audio/pcmu"}, {"type": "audio/pcm", "rate": 24000}])
GOOD = st.one_of(
    st.builds(_audio, st.sampled_from([LOUD, QUIET]), st.integers(0, 60)),
    st.builds(
        lambda detection, form: {
            "type": "session.update",
            "session": {"type": "realtime", "audio": {"input": {"turn_detection": detection, "format": form}}},
        },
        DETECTION,
        FORMAT,
    ),
    st.builds(
        lambda modality: {"type": "session.update", "session": {"output_modalities": [modality]}},
        st.sampled_from(["audio", "text"]),
    ),
    st.builds(
        lambda text: {"type": "conversation.item.create", "item": _message(text)},
        st.sampled_from(["hi", "quiet", "call clock", "and so on. And on."]),
    ),
    st.builds(lambda item_id: {"type": "conversation.item.delete", "item_id": item_id}, IDS),
    st.builds(
        lambda item_id, ms: {
            "type": "conversation.item.truncate",
            "item_id": item_id,
            "content_index": 0,
            "audio_end_ms": ms,
        },
        IDS,
        st.integers(0, 2000),
    ),
    st.sampled_from(
        [
            {"type": kind}
            for kind in ("input_audio_buffer.commit", "input_audio_buffer.clear", "response.create", "response.cancel")
        ]
    ),
)
FRAMES = st.one_of(
    GOOD.map(json.dumps),
    st.builds(lambda kind, body: json.dumps({**body, "type": kind}), TYPES, st.dictionaries(st.text(max_size=8), JSON)),
    st.text(max_size=20),
)
STEPS = st.lists(
    st.tuples(st.just("frame"), FRAMES)
    | st.tuples(st.just("work"), st.integers(0, 7))
    | st.tuples(st.just("fail"), st.integers(0, 7))
    | st.tuples(st.just("time"), st.integers(0, 20)),
    max_size=40,
)


def _balanced(stage: Stage) -> None:
    """One response at a time; nothing of a response before it opened or after it ended; items added once."""
    running: str | None = None
    added: set[str] = set()
    for event in stage.events:
        kind = event["type"]
        if kind == "response.created":
            assert running is None
            running = event["response"]["id"]
        elif kind == "response.done":
            assert event["response"]["id"] == running
            assert event["response"]["status"] != "in_progress"
            running = None
        elif kind.startswith("response."):
            assert event["response_id"] == running
        elif kind == "conversation.item.added":
            assert event["item"]["id"] not in added
            added.add(event["item"]["id"])
    assert running is None
    ids = [event["event_id"] for event in stage.events]
    assert len(ids) == len(set(ids))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_no_order_of_events_and_results_breaks_the_protocol(steps: list[tuple[str, Any]]) -> None:
    stage = Stage()
    for what, value in steps:
        if what == "frame":
            stage.raw(value)
        elif what == "time":
            stage.now += value
            stage.session.tick()
            stage.collect()
        elif stage.jobs:
            job = sorted(stage.jobs)[value % len(stage.jobs)]
            stage.finish(job, RuntimeError("scripted") if what == "fail" else None)
    stage.work()
    _balanced(stage)
    # Whatever was done to it, the session still holds a conversation.
    stage.send("session.update", session={"type": "realtime", "output_modalities": ["text"]})
    stage.send("conversation.item.create", item=_message("still there"))
    stage.send("response.create")
    stage.work()
    assert stage.done[-1]["status"] == "completed"
    assert stage.done[-1]["output"][0]["content"] == [{"type": "output_text", "text": "You said still there."}]


@settings(max_examples=300, deadline=None)
@given(FRAMES)
def test_any_frame_is_answered_or_reported(frame: str) -> None:
    stage = Stage()
    events = stage.raw(frame)
    known = "input_audio_buffer.append" in frame and '"audio"' in frame
    assert events or known or stage.jobs


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 900), min_size=1, max_size=30), st.booleans())
def test_turns_do_not_depend_on_how_audio_is_cut_into_frames(cuts: list[int], wideband: bool) -> None:
    sound = (QUIET * 10 + LOUD * 30 + QUIET * 40) * 2
    if wideband:
        sound = b"".join(bytes([0, 60] if byte != QUIET[0] else [0, 0]) * 3 for byte in sound)

    def turns(pieces: list[bytes]) -> list[tuple[int, int]]:
        stage = Stage()
        if not wideband:
            stage.setup()
        for piece in pieces:
            stage.send("input_audio_buffer.append", audio=base64.b64encode(piece).decode())
        starts = [event["audio_start_ms"] for event in stage.of("input_audio_buffer.speech_started")]
        ends = [event["audio_end_ms"] for event in stage.of("input_audio_buffer.speech_stopped")]
        return list(zip(starts, ends, strict=True))

    pieces, at = [], 0
    for size in cuts:
        pieces.append(sound[at : at + size])
        at += size
    pieces.append(sound[at:])
    assert turns(pieces) == turns([sound])
    assert len(turns([sound])) == 2
