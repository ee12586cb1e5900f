"""What the line says by TwiML, rendered ahead and kept in Redis for every process of the product.

The same sentences serve every tenant. A sentence that is not rendered yet is left to the carrier's own voice.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable

from redis.exceptions import RedisError

from common import ai
from common.env import env_str
from common.kv import redis_sync

log = logging.getLogger(__name__)


def _name(text: str) -> str:
    voice = env_str("SPEECH_VOICE", "marin")
    return hashlib.sha256(f"{voice}\x00{text}".encode()).hexdigest()[:32]


def _key(name: str) -> str:
    return f"line-prompt:{name}"


def ready(text: str) -> str:
    """Name of the rendering of `text`; empty where there is none, or it can't be asked for just now."""
    name = _name(text)
    try:
        return name if redis_sync().exists(_key(name)) else ""
    except RedisError:
        log.warning("renderings can't be asked for")
        return ""


def audio(name: str) -> bytes | None:
    """The rendering `name` as a WAV file, None where there is none."""
    kept = redis_sync().get(_key(name))
    return kept if isinstance(kept, bytes) else None


def render_missing(texts: Iterable[str]) -> int:
    """Render those of `texts` that are not yet; returns how many were. Raises `ProviderError`."""
    made = 0
    for text in texts:
        if not ready(text):
            from common.audio import ulaw_decode, write_wav  # loads numpy, which only this needs

            redis_sync().set(_key(_name(text)), write_wav(ulaw_decode(ai.speech(text))))
            made += 1
    return made
