"""The one error tree.

::

    AppError(message, **data)                      what a person or a client may see; code and http_status per class
      NotFound 404
      PermissionDenied 403
      Conflict 409
        InvalidTransition
      Invalid 422
      LimitReached 402
      RateLimited 429
      Unavailable 503                              a part of the product is not reachable just now
      NoTenant 500                                 a bug: tenant code ran without a tenant; never caught
    ProviderError(provider, category, request_id)  Twilio, OpenAI, our engine, Stripe, SMTP; `retryable` is derived
    ProtocolError                                  malformed frame or message: drop, count, never crash the call
"""

from __future__ import annotations

from typing import Any, Literal

Category = Literal[
    "authentication",
    "authorization",
    "invalid_request",
    "not_found",
    "rate_limit",
    "quota",
    "connectivity",
    "timeout",
    "server",
    "unknown",
]

RETRYABLE: frozenset[Category] = frozenset({"rate_limit", "connectivity", "timeout", "server"})


class AppError(Exception):
    """An error a person may see: a stable `code`, a plain `message`, and named `data`."""

    code = "error"
    http_status = 400

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class NotFound(AppError):
    """There is no such thing, or not for this person."""

    code = "not_found"
    http_status = 404


class PermissionDenied(AppError):
    """The person is known but may not do this."""

    code = "permission_denied"
    http_status = 403


class Conflict(AppError):
    """The state of things does not allow this now."""

    code = "conflict"
    http_status = 409


class InvalidTransition(Conflict):
    """This step can't follow the present state."""

    code = "invalid_transition"


class Invalid(AppError):
    """The input can't be used; the message says which part and what was kept."""

    code = "invalid"
    http_status = 422


class LimitReached(AppError):
    """Credits or a plan's limit are used up."""

    code = "limit_reached"
    http_status = 402


class RateLimited(AppError):
    """Too many requests in a short time."""

    code = "rate_limited"
    http_status = 429


class Unavailable(AppError):
    """A part of the product can't be reached just now; trying again may help."""

    code = "unavailable"
    http_status = 503


class NoTenant(AppError):
    """Tenant code ran without a tenant: a bug, never caught."""

    code = "no_tenant"
    http_status = 500


class ProviderError(Exception):
    """A provider failed. `retryable` follows from the category; the text never holds provider payload."""

    def __init__(self, provider: str, category: Category, *, request_id: str = "") -> None:
        super().__init__(f"{provider}: {category}")
        self.provider = provider
        self.category: Category = category
        self.request_id = request_id

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.category in RETRYABLE


class ProtocolError(Exception):
    """A malformed frame or message: drop it, count it, keep the call."""


def category_of_status(status: int) -> Category:
    """Category of an HTTP status code of a provider's answer."""
    table: dict[int, Category] = {
        401: "authentication",
        402: "quota",
        403: "authorization",
        404: "not_found",
        408: "timeout",
        429: "rate_limit",
    }
    if status in table:
        return table[status]
    if 400 <= status < 500:
        return "invalid_request"
    return "server" if status >= 500 else "unknown"
