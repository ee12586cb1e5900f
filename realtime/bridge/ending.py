"""How a call ends: the last words are heard, the next step is stored, then both sides are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.bridge.ports import Step
from realtime.bridge.protocol import openai
from realtime.bridge.protocol.base64text import chunks

if TYPE_CHECKING:
    from realtime.bridge.session import Bridge


class Ending:
    """None → speaking (the last words are being made) → draining (they are being heard) → closing."""

    def __init__(self, bridge: Bridge) -> None:
        self._b = bridge
        self._phase = ""
        self._step: Step = {}
        self._firm = False
        """The caller can't talk us out of it."""

    @property
    def begun(self) -> bool:
        """Whether the call is about to end."""
        return bool(self._phase)

    def interruptible(self) -> bool:
        """Whether the caller's speech counts."""
        return not self._firm

    def after_answer(self, step: Step, now_ms: float) -> None:
        """A tool wants the call to end: the engine's next answer is the goodbye."""
        if self._phase not in ("", "speaking"):
            return
        self._phase, self._step = "speaking", step
        self._limit(now_ms)

    def goodbye(self, step: Step, sentence: str, now_ms: float) -> None:
        """End the call with one sentence of the engine."""
        if self._phase:
            self._firm = True
            return
        self._phase, self._step, self._firm = "speaking", step, True
        if sentence and not self._b.line.gone:
            self._b.turns.want_response(openai.say_exactly(sentence), now_ms)
            self._limit(now_ms)
        else:
            self._drain(now_ms)

    def sorry(self, step: Step, now_ms: float) -> None:
        """No engine is left, or something broke: apologise in our own voice."""
        if self._phase:
            self._firm = True
            if self._phase == "speaking":
                self._drain(now_ms)
            return
        self._phase, self._step, self._firm = "speaking", step, True
        self._b.mouth.say(chunks(self._b.snapshot.sorry_ulaw), "sorry", "", now_ms)
        self._drain(now_ms)

    def _limit(self, now_ms: float) -> None:
        self._b.timers.set("goodbye", now_ms + self._b.limits.goodbye_ms, self._late)

    def _late(self, now_ms: float) -> None:
        if self._phase != "speaking":
            return
        if self._b.turns.response_active and self._b.mouth.playout.playing(now_ms):
            self._b.timers.set("goodbye", now_ms + 1000.0, self._late)  # it is long, but it comes
        else:
            self._drain(now_ms)

    def interrupted(self, now_ms: float) -> None:
        """The caller speaks into a goodbye: the conversation goes on."""
        if self._phase in ("speaking", "draining") and not self._firm:
            self._phase, self._step = "", {}
            self._b.timers.clear("goodbye")
            self._b.timers.clear("drained")

    def response_done(self, now_ms: float) -> None:
        """An answer is complete; while tools run or are to be spoken about it was not the last one."""
        turns = self._b.turns
        if self._phase == "speaking" and not self._b.tools.busy and not turns.wants and not turns.awaiting:
            self._drain(now_ms)

    def _drain(self, now_ms: float) -> None:
        self._phase = "draining"
        self._b.timers.clear("goodbye")
        if self._b.mouth.playout.playing(now_ms):
            # The mark is the sign; this is for a carrier that does not send it.
            until = self._b.mouth.playout.done_ms() + self._b.limits.mark_grace_ms
            self._b.timers.set("drained", until, self._close)
        else:
            self._close(now_ms)

    def played(self, now_ms: float) -> None:
        """Something was heard to its end."""
        if self._phase == "draining" and not self._b.mouth.waiting():
            self._close(now_ms)

    def _close(self, now_ms: float) -> None:
        if self._phase in ("closing", "closed"):
            return
        self._phase = "closing"
        self._b.timers.clear("drained")
        self._b.line.hang_up()
        self._b.leave(self._step, now_ms)
        self._b.timers.set("step", now_ms + self._b.limits.step_ms, self.stored)

    def stored(self, now_ms: float) -> None:
        """The next step is stored, or can't be: the carrier may ask for it now."""
        if self._phase == "closing":
            self._phase = "closed"
            self._b.shut(now_ms)
