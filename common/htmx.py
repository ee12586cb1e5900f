"""One markup source for pages and fragments, and plain words when a request of htmx fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event
from django_htmx.middleware import HtmxDetails

from common.errors import AppError, NoTenant

Tone = Literal["info", "good", "warn", "bad"]
ResponseT = TypeVar("ResponseT", bound=HttpResponseBase)


class HtmxRequest(HttpRequest):
    """A request behind `HtmxMiddleware`."""

    htmx: HtmxDetails


def wants_partial(request: HttpRequest) -> bool:
    """Whether htmx asks for a fragment: not for a boosted link, nor for a page it restores from history."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request if htmx is not None else False


def page_or_partial(
    request: HttpRequest, page: str, partial: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """The template `partial` for htmx and `page`, which includes it, for everybody else.

    For a form that did not validate give `status` 422: htmx swaps it like a 200, other clients see an error.
    """
    template = partial if wants_partial(request) else page
    response = render(request, template, dict(context or {}), status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def toast(response: ResponseT, text: str, tone: Tone = "good", *, undo: Mapping[str, Any] | None = None) -> ResponseT:
    """Let the page say `text` when `response` arrives by htmx.

    `undo` is what takes it back: ``{"url": …, "values": {…}}`` is posted by a button in the toast.
    """
    detail: dict[str, Any] = {"text": text, "tone": tone}
    return trigger_client_event(response, "toast", {**detail, "undo": dict(undo)} if undo else detail)


def go_to(request: HttpRequest, to: Any, *args: Any, **kwargs: Any) -> HttpResponse:
    """A redirect of the whole page, for htmx as for a plain form; `to` as in Django's `redirect`."""
    if getattr(request, "htmx", None):
        return HttpResponseClientRedirect(resolve_url(to, *args, **kwargs))
    response: HttpResponse = redirect(to, *args, **kwargs)
    return response


class HtmxErrorsMiddleware:
    """Expected errors as something a person can read.

    - An `AppError` becomes a toast for htmx and the page `errors/app_error.html` for everybody else; `NoTenant` is a
      bug and stays one.
    - A redirect to the sign-in page (the session has run out) or to another host moves the whole page, not a fragment.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        htmx: HtmxDetails | None = getattr(request, "htmx", None)
        if htmx and 300 <= response.status_code < 400 and response.status_code != 304:
            target = self._whole_page(request, response.headers.get("Location", ""), htmx)
            if target:
                moved = HttpResponseClientRedirect(target)
                moved.cookies = response.cookies
                return moved
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The answer for an `AppError`; anything else goes on as a server error."""
        if not isinstance(error, AppError) or isinstance(error, NoTenant):
            return None
        if getattr(request, "htmx", None):
            return toast(HttpResponse(status=error.http_status), error.message, "bad")
        return render(request, "errors/app_error.html", {"error": error}, status=error.http_status)

    @staticmethod
    def _whole_page(request: HttpRequest, location: str, htmx: HtmxDetails) -> str:
        parts = urlsplit(location)
        login = resolve_url(settings.LOGIN_URL)
        if parts.path == urlsplit(login).path:
            # Come back to the page the person saw, not to the fragment it asked for.
            here = htmx.current_url_abs_path
            return f"{parts._replace(query=urlencode({'next': here}) if here else '', fragment='').geturl()}"
        if parts.netloc and parts.netloc != request.get_host():
            return location
        return ""
