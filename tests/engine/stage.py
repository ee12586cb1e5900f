"""A Realtime session with scripted parts, driven by hand on a virtual clock."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import numpy as np

from common.audio import ulaw_encode
from engine.house.dialogue import Call, Prompt, Reply, Returned, Said
from engine.parts.protocols import Float32, Recognition
from engine.realtime.core import Settings
from engine.realtime.effects import Close, Drop, Effect, Prepare, Promote, Recognise, Send, Speak, Think
from engine.realtime.session import Session
from tests.engine import contract

FRAME = 160
#: Mu-law of one 20 ms frame of "speech" and of silence, as `LoudIsSpeech` sees them.
LOUD = ulaw_encode(np.full(FRAME, 8000, np.int16))
QUIET = ulaw_encode(np.zeros(FRAME, np.int16))


class LoudIsSpeech:
    """Voice activity without a model."""

    def score(self, window: Float32) -> float:
        return 0.95 if float(np.abs(window).mean()) > 0.05 else 0.02


class Echo:
    """A model that repeats the caller; "call NAME" calls a tool, "quiet" says nothing, what a tool says is spoken."""

    def reply(self, prompt: Prompt) -> Reply:
        last = prompt.turns[-1] if prompt.turns else None
        if isinstance(last, Returned):
            return Reply(f"The tool says {last.output}.")
        if not isinstance(last, Said):
            return Reply("Hello.")
        if last.text.startswith("call "):
            return Reply(call=Call(last.text.split()[1], '{"a": 1}'))
        return Reply("" if last.text == "quiet" else f"You said {last.text}.")


class Stage:
    """Runs a session's effects when told to; collects and checks every event."""

    def __init__(self, words: str = "hello", *, may_guess: bool = True, max_seconds: float = 3600.0) -> None:
        self.now = 1000.0
        self.words = words
        self.mind = Echo()
        self.events: list[dict[str, Any]] = []
        self.jobs: dict[int, Recognise | Think | Speak] = {}
        self.recognised: list[Recognise] = []
        self.dropped: list[int] = []
        self.promoted: list[int] = []
        self.closed: Close | None = None
        counter = itertools.count(1)
        settings = Settings(
            clock=lambda: self.now,
            wall_clock=lambda: 1_800_000_000.0,
            may_guess=lambda: may_guess,
            new_id=lambda prefix: f"{prefix}_{next(counter)}",
            max_seconds=max_seconds,
        )
        self.session = Session(settings, LoudIsSpeech())
        self.collect()

    def collect(self) -> None:
        for effect in self.session.take():
            self._effect(effect)

    def _effect(self, effect: Effect) -> None:
        if isinstance(effect, Send):
            event = json.loads(json.dumps(effect.event))
            contract.check(event)
            self.events.append(event)
        elif isinstance(effect, Recognise | Think | Speak):
            self.jobs[effect.job] = effect
            if isinstance(effect, Recognise):
                self.recognised.append(effect)
        elif isinstance(effect, Drop):
            self.dropped.append(effect.job)
            self.jobs.pop(effect.job, None)
        elif isinstance(effect, Promote):
            self.promoted.append(effect.job)
        elif isinstance(effect, Close):
            self.closed = effect
        else:
            assert isinstance(effect, Prepare)

    def result(self, effect: Recognise | Think | Speak) -> object:
        """What the scripted parts answer."""
        if isinstance(effect, Recognise):
            return Recognition(self.words, "en", effect.samples.size / effect.rate)
        if isinstance(effect, Think):
            return self.mind.reply(effect.prompt)
        # 50 ms of sound a character.
        return bytes(len(effect.text) * 50 * (8 if effect.ulaw else 48))

    def finish(self, job: int, result: object = None) -> None:
        """Bring one job's result back."""
        effect = self.jobs.pop(job)
        self.session.finished(job, self.result(effect) if result is None else result)
        self.collect()

    def work(self) -> None:
        """Do all jobs there are, and those they lead to."""
        while self.jobs:
            self.finish(min(self.jobs))

    def send(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """A client event; returns the events it led to at once."""
        return self.raw(json.dumps({"type": kind, **fields}))

    def raw(self, frame: str) -> list[dict[str, Any]]:
        """A client's frame as it is."""
        before = len(self.events)
        self.session.receive(frame)
        self.collect()
        while self.session.behind:
            self.session.listen()
            self.collect()
        return self.events[before:]

    def setup(self, **session: Any) -> None:
        """Telephone audio, transcription on."""
        audio = {
            "input": {"format": {"type": "audio/pcmu"}, "transcription": {"model": "whisper-base"}},
            "output": {"format": {"type": "audio/pcmu"}},
        }
        self.send("session.update", session={"type": "realtime", "audio": audio} | session)

    def hear(self, frame: bytes, ms: int, *, work: bool = False) -> None:
        """The caller's audio, 20 ms a frame, on the virtual clock."""
        for _ in range(ms // 20):
            self.now += 0.02
            self.send("input_audio_buffer.append", audio=base64.b64encode(frame).decode())
            if work:
                self.work()

    def turn(self, *, speech: int = 600, silence: int = 700) -> None:
        """A spoken turn with everything it leads to."""
        self.hear(LOUD, speech, work=True)
        self.hear(QUIET, silence, work=True)
        self.work()

    def kinds(self, since: int = 0) -> list[str]:
        """Event types from the `since`th event on."""
        return [event["type"] for event in self.events[since:]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All events of a type."""
        return [event for event in self.events if event["type"] == kind]

    @property
    def done(self) -> list[dict[str, Any]]:
        """Finished responses."""
        return [event["response"] for event in self.of("response.done")]
