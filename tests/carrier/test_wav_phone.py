"""The WAV phone's turn-taking, frame by frame: one tick is 20 ms, no clock."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from carrier.line import EndedBy
from carrier.phones.api import parse_turn
from carrier.phones.wav import Turn, WavPhone, frames_of
from carrier.tones import SILENT_FRAME
from common.audio import read_wav, write_wav
from common.errors import Invalid
from tests.carrier.stage import loud, voice

LOUD = frames_of(voice(0.02))[0]


class FakeLine:
    """What a phone does to its line."""

    def __init__(self, phone: WavPhone) -> None:
        self.phone = phone
        self.pressed: list[tuple[int, str]] = []
        self.ended_at: int | None = None
        self.by: EndedBy | None = None
        self.spoken: list[bool] = []

    def press(self, digits: str) -> None:
        self.pressed.append((len(self.spoken), digits))

    def hang_up(self, by: EndedBy) -> None:
        if self.ended_at is None:
            self.ended_at, self.by = len(self.spoken), by

    def run(self, seconds: float, speaks: bool = False) -> FakeLine:
        for _ in range(round(seconds * 50)):
            if self.ended_at is not None:
                break
            self.spoken.append(loud(self.phone.read()))
            self.phone.write(LOUD if speaks else SILENT_FRAME)
        return self

    def first_spoken(self) -> float | None:
        return self.spoken.index(True) / 50 if True in self.spoken else None


def line_of(*turns: Turn, max_seconds: float = 300) -> FakeLine:
    phone = WavPhone(list(turns), max_seconds)
    line = FakeLine(phone)
    phone.answered(line)  # type: ignore[arg-type]
    return line


SPEECH = Turn(frames=(LOUD,) * 50)


def test_it_speaks_when_the_line_has_spoken_and_been_quiet_for_700_ms() -> None:
    line = line_of(SPEECH).run(2, speaks=True).run(3)
    assert line.first_spoken() == pytest.approx(2.7, abs=0.05)


def test_it_speaks_to_a_silent_line_after_12_seconds() -> None:
    assert line_of(SPEECH).run(15).first_spoken() == pytest.approx(12, abs=0.05)


def test_a_click_is_not_speech() -> None:
    line = line_of(SPEECH).run(1).run(0.04, speaks=True).run(14)
    assert line.first_spoken() == pytest.approx(12, abs=0.05)


def test_pauses_inside_the_lines_sentence_do_not_let_it_speak() -> None:
    line = line_of(SPEECH)
    for _ in range(20):
        line.run(0.5, speaks=True).run(0.6)
    assert line.first_spoken() is None


def test_a_line_that_never_stops_is_heard_out_for_a_minute() -> None:
    assert line_of(SPEECH).run(70, speaks=True).first_spoken() == pytest.approx(60, abs=0.05)


def test_the_second_turn_waits_for_an_answer_of_its_own() -> None:
    line = line_of(SPEECH, SPEECH).run(1, speaks=True).run(0.7).run(1)
    line.run(3)
    before = len(line.spoken)
    assert sum(line.spoken) == 50
    line.run(1, speaks=True).run(2)
    assert line.spoken.index(True, before) / 50 == pytest.approx(before / 50 + 1.7, abs=0.05)


def test_it_hangs_up_4_seconds_after_the_last_answer() -> None:
    line = line_of(SPEECH).run(1, speaks=True).run(1.7).run(2, speaks=True).run(6)
    assert line.by == "caller" and line.ended_at == pytest.approx((1 + 1.7 + 2 + 4) * 50, abs=3)


def test_it_hangs_up_25_seconds_after_a_last_turn_without_answer() -> None:
    line = line_of(SPEECH).run(1, speaks=True).run(1.7).run(40)
    assert line.by == "caller" and line.ended_at == pytest.approx((1 + 1.7 + 25) * 50, abs=3)


def test_it_hangs_up_at_its_limit() -> None:
    line = line_of(max_seconds=3).run(10, speaks=True)
    assert line.by == "limit" and line.ended_at == pytest.approx(3 * 50, abs=1)


def test_a_barge_in_comes_so_long_after_the_line_began_to_speak() -> None:
    line = line_of(Turn(frames=SPEECH.frames, barge_in=40)).run(1).run(5, speaks=True)
    assert line.first_spoken() == pytest.approx(1.8, abs=0.05)


def test_keys_are_pressed_in_turn() -> None:
    line = line_of(Turn(dtmf="12#")).run(1, speaks=True).run(2)
    assert [digits for _, digits in line.pressed] == ["12#"]
    assert line.pressed[0][0] == pytest.approx(1.7 * 50, abs=3)


def test_a_pause_is_silent_and_waits_for_nobody() -> None:
    line = line_of(Turn(pause=100), Turn(dtmf="1")).run(1, speaks=True).run(4)
    assert line.pressed[0][0] == pytest.approx(100, abs=2)


def test_it_hangs_up_in_the_middle_of_its_own_sentence() -> None:
    line = line_of(Turn(frames=SPEECH.frames, hang_up=10)).run(1, speaks=True).run(3)
    assert line.by == "caller" and sum(line.spoken) == 10


def test_it_hangs_up_a_while_after_the_turn_before() -> None:
    line = line_of(SPEECH, Turn(hang_up=25)).run(1, speaks=True).run(10)
    assert line.ended_at == pytest.approx((1 + 0.7 + 1 + 0.5) * 50, abs=3)


def test_the_result_is_stereo_with_the_caller_left() -> None:
    line = line_of(SPEECH).run(1, speaks=True).run(2.5)
    wav = read_wav(line.phone.wav())
    assert wav.rate == 8000 and wav.samples.shape == (round(3.5 * 8000), 2)
    left, right = np.abs(wav.channel(0).astype(int)), np.abs(wav.channel(1).astype(int))
    assert right[:8000].mean() > 200 > right[8200:].mean()
    assert left[:13000].mean() < 5 and left[14000:21000].mean() > 200


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_wav_of_any_rate_and_channel_count_is_spoken_at_its_length(rate: int, channels: int) -> None:
    mono = (np.sin(2 * np.pi * 440 * np.arange(rate) / rate) * 8000).astype(np.int16)
    data = write_wav(np.repeat(mono[:, None], channels, axis=1), rate)
    turn = parse_turn({"wav": base64.b64encode(data).decode()})
    assert len(turn.frames) == pytest.approx(50, abs=1)
    assert all(loud(frame) for frame in turn.frames[1:-2])


@pytest.mark.parametrize(
    "turn",
    [
        {},
        "hello",
        {"wav": "no base64!"},
        {"wav": base64.b64encode(b"RIFFnonsense").decode()},
        {"wav": 5},
        {"dtmf": "12x"},
        {"dtmf": 12},
        {"pause": "long"},
        {"pause": -1},
        {"pause": True},
        {"say": "hello"},
        {"dtmf": "1", "pause": 1},
        {"barge_in_ms": float("nan"), "dtmf": "1"},
    ],
)
def test_a_bad_turn_is_refused_with_a_reason(turn: Any) -> None:
    with pytest.raises(Invalid) as caught:
        parse_turn(turn)
    assert caught.value.message
