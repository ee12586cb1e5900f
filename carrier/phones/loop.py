"""Two phones whose ears and mouths are joined: what one line plays is what the other line's caller says.

This is how REST's outgoing calls reach a number of our own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from carrier.line import EndedBy, Line
from carrier.tones import SILENT_FRAME

#: Frames in flight between the two lines: the ticks of two calls never drift, but may be a few apart.
_IN_FLIGHT = 10


class LoopPhone:
    """One of the two ends; whoever joins them sets what their answer and their end mean to the other line."""

    def __init__(self, mine: deque[bytes], theirs: deque[bytes]) -> None:
        self._mine, self._theirs = mine, theirs
        self.on_answered: Callable[[], None] = lambda: None
        self.on_ended: Callable[[str], None] = lambda status: None

    def answered(self, line: Line) -> None:
        """This end's line was answered."""
        self.on_answered()

    def read(self) -> bytes:
        """What the other line played."""
        return self._mine.popleft() if self._mine else SILENT_FRAME

    def write(self, frame: bytes) -> None:
        """Let the other line hear it."""
        self._theirs.append(frame)

    def ended(self, by: EndedBy, status: str) -> None:
        """This end's line is over."""
        self.on_ended(status)


def loop_pair() -> tuple[LoopPhone, LoopPhone]:
    """The calling and the called end."""
    there: deque[bytes] = deque(maxlen=_IN_FLIGHT)
    back: deque[bytes] = deque(maxlen=_IN_FLIGHT)
    return LoopPhone(back, there), LoopPhone(there, back)
