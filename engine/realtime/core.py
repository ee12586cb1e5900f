"""What the parts of a session share: settings, conversation, jobs, the running response, and the way to the client."""

from __future__ import annotations

import copy
import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.house.dialogue import Prompt, Turn
from engine.realtime.answer import Answer, Voice
from engine.realtime.config import Pcmu, ResponseConfig, SessionConfig, choice_text
from engine.realtime.conversation import Conversation, text_tokens
from engine.realtime.effects import Effect, Send
from engine.realtime.frames import ClientError
from engine.realtime.response import Response


def random_id(prefix: str) -> str:
    """``item_…`` and the like."""
    return f"{prefix}_{secrets.token_hex(10)}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session needs from outside to be deterministic in tests."""

    #: Seconds, monotonic.
    clock: Callable[[], float]
    #: Seconds since 1970.
    wall_clock: Callable[[], float]
    #: Whether the machine has room for work that may be thrown away.
    may_guess: Callable[[], bool] = lambda: True
    new_id: Callable[[str], str] = random_id
    max_seconds: float = 3600.0


class Core:
    """Shared state of one session. Nothing in here waits."""

    def __init__(self, settings: Settings, model: str) -> None:
        self.settings = settings
        self.config = SessionConfig(model=model or None)
        self.conversation = Conversation()
        self.conversation_id = settings.new_id("conv")
        self.session_id = settings.new_id("sess")
        self.expires = settings.clock() + settings.max_seconds
        self.expires_at = int(settings.wall_clock() + settings.max_seconds)
        self.response: Response | None = None
        #: When the client will have played what it was sent.
        self.playing_until = settings.clock()
        self.spoken = False
        self.idle_at: float | None = None
        self._effects: list[Effect] = []
        self._numbers = itertools.count(1)
        self._done: dict[int, Callable[[object], None]] = {}
        self._thinks_later: tuple[Answer, Callable[[], Prompt]] | None = None
        self._after: Callable[[], None] | None = None
        self._requests = itertools.count(1)

    # --- out -------------------------------------------------------------------------------------------------------

    def emit(self, effect: Effect) -> None:
        """Queue an effect."""
        self._effects.append(effect)

    def take(self) -> list[Effect]:
        """All queued effects; the queue is empty afterwards."""
        effects, self._effects = self._effects, []
        return effects

    def new_id(self, prefix: str) -> str:
        """A fresh id."""
        return self.settings.new_id(prefix)

    def send(self, kind: str, **fields: Any) -> None:
        """Send an event as things are now: what changes later must not show in it."""
        event: dict[str, Any] = {"type": kind, "event_id": self.new_id("event")}
        for key, value in fields.items():
            event[key] = copy.deepcopy(value) if isinstance(value, dict | list) else value
        self.emit(Send(event))

    def error(self, error: ClientError, kind: str = "invalid_request_error") -> None:
        """Tell the client what it did wrong."""
        body = {"type": kind, "code": error.code, "message": error.message, "param": error.param}
        self.send("error", error=body | {"event_id": error.event_id})

    # --- jobs ------------------------------------------------------------------------------------------------------

    def begin(self, make: Callable[[int], Effect], done: Callable[[object], None]) -> int:
        """Emit the effect made with a new job number; `done` gets its result, or an Exception."""
        job = next(self._numbers)
        self._done[job] = done
        self.emit(make(job))
        return job

    def forget(self, job: int) -> None:
        """Ignore the result of a job."""
        self._done.pop(job, None)

    def finished(self, job: int, result: object) -> None:
        """Bring a result back; one nobody waits for is ignored."""
        done = self._done.pop(job, None)
        if done is not None:
            done(result)

    # --- answers ---------------------------------------------------------------------------------------------------

    def voice(self, modalities: list[Any] | None = None) -> Voice:
        """How answers are to sound."""
        output = self.config.audio.output
        spoken = (modalities or self.config.output_modalities) == ["audio"]
        return Voice(isinstance(output.format, Pcmu), output.speed, spoken)

    def prompt(self, *more: Turn, idle: bool = False) -> Prompt:
        """The conversation as the model reads it, with `more` at its end."""
        return Prompt(
            self.config.instructions,
            tuple(tool.model_dump(exclude_none=True) for tool in self.config.tools),
            (*self.conversation.turns(), *more),
            choice_text(self.config.tool_choice),
            idle=idle,
        )

    def answer(
        self, *, guess: bool, modalities: list[Any] | None = None, max_tokens: int | str | None = None
    ) -> Answer:
        """An answer not begun yet."""
        limit = max_tokens or self.config.max_output_tokens
        chars = limit * 4 if isinstance(limit, int) else None
        return Answer(self, self.voice(modalities), guess, max_chars=chars)

    def respond(
        self,
        answer: Answer,
        prompt: Callable[[], Prompt] | None,
        options: ResponseConfig | None = None,
    ) -> None:
        """Open a response on `answer`; `prompt` begins it (None: it is under way, as a guess that came true)."""
        attached = options is None or options.conversation == "auto"
        text, audio = self.conversation.tokens()
        text += text_tokens(self.config.instructions) + sum(text_tokens(str(tool)) for tool in self.config.tools)
        output = self.config.audio.output
        base: dict[str, Any] = {"max_output_tokens": self.config.max_output_tokens}
        if options is not None and options.max_output_tokens is not None:
            base["max_output_tokens"] = options.max_output_tokens
        if attached:
            base["conversation_id"] = self.conversation_id
        if answer.voice.spoken:
            base["audio"] = {"output": {"format": output.format.model_dump(), "voice": output.voice}}
        self.idle_at = None
        self.response = Response(
            self,
            self.conversation,
            answer,
            attached=attached,
            metadata=options.metadata if options else None,
            base=base,
            input_tokens=(text, audio),
        )
        answer.changed = self.advance
        self.response.open()
        if prompt is None:
            answer.confirm()
        elif self.conversation.pending:
            self._thinks_later = (answer, prompt)
        else:
            answer.think(prompt())
        self.advance()

    def words_known(self) -> None:
        """The last words waited for have arrived: an answer that waited for them begins."""
        if self._thinks_later is not None and not self.conversation.pending:
            (answer, prompt), self._thinks_later = self._thinks_later, None
            answer.think(prompt())

    def advance(self) -> None:
        """Send what the running response has ready."""
        response = self.response
        if response is None:
            return
        before = response.audio_ms
        response.advance()
        self._played(response.audio_ms - before)
        if response.over:
            self._ended()

    def cancel(self, reason: str) -> None:
        """End the running response, if any."""
        if reason == "turn_detected":
            # An answer that waited its turn must not begin while the caller speaks.
            self._after = None
        if self.response is None:
            return
        self._thinks_later = None
        self.response.cancel("turn_detected" if reason == "turn_detected" else "client_cancelled")
        self._ended()

    def after_response(self, then: Callable[[], None]) -> None:
        """Do this once the running response is over; only the newest wish counts."""
        self._after = then

    def _played(self, ms: int) -> None:
        if ms:
            self.spoken = True
            self.playing_until = max(self.playing_until, self.settings.clock()) + ms / 1000

    def _ended(self) -> None:
        self.response = None
        self._rate_limits()
        detection = self.config.audio.input.turn_detection
        timeout = getattr(detection, "idle_timeout_ms", None)
        if timeout is not None:
            self.idle_at = max(self.playing_until, self.settings.clock()) + timeout / 1000
        then, self._after = self._after, None
        if then is not None:
            then()

    def _rate_limits(self) -> None:
        # The engine limits calls, not tokens; the event is part of the protocol's order.
        used = next(self._requests)
        limits = [
            {"name": "requests", "limit": 10_000, "remaining": max(0, 10_000 - used), "reset_seconds": 60.0},
            {"name": "tokens", "limit": 1_000_000, "remaining": 1_000_000, "reset_seconds": 60.0},
        ]
        self.send("rate_limits.updated", rate_limits=limits)
