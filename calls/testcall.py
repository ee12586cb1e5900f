"""Test calls: a business rings its own receptionist from the browser.

The page gets two things: an access token (who may speak to the carrier) and a ticket (which business is called). The
browser hands the ticket to the carrier as a parameter of its call, and `redeem` trades it in, once, for what was
written down when it was issued. Nothing else the browser says about the call is believed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from django.conf import settings
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VoiceGrant

from calls.carriers import twilio
from calls.models import Call, CallLeg
from calls.services.lifecycle import tell_pages
from common import ai
from common.audio import ulaw_decode, write_wav
from common.crypto import random_token
from common.errors import Invalid, RateLimited, Unavailable
from common.kv import redis_sync
from tenants.context import in_public, require_tenant
from tenants.models import PhoneNumber, Tenant

#: A ticket waits this long for its call; the token lasts as long as the longest call.
TICKET_SECONDS = 120
TOKEN_SECONDS = 3600
#: A repeated webhook finds the call's ticket again.
_REMEMBERED_SECONDS = 3600
#: The last screen of the set-up is a test call: whoever makes one has done it.
SETUP_STEP = "call"
#: What one person may ask for in a minute.
CALLS_A_MINUTE, SENTENCES_A_MINUTE = 12, 40
LONGEST_SENTENCE = 300


@dataclass(frozen=True, slots=True)
class Seat:
    """Whom a ticket lets whom call."""

    schema: str
    identity: str
    number: str


@dataclass(frozen=True, slots=True)
class Started:
    """What a browser needs to call. `signal` is the built-in carrier's address; empty with Twilio itself."""

    token: str
    ticket: str
    signal: str


def available() -> bool:
    """Whether phones in the browser are set up on this platform."""
    return all(
        (
            settings.TWILIO_ACCOUNT_SID,
            settings.TWILIO_AUTH_TOKEN,
            settings.TWILIO_API_KEY_SID,
            settings.TWILIO_API_KEY_SECRET,
            settings.TWILIO_TWIML_APP_SID,
        )
    )


def rings_everywhere() -> bool:
    """Whether the platform's numbers can be dialled from any telephone: not those of the built-in carrier."""
    return not settings.TWILIO_API_BASE_URL


def own_number() -> str:
    """The number of the current tenant that its callers dial first; empty when it has none."""
    numbers = PhoneNumber.objects.filter(tenant=require_tenant().id).order_by("pk")
    return str(numbers.values_list("number", flat=True).first() or "")


def start(user_id: int) -> Started:
    """Let this member call the current tenant. Raises `Unavailable`, `RateLimited`, `ProviderError`."""
    if not available():
        raise Unavailable("Calls from the browser are not set up on this platform.")
    tenant = require_tenant()
    _count("calls", user_id, CALLS_A_MINUTE)
    _point_application_here()
    identity = f"{tenant.schema}_u{user_id}"
    token = AccessToken(
        settings.TWILIO_ACCOUNT_SID,
        settings.TWILIO_API_KEY_SID,
        settings.TWILIO_API_KEY_SECRET,
        identity=identity,
        ttl=TOKEN_SECONDS,
    )
    token.add_grant(VoiceGrant(outgoing_application_sid=settings.TWILIO_TWIML_APP_SID))
    ticket = random_token()
    seat = Seat(tenant.schema, identity, own_number())
    redis_sync().set(f"test-call:{ticket}", json.dumps(asdict(seat)), ex=TICKET_SECONDS)
    return Started(str(token.to_jwt()), ticket, settings.PHONE_SIGNAL_HOST)


def _point_application_here() -> None:
    """Once an hour and address: the carrier may have forgotten, or serve another platform by now."""
    where = f"{settings.TWILIO_API_BASE_URL} {settings.TWILIO_TWIML_APP_SID} {settings.PUBLIC_URL}"
    key = f"twiml-app:{hashlib.sha256(where.encode()).hexdigest()[:32]}"
    redis = redis_sync()
    if not redis.exists(key):
        twilio.set_up_application()
        redis.set(key, "1", ex=3600)


def _count(what: str, user_id: int, most: int) -> None:
    key = f"test-call-rate:{what}:{user_id}"
    with redis_sync().pipeline() as pipe:
        pipe.incr(key)
        pipe.expire(key, 60, nx=True)
        used = int(pipe.execute()[0])
    if used > most:
        raise RateLimited("That was a lot at once. Please wait a minute.")


def redeem(*, sid: str, caller: str, ticket: str) -> Seat | None:
    """What the ticket of the call `sid` says; None when it is used, old, made up or somebody else's."""
    redis = redis_sync()
    kept = redis.get(f"test-call-of:{sid}")
    if kept is None:
        kept = redis.getdel(f"test-call:{ticket[:128]}") if ticket else None
        if kept is None:
            return None
        redis.set(f"test-call-of:{sid}", kept, ex=_REMEMBERED_SECONDS)
    seat = Seat(**json.loads(kept))
    return seat if caller == f"client:{seat.identity}" else None


def put_on_record(*, sid: str, number: str) -> Call:
    """The call's row, marked as a test; it has no caller's number, as one that is withheld. Repeated, the same one."""
    call, created = Call.objects.get_or_create(sid=sid, defaults={"callee": number, "is_test": True})
    if created:
        CallLeg.objects.create(call=call, sid=sid)
        tell_pages(call)
        tenant = require_tenant()
        in_public(lambda: Tenant.objects.filter(pk=tenant.id, setup_step=SETUP_STEP).update(setup_step=""))
    return call


def speak(user_id: int, text: str) -> bytes:
    """A typed sentence as a WAV file, for the browser to say into its call. Raises `Invalid`, `ProviderError`."""
    words = " ".join(text.replace("\0", " ").split())
    if not words:
        raise Invalid("Type what the caller says.")
    if len(words) > LONGEST_SENTENCE:
        raise Invalid(f"At most {LONGEST_SENTENCE} characters at a time.")
    _count("sentences", user_id, SENTENCES_A_MINUTE)
    return write_wav(ulaw_decode(ai.speech(words, timeout=10.0)))
