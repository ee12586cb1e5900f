"""Clients of the Redis protocol, one pool a process; the library is loaded with the first of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from common.env import env_str

if TYPE_CHECKING:
    import redis
    import redis.asyncio


def redis_url() -> str:
    """``REDIS_URL``, or a local server's default."""
    return env_str("REDIS_URL", "redis://127.0.0.1:6379/0")


@cache
def redis_sync() -> redis.Redis:
    """The process's blocking client."""
    import redis

    return redis.Redis.from_url(redis_url(), socket_timeout=5, socket_connect_timeout=2)


def redis_async() -> redis.asyncio.Redis:
    """A client for the running event loop; the caller keeps it and closes it with the loop."""
    import redis.asyncio

    return redis.asyncio.Redis.from_url(redis_url(), socket_timeout=5, socket_connect_timeout=2)
