"""How often a key may ask: a fixed window of a minute that begins with its first request."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.conf import settings
from redis import RedisError

from common.kv import redis_sync
from tenants.services.api_keys import ApiCaller

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """State of a key's window. `reset` is in seconds from now."""

    limit: int
    used: int
    reset: int

    @property
    def exceeded(self) -> bool:
        """Whether this request was one too many."""
        return self.used > self.limit

    def headers(self) -> dict[str, str]:
        """``RateLimit-*`` as programs know them."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "RateLimit-Reset": str(self.reset),
        }


def count(caller: ApiCaller) -> Rate | None:
    """Count one request of the key. None when Redis is away: the API goes on without a limit."""
    # The schema's name in the key lets the erasure of a tenant find it.
    name = f"api:rate:{caller.schema}:{caller.key_id}"
    try:
        with redis_sync().pipeline(transaction=True) as pipe:
            pipe.incr(name)
            pipe.expire(name, WINDOW_SECONDS, nx=True)
            pipe.ttl(name)
            used, _, left = pipe.execute()
    except RedisError:
        log.warning("API requests are not counted: Redis is away")
        return None
    return Rate(settings.API_RATE_PER_MINUTE, int(used), max(1, int(left)))
