"""`manage.py call` through the real built-in carrier: signed webhooks over HTTP, real audio, a kept voicemail."""

from __future__ import annotations

import json
import wave
from io import StringIO

import httpx
import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from calls.carriers import twilio
from calls.followups import run_one
from calls.management.commands import call as command
from calls.models import Call, FollowUp, Recording, Voicemail
from calls.recordings import read_recording, recording_path
from common.audio import level_db, read_wav
from tenants.context import in_public, in_tenant
from tenants.models import Tenant
from tests.calls.speech import tone
from tests.cast import ALICE, ALPHA, CALLER


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "caller.wav"
    path.write_bytes(tone(1.5, 700))
    return path


@pytest.fixture
def product(live_tenant, carrier_process, live_server, settings, tmp_path):
    """Web and carrier, each reachable by the other; alpha's number is set up."""
    settings.PUBLIC_URL = live_server.url
    settings.MEDIA_ROOT = tmp_path / "media"
    twilio.set_up_number(ALPHA.number)
    return carrier_process


def ring(*args: str) -> dict:
    out = StringIO()
    call_command("call", *args, stdout=out)
    return json.loads(out.getvalue())


def work_off(tenant) -> None:
    """What a worker does, here and now."""
    for pk in FollowUp.objects.filter(state="waiting").values_list("pk", flat=True):
        run_one(pk)


@pytest.mark.slow
def test_a_call_without_credits_ends_in_a_voicemail_that_is_kept_encrypted_and_playable(
    product, live_tenant, wav, tmp_path, client_of, monkeypatch
):
    in_public(lambda: Tenant.objects.filter(slug=ALPHA.slug).update(credits_ok=False))
    # The worker's part is done while the command waits for the books to close.
    closed = command._closed
    monkeypatch.setattr(command, "_closed", lambda sid: (work_off(live_tenant), closed(sid))[1])
    heard = tmp_path / "heard.wav"

    report = ring("--to", ALPHA.number, "--wav", str(wav), "--out", str(heard), "--from", CALLER)

    call = Call.objects.get()
    assert report == {
        "call_sid": call.sid,
        "tenant": "alpha",
        "outcome": "voicemail",
        "seconds": call.seconds,
        "transcript": [],
        "tools": [],
        "citations": [],
        "credits": 0,
    }
    assert call.seconds >= 2
    assert (call.caller, call.callee) == (CALLER, ALPHA.number)
    voicemail = Voicemail.objects.get()
    sound = read_wav(read_recording(voicemail.recording))
    assert 1 <= sound.seconds < 30
    loud = np.asarray(sound.mono())
    assert level_db(loud) > -40, "the caller is on it"
    assert abs(dominant_hertz(loud) - 700) < 30

    on_disk = recording_path(voicemail.recording).read_bytes()
    assert b"RIFF" not in on_disk
    assert b"WAVE" not in on_disk

    work_off(live_tenant)  # the transcription, which the fetching asked for
    voicemail.refresh_from_db()
    assert voicemail.transcript == product.words

    assert read_wav(heard.read_bytes()).samples.shape[1] == 2
    assert any("leave a message" in said for said in product.said)

    sound_at = f"/recordings/{voicemail.recording_id}.wav"
    connection.set_schema_to_public()
    played = client_of(ALICE).get(sound_at, headers={"range": "bytes=0-3"})
    assert (played.status_code, played.content) == (206, b"RIFF")


def dominant_hertz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    return float(np.argmax(spectrum) * 8000 / len(samples))


@pytest.mark.slow
def test_a_caller_who_hangs_up_at_the_prompt_leaves_a_call_on_record(product, live_tenant, monkeypatch):
    in_public(lambda: Tenant.objects.filter(slug=ALPHA.slug).update(credits_ok=False))
    monkeypatch.setattr(command, "SETTLE_S", 0.0)
    with command._line() as line:
        sid = command._place(line, {"from": CALLER, "to": ALPHA.number, "turns": [{"hangup_after_ms": 300}]})
        command._wait(line, sid, 30)
    call = wait_for_end(live_tenant, sid)
    assert call.outcome == "voicemail"
    assert not Recording.objects.filter(state="kept").exists()


def wait_for_end(tenant, sid: str) -> Call:
    import time

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        call = in_tenant(tenant.schema, lambda: Call.objects.filter(sid=sid, ended_at__isnull=False).first())
        if call:
            return call
        time.sleep(0.05)
    raise AssertionError("the end of the call was never told")


# What can be in the way.


def refused(*args: str) -> str:
    with pytest.raises(CommandError) as caught:
        ring(*args)
    return str(caught.value)


@pytest.mark.parametrize("number", ["hello", "", "+1", "12"])
def test_what_is_no_number_is_refused_by_name(tenant, wav, number):
    assert "not a telephone number" in refused("--to", number, "--wav", str(wav))


def test_a_number_of_no_business_is_refused_before_anything_rings(tenant, wav):
    assert "+14155559999" in refused("--to", "+14155559999", "--wav", str(wav))


def test_a_missing_empty_or_odd_file_is_refused_by_name(tenant, tmp_path):
    missing, text, empty = tmp_path / "missing.wav", tmp_path / "text.wav", tmp_path / "empty.wav"
    text.write_text("not sound")
    with wave.open(str(empty), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
    for path in (missing, text, empty):
        said = refused("--to", ALPHA.number, "--wav", str(path))
        assert path.name in said
        assert not said.endswith(": ")


def test_sound_that_could_not_be_kept_is_said_before_anything_rings(tenant, tmp_path, wav, monkeypatch):
    monkeypatch.setattr(command, "_place", lambda *_: pytest.fail("it rang"))
    for path, why in ((tmp_path / "nosuch" / "x.wav", "there is no folder"), (tmp_path, "it is a folder")):
        assert f"{path} can't be written: {why}" in refused("--to", ALPHA.number, "--wav", str(wav), "--out", str(path))


def test_without_a_running_product_the_command_says_so(tenant, wav, settings):
    settings.CARRIER_URL = "http://127.0.0.1:9"
    assert "is `make up` running" in refused("--to", ALPHA.number, "--wav", str(wav))


def test_without_a_voice_a_text_can_not_be_spoken(tenant, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert "could not be spoken" in refused("--to", ALPHA.number, "--say", "Hello")


def test_a_number_the_carrier_does_not_have_is_told(tenant, carrier_process, wav):
    assert "does not know" in refused("--to", ALPHA.number, "--wav", str(wav))


def test_turns_are_spoken_in_the_order_they_were_given(tenant, monkeypatch, wav, carrier_process):
    placed: list[dict] = []

    def place(line: httpx.Client, request: dict) -> str:
        placed.append(request)
        raise CommandError("enough")

    monkeypatch.setattr(command, "_place", place)
    refused("--to", ALPHA.number, "--wav", str(wav), "--say", "second", "--wav", str(wav))
    first, second, third = (turn["wav"] for turn in placed[0]["turns"])
    assert first == third != second
    assert carrier_process.said[-1] == "second"
    assert placed[0]["from"] == command.DEFAULT_CALLER
