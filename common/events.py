"""Live events for browsers: published when the transaction commits, never before."""

from __future__ import annotations

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.db import transaction
from redis.exceptions import RedisError

from common.kv import redis_sync

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
            _group_send(layer, group_name(schema, topic), {"type": "page.event", "event": event})
        except (OSError, RedisError):
            log.warning("live event was not delivered", extra={"topic": topic})

    transaction.on_commit(send, robust=True)


def _group_send(layer: Any, group: str, message: dict[str, Any]) -> None:
    if isinstance(layer, RedisPubSubChannelLayer):
        # The layer's own group_send would make an event loop and a connection for every message; a live call tells its
        # news several times a minute. Channel name as in channels_redis.pubsub, `_get_group_channel_name`.
        redis_sync().publish(f"asgi__group__{group}", layer.serialize(message))
    else:
        async_to_sync(layer.group_send)(group, message)
