"""What both adapters check before a stream is taken, and what they share."""

from __future__ import annotations

from functools import cache

from twilio.request_validator import RequestValidator

from common.env import env_float, env_secret, env_str
from common.kv import redis_async
from realtime.admission import Admission
from realtime.bridge import Limits
from realtime.driver import Services
from realtime.engines import ladder
from realtime.gateway import DjangoGateway

PATH = "/media/twilio"


@cache
def _validator(auth_token: str) -> RequestValidator:
    return RequestValidator(auth_token)


def signature_ok(signature: str | None) -> bool:
    """Whether an upgrade's signature, if the carrier sent one, covers the URL we wrote into the TwiML.

    Without a header, or without an account token to check with, the stream's own token is the gate.
    """
    auth_token = env_secret("TWILIO_AUTH_TOKEN", "")
    if signature is None or not auth_token:
        return True
    url = env_str("MEDIA_URL", "ws://localhost:8001").rstrip("/") + PATH
    return bool(_validator(auth_token).validate(url, {}, signature))


def product_services() -> Services:
    """The real thing: Redis, Django behind the gateway, the ladder of the environment."""
    limits = Limits(
        idle_ms=env_float("IDLE_SECONDS", 10.0) * 1000.0,
        barge_in_ms=env_float("BARGE_IN_MS", 0.0),
    )
    return Services(Admission(redis_async()), DjangoGateway(), ladder(), limits)
