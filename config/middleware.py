"""Paths that belong to no host."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

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
