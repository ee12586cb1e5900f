"""One answer in the making: think, then synthesise clause by clause. It may begin as a guess."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from engine import clauses
from engine.house.dialogue import Prompt, Reply
from engine.realtime.effects import Drop, Effect, Promote, Speak, Think

FAILED = "Sorry, something went wrong on my side. Could you say that again?"


@dataclass(frozen=True, slots=True)
class Voice:
    """How an answer is to sound; None modalities of sound = text only."""

    ulaw: bool
    speed: float
    spoken: bool


class Jobs(Protocol):
    """Where an answer hands in work."""

    def begin(self, make: Callable[[int], Effect], done: Callable[[object], None]) -> int:
        """Emit the effect made with a new job number; `done` gets its result or an Exception."""
        ...

    def emit(self, effect: Effect) -> None:
        """Emit an effect without a result."""
        ...

    def forget(self, job: int) -> None:
        """Ignore the result of a job."""
        ...


Stage = Literal["waiting", "thinking", "speaking", "done"]


@dataclass(slots=True)
class Answer:
    """Drives itself from stage to stage; `changed` is called whenever there is more to emit."""

    jobs: Jobs
    voice: Voice
    guess: bool
    changed: Callable[[], None] = lambda: None
    #: Longest answer in characters; what is beyond it is cut off, and `cut` says so.
    max_chars: int | None = None
    cut: bool = False
    reply: Reply | None = None
    pieces: list[str] = field(default_factory=list)
    clips: list[bytes] = field(default_factory=list)
    failed: bool = False
    _job: int | None = None
    _dropped: bool = False
    prompt: Prompt | None = None

    def think(self, prompt: Prompt) -> None:
        """Begin."""
        self.prompt = prompt
        guess = self.guess
        self._job = self.jobs.begin(lambda job: Think(job, prompt, guess), self._thought)

    def _thought(self, result: object) -> None:
        self._job = None
        # A model that fails must not leave the caller in silence.
        self.reply = result if isinstance(result, Reply) else Reply(FAILED)
        if self.max_chars is not None and len(self.reply.say) > self.max_chars:
            self.reply = Reply(self.reply.say[: self.max_chars].rsplit(" ", 1)[0])
            self.cut = True
        self.pieces = clauses.split(self.reply.say)
        self._next()
        self.changed()

    def _next(self) -> None:
        if self._dropped or self._job is not None or self.failed or not self.voice.spoken:
            return
        at = len(self.clips)
        # A guess stops behind its first clause.
        if at >= len(self.pieces) or (self.guess and at >= 1):
            return
        text, voice, guess = self.pieces[at], self.voice, self.guess
        gap = clauses.gap_ms(text) if at + 1 < len(self.pieces) else 0
        self._job = self.jobs.begin(lambda job: Speak(job, text, voice.ulaw, voice.speed, gap, guess), self._spoken)

    def _spoken(self, result: object) -> None:
        self._job = None
        if isinstance(result, bytes):
            self.clips.append(result)
        else:
            self.failed = True
        self._next()
        self.changed()

    @property
    def complete(self) -> bool:
        """Whether nothing more will come."""
        if self.reply is None:
            return False
        return self.failed or not self.voice.spoken or len(self.clips) == len(self.pieces)

    def confirm(self) -> None:
        """The guess was right: go on to the end."""
        self.guess = False
        if self._job is not None:
            self.jobs.emit(Promote(self._job))
        elif self.reply is not None:
            self._next()

    def drop(self) -> None:
        """Stop working on it."""
        self._dropped = True
        if self._job is not None:
            self.jobs.forget(self._job)
            self.jobs.emit(Drop(self._job))
            self._job = None
