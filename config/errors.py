"""The page for a request that can't be read at all."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from common.htmx import toast

_TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """413 for more than is read of a form, 400 for what is damaged; htmx shows the same words as a toast."""
    if isinstance(exception, _TOO_MUCH):
        status, words = 413, "That was too much at once. Nothing was changed: send it in smaller parts."
    else:
        status, words = 400, "That could not be read. Nothing was changed: reload the page and try again."
    # Without the request: whatever reads it again would fail again.
    response = HttpResponse(render_to_string(f"{status}.html"), status=status)
    return toast(response, words, "bad") if request.headers.get("HX-Request") == "true" else response
