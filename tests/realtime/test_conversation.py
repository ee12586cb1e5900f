"""A call between a scripted carrier and a scripted engine, on a virtual clock."""

from __future__ import annotations

import base64

import pytest

from realtime.bridge import Limits
from tests.realtime.world import CALL, World, audio, snapshot

GREETING_MS = 2000


def live(**options: object) -> World:
    """A call whose greeting has been heard."""
    return World(**options).start().run(GREETING_MS + 500)  # type: ignore[arg-type]


def test_the_greeting_plays_at_once_while_the_engine_is_still_silent() -> None:
    world = World(auto_open=False).start().run(5)
    media = world.sent("media")
    assert media[0].at <= 1_000 + 2
    assert b"".join(base64.b64decode(s.what["media"]["payload"]) for s in media) == b"\x11" * 16_000
    assert world.of("greeting")[0]["text"].startswith("Hello and welcome")


def test_the_greeting_is_part_of_the_conversation() -> None:
    world = World().start().run(100)
    item = world.asked("conversation.item.create")[0].what["item"]
    assert (item["role"], item["content"][0]["text"]) == ("assistant", world.snap.greeting_text)


def test_a_greeting_heard_to_its_end_is_a_turn() -> None:
    world = live()
    assert world.turns() == [("receptionist", world.snap.greeting_text)]
    turn = world.of("turn")[0]
    assert (turn["start_ms"], turn["end_ms"], turn["interrupted"]) == (1, 2001, False)


def test_the_session_is_configured_for_telephone_audio_before_any_is_sent() -> None:
    world = World().start().talk(200)
    first = world.engine[0].what
    assert first["type"] == "session.update"
    session = first["session"]
    assert session["audio"]["input"]["format"] == session["audio"]["output"]["format"] == {"type": "audio/pcmu"}
    assert session["instructions"] == world.snap.instructions
    assert session["tools"][0]["name"] == "business_hours"
    assert session["audio"]["input"]["turn_detection"] == {"type": "server_vad"}
    assert "transcription" in session["audio"]["input"]


def test_the_callers_audio_is_passed_through_untouched() -> None:
    world = live()
    payload = base64.b64encode(bytes(range(160))).decode()
    world.talk(20, payload)
    assert world.asked("input_audio_buffer.append")[-1].what["audio"] == payload


def test_the_engines_audio_is_passed_through_untouched() -> None:
    world = live()
    world.speech().created().delta(200)
    assert world.sent("media")[-1].what["media"]["payload"] == audio(200)


def test_what_the_caller_says_before_the_engine_is_there_is_not_lost() -> None:
    world = World(auto_open=False).start().run(1)
    for number in range(50):
        world.talk(20, audio(20, number))
    world.open()
    sent = [s.what["audio"] for s in world.asked("input_audio_buffer.append")]
    assert sent == [audio(20, number) for number in range(50)]
    assert [s.what["type"] for s in world.engine][:2] == ["session.update", "conversation.item.create"]


def test_audio_waiting_for_an_engine_is_bounded() -> None:
    world = World(auto_open=False, limits=Limits(engine_open_ms=60_000)).start().run(1)
    world.talk(30_000)
    world.open()
    assert len(world.asked("input_audio_buffer.append")) == Limits().recent_frames


def test_audio_that_comes_while_the_token_is_redeemed_is_kept() -> None:
    world = World()
    world.auto_admit = False
    world.start().talk(100)
    world.bridge.admitted(world.snap, world.now)
    world.run(100)
    assert len(world.asked("input_audio_buffer.append")) == 5


def test_a_question_and_its_answer_are_journalled_with_their_times() -> None:
    world = live().talk(20)
    world.run(980)
    world.speech(ms=800, text="What are your hours?")
    world.run(300).answer("We are open from nine to five.", 1500)
    world.run(3000)
    assert world.turns()[1:] == [
        ("caller", "What are your hours?"),
        ("receptionist", "We are open from nine to five."),
    ]
    answer = world.of("turn")[-1]
    assert answer["end_ms"] - answer["start_ms"] == 1500
    assert not answer["interrupted"]


def test_the_callers_times_count_from_the_start_of_the_stream() -> None:
    world = World().start().talk(3000)
    world.say("input_audio_buffer.speech_started", audio_start_ms=1000, item_id="u1")
    world.say("input_audio_buffer.speech_stopped", audio_end_ms=2000, item_id="u1").heard("u1", "Hello?")
    turn = next(t for t in world.of("turn") if t["role"] == "caller")
    assert (turn["start_ms"], turn["end_ms"]) == (pytest.approx(1000, abs=40), pytest.approx(2000, abs=40))


def test_deltas_without_any_preamble_are_played() -> None:
    world = live()
    world.delta(400, item="x", response="y").words("Good morning.", item="x", response="y")
    world.say("response.output_audio.done", item_id="x")
    world.say("response.output_audio_transcript.done", item_id="x", transcript="Good morning.")
    world.run(2000)
    assert world.played_ms() == GREETING_MS + 400
    assert world.turns()[-1] == ("receptionist", "Good morning.")


def test_deltas_that_name_neither_item_nor_response_are_played() -> None:
    world = live()
    world.say("response.output_audio.delta", delta=audio(300))
    assert world.played_ms() == GREETING_MS + 300


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_any_spelling_of_a_frame_is_understood(separators: tuple[str, str]) -> None:
    import json

    world = live()
    media = {"event": "media", "media": {"payload": audio(20), "track": "inbound"}, "streamSid": "x"}
    turned = dict(reversed(media.items()))
    for message in (media, turned):
        world.frame(json.dumps(message, separators=separators).encode())
    delta = {"delta": audio(20), "item_id": "i", "type": "response.output_audio.delta"}
    for message in (delta, dict(reversed(delta.items()))):
        world.hear(json.dumps(message, separators=separators).encode())
    assert len(world.asked("input_audio_buffer.append")) == 2
    assert world.played_ms() == GREETING_MS + 40


def test_an_escaped_payload_is_decoded_once() -> None:
    world = live()
    raw = base64.b64encode(b"\xff\xff\xff" * 40).decode()
    assert "/" in raw
    world.frame(b'{"event":"media","media":{"payload":"%s"}}' % raw.replace("/", "\\/").encode())
    assert world.asked("input_audio_buffer.append")[-1].what["audio"] == raw


def test_our_own_track_does_not_go_to_the_engine() -> None:
    world = World().start(tracks=["inbound", "outbound"]).run(3000)
    world.frame({"event": "media", "media": {"track": "outbound", "payload": audio(20)}})
    assert not world.asked("input_audio_buffer.append")
    world.frame({"event": "media", "media": {"track": "inbound", "payload": audio(20)}})
    assert len(world.asked("input_audio_buffer.append")) == 1


def test_a_call_without_a_rendered_greeting_is_greeted_by_the_engine() -> None:
    world = World(snapshot(greeting_ulaw=b"")).start().run(100)
    asked = world.asked("response.create")
    assert world.snap.greeting_text in asked[0].what["response"]["instructions"]


def test_keys_are_passed_on_as_one_message() -> None:
    world = live()
    for digit in "42":
        world.press(digit)
    world.run(2000)
    item = world.asked("conversation.item.create")[-1].what["item"]
    assert item["content"][0]["text"] == "[keys] 42"
    assert len(world.asked("response.create")) == 1


def test_the_last_key_may_be_the_hash() -> None:
    world = live()
    for digit in "7#":
        world.press(digit)
    assert world.asked("conversation.item.create")[-1].what["item"]["content"][0]["text"] == "[keys] 7#"


@pytest.mark.parametrize(("token", "call"), [("other", CALL), ("", CALL), ("token-1", "CA-foreign")])
def test_a_token_that_is_worth_nothing_closes_the_stream_without_a_word(token: str, call: str) -> None:
    world = World().start(token, call).run(100)
    assert world.over
    assert not world.carrier_open
    assert not world.carrier
    assert not world.facts
    assert not world.dialled


def test_a_socket_that_never_starts_a_stream_is_closed() -> None:
    world = World().run(11_000)
    assert world.over


def test_a_caller_who_leaves_while_the_token_is_redeemed_leaves_nothing_behind() -> None:
    world = World()
    world.auto_admit = False
    world.start().stop()
    world.bridge.admitted(world.snap, world.now)
    world.run(1000)
    assert world.over
    assert not world.dialled


@pytest.mark.parametrize("moment", [2, 20, 60, 1500, 4000])
def test_stop_closes_both_sides_at_any_moment(moment: float) -> None:
    world = World().start().run(moment)
    world.stop().run(60_000)
    assert world.over
    assert not world.carrier_open
    assert not world.engine_open
    assert world.steps == [None]
    assert world.of("stream")[-1]["state"] == "ended"


def test_a_greeting_cut_off_by_hanging_up_is_on_record_as_far_as_it_was_heard() -> None:
    world = World().start().run(1001)
    world.stop()
    text = world.of("turn")[0]["text"]
    assert text and world.snap.greeting_text.startswith(text)
    assert 0.35 < len(text) / len(world.snap.greeting_text) <= 0.5


def test_two_turns_of_one_item_id_are_two_turns() -> None:
    world = live()
    for text in ("First.", "Second."):
        world.speech().answer(text, 400, item="same").run(1500)
    ids = [turn["item_id"] for turn in world.of("turn")]
    assert len(ids) == len(set(ids))
    assert [t for r, t in world.turns() if r == "receptionist"][1:] == ["First.", "Second."]
