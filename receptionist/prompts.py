"""Sentences rendered ahead, so that the caller hears them at once. Inside the tenant.

What is not rendered yet is spoken by the engine instead: nothing waits for a rendering, and nothing is ever missing.
"""

from __future__ import annotations

import hashlib
import logging

from django.core.cache import cache
from django.db import transaction

from common import ai
from common.errors import ProviderError
from receptionist import selectors
from receptionist.models import SpokenPrompt
from tenants.context import in_tenant, require_tenant
from tenants.tasks import send_after_commit

log = logging.getLogger(__name__)

SORRY = (
    "I am sorry, I am having trouble on this line. Please leave a message after the tone, and we will call you back."
)
RESUME = "Sorry, the line was interrupted for a moment. Please go on."
FILLERS = ("One moment, please.", "Let me check that for you.")
#: Renderings that every business of the platform shares are kept for each other this long.
_SHARED_SECONDS = 7 * 24 * 3600
_SHARED = frozenset({SORRY, RESUME, *FILLERS})
#: A new business waits this long for its greeting; then the task renders it.
GREETING_SECONDS = 2.0


def digest(text: str, voice: str) -> str:
    """Name of a rendering."""
    return hashlib.sha256(f"{voice}\x00{text}".encode()).hexdigest()


def wanted() -> list[tuple[str, str]]:
    """(text, voice) of everything this business wants rendered, the greeting first."""
    persona = selectors.persona(require_tenant())
    return [(text, persona.voice) for text in (persona.greeting, SORRY, RESUME, *FILLERS)]


def rendered() -> dict[str, bytes]:
    """Text to mu-law of what is wanted and ready."""
    names = {digest(text, voice): text for text, voice in wanted()}
    rows = SpokenPrompt.objects.filter(digest__in=names).values_list("digest", "ulaw")
    return {names[name]: bytes(ulaw) for name, ulaw in rows}


def render_after_commit() -> None:
    """Send the task that renders what is missing."""
    from receptionist.tasks import render_prompts

    send_after_commit(render_prompts)


def greet_after_commit() -> None:
    """Render the greeting alone as soon as the transaction is through, before anybody is told that it is.

    After it, so that nothing is locked meanwhile; in the tenant's schema again, because whoever commits may be outside.
    """
    schema = require_tenant().schema
    transaction.on_commit(lambda: in_tenant(schema, render_greeting), robust=True)


def render_greeting() -> bool:
    """Render the greeting now, unless it is ready; whether it is. Waits no longer than `GREETING_SECONDS`."""
    text, voice = wanted()[0]
    name = digest(text, voice)
    if SpokenPrompt.objects.filter(digest=name).exists():
        return True
    try:
        ulaw = ai.speech(text, voice=voice, timeout=GREETING_SECONDS)
    except ProviderError as error:
        log.info("the greeting is left to the task", extra={"category": error.category})
        return False
    _keep(text, voice, ulaw)
    return True


def _keep(text: str, voice: str, ulaw: bytes) -> None:
    SpokenPrompt.objects.update_or_create(
        digest=digest(text, voice), defaults={"text": text, "voice": voice, "ulaw": ulaw}
    )


def missing() -> bool:
    """Whether something wanted is not rendered."""
    return len(rendered()) < len(set(wanted()))


def render_missing() -> int:
    """Render what is missing and drop what nobody wants any more; returns how many were made. Raises `ProviderError`.

    The audio is made outside any transaction; two workers at once make the same rows.
    """
    ready = rendered()
    made = 0
    for text, voice in wanted():
        if text in ready:
            continue
        try:
            ulaw = _speech(text, voice)
        except ProviderError as error:
            log.warning("a prompt could not be rendered", extra={"category": error.category})
            raise
        _keep(text, voice, ulaw)
        made += 1
    with transaction.atomic():
        SpokenPrompt.objects.exclude(digest__in=[digest(text, voice) for text, voice in wanted()]).delete()
    return made


def _speech(text: str, voice: str) -> bytes:
    if text not in _SHARED:
        return ai.speech(text, voice=voice)
    key = f"spoken-prompt:{digest(text, voice)}"
    kept = cache.get(key)
    if isinstance(kept, bytes):
        return kept
    ulaw = ai.speech(text, voice=voice)
    cache.set(key, ulaw, timeout=_SHARED_SECONDS)
    return ulaw
