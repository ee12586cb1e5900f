"""The sentences of the line as files the carrier plays. They are the same for everybody and hold nothing private."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from calls import prompts


@require_safe
def prompt(request: HttpRequest, name: str) -> HttpResponse:
    """A rendering; its name changes with its text, so a copy may be kept."""
    wav = prompts.audio(name)
    if wav is None:
        raise Http404
    return HttpResponse(wav, content_type="audio/wav", headers={"Cache-Control": "public, max-age=86400"})
