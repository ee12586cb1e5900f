"""Audio waiting to be played on a line, with marks between it.

Sans-IO and without a clock: whoever calls `pull` every 20 ms is the clock.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from common.audio import FRAME_BYTES, ULAW_SILENCE

Mark = TypeVar("Mark")


class Playback(Generic[Mark]):
    """A queue of 8 kHz mu-law with marks.

    A mark is *due* when all audio put before it has been played, that is at the pull after the one that took its last
    byte (a pulled frame sounds until the next pull), or at once when nothing is waiting. Marks come back in the order
    they were set, each exactly once.
    """

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._offset = 0
        self._marks: deque[tuple[int, Mark]] = deque()
        #: Bytes accepted and bytes taken since the beginning; `clear` takes what it drops.
        self.accepted = 0
        self.taken = 0

    @property
    def waiting(self) -> int:
        """Bytes not yet pulled."""
        return self.accepted - self.taken

    def put(self, audio: bytes, limit: int | None = None) -> int:
        """Queue audio, up to `limit` bytes waiting; returns how many bytes at its end did not fit and were dropped."""
        kept = audio if limit is None else audio[: max(limit - self.waiting, 0)]
        if kept:
            self._chunks.append(kept)
            self.accepted += len(kept)
        return len(audio) - len(kept)

    def mark(self, mark: Mark) -> bool:
        """Set a mark behind all audio; True when it is due at once (it is then not kept)."""
        if not self.waiting and not self._marks:
            return True
        self._marks.append((self.accepted, mark))
        return False

    def pull(self, size: int = FRAME_BYTES) -> tuple[bytes | None, list[Mark]]:
        """The next `size` bytes, the last ones padded with silence, or None when nothing waits; and the due marks."""
        due: list[Mark] = []
        while self._marks and self._marks[0][0] <= self.taken:
            due.append(self._marks.popleft()[1])
        if not self._chunks:
            return None, due
        chunk = self._chunks[0]
        end = self._offset + size
        if end < len(chunk):
            frame = chunk[self._offset : end]
            self._offset = end
            self.taken += size
            return frame, due
        frame = chunk[self._offset :]
        self._chunks.popleft()
        self._offset = 0
        while len(frame) < size and self._chunks:
            missing = size - len(frame)
            chunk = self._chunks[0]
            frame += chunk[:missing]
            if missing < len(chunk):
                self._offset = missing
            else:
                self._chunks.popleft()
        self.taken += len(frame)
        return frame.ljust(size, bytes([ULAW_SILENCE])), due

    def clear(self) -> list[Mark]:
        """Drop all audio; every pending mark comes back, in order."""
        marks = [mark for _, mark in self._marks]
        self._chunks.clear()
        self._marks.clear()
        self._offset = 0
        self.taken = self.accepted
        return marks
