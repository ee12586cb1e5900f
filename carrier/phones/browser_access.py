"""Twilio's access token: who a browser is and what it may do.

A JWT signed with HS256 by an API key's secret; header ``cty: twilio-fpa;v=1``; claims ``iss`` (the key), ``sub`` (the
account), ``exp``, ``nbf``, ``grants: {identity, voice: {incoming: {allow}, outgoing: {application_sid, params}}}``.
Made by ``twilio.jwt.access_token``; error codes as the SDK knows them.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

import jwt

from carrier.settings import Settings

INVALID, EXPIRED = 31204, 31205
_IDENTITY = re.compile(r"[^\s\0]{1,121}")


class Refused(Exception):
    """The token opens nothing; `code` is the SDK's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Access:
    """What a verified token says. `application_sid` is empty where it may not call."""

    identity: str
    expires: float
    incoming: bool = False
    application_sid: str = ""
    params: dict[str, str] = field(default_factory=dict)

    @property
    def ttl(self) -> int:
        """Whole seconds left."""
        return max(0, int(self.expires - time.time()))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def verify(token: Any, settings: Settings) -> Access:
    """Raises `Refused`."""
    if not settings.api_key_sid or not settings.api_key_secret:
        raise Refused(INVALID, "this carrier has no API key")
    try:
        header = jwt.get_unverified_header(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            settings.api_key_secret,
            algorithms=["HS256"],
            issuer=settings.api_key_sid,
            subject=settings.account_sid,
            leeway=5,
            options={"require": ["exp", "iss", "sub", "grants"]},
        )
    except jwt.ExpiredSignatureError:
        raise Refused(EXPIRED, "AccessTokenExpired") from None
    except (jwt.PyJWTError, TypeError, ValueError):
        raise Refused(INVALID, "AccessTokenInvalid") from None
    grants = _dict(claims["grants"])
    voice, identity = _dict(grants.get("voice")), grants.get("identity")
    if header.get("cty") != "twilio-fpa;v=1" or not isinstance(identity, str) or not _IDENTITY.fullmatch(identity):
        raise Refused(INVALID, "AccessTokenInvalid")
    outgoing = _dict(voice.get("outgoing"))
    return Access(
        identity=identity,
        expires=float(claims["exp"]),
        incoming=_dict(voice.get("incoming")).get("allow") is True,
        application_sid=str(outgoing.get("application_sid") or ""),
        params={str(k): str(v) for k, v in _dict(outgoing.get("params")).items()},
    )
