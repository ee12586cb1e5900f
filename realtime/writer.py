"""The journal's way out of the audio process: a bounded queue, batches, retries. Telemetry is dropped before turns."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace

from calls.facts import JournalEvent
from common.metrics import DROPPED

log = logging.getLogger(__name__)

Store = Callable[[list[JournalEvent]], Awaitable[None]]

_BATCH_SECONDS = 0.25
_LONGEST_BATCH = 200
_TELEMETRY = frozenset({"latency", "engine", "error"})
_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)


class JournalWriter:
    """Facts of one stream, in order. One batch is under way at a time."""

    def __init__(self, store: Store, *, most: int = 2000) -> None:
        self._store, self._most = store, most
        self._waiting: deque[JournalEvent] = deque()
        self._task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._seq = 0

    def put(self, event: JournalEvent) -> None:
        """Queue a fact; when too many wait, telemetry goes first, then the oldest."""
        if len(self._waiting) >= self._most:
            self._drop()
        self._seq += 1
        self._waiting.append(replace(event, seq=self._seq))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def _drop(self) -> None:
        DROPPED.labels("journal").inc()
        for index, event in enumerate(self._waiting):
            if event.kind in _TELEMETRY:
                del self._waiting[index]
                return
        self._waiting.popleft()

    async def _run(self) -> None:
        while self._waiting:
            if not self._hurry.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), _BATCH_SECONDS)
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _LONGEST_BATCH))]
            await self._write(batch)

    async def _write(self, batch: list[JournalEvent]) -> None:
        for pause in (*_PAUSES, None):
            try:
                await self._store(batch)
                return
            except Exception as error:
                # Whatever the database said: writing again is harmless, (call, source, seq) is unique.
                if pause is None:
                    log.error("a batch of the journal was lost", exc_info=error, extra={"events": len(batch)})
                    DROPPED.labels("journal").inc(len(batch))
                    return
                log.warning("the journal was not written; trying again", extra={"error": type(error).__name__})
                await asyncio.sleep(pause)

    async def flush(self) -> None:
        """Wait until everything queued is written or given up."""
        self._hurry.set()
        task = self._task
        if task is not None and not task.done():
            await asyncio.shield(task)
