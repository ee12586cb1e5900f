"""Telling the carrier where a tenant's number leads."""

from __future__ import annotations

import logging
from typing import Any

from calls.carriers import twilio
from calls.followups import add_follow_up
from common.errors import ProviderError

log = logging.getLogger(__name__)


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
