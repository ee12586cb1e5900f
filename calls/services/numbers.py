"""Telling the carrier where a tenant's number leads."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from django.conf import settings

from calls.carriers import twilio
from calls.followups import add_follow_up
from common.errors import ProviderError
from tenants.models import PhoneNumber

log = logging.getLogger(__name__)


def made_up_number() -> str | None:
    """A number nobody has, where the carrier gives any for nothing; Twilio's own numbers are bought by a person.

    Area code 555 is not assigned to any place (North American Numbering Plan), so it can't be somebody's real number.
    """
    if not settings.TWILIO_API_BASE_URL:
        return None
    while True:
        number = f"+1555{secrets.randbelow(8) + 2}{secrets.randbelow(10**6):06}"
        if not PhoneNumber.objects.filter(number=number).exists():
            return number


def announce_number(number: str) -> None:
    """Point a new number at our webhooks now, or as soon as the carrier can be reached."""
    try:
        twilio.set_up_number(number)
    except ProviderError as error:
        log.warning("a number will be set up later", extra={"category": error.category})
        add_follow_up("announce_number", None, {"number": number}, key=number)


def announce_again(call_id: str, payload: dict[str, Any]) -> None:
    """Follow-up: what `announce_number` could not do. Raises `ProviderError`."""
    twilio.set_up_number(payload["number"])
