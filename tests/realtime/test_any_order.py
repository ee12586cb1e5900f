"""Whatever comes in whatever order: nothing crashes, nothing is sent to a closed side, nobody is said to have heard
more than was sent, and every call ends."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime.bridge import Limits
from tests.realtime.world import STREAM, World, audio

ITEMS = st.sampled_from(["", "a1", "a2", "u1"])
RESPONSES = st.sampled_from(["", "r1", "r2"])
MS = st.integers(0, 3000)
CODES = st.sampled_from(
    ["session_expired", "response_cancel_not_active", "conversation_already_has_active_response", "odd", ""]
)


def engine(type_: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.tuples(st.just("engine"), st.fixed_dictionaries({"type": st.just(type_), **fields}))


def carrier(event: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.tuples(st.just("carrier"), st.fixed_dictionaries({"event": st.just(event), **fields}))


IDS = {"item_id": ITEMS, "response_id": RESPONSES}
CALL = st.fixed_dictionaries(
    {"type": st.just("function_call"), "call_id": st.sampled_from(["c1", "c2"]), "name": st.just("business_hours")}
)
STEPS = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 400)),
    st.tuples(st.just("wait"), st.integers(1, 12_000)),
    engine("response.created", response=st.fixed_dictionaries({"id": RESPONSES})),
    engine("response.output_audio.delta", delta=MS.map(audio), **IDS),
    engine("response.output_audio.delta", delta=st.sampled_from(["", "x", "AAAA"])),
    engine("response.output_audio.done", **IDS),
    engine("response.output_audio_transcript.delta", delta=st.text(max_size=30), **IDS),
    engine("response.output_audio_transcript.done", transcript=st.text(max_size=60), **IDS),
    engine(
        "response.done",
        response=st.fixed_dictionaries(
            {
                "id": RESPONSES,
                "status": st.sampled_from(["completed", "cancelled", "failed", "incomplete", ""]),
                "output": st.lists(CALL, max_size=2),
            }
        ),
    ),
    engine("response.output_item.done", item=CALL, **IDS),
    engine("input_audio_buffer.speech_started", item_id=ITEMS, audio_start_ms=MS),
    engine("input_audio_buffer.speech_stopped", item_id=ITEMS, audio_end_ms=MS),
    engine("input_audio_buffer.committed", item_id=ITEMS),
    engine(
        "conversation.item.input_audio_transcription.completed", item_id=ITEMS, transcript=st.sampled_from(["", "Hi."])
    ),
    engine("conversation.item.input_audio_transcription.failed", item_id=ITEMS),
    engine("error", error=st.fixed_dictionaries({"code": CODES, "event_id": st.sampled_from(["session_1", ""])})),
    carrier("media", media=st.fixed_dictionaries({"payload": st.sampled_from([audio(20), "x", ""])})),
    carrier("mark", mark=st.fixed_dictionaries({"name": st.sampled_from(["m1", "m2", "m3", "m9"])})),
    carrier("dtmf", dtmf=st.fixed_dictionaries({"digit": st.sampled_from(["1", "#", "x"])})),
    carrier("start", start=st.just({"streamSid": STREAM})),
    st.tuples(st.just("junk"), st.binary(max_size=40)),
    st.tuples(st.just("lose"), st.sampled_from(["closed", "refused", "stuck"])),
    st.tuples(st.just("open"), st.none()),
    st.tuples(
        st.just("tool"), st.tuples(st.sampled_from(["c1", "c2"]), st.sampled_from([None, "hangup", "voicemail"]))
    ),
    st.tuples(st.just("step"), st.none()),
)
ALL_STEPS = st.one_of(STEPS, STEPS, STEPS, st.just(("drain", None)))


def play(world: World, kind: str, what: Any) -> None:
    if kind == "wait":
        world.run(what)
    elif kind == "engine" and world.links:
        world.hear(json.dumps(what).encode())
    elif kind == "carrier":
        world.frame(json.dumps({"streamSid": STREAM, **what}).encode())
    elif kind == "junk":
        world.frame(what)
        if world.links:
            world.hear(what)
    elif kind == "lose" and world.links:
        world.links[-1].closed(what, world.now)
    elif kind == "open" and world.links:
        if not world.engine_open:
            world.open()
    elif kind == "tool":
        world.tool_answers(what[0], action=what[1])
    elif kind == "step":
        world.bridge.step_done(world.now)
    elif kind == "drain":
        world.bridge.drain(world.now)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(ALL_STEPS, min_size=10, max_size=60),
    rungs=st.integers(1, 3),
    marks=st.sampled_from(["played", "early", "never"]),
    lag=st.sampled_from([0, 80, 400]),
    auto_open=st.booleans(),
    barge_in_ms=st.sampled_from([0, 300]),
)
def test_nothing_that_comes_in_breaks_a_call(
    steps: list[tuple[str, Any]], rungs: int, marks: str, lag: float, auto_open: bool, barge_in_ms: float
) -> None:
    limits = Limits(barge_in_ms=barge_in_ms)
    world = World(rungs=rungs, marks=marks, lag_ms=lag, auto_open=auto_open, limits=limits, check=False).start().run(2)
    failures: list[Exception] = []
    fail = world.bridge.fail

    def failing(error: Exception, now_ms: float) -> None:
        failures.append(error)
        fail(error, now_ms)

    world.bridge.fail = failing  # type: ignore[method-assign]
    for kind, what in steps:
        play(world, kind, what)
    world.stop().run(30_000)

    assert not failures, failures
    assert world.over and not world.carrier_open and not world.engine_open
    sent = world.played_ms()
    heard = sum(t["end_ms"] - t["start_ms"] for t in world.of("turn") if t["role"] == "receptionist")
    assert heard <= sent + len(world.of("turn"))
    for cut in world.asked("conversation.item.truncate"):
        assert 0 < cut.what["audio_end_ms"] <= sent
    assert len([step for step in world.steps if step is not None]) <= 1
    assert [fact["state"] for fact in world.of("stream")][-1] == "ended"


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=5, max_size=40))
def test_a_call_that_nobody_hangs_up_ends_by_itself(steps: list[tuple[str, Any]]) -> None:
    world = World(check=False).start().run(2)
    for kind, what in steps:
        play(world, kind, what)
    world.run(1_000_000)
    assert world.over
    assert world.steps
