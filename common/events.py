"""Live events for browsers: published when the transaction commits, never before."""

from __future__ import annotations

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

log = logging.getLogger(__name__)


def group_name(schema: str, topic: str) -> str:
    """Channel group of one tenant's topic; the only place that builds the name."""
    return f"t.{schema}.{topic}"


def publish_on_commit(schema: str, topic: str, event: dict[str, Any]) -> None:
    """Tell the tenant's open pages after commit. A lost event is harmless: pages re-fetch over HTTP."""

    def send() -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        try:
            async_to_sync(layer.group_send)(group_name(schema, topic), {"type": "page.event", "event": event})
        except OSError:
            log.warning("live event was not delivered", extra={"topic": topic})

    transaction.on_commit(send, robust=True)
