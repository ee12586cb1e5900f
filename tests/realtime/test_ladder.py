"""Engines that refuse, close, or fall silent, at each state of the session: the next rung, or an apology."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from realtime.bridge import Limits
from tests.realtime.world import World, snapshot

State = Callable[[World], None]


def connecting(world: World) -> None:
    """The greeting plays; the engine has not answered yet."""


def greeting(world: World) -> None:
    world.run(300)


def idle(world: World) -> None:
    world.run(3000)


def caller_speaking(world: World) -> None:
    world.run(3000)
    world.say("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    world.talk(400)


def awaiting_answer(world: World) -> None:
    world.run(3000)
    world.speech("u1", text="What are your hours?")


def answer_begun(world: World) -> None:
    awaiting_answer(world)
    world.created().words("We are open from nine").delta(400).run(100)


def answer_playing(world: World) -> None:
    awaiting_answer(world)
    world.answer("We are open from nine to five.", 3000).run(100)


def tool_running(world: World) -> None:
    awaiting_answer(world)
    world.created().call_tool().done()


def saying_goodbye(world: World) -> None:
    tool_running(world)
    world.tool_answers(action="hangup")


STATES: list[State] = [
    connecting,
    greeting,
    idle,
    caller_speaking,
    awaiting_answer,
    answer_begun,
    answer_playing,
    tool_running,
    saying_goodbye,
]


@pytest.mark.parametrize("reason", ["refused", "closed", "stuck"])
@pytest.mark.parametrize("state", STATES, ids=lambda s: s.__name__)
def test_losing_the_engine_brings_the_next_within_a_second(state: State, reason: str) -> None:
    world = World(rungs=2).start().run(2)
    state(world)
    before = world.now
    world.links[-1].closed(reason, world.now)
    world.run(1000)
    assert len(world.dialled) >= 2
    configured = [s for s in world.asked("session.update") if s.at >= before]
    assert configured, "the new engine was not told who it is"
    assert world.carrier_open
    assert [fact["state"] for fact in world.of("engine")].count("lost") == 1


@pytest.mark.parametrize("state", STATES, ids=lambda s: s.__name__)
def test_with_no_engine_left_the_caller_hears_why_and_gets_the_voicemail(state: State) -> None:
    world = World().start().run(2)
    state(world)
    world.auto_open = False
    for _ in range(10):
        if world.links[-1].wanted:
            world.links[-1].closed("refused", world.now)
        world.run(500)
    world.run(8000)
    assert world.over
    expected: dict[str, Any] = {"do": "voicemail", "reason": "engine"}
    if state is saying_goodbye:
        expected = {"do": "hangup"}
    else:
        assert b"\x22" * 100 in b"".join(_played(world))
    assert world.steps == [expected]


def _played(world: World) -> list[bytes]:
    import base64

    return [base64.b64decode(s.what["media"]["payload"]) for s in world.sent("media")]


def test_an_engine_that_takes_the_socket_and_says_nothing_is_left_after_three_seconds() -> None:
    world = World(rungs=2, auto_open=False).start().run(2)
    world.engine_open = True
    world.links[0].opened(world._engine_send, world.now)
    world.run(2900)
    assert world.dialled == ["rung0"]
    world.run(200)
    assert world.dialled == ["rung0", "rung1"]


def test_an_engine_that_never_takes_the_socket_is_left_after_three_seconds() -> None:
    world = World(rungs=2, auto_open=False).start().run(3_100)
    assert world.dialled == ["rung0", "rung1"]


@pytest.mark.parametrize("state", [awaiting_answer, answer_begun], ids=lambda s: s.__name__)
def test_an_engine_that_owes_an_answer_for_eight_seconds_is_left(state: State) -> None:
    world = World(rungs=2).start().run(2)
    state(world)
    world.run(7_500)
    assert world.dialled == ["rung0"]
    world.run(1_000)
    assert world.dialled == ["rung0", "rung1"]


def test_noise_that_was_taken_for_speech_is_no_debt() -> None:
    world = World(rungs=2, limits=Limits(idle_ms=60_000)).start().run(3000)
    world.speech("u1", text="").run(20_000)
    assert world.dialled == ["rung0"]


def test_a_long_answer_is_no_debt_while_it_comes() -> None:
    world = World(rungs=2).start().run(3000)
    world.speech("u1").created()
    for _ in range(30):
        world.delta(1000).run(1000)
    assert world.dialled == ["rung0"]


def test_a_question_that_was_understood_is_asked_again_of_the_next_engine() -> None:
    world = World(rungs=2).start().run(2)
    awaiting_answer(world)
    world.engine.clear()
    world.run(9_000)
    texts = [s.what["item"]["content"][0]["text"] for s in world.asked("conversation.item.create")]
    assert texts == [world.snap.greeting_text, "What are your hours?"]
    assert len(world.asked("response.create")) == 1


def test_a_sentence_that_was_being_spoken_is_heard_by_the_next_engine() -> None:
    world = World(rungs=2).start().run(2)
    caller_speaking(world)
    world.engine.clear()
    world.links[-1].closed("closed", world.now)
    world.run(100)
    assert len(world.asked("input_audio_buffer.append")) >= 20
    assert not world.asked("response.create")


def test_sound_that_was_understood_is_not_heard_twice() -> None:
    world = World(rungs=2).start().run(3000)
    world.talk(1000)
    world.speech("u1").answer("Nine to five.", 400).run(1000)
    world.engine.clear()
    world.links[-1].closed("closed", world.now)
    world.run(100)
    assert not world.asked("input_audio_buffer.append")


def test_an_answer_that_broke_off_is_taken_up_again() -> None:
    world = World(rungs=2).start().run(2)
    answer_begun(world)
    world.engine.clear()
    world.links[-1].closed("closed", world.now)
    world.run(100)
    assert "Go on" in world.asked("response.create")[0].what["response"]["instructions"]


def test_a_tools_answer_that_comes_between_two_engines_reaches_the_second() -> None:
    world = World(rungs=2).start().run(2)
    tool_running(world)
    world.engine.clear()
    world.links[-1].closed("closed", world.now)
    world.tool_answers()
    world.run(100)
    items = [s.what["item"]["type"] for s in world.asked("conversation.item.create")]
    assert items[-2:] == ["function_call", "function_call_output"]
    assert len(world.asked("response.create")) == 1


def test_a_connection_that_held_is_dialled_again_before_the_next_rung() -> None:
    world = World(rungs=2).start().run(15_000)
    world.links[-1].closed("closed", world.now)
    world.run(100)
    assert world.dialled == ["rung0", "rung0"]
    world.links[-1].closed("refused", world.now)
    world.run(100)
    assert world.dialled == ["rung0", "rung0", "rung1"]


def test_an_engine_whose_session_has_expired_is_renewed_with_the_conversation() -> None:
    world = World().start().run(3000)
    world.speech("u1", text="My name is Ann.").answer("Hello Ann.", 500).run(1500)
    world.engine.clear()
    world.say("error", error={"type": "invalid_request_error", "code": "session_expired"}).run(1000)
    texts = [s.what["item"]["content"][0]["text"] for s in world.asked("conversation.item.create")]
    assert texts == [world.snap.greeting_text, "My name is Ann.", "Hello Ann."]
    assert world.asked("session.update")


def test_a_session_that_is_refused_is_tried_plainly_and_then_given_up() -> None:
    world = World(snapshot(voice="no-such-voice"), rungs=2).start().run(100)
    first = world.asked("session.update")[-1].what
    assert first["session"]["audio"]["output"]["voice"] == "no-such-voice"
    world.say("error", error={"type": "invalid_request_error", "code": "invalid_value", "event_id": first["event_id"]})
    second = world.asked("session.update")[-1].what
    assert "voice" not in second["session"]["audio"]["output"]
    world.say("error", error={"type": "invalid_request_error", "code": "invalid_value", "event_id": second["event_id"]})
    world.run(100)
    assert world.dialled == ["rung0", "rung1"]


def test_a_response_that_failed_is_asked_for_once_more_and_then_elsewhere() -> None:
    world = World(rungs=2).start().run(3000)
    failed = {"status_details": {"type": "failed", "error": {"code": "server_error"}}}
    world.speech("u1").created().done(status="failed", **failed)
    assert len(world.asked("response.create")) == 1
    world.created("r2").done("r2", status="failed", **failed)
    world.run(100)
    assert world.dialled == ["rung0", "rung1"]


def test_silence_between_engines_is_filled() -> None:
    world = World(rungs=2).start().run(2)
    awaiting_answer(world)
    world.auto_open = False
    before = world.played_ms()
    world.links[-1].closed("closed", world.now)
    world.run(1_300)
    assert world.played_ms() == before + 600


def test_an_abandoned_connection_is_deaf_and_dumb() -> None:
    world = World(rungs=2).start().run(3000)
    old = world.links[-1]
    old.closed("closed", world.now)
    world.run(100)
    before = world.played_ms()
    old.frame(b'{"type":"response.output_audio.delta","delta":"AAAA"}', world.now)
    old.closed("closed", world.now)
    old.opened(world._engine_send, world.now)
    assert world.played_ms() == before
    assert len(world.dialled) == 2


def test_a_resumed_call_goes_on_where_it_was() -> None:
    history = [{"role": "assistant", "text": "Hello."}, {"role": "user", "text": "My name is Ann."}]
    again = snapshot(generation=1, offset_ms=42_000, history=history, greeting_text="", greeting_ulaw=b"")
    world = World(again).start().run(100)
    assert world.of("stream")[0] == {"state": "resumed", "generation": 1}
    texts = [s.what["item"]["content"][0]["text"] for s in world.asked("conversation.item.create")]
    assert texts == ["Hello.", "My name is Ann."]
    assert "interrupted" in world.asked("response.create")[0].what["response"]["instructions"]
    world.answer("Sorry about that, Ann.", 500).run(1000)
    assert world.of("turn")[-1]["start_ms"] >= 42_000
    assert all(fact.offset_ms >= 42_000 for fact in world.facts)
