"""The bridge against a bare relay: both on one core, under the same load, in turns, in one run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import redis.asyncio
import uvloop

from bench.load import Load, Samples
from bench.report import Row
from bench.servers import ahead_of_others
from calls.snapshot import SessionSnapshot, stream_key
from config.services.valkey import Valkey

_SETTLE_SECONDS = 1.5


@dataclass
class Window:
    """One stretch of load on one server."""

    core_per_call: float
    bytes_per_call: float
    samples: Samples

    @property
    def added(self) -> list[float]:
        """Milliseconds from one end to the other, both directions."""
        return self.samples.inwards + self.samples.outwards


@dataclass
class Measured:
    """All windows of one server."""

    windows: list[Window] = field(default_factory=list)

    @property
    def core(self) -> float:
        """Median share of a core that one call takes."""
        return statistics.median(w.core_per_call for w in self.windows)

    @property
    def p99(self) -> float:
        """Median over the windows of the 99th percentile: one window that a busy machine spoilt does not decide."""
        return statistics.median(percentile(w.added, 99) for w in self.windows)

    @property
    def memory(self) -> float:
        """Median bytes that one call takes."""
        return statistics.median(w.bytes_per_call for w in self.windows)


def percentile(values: list[float], part: float) -> float:
    """The smallest value that `part` percent of `values` do not exceed; nan without values."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part / 100.0))]


@contextlib.asynccontextmanager
async def _valkey() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="deskbell-bench-") as folder:
        server = Valkey(Path(folder) / "valkey", _free_port(), secrets.token_hex(8), durable=False)
        server.prepare()
        process = await asyncio.create_subprocess_exec(*server.command(), stdout=subprocess.DEVNULL)
        try:
            while not server.answers():  # noqa: ASYNC110 - another process can only be asked
                await asyncio.sleep(0.05)
            yield server.url
        finally:
            process.terminate()
            await process.wait()


def _free_port() -> int:
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextlib.asynccontextmanager
async def _server(kind: str, engine: str, redis_url: str, core: int) -> AsyncIterator[tuple[str, psutil.Process]]:
    """A measured process on its own core; its websocket URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.servers",
        kind,
        "--engine",
        engine,
        env={**os.environ, "REDIS_URL": redis_url, "BENCH_CORE": str(core)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        yield f"ws://127.0.0.1:{port}/media/twilio", psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


async def _tokens(redis_url: str, count: int) -> list[tuple[str, str]]:
    client = redis.asyncio.Redis.from_url(redis_url)
    found = []
    for _ in range(count):
        token, call_sid = secrets.token_urlsafe(32), f"CA{secrets.token_hex(16)}"
        snapshot = SessionSnapshot(
            schema="t_bench",
            call_id="00000000-0000-0000-0000-000000000001",
            call_sid=call_sid,
            instructions="You are a receptionist. " * 40,
            greeting_text="Hello, how may I help you?",
            greeting_ulaw=b"\xff" * 16_000,
            max_seconds=3600,
        )
        await client.set(stream_key(token), snapshot.to_json(), ex=60)
        found.append((token, call_sid))
    await client.aclose()
    return found


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _window(
    load: Load, url: str, process: psutil.Process, calls: int, seconds: float, tokens: list[tuple[str, str]] | None
) -> Window:
    loop = asyncio.get_running_loop()
    empty = process.memory_full_info().uss
    samples = await load.dial(url, calls, tokens)
    await asyncio.sleep(_SETTLE_SECONDS)
    load.measure(True)
    cpu, begun = _cpu(process), loop.time()
    await asyncio.sleep(seconds)
    cpu, elapsed = _cpu(process) - cpu, loop.time() - begun
    load.measure(False)
    memory = process.memory_full_info().uss - empty
    if tokens is not None:
        for call in load.calls * 2:
            call.interrupt()
            await asyncio.sleep(0.007)
    await load.hang_up()
    await asyncio.sleep(0.3)
    return Window(cpu / elapsed / calls, memory / calls, samples)


async def _run(calls: int, seconds: float, rounds: int) -> tuple[Measured, Measured]:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    ahead_of_others()
    ours, relay = Measured(), Measured()
    load = Load()
    await load.listen()
    async with _valkey() as redis_url:
        for _ in range(rounds):
            # A fresh process a window: memory that an earlier one gave back to nobody would hide what a call takes.
            for kind, measured in (("relay", relay), ("bridge", ours)):
                async with _server(kind, load.engine_url, redis_url, cores[0]) as (url, process):
                    tokens = await _tokens(redis_url, calls) if kind == "bridge" else None
                    measured.windows.append(await _window(load, url, process, calls, seconds, tokens))
    os.sched_setaffinity(0, set(cores))
    return ours, relay


def measure(calls: int = 100, seconds: float = 5.0, rounds: int = 4) -> dict[str, Row]:
    """The bridge's rows; bars as in the issue: cost 1.6 ×, added p99 2 × + 2 ms of the relay's, in the same run."""
    ours, relay = uvloop.run(_run(calls, seconds, rounds))
    greeting = statistics.median(percentile(w.samples.greetings, 99) for w in ours.windows)
    clear = statistics.median(percentile(w.samples.clears, 99) for w in ours.windows)
    name = "bare picows relay, same load, same run"
    return {
        "bridge.core_per_call": Row(ours.core, "core", name, relay.core, limit=1.6 * relay.core, digits=5),
        "bridge.p99_added_ms": Row(ours.p99, "ms", name, relay.p99, limit=2 * relay.p99 + 2),
        "bridge.bytes_per_call": Row(ours.memory, "bytes", name, relay.memory, digits=0),
        "bridge.greeting_ms": Row(greeting, "ms (p99 from start)", "bar", 50.0, limit=50.0),
        "bridge.clear_ms": Row(clear, "ms (p99)", "bar", 5.0, limit=5.0),
        "reference.bare_relay.core_per_call": Row(relay.core, "core", digits=5),
        "reference.pipecat.core_per_call": Row(
            None, "core", "pipecat-ai is not among the locked packages; see docs/bridge.md"
        ),
    }
