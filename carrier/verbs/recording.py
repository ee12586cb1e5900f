"""`<Record>`: the caller's voice until silence, a key, a length, or the end of the call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from carrier.line import HungUp
from carrier.loudness import Ear
from carrier.tones import beep
from carrier.twiml import Record
from common.audio import FRAME_MS

if TYPE_CHECKING:
    from carrier.call import Call
    from carrier.steps import Goto


class _Watch:
    """A line's listener that tells when a recording is over: the key pressed, or empty for silence and length."""

    def __init__(self, verb: Record) -> None:
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ear = Ear()
        self._silence = verb.timeout * 1000 / FRAME_MS
        self._left = verb.max_length * 1000 / FRAME_MS
        self._keys = verb.finish_on_key

    def frame(self, caller: bytes, played: bytes) -> None:
        self.ear.hear(caller)
        self._left -= 1
        if self.ear.quiet >= self._silence or self._left <= 0:
            self._finish("")

    def key(self, digit: str) -> None:
        if digit in self._keys:
            self._finish(digit)

    def _finish(self, key: str) -> None:
        if not self.over.done():
            self.over.set_result(key)


async def record(call: Call, verb: Record) -> Goto | None:
    """Record, then go to the action; after silence alone the next verb follows and nothing is kept.

    When the caller hangs up the action is still told, with ``Digits=hangup``, and `HungUp` raised.
    """
    line = call.line
    if verb.play_beep:
        await line.play(beep())
    active = call.start_recording(
        source="RecordVerb",
        channels=1,
        track="inbound",
        trim=verb.trim,
        callback=verb.callback,
        callback_method=verb.callback_method,
        callback_events=verb.callback_events,
    )
    watch = _Watch(verb)
    line.listeners.append(watch)
    line.digit_listeners.append(watch.key)
    try:
        key = await line.until(watch.over)
    except HungUp:
        key = "hangup"
    except asyncio.CancelledError:
        # A redirect: what was said so far is kept.
        await call.finish_recording(active, absent=not watch.ear.spoken)
        raise
    finally:
        line.listeners.remove(watch)
        line.digit_listeners.remove(watch.key)
    empty = not watch.ear.spoken and key in {"", "hangup"}
    kept = await call.finish_recording(active, absent=empty)
    params = {
        "RecordingSid": kept.sid,
        "RecordingUrl": call.recording_url(kept),
        "RecordingDuration": kept.duration or "0",
    }
    if key:
        params["Digits"] = key
    step = call.goto(verb.action, verb.method, params)
    if key == "hangup":
        if not empty:
            call.tell(step.url, step.method, call.params() | params)
        raise HungUp
    return None if empty else step
