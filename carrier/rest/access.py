"""Who may speak to the carrier: the account's SID and token by HTTP Basic, on REST and phones alike."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from carrier.exchange import Exchange
from carrier.rest.errors import RestError, not_found
from common.errors import AppError

EXCHANGE = web.AppKey("exchange", Exchange)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)


def credentials(request: web.Request) -> tuple[str, str] | None:
    """User and password of a request."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


def _check(request: web.Request) -> None:
    settings = request.app[EXCHANGE].settings
    given = credentials(request)
    if given is None or not (
        hmac.compare_digest(given[0].encode(), settings.account_sid.encode())
        and hmac.compare_digest(given[1].encode(), settings.auth_token.encode())
    ):
        raise RestError(401, 20003, "Authenticate")
    if request.match_info.get("account", settings.account_sid) != settings.account_sid:
        raise RestError(403, 20006, "Access Denied")


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ask for credentials everywhere but on ``/healthz`` and ``/signal``, and put every error into Twilio's form."""
    try:
        # A browser has an access token instead; `signal` looks at it.
        if request.path not in {"/healthz", "/signal"}:
            _check(request)
        return await handler(request)
    except RestError as error:
        return error.response()
    except AppError as error:
        return RestError(error.http_status, 20404 if error.http_status == 404 else 20001, error.message).response()
    except web.HTTPNotFound:
        return not_found(request.path).response()
    except web.HTTPMethodNotAllowed:
        return RestError(405, 20004, "Method not allowed").response()
    except web.HTTPException as error:
        return RestError(error.status, 20001, error.reason).response()
    except Exception:
        log.exception("A request failed")
        return RestError(500, 20500, "An internal error has occurred").response()
