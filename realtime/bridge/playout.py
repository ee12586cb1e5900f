"""What the caller has really heard.

The carrier buffers what it is sent and plays it in order, so the earliest moment a piece can be heard follows from the
clock. Echoed marks say how much later it really was (`lag_ms`); they can never prove that something was played sooner
than that, so a carrier that echoes too early does no harm. After a `clear` every pending mark comes back unplayed:
those names are forgotten first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_MAX_LAG_MS = 2000.0
#: A carrier sends the last frame, and perhaps the mark, up to this long before that frame has sounded.
_EARLY_MS = 60.0


@dataclass(slots=True, eq=False)
class Utterance:
    """One thing said to the caller: an item of the engine, the greeting, a filler, the apology."""

    item_id: str
    kind: str
    """greeting | answer | filler | sorry"""
    response_id: str = ""
    text: list[str] = field(default_factory=list)
    """Pieces of the transcript as they came."""
    first_ms: float = 0.0
    """When the first piece could be heard."""
    total_ms: float = 0.0
    """Audio received for it, whether sent or not."""
    base_ms: float = 0.0
    """Audio before the present run; a run is audio without a gap."""
    run_start_ms: float = 0.0
    run_ms: float = 0.0
    audio_done: bool = False
    text_done: bool = False
    played: bool = False
    muted: bool = False
    """Interrupted: what still comes is not sent."""
    heard_ms: float = 0.0
    """Final once `played` or `muted`."""

    @property
    def sent_ms(self) -> float:
        """Audio sent to the carrier."""
        return self.base_ms + self.run_ms


@dataclass(slots=True)
class _Mark:
    utterance: Utterance
    due_ms: float
    last: bool
    early: bool = False


class Playout:
    """The carrier's buffer, as far as it can be known from here."""

    __slots__ = ("_marks", "_names", "end_ms", "lag_ms", "tail")

    def __init__(self) -> None:
        self.end_ms = 0.0
        """Earliest moment at which everything sent will have been played."""
        self.lag_ms = 0.0
        """How much later than that the carrier really plays, by the latest mark."""
        self.tail: Utterance | None = None
        """What the buffer ends with."""
        self._marks: dict[str, _Mark] = {}
        self._names = 0

    def add(self, utterance: Utterance, now_ms: float, ms: float) -> None:
        """`ms` of audio were sent at `now_ms`."""
        end = self.end_ms
        if self.tail is utterance and now_ms <= end:
            utterance.run_ms += ms
            self.end_ms = end + ms
            return
        start = now_ms if now_ms > end else end
        if not utterance.run_ms:
            utterance.first_ms = start
        utterance.base_ms += utterance.run_ms
        utterance.run_start_ms = start
        utterance.run_ms = ms
        self.tail = utterance
        self.end_ms = start + ms

    def heard(self, utterance: Utterance, now_ms: float) -> float:
        """Milliseconds of `utterance` that the caller has heard; never more than was sent."""
        in_run = min(utterance.run_ms, now_ms - self.lag_ms - utterance.run_start_ms)
        return max(0.0, min(utterance.base_ms + in_run, utterance.sent_ms))

    def playing(self, now_ms: float) -> bool:
        """Whether something is in the carrier's buffer."""
        return now_ms < self.end_ms + self.lag_ms

    def done_ms(self) -> float:
        """When everything sent will have been heard."""
        return self.end_ms + self.lag_ms

    def mark(self, utterance: Utterance, now_ms: float, *, last: bool) -> str:
        """Name of a mark to send now; `last` says that the utterance is complete with it."""
        self._names += 1
        name = f"m{self._names}"
        self._marks[name] = _Mark(utterance, max(self.end_ms, now_ms), last)
        return name

    def marked(self, name: str, now_ms: float) -> list[Utterance]:
        """A mark came back: correct the lag; the utterances that are now known to have been heard to their end.

        A mark says the same about all earlier ones. Unknown names (cleared, doubled, invented) say nothing.
        """
        mark = self._marks.get(name)
        if mark is None:
            return []
        if now_ms < mark.due_ms - _EARLY_MS:
            # Too early to be true: the carrier answers marks at once. Playing is left to the clock.
            self.lag_ms, mark.early = 0.0, True
            return []
        self.lag_ms = min(_MAX_LAG_MS, max(0.0, now_ms - mark.due_ms))
        ended: list[Utterance] = []
        for earlier in list(self._marks):
            passed = self._marks.pop(earlier)
            if passed.last:
                ended.append(passed.utterance)
            if earlier == name:
                break
        return ended

    def overdue(self, now_ms: float, grace_ms: float) -> list[Utterance]:
        """Complete utterances that must have been heard by now although their mark did not come back, or too early."""
        ended: list[Utterance] = []
        for name in list(self._marks):
            mark = self._marks[name]
            if now_ms < mark.due_ms + self.lag_ms + (0.0 if mark.early else grace_ms):
                break
            del self._marks[name]
            if mark.last:
                ended.append(mark.utterance)
        return ended

    def next_due_ms(self, grace_ms: float) -> float | None:
        """When `overdue` may have something to say; None without pending marks."""
        for mark in self._marks.values():
            return mark.due_ms + self.lag_ms + (0.0 if mark.early else grace_ms)
        return None

    def clear(self, now_ms: float) -> None:
        """The carrier was told to forget its buffer."""
        self.end_ms = now_ms - self.lag_ms
        self.tail = None
        self._marks.clear()
