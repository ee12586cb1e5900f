"""The parts on their own: clauses, threads, the model folder, voice activity on recordings."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.audio import read_wav
from engine import clauses
from engine.parts import whisper
from engine.parts.piper import trim
from engine.parts.vad import ActivityPool
from engine.parts.workers import Priority, Workers
from engine.realtime.ear import Ear, Started, Stopped

SPEECH = Path(__file__).parents[1] / "fixtures" / "speech"


@given(st.text(alphabet=st.sampled_from("ab ,.;:!?-'\n"), max_size=400))
def test_clauses_are_the_text_again(text: str) -> None:
    pieces = clauses.split(text)
    assert " ".join(" ".join(pieces).split()) == " ".join(text.split())
    assert all(piece.strip() for piece in pieces)


def test_the_first_clause_is_short_and_titles_are_no_sentence_ends() -> None:
    pieces = clauses.split("According to our price list, a cleaning with Dr. Lee costs eighty dollars. Anything else?")
    assert pieces == ["According to our price list,", "a cleaning with Dr. Lee costs eighty dollars.", "Anything else?"]
    assert clauses.gap_ms(pieces[1]) > clauses.gap_ms(pieces[0])


async def test_what_a_caller_waits_for_goes_before_guesses() -> None:
    workers = Workers("test", 1)
    release, order = threading.Event(), []
    finished = asyncio.Event()

    def note(name: str, priority: Priority) -> None:
        def done(result: object, error: Exception | None) -> None:
            order.append(name)
            if len(order) == 4:
                finished.set()

        jobs[name] = workers.submit(lambda: name, done, priority)

    jobs: dict = {}
    workers.submit(lambda: release.wait(10), lambda result, error: order.append("first"), Priority.TURN)
    note("guess", Priority.GUESS)
    note("promoted", Priority.GUESS)
    note("request", Priority.REQUEST)
    note("cancelled", Priority.TURN)
    workers.promote(jobs["promoted"])
    workers.cancel(jobs["cancelled"])
    assert workers.busy
    release.set()
    await asyncio.wait_for(finished.wait(), 10)
    assert order == ["first", "promoted", "request", "guess"]
    assert not workers.busy
    workers.close()


async def test_a_failure_in_a_thread_reaches_who_waits() -> None:
    workers = Workers("test", 1)
    with pytest.raises(ZeroDivisionError):
        await workers.run(lambda: 1 // 0)
    assert await workers.run(lambda: 5) == 5
    workers.close()


def test_the_model_is_joined_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKBELL_VAR", str(tmp_path))
    folder = whisper.model_folder()
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.bin", "tokenizer.json", "vocabulary.txt"}
    assert (folder / "model.bin").stat().st_size == 72608766 * 2
    stamp = (folder / "model.bin").stat().st_mtime_ns
    assert whisper.model_folder() == folder
    assert (folder / "model.bin").stat().st_mtime_ns == stamp
    assert [path.name for path in folder.parent.iterdir()] == ["whisper-base"]
    monkeypatch.setenv("WHISPER_MODEL_DIR", "/models/other")
    assert whisper.model_folder() == Path("/models/other")


def test_padding_follows_the_utterance_within_bounds() -> None:
    assert [whisper.frames_for(n) for n in (10, 600, 610, 1000, 2900)] == [1000, 1000, 1050, 1400, 3000]


@pytest.mark.parametrize(
    ("text", "seconds", "logprob", "no_speech", "invented"),
    [
        ("What are your opening hours?", 2.0, -0.2, 0.02, False),
        ("Thank you.", 0.8, -0.3, 0.05, False),
        ("Thank you.", 0.8, -0.99, 0.82, True),
        ("you", 3.0, -0.92, 0.87, True),
        ("I'm going to go to the bathroom.", 3.0, -1.7, 0.78, True),
        ("10 of clubs", 1.1, -0.48, 0.15, False),
        ("...", 1.0, -0.1, 0.0, True),
        ("la la la " * 20, 6.0, -0.3, 0.1, True),
        ("This is far too much text for such a short noise, nobody speaks like this", 0.5, -0.3, 0.1, True),
    ],
)
def test_words_made_up_from_noise_are_told_from_speech(
    text: str, seconds: float, logprob: float, no_speech: float, invented: bool
) -> None:
    assert whisper.looks_invented(text, seconds=seconds, logprob=logprob, no_speech=no_speech) is invented


def test_long_audio_is_cut_where_it_is_quiet() -> None:
    rate = whisper.RATE
    loud = (np.sin(np.arange(rate * 20)) * 8000).astype(np.int16)
    audio = np.concatenate([loud, np.zeros(rate, np.int16), loud])
    pieces = whisper.chunks(audio)
    assert sum(piece.size for _, piece in pieces) == audio.size
    assert 20.0 <= pieces[1][0] <= 21.0


def test_silence_around_speech_is_trimmed() -> None:
    samples = np.concatenate([np.zeros(5000, np.int16), np.full(1000, 9000, np.int16), np.zeros(9000, np.int16)])
    assert 1000 <= trim(samples, 22050).size <= 3000
    assert trim(np.zeros(10, np.int16), 22050).size == 10


@pytest.mark.parametrize("name", ["goforward", "austen-0880", "cards-005"])
def test_a_recorded_sentence_is_heard_whole(name: str) -> None:
    speech = read_wav((SPEECH / f"{name}.wav").read_bytes()).mono(24000)
    pool = ActivityPool(1)
    activity = pool.take()
    assert activity is not None and pool.take() is None
    ear = Ear(activity, ulaw=False)
    ear.silence_ms = 700
    ear.append(np.concatenate([np.zeros(24000, np.int16), speech, np.zeros(48000, np.int16)]).astype("<i2").tobytes())
    heard = []
    while ear.behind:
        heard += ear.listen()
    [started] = [event for event in heard if isinstance(event, Started)]
    [stopped] = [event for event in heard if isinstance(event, Stopped)]
    assert started.ms < 1000 + 700
    assert stopped.ms > 1000 + 0.7 * speech.size / 24
    assert stopped.voiced_ms > 500
    pool.give(activity)
    assert pool.take() is activity
