"""What callers hear and applications are told, verb by verb, over real sockets."""

from __future__ import annotations

import asyncio
import io
import wave
from dataclasses import replace

import numpy as np
import pytest
from aiohttp import web

from carrier.settings import Settings
from carrier.tones import digit_tones
from common.audio import read_wav, ulaw_decode, write_wav
from tests.carrier.stage import (
    App,
    Carrier,
    SpeechServer,
    eventually,
    heard,
    loud_seconds,
    running,
    served,
    voice,
    wav_turn,
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Lines four times as fast as life: phones, recorders and players know no clock but their line's."""
    return replace(settings, tick_seconds=0.005)


def fixed_wav(seconds: float, rate: int) -> bytes:
    time = np.arange(int(rate * seconds)) / rate
    return write_wav((np.sin(2 * np.pi * 500 * time) * 9000).astype(np.int16), rate)


def ulaw_wav(ulaw: bytes) -> bytes:
    """RIFF format 7, as Twilio's own examples are."""
    head = b"WAVEfmt \x12\x00\x00\x00\x07\x00\x01\x00@\x1f\x00\x00@\x1f\x00\x00\x01\x00\x08\x00\x00\x00"
    body = head + b"data" + len(ulaw).to_bytes(4, "little") + ulaw
    return b"RIFF" + len(body).to_bytes(4, "little") + body


@pytest.mark.parametrize(
    ("data", "kind", "seconds"),
    [
        (fixed_wav(0.4, 22050), "audio/wav", 0.4),
        (ulaw_wav(voice(0.3)), "audio/wav", 0.3),
        (voice(0.3), "audio/basic", 0.3),
    ],
    ids=["pcm wav", "mu-law wav", "bare mu-law"],
)
async def test_play_plays_a_file_as_often_as_asked(
    carrier: Carrier, app: App, data: bytes, kind: str, seconds: float
) -> None:
    app.files["/hold.wav"] = (data, kind)
    carrier.number(voice_url=app.answer("/voice", '<Play loop="2">/hold.wav</Play>'))
    _, line = heard(await carrier.phone.call())
    assert abs(loud_seconds(line) - 2 * seconds) < 0.1


async def test_a_file_that_cannot_be_played_is_heard_as_a_tone(carrier: Carrier, app: App) -> None:
    app.files["/x.mp3"] = (b"ID3" + b"\x00" * 500, "audio/mpeg")
    carrier.number(voice_url=app.answer("/voice", "<Play>/x.mp3</Play>"))
    _, line = heard(await carrier.phone.call())
    assert loud_seconds(line) > 0.9


async def test_play_digits_are_tones_and_pause_is_silence(carrier: Carrier, app: App) -> None:
    carrier.number(voice_url=app.answer("/voice", '<Play digits="1#"/><Pause length="1"/><Play digits="2"/>'))
    result = await carrier.phone.call()
    _, line = heard(result)
    assert abs(loud_seconds(line) - 3 * 0.12) < 0.08
    assert abs(result["seconds"] - (1 + 3 * 0.2)) < 0.15


def test_a_digit_tone_holds_its_two_frequencies() -> None:
    spectrum = np.abs(np.fft.rfft(ulaw_decode(digit_tones("5")[:960]).astype(float)))
    peaks = sorted(int(f) for f in np.argsort(spectrum)[-2:] * 8000 / 960)
    assert abs(peaks[0] - 770) < 10 and abs(peaks[1] - 1336) < 10


async def test_a_repeated_sentence_is_rendered_once(carrier: Carrier, app: App, speech: SpeechServer) -> None:
    carrier.number(voice_url=app.answer("/voice", "<Say>Hello</Say><Say voice='alice'>Hello</Say><Say>Bye</Say>"))
    await carrier.phone.call()
    assert [asked["input"] for asked in speech.asked] == ["Hello", "Bye"]
    assert speech.asked[0]["response_format"] == "pcmu"


@pytest.mark.parametrize("following", ["<Say>Next</Say>", "<Gather><Say>Next</Say></Gather>"])
async def test_the_next_sentence_is_rendered_while_the_line_is_busy(
    carrier: Carrier, app: App, speech: SpeechServer, following: str
) -> None:
    carrier.number(voice_url=app.answer("/voice", '<Pause length="60"/>' + following))
    sid = await carrier.phone.place()
    await eventually(lambda: [one["input"] for one in speech.asked] == ["Next"])
    assert carrier.exchange.calls[sid].line.playback.waiting > 0


async def test_one_sentence_for_many_callers_is_rendered_once_even_if_one_hangs_up(
    carrier: Carrier, app: App, speech: SpeechServer
) -> None:
    speech.slow = asyncio.Event()
    carrier.number(voice_url=app.answer("/voice", "<Say>Hello</Say>"))
    sids = [await carrier.phone.place() for _ in range(3)]
    await eventually(lambda: len(speech.asked) == 1)
    carrier.exchange.calls[sids[0]].line.hang_up("caller")
    speech.slow.set()
    for sid in sids[1:]:
        assert loud_seconds(heard(await carrier.phone.result(sid))[1]) > 0.1
    assert len(speech.asked) == 1


# --- Gather


@pytest.mark.parametrize(
    ("attributes", "pressed", "digits", "finished_on"),
    [
        ('numDigits="2"', "1234", "12", None),
        ('timeout="1"', "12#9", "12", "#"),
        ('timeout="0.3"', "7", "7", None),
        ('timeout="0.3" finishOnKey="*"', "1#*", "1#", "*"),
    ],
)
async def test_gather_posts_the_keys(
    carrier: Carrier, app: App, attributes: str, pressed: str, digits: str, finished_on: str | None
) -> None:
    app.answers["/keys"] = "<Hangup/>"
    gather = (
        f'<Gather action="/keys" {attributes}><Say>Press</Say><Pause length="20"/></Gather><Redirect>/none</Redirect>'
    )
    carrier.number(voice_url=app.answer("/voice", gather))
    # The keys come while the prompt is still playing, and stop it.
    result = await carrier.phone.call([{"dtmf": pressed}])
    [request] = app.of("/keys")
    assert request.ok and request.params["Digits"] == digits
    assert request.params.get("FinishedOnKey") == finished_on
    assert result["seconds"] < 5 and not app.of("/none")


@pytest.mark.parametrize("pressed", [[], [{"dtmf": "#"}]], ids=["nothing", "only the finishing key"])
async def test_gather_without_input_goes_on_with_the_next_verb(
    carrier: Carrier, app: App, pressed: list[dict[str, str]]
) -> None:
    app.answers["/none"] = "<Hangup/>"
    gather = '<Gather action="/keys" timeout="0.6"><Say>Press</Say></Gather><Redirect>/none</Redirect>'
    carrier.number(voice_url=app.answer("/voice", gather))
    await carrier.phone.call(pressed)
    assert not app.of("/keys") and len(app.of("/none")) == 1


async def test_gather_can_ask_for_an_action_without_input(carrier: Carrier, app: App) -> None:
    app.answers["/keys"] = "<Hangup/>"
    carrier.number(voice_url=app.answer("/voice", '<Gather action="/keys" timeout="0.2" actionOnEmptyResult="true"/>'))
    await carrier.phone.call()
    assert app.of("/keys")[0].params["Digits"] == ""


async def test_a_caller_who_hangs_up_in_a_gather_ends_it(carrier: Carrier, app: App) -> None:
    carrier.number(voice_url=app.answer("/voice", '<Gather action="/keys" timeout="60"/>'))
    result = await carrier.phone.call([{"hangup_after_ms": 100}])
    assert result["ended_by"] == "caller"
    assert not app.of("/keys")
    await eventually(lambda: not carrier.exchange.calls)


# --- Record


RECORD = '<Record action="/done" timeout="{t}" recordingStatusCallback="/rec" recordingStatusCallbackEvent="{e}"/>'


async def test_a_voicemail_is_recorded_and_kept(carrier: Carrier, app: App) -> None:
    app.answers["/done"] = "<Hangup/>"
    record = "<Say>Leave a message</Say>" + RECORD.format(t=1, e="in-progress completed") + "<Redirect>/none</Redirect>"
    carrier.number(voice_url=app.answer("/voice", record))
    result = await carrier.phone.call([wav_turn(1.5)])
    [done] = app.of("/done")
    assert done.ok and done.params["RecordingUrl"].startswith("http://carrier.test/2010-04-01/Accounts/AC")
    assert "Digits" not in done.params and not app.of("/none")
    told = await app.wait_for("/rec", 2)
    assert {one.params["RecordingStatus"] for one in told} == {"in-progress", "completed"}
    completed = next(one for one in told if one.params["RecordingStatus"] == "completed")
    assert completed.ok and completed.params["RecordingSid"] == done.params["RecordingSid"]
    assert completed.params["RecordingChannels"] == "1" and completed.params["RecordingSource"] == "RecordVerb"
    wav = read_wav(carrier.exchange.store.audio_path(done.params["RecordingSid"]).read_bytes())
    assert wav.samples.shape[1] == 1 and wav.rate == 8000
    blocks = wav.samples[: len(wav.samples) // 160 * 160, 0].astype(float).reshape(-1, 160)
    assert abs(loud_seconds(np.sqrt((blocks**2).mean(axis=1))) - 1.5) < 0.1
    assert abs(float(done.params["RecordingDuration"]) - wav.seconds) <= 0.5
    # The beep was heard, and is not on the recording.
    assert loud_seconds(heard(result)[1]) >= 0.2 + 0.35


async def test_a_voicemail_ends_when_the_caller_hangs_up(carrier: Carrier, app: App) -> None:
    carrier.number(voice_url=app.answer("/voice", RECORD.format(t=10, e="completed")), status_callback=app.url + "/s")
    await carrier.phone.call([wav_turn(1.0), {"hangup_after_ms": 100}])
    [done] = await app.wait_for("/done")
    assert done.params["Digits"] == "hangup" and done.params["CallStatus"] == "completed"
    [told] = await app.wait_for("/rec")
    path = carrier.exchange.store.audio_path(told.params["RecordingSid"])
    with wave.open(io.BytesIO(path.read_bytes())) as file:
        assert file.getnframes() / 8000 >= 1.0


async def test_a_silent_voicemail_is_not_kept_and_the_next_verb_follows(carrier: Carrier, app: App) -> None:
    app.answers["/none"] = "<Hangup/>"
    carrier.number(
        voice_url=app.answer("/voice", RECORD.format(t=0.5, e="completed absent") + "<Redirect>/none</Redirect>")
    )
    await carrier.phone.call()
    assert not app.of("/done") and len(app.of("/none")) == 1
    [told] = await app.wait_for("/rec")
    assert told.params["RecordingStatus"] == "absent"
    assert list(carrier.exchange.store.recordings_dir.iterdir()) == []


@pytest.mark.parametrize(
    ("attributes", "turns", "digits"),
    [
        ('finishOnKey="#" timeout="20"', [wav_turn(0.5), {"pause": 0.1}, {"dtmf": "1#", "barge_in_ms": 0}], "#"),
        ('maxLength="1" timeout="20"', [wav_turn(3)], None),
    ],
    ids=["key", "length"],
)
async def test_a_recording_ends_with_a_key_or_its_length(
    carrier: Carrier, app: App, attributes: str, turns: list[dict[str, object]], digits: str | None
) -> None:
    app.answers["/done"] = "<Hangup/>"
    carrier.number(voice_url=app.answer("/voice", f'<Record action="/done" {attributes}/>'))
    sid = await carrier.phone.place(turns)
    if digits:
        call = carrier.exchange.calls[sid]
        await eventually(lambda: bool(call.recordings) and call.recordings[0].recorder.seconds >= 1)
        carrier.exchange.calls[sid].line.press("1#")
    [done] = await app.wait_for("/done")
    assert done.params.get("Digits") == digits


async def test_trim_takes_the_silence_off_both_ends(carrier: Carrier, app: App) -> None:
    app.answers["/done"] = "<Hangup/>"
    record = '<Record action="/done" timeout="2" trim="trim-silence" playBeep="false"/>'
    carrier.number(voice_url=app.answer("/voice", "<Say>Hi</Say>" + record))
    await carrier.phone.call([wav_turn(1.0)])
    [done] = app.of("/done")
    wav = read_wav(carrier.exchange.store.audio_path(done.params["RecordingSid"]).read_bytes())
    # 0.2 s are left at either end.
    assert abs(wav.seconds - 1.4) < 0.1


@pytest.mark.parametrize(("channels", "count"), [("dual", 2), ("mono", 1)])
async def test_a_call_is_recorded_from_start_to_its_end(carrier: Carrier, app: App, channels: str, count: int) -> None:
    start = f'<Start><Recording channels="{channels}" recordingStatusCallback="/rec"/></Start>'
    carrier.number(voice_url=app.answer("/voice", start + '<Say>Hello</Say><Pause length="30"/>'))
    await carrier.phone.call([wav_turn(0.5), {"hangup_after_ms": 200}])
    [told] = await app.wait_for("/rec")
    assert told.ok and told.params["RecordingChannels"] == str(count)
    wav = read_wav(carrier.exchange.store.audio_path(told.params["RecordingSid"]).read_bytes())
    assert wav.samples.shape[1] == count
    blocks = wav.samples[: len(wav.samples) // 160 * 160].astype(float).reshape(-1, 160, count)
    loud = [loud_seconds(channel) for channel in np.sqrt((blocks**2).mean(axis=1)).T]
    if count == 2:
        assert abs(loud[0] - 0.5) < 0.1 and abs(loud[1] - 0.2) < 0.1
    else:
        assert abs(loud[0] - 0.7) < 0.15


async def test_stop_ends_a_recording_while_the_call_goes_on(carrier: Carrier, app: App) -> None:
    verbs = '<Start><Recording recordingStatusCallback="/rec"/></Start><Say>a</Say><Stop><Recording/></Stop>'
    carrier.number(voice_url=app.answer("/voice", verbs + '<Pause length="1"/>'))
    result = await carrier.phone.call()
    [told] = await app.wait_for("/rec")
    wav = read_wav(carrier.exchange.store.audio_path(told.params["RecordingSid"]).read_bytes())
    assert wav.seconds < 0.5 < result["seconds"]


async def test_say_goes_to_any_compatible_endpoint_that_answers_in_wav(carrier: Carrier, app: App) -> None:
    async def wav(request: web.Request) -> web.Response:
        assert (await request.json())["response_format"] == "wav"
        return web.Response(body=fixed_wav(0.5, 24000), content_type="audio/wav")

    other = web.Application()
    other.router.add_post("/v1/audio/speech", wav)
    async with served(other) as url:
        settings = replace(carrier.exchange.settings, speech_url=url + "/v1", speech_format="wav")
        async with running(settings) as second:
            second.number("+15552000001", voice_url=app.answer("/voice", "<Say>Hello</Say>"))
            _, line = heard(await second.phone.call(to="+15552000001"))
            assert abs(loud_seconds(line) - 0.5) < 0.1
