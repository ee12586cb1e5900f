"""The bridge against a bare relay: both on one core, under the same load, in short turns, in one run."""

from __future__ import annotations

import asyncio
import base64
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

from bench.load import Group, Load
from bench.report import Row
from bench.servers import ahead_of_others
from calls.snapshot import SessionSnapshot, stream_key
from common.crypto import new_key
from config.services.valkey import Valkey

#: Calls at once, the number the issue's bars are set at.
CALLS = 100
_SETTLE_SECONDS = 2.0


@dataclass
class Measured:
    """One server over all slices of the run."""

    url: str
    process: psutil.Process
    group: Group
    bytes_per_call: float
    cores: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    clears: list[float] = field(default_factory=list)

    @property
    def core(self) -> float:
        """Median share of a core that one call takes."""
        return statistics.median(self.cores)

    @property
    def p99(self) -> float:
        """Median of the slices' 99th percentiles: one slice that a busy machine spoilt does not decide."""
        return statistics.median(self.p99s)


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


def _platform_key() -> None:
    """Sessions are sealed in Redis; the media process under test inherits the key."""
    os.environ.setdefault("MASTER_KEY", base64.b64encode(new_key()).decode())


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
        await client.set(stream_key(token), snapshot.sealed(token), ex=60)
        found.append((token, call_sid))
    await client.aclose()
    return found


def _cpu_seconds(process: psutil.Process) -> float:
    """Time on a core so far; nanoseconds where the kernel counts them, else its ticks."""
    try:
        return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        times = process.cpu_times()
        return float(times.user + times.system)


async def _set_up(load: Load, url: str, process: psutil.Process, tokens: list[tuple[str, str]] | None) -> Measured:
    empty = process.memory_full_info().uss
    group = await load.dial(url, CALLS, tokens)
    await load.speak(group)
    await asyncio.sleep(_SETTLE_SECONDS)
    memory = process.memory_full_info().uss - empty
    await load.speak(None)
    return Measured(url, process, group, memory / CALLS)


async def _slice(load: Load, measured: Measured, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    await load.speak(measured.group)
    await asyncio.sleep(0.2)
    samples = measured.group.samples
    samples.inwards.clear()
    samples.outwards.clear()
    measured.group.measure(True)
    cpu, begun = _cpu_seconds(measured.process), loop.time()
    await asyncio.sleep(seconds)
    cpu, elapsed = _cpu_seconds(measured.process) - cpu, loop.time() - begun
    measured.group.measure(False)
    measured.cores.append(cpu / elapsed / CALLS)
    measured.p99s.append(percentile(samples.inwards + samples.outwards, 99))


async def _interruptions(load: Load, measured: Measured) -> None:
    """Every call is interrupted once while all of them speak."""
    await load.speak(measured.group)
    samples = measured.group.samples
    samples.clears.clear()
    for call in measured.group.calls:
        call.interrupt()
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    measured.clears.append(percentile(samples.clears, 99))


async def _run(seconds: float, rounds: int) -> tuple[Measured, Measured]:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    ahead_of_others()
    load = Load()
    await load.listen()
    async with (
        _valkey() as redis_url,
        _server("relay", load.engine_url, redis_url, cores[0]) as near,
        _server("bridge", load.engine_url, redis_url, cores[0]) as ours,
    ):
        relay = await _set_up(load, *near, None)
        bridge = await _set_up(load, *ours, await _tokens(redis_url, CALLS))
        for _ in range(rounds):
            # In turns, so that whatever else the machine does meets both.
            await _slice(load, relay, seconds)
            await _slice(load, bridge, seconds)
            await _interruptions(load, bridge)
        await load.speak(None)
        await relay.group.hang_up()
        await bridge.group.hang_up()
    os.sched_setaffinity(0, set(cores))
    return bridge, relay


def measure(seconds: float = 1.5, rounds: int = 12) -> dict[str, Row]:
    """The bridge's rows; bars as in the issue: cost 1.6 ×, added p99 2 × + 2 ms of the relay's, in the same run."""
    _platform_key()
    ours, relay = uvloop.run(_run(seconds, rounds))
    name = "bare picows relay, same load, same run"
    return {
        "bridge.core_per_call": Row(ours.core, "core", name, relay.core, limit=1.6 * relay.core, digits=5),
        "bridge.p99_added_ms": Row(ours.p99, "ms", name, relay.p99, limit=2 * relay.p99 + 2),
        "bridge.bytes_per_call": Row(ours.bytes_per_call, "bytes", name, relay.bytes_per_call, digits=0),
        "bridge.greeting_ms": Row(percentile(ours.group.samples.greetings, 99), "ms, p99", "bar", 50.0, limit=50.0),
        "bridge.clear_ms": Row(statistics.median(ours.clears), "ms, p99", "bar", 5.0, limit=5.0),
        "reference.bare_relay.core_per_call": Row(relay.core, "core", digits=5),
        "reference.pipecat.core_per_call": Row(
            None, "core", "not measured: pipecat-ai is not among the locked packages; see docs/bridge.md"
        ),
    }
