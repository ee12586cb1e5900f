"""Voices to choose from, and how each sounds."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache

from common import ai
from common.env import env_secret, env_str

SAMPLE = "Thank you for calling. How can I help you today?"
_KEPT_SECONDS = 7 * 24 * 3600
_WAIT_SECONDS = 10.0
#: In addresses, where the empty name of the platform's voice would be lost.
STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class Voice:
    """`name` as providers know it, empty for the platform's own; `label` and `text` for people."""

    name: str
    label: str
    text: str = ""


_STANDARD = Voice("", "Standard", "The voice of this platform")
#: Voices of OpenAI's Realtime and speech services (platform.openai.com/docs/guides/text-to-speech); those that only one
#: of the two knows are left out.
_OPENAI = (
    Voice("marin", "Marin", "Warm and clear"),
    Voice("cedar", "Cedar", "Calm and deep"),
    Voice("alloy", "Alloy", "Even and neutral"),
    Voice("ash", "Ash", "Lively"),
    Voice("coral", "Coral", "Friendly"),
    Voice("sage", "Sage", "Soft"),
    Voice("verse", "Verse", "Expressive"),
)


def choices(current: str = "") -> list[Voice]:
    """What can be chosen here, the `current` one included. The local engine has one voice, whatever it is called."""
    cloud = env_secret("OPENAI_API_KEY", "") or env_str("OPENAI_BASE_URL") or env_str("OPENAI_REALTIME_URL")
    found = [_STANDARD, *(_OPENAI if cloud else ())]
    if current and all(voice.name != current for voice in found):
        found.append(next((voice for voice in _OPENAI if voice.name == current), Voice(current, current)))
    return found


def sample(name: str) -> bytes:
    """A sentence in the voice `name` as 8 kHz mu-law, kept for whoever listens next. Raises `ProviderError`."""
    key = f"voice-sample:{name}"
    kept = cache.get(key)
    if isinstance(kept, bytes):
        return kept
    ulaw = ai.speech(SAMPLE, voice=name, timeout=_WAIT_SECONDS)
    cache.set(key, ulaw, timeout=_KEPT_SECONDS)
    return ulaw
