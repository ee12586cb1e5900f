"""The carrier's side of the line for webhook tests: signed requests, as Twilio sends them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

from django.conf import settings
from django.db import connection
from django.test import Client
from twilio.request_validator import RequestValidator

from calls.snapshot import SessionSnapshot, stream_key
from common.kv import redis_sync
from tests.cast import ALPHA, CALLER


def new_sid(prefix: str) -> str:
    return prefix + secrets.token_hex(16)


@dataclass
class Answer:
    """TwiML that came back, readable by element."""

    status: int
    text: str

    @property
    def verbs(self) -> list[str]:
        return [verb.tag for verb in ElementTree.fromstring(self.text)]

    def find(self, path: str) -> ElementTree.Element:
        found = ElementTree.fromstring(self.text).find(path)
        assert found is not None, f"no {path} in {self.text}"
        return found

    @property
    def token(self) -> str:
        return self.find("Connect/Stream/Parameter[@name='token']").attrib["value"]


@dataclass
class Carrier:
    """Posts webhooks of one call."""

    sid: str = field(default_factory=lambda: new_sid("CA"))
    to: str = ALPHA.number
    caller: str = CALLER
    client: Client = field(default_factory=lambda: Client(headers={"host": "tunnel.example"}))

    def fields(self, **extra: str) -> dict[str, str]:
        return {
            "CallSid": self.sid,
            "AccountSid": settings.TWILIO_ACCOUNT_SID,
            "From": self.caller,
            "To": self.to,
            "CallStatus": "ringing",
            "Direction": "inbound",
            "ApiVersion": "2010-04-01",
            **extra,
        }

    def post(self, url: str, *, drop: tuple[str, ...] = (), sign: bool = True, **extra: str) -> Answer:
        params = {name: value for name, value in self.fields(**extra).items() if name not in drop}
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        signature = RequestValidator(settings.TWILIO_AUTH_TOKEN).compute_signature(settings.PUBLIC_URL + path, params)
        return self.send(path, urlencode(params), {"x-twilio-signature": signature} if sign else {})

    def send(self, path: str, body: str, headers: dict[str, str]) -> Answer:
        """Post as it is; the test stays in the schema it was in, which the request leaves."""
        schema = connection.tenant
        try:
            answer = self.client.post(path, body, content_type="application/x-www-form-urlencoded", headers=headers)
        finally:
            connection.set_tenant(schema)
        return Answer(answer.status_code, answer.content.decode())

    def voice(self, **extra: str) -> Answer:
        return self.post("/twilio/voice", **extra)

    def status(self, status: str, **extra: str) -> Answer:
        return self.post("/twilio/status", CallStatus=status, **extra)


def snapshot_of(token: str) -> SessionSnapshot | None:
    """The session laid under `token`, None when the token does not work (any more)."""
    raw = redis_sync().get(stream_key(token))
    return None if raw is None else SessionSnapshot.unseal(raw, token)
