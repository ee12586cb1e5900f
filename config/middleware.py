"""Paths that belong to no host, and the edge of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from common.rest import PROBLEM, problem

#: Webhooks, health and the API answer under whatever name the machine was reached: probes, tunnels, service names.
ANY_HOST_PREFIXES = ("/twilio/", "/stripe/", "/api/", "/media/")
ANY_HOST_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})


def answers_on_any_host(path: str) -> bool:
    """Whether `path` is served from the root urlconf whatever the Host header says."""
    return path in ANY_HOST_PATHS or path.startswith(ANY_HOST_PREFIXES)


class AnyHostMiddleware:
    """Serve those paths as if they had been asked of the root host; comes before anything that reads the host."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Replace the header, which may not even be a valid host name."""
        if answers_on_any_host(request.path_info):
            request.META["HTTP_HOST"] = settings.ROOT_HOST
        return self.get_response(request)


class ApiEdgeMiddleware:
    """Whatever is answered under ``/api/`` has the API's shape, even where no operation was reached.

    Bodies are read once, up to the limit, however they are sent; a longer one is 413.
    """

    sync_capable = True
    async_capable = False

    #: Answers of Django itself: unknown address, wrong method, unusable request, a failure outside any operation.
    _OWN_ERRORS: ClassVar[dict[int, tuple[str, str]]] = {
        400: ("bad_request", "this request can't be read"),
        403: ("permission_denied", "this is not allowed"),
        404: ("not_found", "there is nothing at this address; the API is described at /api/v1/docs"),
        405: ("method_not_allowed", "this address does not take this method"),
        500: ("server_error", "something went wrong on our side; it was noted"),
    }

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Check the body, answer, dress the answer."""
        if not request.path_info.startswith("/api/"):
            return self.get_response(request)
        response = self._too_long(request) or self._shaped(self.get_response(request))
        if rate := getattr(request, "rate", None):
            for name, value in rate.headers().items():
                response[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @staticmethod
    def _too_long(request: HttpRequest) -> HttpResponseBase | None:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        # Not by Content-Length, which is missing where a body comes in chunks.
        body = request.read(limit + 1)
        if len(body) > limit:
            message = f"a request has {limit} bytes at most; nothing was kept"
            return problem(413, "too_large", message, {"limit": limit})
        request._body = body  # what `request.body` gives from now on
        return None

    def _shaped(self, response: HttpResponseBase) -> HttpResponseBase:
        own = self._OWN_ERRORS.get(response.status_code)
        if own is None or response.headers.get("Content-Type", "").startswith((PROBLEM, "audio/")):
            return response
        allow = {"Allow": response["Allow"]} if "Allow" in response else {}
        return problem(response.status_code, *own, headers=allow)
