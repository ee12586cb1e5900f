"""What every webhook goes through: signature, account, fields, then the work, and an answer whatever happens.

403 unverifiable or another account · 400 signed but unusable · 200 TwiML. Signature: protocols.md 4.2, checked with
Twilio's own validator over `PUBLIC_URL` + raw path and query, because that is what the carrier was told to call.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.request_validator import RequestValidator

from common.errors import Invalid
from common.logs import bind
from common.metrics import WEBHOOKS
from common.phone import e164

log = logging.getLogger(__name__)

_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_NUMBER = 64

View = Callable[[HttpRequest], HttpResponse]
Work = Callable[["Hook"], str]


@dataclass(frozen=True, slots=True)
class Hook:
    """A verified webhook. `query` is what our own address carried, `fields` what the carrier posted."""

    fields: dict[str, str]
    query: dict[str, str]

    def sid(self, name: str = "CallSid") -> str:
        """An identifier of the carrier. Raises `BadRequest` when it is missing or odd."""
        value = self.fields.get(name, "")
        if not _SID.fullmatch(value):
            raise BadRequest(f"{name} is missing or odd")
        return value

    @property
    def to(self) -> str:
        """The called number in E.164, or as the carrier wrote it where it is none."""
        return _number(self.fields.get("To", ""))

    @property
    def caller(self) -> str:
        """The calling number in E.164, or as the carrier wrote it; empty when withheld."""
        return _number(self.fields.get("From", ""))

    @property
    def from_browser(self) -> bool:
        """Whether the caller is a phone in a browser (``client:identity``)."""
        return self.fields.get("From", "").startswith("client:")

    def whole(self, name: str) -> int | None:
        """A whole number, None when it is missing or none."""
        value = self.fields.get(name, "")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else None


def _number(text: str) -> str:
    text = text.strip()[:_LONGEST_NUMBER]
    if not text.startswith("+"):
        return text
    try:
        return e164(text)
    except Invalid:
        return text


def _clean(value: object) -> str:
    # PostgreSQL refuses the one character that text can't hold; a call must not fail over it.
    return str(value).replace("\0", "")


def _signed_url(request: HttpRequest) -> str:
    raw = getattr(request, "scope", {}).get("raw_path")
    path = raw.decode("latin-1").partition("?")[0] if raw else request.path
    query = request.META.get("QUERY_STRING", "")
    return f"{settings.PUBLIC_URL}{path}" + (f"?{query}" if query else "")


def _genuine(request: HttpRequest) -> bool:
    token, signature = settings.TWILIO_AUTH_TOKEN, request.headers.get("X-Twilio-Signature", "")
    if not token or not signature:
        return False
    return bool(RequestValidator(token).validate(_signed_url(request), request.POST, signature))


def twilio_webhook(name: str, *, after_error: Work | None = None) -> Callable[[Work], View]:
    """Make a view of a function from a verified `Hook` to TwiML.

    `after_error` is for webhooks with a caller on the line: it gives the TwiML when the work raised, so that nobody
    hears the carrier's error message. Without it the answer is 503, and the carrier may repeat the webhook.
    """

    def decorate(work: Work) -> View:
        def count(result: str) -> None:
            WEBHOOKS.labels(hook=name, result=result).inc()

        @csrf_exempt
        @require_POST
        @functools.wraps(work)
        def view(request: HttpRequest) -> HttpResponse:
            if not _genuine(request):
                count("forged")
                return HttpResponse("bad signature", status=403, content_type="text/plain")
            hook = Hook(
                fields={key: _clean(request.POST[key]) for key in request.POST},
                query={key: _clean(request.GET[key]) for key in request.GET},
            )
            if hook.fields.get("AccountSid") != settings.TWILIO_ACCOUNT_SID:
                count("foreign_account")
                return HttpResponse("not this account", status=403, content_type="text/plain")
            with bind(call_sid=hook.fields.get("CallSid", "")[:64]):
                try:
                    xml = work(hook)
                except BadRequest as error:
                    count("unusable")
                    return HttpResponse(str(error), status=400, content_type="text/plain")
                except Exception:
                    # Whatever it is, there may be a person on the line.
                    log.exception("webhook failed", extra={"hook": name})
                    count("failed")
                    if after_error is None:
                        return HttpResponse("not now", status=503, content_type="text/plain")
                    xml = after_error(hook)
                else:
                    count("ok")
            return HttpResponse(xml, content_type="text/xml")

        return view

    return decorate
