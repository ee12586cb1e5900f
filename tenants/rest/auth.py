"""``Authorization: Bearer dk_…``: the key names the tenant and what may be done there."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from common.errors import PermissionDenied, RateLimited
from tenants.rest import rate
from tenants.services.api_keys import SCOPES, ApiCaller, caller_of_key


class ApiRequest(HttpRequest):
    """A request with a valid key; for annotations."""

    auth: ApiCaller
    #: How much of the key's minute is left; the edge writes it into the answer's headers.
    rate: rate.Rate | None


class ApiKeyAuth(HttpBearer):
    """Lets a key with `scope` in (any valid key where it is empty) and counts the request."""

    openapi_bearerFormat = "dk_…"  # noqa: N815 - OpenAPI's own spelling
    openapi_description = "A key of your business, made under Settings → API keys. It is shown once."

    def __init__(self, scope: str = "") -> None:
        super().__init__()
        if scope and scope not in SCOPES:
            raise ValueError(f"there is no scope {scope}")
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiCaller | None:
        """The caller; None for a key that is not valid. Raises `RateLimited` and `PermissionDenied`."""
        caller = caller_of_key(token.strip())
        if caller is None:
            return None
        counted = rate.count(caller)
        request.rate = counted  # type: ignore[attr-defined]  # see `ApiRequest`
        if counted and counted.exceeded:
            raise RateLimited(
                "too many requests with this key; wait and try again", limit=counted.limit, retry_after=counted.reset
            )
        if self.scope and self.scope not in caller.scopes:
            raise PermissionDenied(f"this key may not do this: it lacks {self.scope}", scope=self.scope)
        return caller


def key(scope: str = "") -> ApiKeyAuth:
    """The `auth=` of an operation."""
    return ApiKeyAuth(scope)
