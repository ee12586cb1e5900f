"""The REST API under ``/api/v1/``: rooms' routers, one shape of errors, and a description that says all of it."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import DocsBase

from calls.api import router as calls
from common.errors import AppError, NoTenant, ProviderError, RateLimited
from common.rest import problem
from config.api_description import describe, docs_page
from knowledge.api import router as knowledge
from receptionist.api import router as receptionist
from tenants.api import router as tenants
from tenants.rest import inside_tenant

log = logging.getLogger(__name__)

DESCRIPTION = """Everything your receptionist heard, took down and knows, for your own programs.

Send the key of your business with every request: `Authorization: Bearer dk_…`. It names the business, so no address
and no parameter ever does. Keys are made under Settings → API keys, each with the scopes it needs.
"""


class _Docs(DocsBase):
    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        return docs_page(request, api.get_openapi_schema())


class _Api(NinjaAPI):
    _document: Any = None

    def get_openapi_schema(self, **kwargs: Any) -> Any:
        # Operations do not change while a process runs, and anybody may ask.
        if self._document is None:
            self._document = describe(super().get_openapi_schema(**kwargs), self)
        return self._document


api = _Api(
    title="Deskbell API",
    version="1",
    description=DESCRIPTION,
    docs=_Docs(),
    urls_namespace="api-1",
    servers=[{"url": settings.PUBLIC_URL}],
)
api.add_decorator(inside_tenant)
api.add_router("", tenants)
api.add_router("", calls)
api.add_router("", knowledge)
api.add_router("", receptionist)


@api.exception_handler(AppError)
def app_error(request: HttpRequest, error: AppError) -> HttpResponse:
    """What a program may know: code, message and named details."""
    if isinstance(error, NoTenant):
        return server_error(request, error)
    headers = {"Retry-After": str(error.data.get("retry_after", 1))} if isinstance(error, RateLimited) else {}
    return problem(error.http_status, error.code, error.message, error.data, headers)


@api.exception_handler(ProviderError)
def provider_error(request: HttpRequest, error: ProviderError) -> HttpResponse:
    """A provider is away; the same request may succeed later."""
    log.warning("a provider failed an API request", extra={"provider": error.provider, "category": error.category})
    return problem(503, "unavailable", "a part of the product can't be reached just now; try again later")


@api.exception_handler(ValidationError)
def unusable_input(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Which part of the input can't be used, and why; never the input itself."""
    found = [
        # A list's or a union's inner places are numbers and type names; the source comes first.
        {"field": ".".join(str(part) for part in _place(one["loc"])), "message": _plain(one["msg"])}
        for one in error.errors
    ]
    first = found[0] if found else {"field": "", "message": "unusable"}
    message = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
    return problem(422, "invalid", f"{message}; nothing was changed", {"errors": found})


def _place(loc: tuple[Any, ...]) -> tuple[Any, ...]:
    # (source, name of the function's parameter, …): the parameter of a body is an inner affair.
    return (loc[2:] or ("body",)) if loc[0] == "body" else loc[1:]


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


@api.exception_handler(TooManyFieldsSent)
def too_many_parameters(request: HttpRequest, error: TooManyFieldsSent) -> HttpResponse:
    """An address with more parameters than are read."""
    return problem(422, "invalid", "there are too many parameters; nothing was changed", {"errors": []})


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """ninja's own errors: no usable key, an unreadable body."""
    if error.status_code == 401:
        message = "this needs a valid API key: Authorization: Bearer dk_…"
        return problem(401, "unauthorized", message, headers={"WWW-Authenticate": 'Bearer realm="Deskbell"'})
    return problem(error.status_code, "bad_request", "the body is not JSON that can be read")


@api.exception_handler(Http404)
def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    """Raised by nobody on purpose; rooms raise `NotFound`."""
    return problem(404, "not_found", "there is no such thing")


@api.exception_handler(Exception)
def server_error(request: HttpRequest, error: Exception) -> HttpResponse:
    """A bug: written down with its place, told without it."""
    log.error("an API operation failed", exc_info=error, extra={"path_name": _route(request)})
    return problem(500, "server_error", "something went wrong on our side; it was noted")


def _route(request: HttpRequest) -> str:
    return request.resolver_match.route if request.resolver_match else ""
