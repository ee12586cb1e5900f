"""`<Say>`, `<Play>`, `<Pause>`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

from carrier.tones import SILENT_SECOND, digit_tones, error_tone
from carrier.twiml import Pause, Play, Say

if TYPE_CHECKING:
    from carrier.call import Call

#: Twilio's reading of ``loop="0"``.
_FOREVER = 1000


async def prompt(call: Call, verb: Say | Play | Pause) -> None:
    """Play one prompt to its end; a tone where it can't be had. Raises `HungUp`."""
    match verb:
        case Pause(length):
            # The same second again and again: no memory is taken.
            await call.line.play(*[SILENT_SECOND] * length)
            return
        case Say(text, voice, loop):
            audio = await call.exchange.speech.say(text, voice) if text else b""
        case Play(url, digits, loop):
            url = urljoin(call.document.url, url)
            audio = digit_tones(digits) if digits else await call.exchange.speech.fetch(url)
    if audio is None:
        await call.line.play(error_tone())
        return
    for _ in range(loop or _FOREVER):
        await call.line.play(audio)
