"""Worker threads with priorities: what a caller waits for goes before what is only guessed at."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from typing import Any

log = logging.getLogger(__name__)


#: Jobs of some 0.2 s: with two ahead of it a guess is not done before the turn it is about is over.
MAX_WAITING = 2


class Priority(IntEnum):
    """Order of work, first first."""

    TURN = 0
    REQUEST = 1
    GUESS = 2


class Job:
    """A function waiting for, or on, a worker thread."""

    __slots__ = ("cancelled", "done", "fn", "number", "priority", "started")

    def __init__(
        self, fn: Callable[[], Any], done: Callable[[Any, Exception | None], None], priority: Priority, number: int
    ) -> None:
        self.fn = fn
        self.done = done
        self.priority = priority
        self.number = number
        self.started = False
        self.cancelled = False


class Workers:
    """`threads` threads under one queue. Everything but the functions themselves runs on the event loop."""

    def __init__(self, name: str, threads: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._threads = threads
        self._waiting: list[Job] = []
        self._running = 0
        self._numbers = itertools.count()
        self._seconds: deque[float] = deque(maxlen=256)

    @property
    def busy(self) -> bool:
        """Whether a guess handed in now would most likely come too late."""
        return len(self._waiting) >= MAX_WAITING

    def submit(self, fn: Callable[[], Any], done: Callable[[Any, Exception | None], None], priority: Priority) -> Job:
        """Run `fn` in a thread, then `done(result, error)` on the loop, unless cancelled meanwhile."""
        job = Job(fn, done, priority, next(self._numbers))
        self._waiting.append(job)
        self._pump()
        return job

    async def run(self, fn: Callable[[], Any], priority: Priority = Priority.REQUEST) -> Any:
        """`fn()` in a thread; its exception is raised here."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(result: Any, error: Exception | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

        job = self.submit(fn, done, priority)
        try:
            return await future
        finally:
            self.cancel(job)

    def promote(self, job: Job) -> None:
        """A guess has become what a caller waits for."""
        job.priority = Priority.TURN

    def cancel(self, job: Job) -> None:
        """Forget `job`; one that runs already ends unheard."""
        job.cancelled = True
        if not job.started and job in self._waiting:
            self._waiting.remove(job)

    def close(self) -> None:
        """Take no more work; threads end after what they are doing."""
        self._waiting.clear()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _pump(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting and self._running < self._threads:
            job = min(self._waiting, key=lambda waiting: (waiting.priority, waiting.number))
            self._waiting.remove(job)
            job.started = True
            self._running += 1
            future = loop.run_in_executor(self._executor, self._timed, job.fn)
            future.add_done_callback(lambda ended, job=job: self._ended(job, ended))  # type: ignore[misc]

    def _timed(self, fn: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        try:
            return fn()
        finally:
            self._seconds.append(time.perf_counter() - started)

    def milliseconds(self) -> list[float]:
        """How long the last jobs ran, oldest first."""
        return [round(seconds * 1000, 2) for seconds in self._seconds]

    def _ended(self, job: Job, ended: asyncio.Future[Any]) -> None:
        self._running -= 1
        error = None if ended.cancelled() else ended.exception()
        if not job.cancelled and not ended.cancelled():
            if error is not None and not isinstance(error, Exception):
                raise error
            if error is not None:
                log.error("a worker thread failed", exc_info=error)
            job.done(None if error else ended.result(), error)
        self._pump()
