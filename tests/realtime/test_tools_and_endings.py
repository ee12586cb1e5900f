"""Tools beside the audio, silence, and how calls end: heard to the last word, never in silence."""

from __future__ import annotations

from typing import Any

import pytest

from calls.facts import JournalEvent
from realtime.bridge import Limits
from tests.realtime.world import CALL, STREAM, World, audio, snapshot


def live(**options: Any) -> World:
    return World(**options).start().run(3000)


def asking(**options: Any) -> World:
    """A call in which the engine has just called a tool."""
    world = live(**options)
    world.speech(ms=500).run(100).created().call_tool()
    item = {"type": "function_call", "call_id": "c1", "name": "business_hours", "arguments": "{}"}
    return world.done(output=[item])


# tools


def test_a_tool_is_run_once_however_often_the_call_is_reported() -> None:
    world = asking()
    assert world.tools == [("c1", "business_hours", "{}")]


def test_the_answer_is_sent_and_spoken_about() -> None:
    world = asking().run(200).tool_answers()
    item = world.asked("conversation.item.create")[-1].what["item"]
    assert item == {"type": "function_call_output", "call_id": "c1", "output": '{"say":"We open at nine."}'}
    assert world.engine[-1].what == {"type": "response.create"}
    fact = world.of("tool")[0]
    assert (fact["name"], fact["ok"], fact["ms"]) == ("business_hours", True, 200)


def test_facts_of_a_tool_go_into_the_journal() -> None:
    citation = JournalEvent("citation", {"question": "?", "source": "FAQ", "confidence": 0.9})
    world = asking().tool_answers(events=(citation,))
    assert world.of("citation") == [citation.data]


def test_two_calls_of_one_answer_are_spoken_about_once() -> None:
    world = live()
    world.created().call_tool("c1").call_tool("c2").done()
    world.tool_answers("c1").run(100)
    assert not world.asked("response.create")
    world.tool_answers("c2")
    assert len(world.asked("response.create")) == 1


def test_an_answer_that_comes_while_the_response_runs_waits_for_its_end() -> None:
    world = live()
    world.created().call_tool("c1").tool_answers("c1")
    assert not world.asked("response.create")
    world.done()
    assert len(world.asked("response.create")) == 1


def test_a_tool_that_takes_too_long_is_answered_with_a_sentence() -> None:
    world = asking().run(5_001)
    item = world.asked("conversation.item.create")[-1].what["item"]
    assert '"error": "timeout"' in item["output"] and '"say"' in item["output"]
    assert world.of("tool")[0]["ok"] is False
    world.tool_answers()
    assert len(world.of("tool")) == 1


def test_silence_while_a_tool_runs_is_filled() -> None:
    world = asking().run(1_199)
    before = world.played_ms()
    world.run(2)
    assert world.played_ms() == before + 600
    assert world.sent("media")[-1].what["media"]["payload"] == world.snap.fillers[0]


def test_nothing_is_filled_while_something_is_heard() -> None:
    world = live()
    world.created().words("One moment, please.").delta(3000).call_tool().run(1500)
    assert world.played_ms() == 2000 + 3000


def test_a_quick_tool_needs_no_filler() -> None:
    world = asking().run(500).tool_answers()
    before = world.played_ms()
    world.run(3000)
    assert world.played_ms() == before


def test_a_caller_who_speaks_while_a_tool_runs_is_not_talked_over() -> None:
    world = asking().run(100)
    world.say("input_audio_buffer.speech_started", item_id="u2", audio_start_ms=0)
    world.tool_answers()
    assert not world.asked("response.create")
    assert world.asked("conversation.item.create")[-1].what["item"]["type"] == "function_call_output"


def test_arguments_without_bound_are_refused() -> None:
    world = live()
    world.say("response.function_call_arguments.done", call_id="c", name="business_hours", arguments="x" * 20_000)
    assert not world.tools
    assert "refused" in world.asked("conversation.item.create")[-1].what["item"]["output"]


def test_tool_calls_are_bounded() -> None:
    world = live(limits=Limits(tool_calls=3))
    for number in range(20):
        world.call_tool(f"c{number}")
    assert len(world.tools) == 3


def test_a_response_of_ours_that_met_another_is_asked_for_again() -> None:
    world = asking().tool_answers()
    world.say("error", error={"type": "invalid_request_error", "code": "conversation_already_has_active_response"})
    assert len(world.asked("response.create")) == 1
    world.done("other")
    assert len(world.asked("response.create")) == 2


# endings


def ending(action: str = "hangup", **options: Any) -> World:
    """A tool has asked for the end; the goodbye is being played."""
    world = asking(**options).tool_answers(action=action)
    return world.run(200).answer("Goodbye, and thank you.", 1500, item="a2", response="r2")


@pytest.mark.parametrize(
    ("action", "step"),
    [("hangup", {"do": "hangup"}), ("voicemail", {"do": "voicemail", "reason": "receptionist"})],
)
def test_the_last_words_are_heard_before_the_line_moves_on(action: str, step: dict[str, Any]) -> None:
    world = ending(action).run(1499)
    assert world.carrier_open
    assert not world.steps
    world.run(20)
    assert world.steps == [step]
    assert world.of("next_step") == [step]
    assert not world.carrier_open and not world.engine_open and world.over
    assert world.turns()[-1] == ("receptionist", "Goodbye, and thank you.")


def test_the_step_is_stored_before_the_stream_is_closed() -> None:
    world = ending()
    world.auto_store = False
    world.run(2000)
    assert world.steps and world.carrier_open
    world.bridge.step_done(world.now)
    assert not world.carrier_open


def test_a_step_that_cannot_be_stored_does_not_hold_the_line() -> None:
    world = ending()
    world.auto_store = False
    world.run(6000)
    assert world.over


def test_a_goodbye_whose_mark_never_comes_back_ends_all_the_same() -> None:
    world = ending(marks="never").run(1400)
    assert not world.steps
    world.run(2000)
    assert world.over


def test_a_goodbye_that_never_comes_ends_all_the_same() -> None:
    world = asking().tool_answers(action="hangup").run(11_000)
    assert world.steps[-1] is not None
    world.run(10_000)
    assert world.over


def test_a_caller_with_one_more_question_is_not_hung_up_on() -> None:
    world = ending().run(500)
    world.speech("u3", text="Oh, one more thing.").answer("Yes?", 300, item="a3", response="r3").run(6000)
    assert not world.steps
    assert world.carrier_open


def test_the_longest_call_ends_with_a_goodbye() -> None:
    world = World(snapshot(max_seconds=30, idle_prompts=[])).start().run(30_000 - 1)
    assert not world.asked("response.create")
    world.run(2)
    assert "Goodbye." in world.asked("response.create")[-1].what["response"]["instructions"]
    world.answer("Goodbye.", 500, item="g").run(1000)
    assert world.steps == [{"do": "hangup"}]


def test_earlier_streams_count_towards_the_longest_call() -> None:
    world = World(snapshot(max_seconds=30, offset_ms=25_000, generation=1)).start().run(5_100)
    assert world.asked("response.create")


def test_talking_does_not_put_off_the_longest_calls_end() -> None:
    world = World(snapshot(max_seconds=10)).start().run(10_050)
    world.answer("Goodbye.", 1000, item="g").run(200)
    world.say("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0).run(3000)
    assert world.steps == [{"do": "hangup"}]


def test_silence_is_asked_about_and_then_ends_the_call() -> None:
    """AIReceptionist#11: 21 minutes to hold music."""
    world = World().start().run(2000)
    said = []
    for number in range(3):
        world.run(11_100)
        said.append(world.asked("response.create")[-1].what["response"]["instructions"])
        world.answer("…", 300, item=f"i{number}", response=f"i{number}").run(400)
    assert [world.snap.idle_prompts[0] in said[0], world.snap.idle_prompts[1] in said[1]] == [True, True]
    assert "Goodbye." in said[2]
    assert world.steps == [{"do": "hangup"}]


def test_a_caller_who_answers_is_asked_from_the_beginning() -> None:
    world = World().start().run(13_500)
    world.answer("Are you still there?", 300, item="i").run(500)
    world.speech(text="Yes, sorry.").answer("No problem.", 300, item="a", response="a").run(12_500)
    assert world.snap.idle_prompts[0] in world.asked("response.create")[-1].what["response"]["instructions"]


def test_a_call_without_prompts_ends_after_a_minute_of_silence() -> None:
    world = World(snapshot(idle_prompts=[])).start().run(55_000)
    assert not world.asked("response.create")
    world.run(10_000)
    assert "Goodbye." in world.asked("response.create")[-1].what["response"]["instructions"]


def test_nobody_is_asked_whether_they_are_there_while_they_speak() -> None:
    world = live()
    world.say("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0).run(60_000)
    assert not world.asked("response.create")


def test_a_stopping_process_says_goodbye() -> None:
    world = live()
    world.bridge.drain(world.now)
    world.answer("Goodbye.", 500, item="g").run(1000)
    assert world.steps == [{"do": "hangup"}]
    assert world.over


@pytest.mark.parametrize("phase", ["speaking", "draining", "closing"])
def test_a_caller_who_hangs_up_into_the_goodbye_is_let_go(phase: str) -> None:
    world = asking().tool_answers(action="hangup")
    world.auto_store = False
    if phase != "speaking":
        world.run(100).answer("Goodbye.", 800, item="g", response="r2")
    if phase == "closing":
        world.run(1000)
    world.stop().run(10_000)
    assert world.over
    assert len(world.steps) == 1


# faults of our own, and hostile input


def test_a_bug_on_the_audio_path_ends_in_an_apology_and_voicemail(monkeypatch: pytest.MonkeyPatch) -> None:
    world = live()

    def broken(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(world.bridge.mouth, "audio", broken)
    before = world.played_ms()
    world.created().delta(200)
    assert world.played_ms() == before + 1000
    world.run(2000)
    assert world.steps == [{"do": "voicemail", "reason": "engine"}]
    assert world.over


def test_a_bug_in_the_apology_still_closes_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    world = live()

    def broken(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(world.bridge.mouth, "audio", broken)
    monkeypatch.setattr(world.bridge.mouth, "say", broken)
    world.created().delta(200)
    assert world.over


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"7",
        b'{"event":null}',
        b'{"event":"media","media":{"payload":"###="}}',
        b'{"event":"media","media":{"payload":"AAA"}}',
        b'{"event":"media","media":{"payload":"A=AA"}}',
        b'{"event":"media","media":[]}',
        b'{"event":"mark"}',
        b'{"event":"dtmf","dtmf":7}',
        b'{"event":"start","start":{"streamSid":"x"}}',
        b'{"event":"media","media":{"payload":"' + b"A" * 70_000 + b'"}}',
        b"[" * 50_000,
    ],
)
def test_malformed_frames_of_the_carrier_change_nothing(data: bytes) -> None:
    world = live()
    sent = len(world.engine), len(world.carrier)
    world.frame(data)
    assert (len(world.engine), len(world.carrier)) == sent
    assert world.talk(20).asked("input_audio_buffer.append")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"{",
        b"[]",
        b'{"type":[]}',
        b'{"type":"response.output_audio.delta"}',
        b'{"type":"response.output_audio.delta","delta":"!!!!"}',
        b'{"type":"response.output_audio.delta","delta":7}',
        b'{"type":"response.done"}',
        b'{"type":"response.done","response":{"output":{"a":1}}}',
        b'{"type":"response.done","response":{"output":[null,7,{"type":"function_call"}]}}',
        b'{"type":"response.created","response":null}',
        b'{"type":"input_audio_buffer.speech_stopped","audio_end_ms":"soon"}',
        b'{"type":"conversation.item.input_audio_transcription.completed","transcript":7}',
        b'{"type":"error"}',
        b'{"type":"error","error":{"code":{"a":1}}}',
        b'{"type":"an.event.of.next.year"}',
        b'{"a":' * 50_000,
    ],
)
def test_malformed_events_of_the_engine_change_nothing(data: bytes) -> None:
    world = live()
    before = world.played_ms()
    world.hear(data)
    assert world.played_ms() == before
    world.created().delta(200)
    assert world.played_ms() == before + 200


def test_a_second_start_is_not_believed() -> None:
    world = live()
    world.start("other", "CA-other")
    assert world.bridge.call_sid == CALL
    world.created().delta(20)
    assert world.sent("media")[-1].what["streamSid"] == STREAM


def test_a_start_whose_stream_name_could_break_out_of_a_frame_is_refused() -> None:
    world = World()
    world.frame({"event": "start", "start": {"streamSid": 'x","event":"stop', "callSid": CALL}})
    assert world.bridge.state == "waiting"


def test_a_flood_of_frames_is_bounded() -> None:
    world = live()
    for _ in range(5_000):
        world.frame({"event": "media", "media": {"payload": audio(20)}})
    assert len(world.asked("input_audio_buffer.append")) <= 1_000
    world.run(2_000)
    before = len(world.asked("input_audio_buffer.append"))
    world.talk(200)
    assert len(world.asked("input_audio_buffer.append")) == before + 10


def test_an_engine_that_never_stops_talking_is_bounded() -> None:
    world = live()
    world.created()
    for _ in range(400):
        world.delta(1000)
    assert world.played_ms() <= Limits().ahead_ms + 4000
