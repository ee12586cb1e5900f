"""Callers who make themselves heard while the receptionist speaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.audio import RATE, level_db, read_wav, resample, write_wav
from tests.e2e.stack import DEMO, Heard, Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

QUESTION = "What are your opening hours?"
#: From the end of the question; the answer begins within a second and lasts more than ten.
LATER_S = 2.5
CALLER, LINE = 0, 1


def _asks_and_adds(stack: Stack, name: str, question: str, *words: str) -> Path:
    """A caller who asks something and says `words`, one after the other, while it is being answered."""

    def spoken(text: str) -> np.ndarray:
        wav = read_wav(stack.speak(text).read_bytes())
        return resample(wav.mono(wav.rate), wav.rate, RATE)

    parts = [spoken(question)]
    for word in words:
        parts += [np.zeros(int(LATER_S * RATE), np.int16), spoken(word)]
    path = stack.var / f"{name}.wav"
    path.write_bytes(write_wav(np.concatenate(parts), RATE))
    return path


@pytest.fixture(scope="module")
def calls(stack: Stack) -> dict[str, Heard]:
    said = {
        "nods": (QUESTION, "Yeah.", "Okay."),
        "nods before a question": ("What should I do in a dental emergency?", "Yeah."),
        "changes": (QUESTION, "Sorry, I meant only on Saturday."),
    }
    soon = {name: stack.call_soon(DEMO, _asks_and_adds(stack, name, *words)) for name, words in said.items()}
    return {name: future.result(timeout=200) for name, future in soon.items()}


def _talked_over(heard: Heard) -> int:
    """Milliseconds in which both sides are loud at once."""
    step = RATE // 50
    caller, line = (
        [level_db(side[at : at + step]) > -40 for at in range(0, len(side) - step, step)]
        for side in (heard.wav.channel(CALLER), heard.wav.channel(LINE))
    )
    return 20 * sum(both for both in map(all, zip(caller, line, strict=True)))


def test_who_only_nods_hears_the_answer_to_its_end(calls: dict[str, Heard]) -> None:
    heard = calls["nods"]
    assert _talked_over(heard) > 300, "the caller did speak over the answer"
    answers = [turn["text"] for turn in heard.report["transcript"] if turn["role"] == "receptionist"][1:]
    assert len(answers) == 1
    assert "Monday" in answers[0] and "Sunday" in answers[0]
    assert [turn["text"] for turn in heard.report["transcript"] if turn["role"] == "caller"] == [QUESTION]


def test_a_nod_is_no_answer_to_a_question_that_was_not_asked_yet(calls: dict[str, Heard]) -> None:
    heard = calls["nods before a question"]
    answers = [turn["text"] for turn in heard.report["transcript"] if turn["role"] == "receptionist"][1:]
    assert "911" in answers[0]
    assert heard.report["outcome"] != "message_taken"


def test_who_asks_something_else_stops_the_answer_and_gets_the_new_one(calls: dict[str, Heard]) -> None:
    heard = calls["changes"]
    answers = [turn["text"] for turn in heard.report["transcript"] if turn["role"] == "receptionist"][1:]
    assert len(answers) == 2
    assert "Sunday" not in answers[0], "the first answer was cut, and only what was heard is on record"
    assert "Saturday" in answers[1] and "9 AM" in answers[1]
    assert _talked_over(heard) < 1500, "the line goes quiet soon after the caller begins"
