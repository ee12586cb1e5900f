"""The WAV phone: a caller who speaks recorded turns and listens, driven by the line's frames alone.

Turn-taking (see ``docs/seams.md``): before each turn it waits until the line has spoken and has then been quiet for
0.7 s, or has said nothing for 12 s. It hangs up 4 s after the line has gone quiet behind the last turn, or after 25 s
without a word. A line that is speaking is heard out, for at most a minute.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

import numpy as np

from carrier.line import EndedBy, Line
from carrier.loudness import Ear
from carrier.tones import SILENT_FRAME
from common.audio import FRAME_BYTES, FRAME_MS, RATE, ULAW_SILENCE, ulaw_decode, write_wav

_QUIET_BEFORE_TURN = 700 // FRAME_MS
_NOTHING_SAID = 12_000 // FRAME_MS
_QUIET_AT_END = 4_000 // FRAME_MS
_NOTHING_SAID_AT_END = 25_000 // FRAME_MS
_HEARD_OUT = 60_000 // FRAME_MS


@dataclass(frozen=True, slots=True)
class Turn:
    """What the caller does next; times are 20 ms frames.

    `frames` are spoken; `dtmf` keys pressed; `pause` silent frames, without waiting for the line first.
    `barge_in` frames after the line began to speak replaces the waiting for quiet. `hang_up` frames after the turn
    began (alone: after the turn before it ended) the caller hangs up.
    """

    frames: tuple[bytes, ...] = ()
    dtmf: str = ""
    pause: int = 0
    barge_in: int | None = None
    hang_up: int | None = None

    @property
    def waits(self) -> bool:
        """Whether the caller listens before this turn."""
        return bool(self.frames or self.dtmf or self.barge_in is not None)


def frames_of(ulaw: bytes) -> tuple[bytes, ...]:
    """Mu-law cut into 160-byte frames, the last one padded with silence."""
    silence = bytes([ULAW_SILENCE])
    return tuple(ulaw[at : at + FRAME_BYTES].ljust(FRAME_BYTES, silence) for at in range(0, len(ulaw), FRAME_BYTES))


class WavPhone:
    """A `Phone` that speaks `turns` and keeps what both sides said."""

    def __init__(self, turns: list[Turn], max_seconds: float) -> None:
        self._turns = list(turns)
        self._line: Line | None = None
        self._ear = Ear()
        self._state: Literal["listening", "acting"] = "listening"
        self._waited = 0
        self._acted = 0
        self._frames_left = int(max_seconds * 1000 / FRAME_MS)
        self._caller = bytearray()
        self._heard = bytearray()
        self.status = "ringing"
        self.ended_by: EndedBy | None = None
        self.done = asyncio.Event()

    # --- the line's side

    def answered(self, line: Line) -> None:
        """The call is answered."""
        self._line = line
        self.status = "in-progress"

    def read(self) -> bytes:
        """The caller's next frame."""
        frame = self._next_frame()
        self._caller += frame
        return frame

    def write(self, frame: bytes) -> None:
        """What the line says."""
        self._heard += frame
        self._ear.hear(frame)
        self._frames_left -= 1
        if self._frames_left <= 0:
            self._hang_up("limit")

    def ended(self, by: EndedBy, status: str) -> None:
        """The call is over."""
        self.status = status
        self.ended_by = by
        self.done.set()

    # --- the caller's mind

    def _next_frame(self) -> bytes:
        if not self._turns:
            self._waited += 1
            if self._line_is_through(_QUIET_AT_END, _NOTHING_SAID_AT_END):
                self._hang_up("caller")
            return SILENT_FRAME
        turn = self._turns[0]
        if self._state == "listening":
            if turn.waits and not self._may_begin(turn):
                self._waited += 1
                return SILENT_FRAME
            self._state, self._acted = "acting", 0
            if turn.dtmf and self._line is not None:
                self._line.press(turn.dtmf)
        return self._act(turn)

    def _may_begin(self, turn: Turn) -> bool:
        if turn.barge_in is None:
            return self._line_is_through(_QUIET_BEFORE_TURN, _NOTHING_SAID)
        if self._ear.spoken:
            return self._ear.since_onset >= turn.barge_in
        return self._waited >= _NOTHING_SAID

    def _line_is_through(self, quiet: int, nothing_said: int) -> bool:
        if self._waited >= _HEARD_OUT:
            return True
        if self._ear.spoken:
            return self._ear.quiet >= quiet
        return self._waited >= nothing_said

    def _act(self, turn: Turn) -> bytes:
        if turn.hang_up is not None and self._acted >= turn.hang_up:
            self._hang_up("caller")
            return SILENT_FRAME
        frame = turn.frames[self._acted] if self._acted < len(turn.frames) else SILENT_FRAME
        self._acted += 1
        if self._acted >= max(len(turn.frames), turn.pause, turn.hang_up + 1 if turn.hang_up is not None else 0):
            self._turns.pop(0)
            self._state = "listening"
            if turn.waits:
                # What the line said before and while the caller spoke is no answer to it.
                self._ear.reset()
            self._waited = 0
        return frame

    def _hang_up(self, by: EndedBy) -> None:
        if self._line is not None:
            self._line.hang_up(by)

    # --- the result

    @property
    def seconds(self) -> float:
        """Length of the answered call so far."""
        return len(self._heard) / RATE

    def wav(self) -> bytes:
        """Both sides as a stereo 8 kHz WAV: left the caller, right the line."""
        length = min(len(self._caller), len(self._heard))
        left, right = ulaw_decode(bytes(self._caller[:length])), ulaw_decode(bytes(self._heard[:length]))
        return write_wav(np.stack((left, right), axis=1))
