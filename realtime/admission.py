"""Who may stream: a token works once, for one call, and a call has one live stream."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Any

import redis.asyncio
from redis.exceptions import RedisError

from calls.snapshot import SessionSnapshot, active_key, stream_key

log = logging.getLogger(__name__)

_HOLD_SECONDS = 30
_RENEW_SECONDS = 10.0
_LONGEST_TOKEN = 128


class Hold:
    """A live stream's claim on its call. `lost` is called when a later stream has taken the call over."""

    __slots__ = ("call_sid", "generation", "lost", "value")

    def __init__(self, snapshot: SessionSnapshot, lost: Callable[[], None]) -> None:
        self.call_sid, self.generation, self.lost = snapshot.call_sid, snapshot.generation, lost
        self.value = f"{snapshot.generation}:{secrets.token_hex(8)}".encode()


class Admission:
    """Tokens and claims, in Redis; one object a process."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client
        self._holds: dict[str, Hold] = {}
        self._renewing: asyncio.Task[None] | None = None

    async def redeem(
        self, token: str, call_sid: str, lost: Callable[[], None]
    ) -> tuple[SessionSnapshot | None, Hold | None]:
        """Take what the token stands for and claim the call; (None, None) when the token is unknown, used, expired,
        of another call, or the call already has a stream that this one is no successor of. Raises RedisError.
        """
        if not token or len(token) > _LONGEST_TOKEN:
            return None, None
        stored = await self._redis.getdel(stream_key(token))
        if stored is None:
            return None, None
        try:
            assert isinstance(stored, bytes)  # the client decodes nothing
            snapshot = SessionSnapshot.unseal(stored, token)
        except ValueError:
            log.error("a stream token held no session")
            return None, None
        if snapshot.call_sid != call_sid:
            return None, None
        hold = Hold(snapshot, lost)
        if not await self._claim(hold):
            return None, None
        return snapshot, hold

    async def _claim(self, hold: Hold) -> bool:
        key = active_key(hold.call_sid)
        if not await self._redis.set(key, hold.value, nx=True, ex=_HOLD_SECONDS):
            held: Any = await self._redis.get(key)
            generation = bytes(held).split(b":", 1)[0] if held else b"-1"
            if generation.isdigit() and int(generation) >= hold.generation:
                return False
            await self._redis.set(key, hold.value, ex=_HOLD_SECONDS)
        earlier = self._holds.get(hold.call_sid)
        self._holds[hold.call_sid] = hold
        if earlier is not None:
            earlier.lost()
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.get_running_loop().create_task(self._renew())
        return True

    async def release(self, hold: Hold) -> None:
        """The stream has ended."""
        if self._holds.get(hold.call_sid) is hold:
            del self._holds[hold.call_sid]
        try:
            key = active_key(hold.call_sid)
            if await self._redis.get(key) == hold.value:
                await self._redis.delete(key)
        except (RedisError, OSError):
            log.warning("a stream's claim was not released; it expires")

    async def _renew(self) -> None:
        """Keep the claims of live streams; a stream whose call went to another process ends."""
        while self._holds:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                await self._renew_once()
            except (RedisError, OSError):
                log.warning("claims were not renewed")

    async def _renew_once(self) -> None:
        for hold in list(self._holds.values()):
            key = active_key(hold.call_sid)
            held = await self._redis.get(key)
            if held is not None and held != hold.value:
                if self._holds.get(hold.call_sid) is hold:
                    del self._holds[hold.call_sid]
                hold.lost()
            else:
                await self._redis.set(key, hold.value, ex=_HOLD_SECONDS)

    async def close(self) -> None:
        """Stop renewing and close the client."""
        if self._renewing is not None:
            self._renewing.cancel()
        await self._redis.aclose()
