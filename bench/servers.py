"""What is measured, each as a process of its own: our bridge, or a bare relay that forwards frames as they are.

`python -m bench.servers bridge|relay --engine ws://…`; prints the port when it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
from typing import Any

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_connect, ws_create_server

from calls.facts import JournalEvent
from calls.snapshot import SessionSnapshot
from common.kv import redis_async
from realtime.admission import Admission
from realtime.bridge import Limits, Rung, ToolOutcome
from realtime.driver import Services
from realtime.media import MediaServer


class Nowhere:
    """A gateway that keeps nothing: the database is no part of the audio path."""

    async def journal(self, _snapshot: SessionSnapshot, _events: list[JournalEvent]) -> None:
        """Forget the facts."""

    async def run_tool(self, _snapshot: SessionSnapshot, _name: str, _arguments: str) -> ToolOutcome:
        """There are no tools in a bench call."""
        return ToolOutcome(ok=False, output="{}")

    async def set_next_step(self, _snapshot: SessionSnapshot, _step: dict[str, Any]) -> None:
        """Forget the step."""


class _Far(WSListener):
    """The relay's connection to the engine."""

    def __init__(self, near: WSTransport) -> None:
        self._near = near

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()
            return
        self._near.send(frame.msg_type, frame.get_payload_as_memoryview())

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self._near.disconnect()


class _Near(WSListener):
    """The relay's connection from the carrier; what comes before the engine is there is kept."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._far: WSTransport | None = None
        self._early: list[bytes] = []
        self._task: asyncio.Task[None] | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._task = asyncio.get_running_loop().create_task(self._dial(transport))

    async def _dial(self, near: WSTransport) -> None:
        self._far, _ = await ws_connect(lambda: _Far(near), self._engine)
        for frame in self._early:
            self._far.send(WSMsgType.TEXT, frame)
        self._early = []

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()
        elif self._far is None:
            self._early.append(frame.get_payload_as_bytes())
        else:
            self._far.send(frame.msg_type, frame.get_payload_as_memoryview())

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        if self._far is not None:
            self._far.disconnect()


async def _relay(engine: str) -> int:
    def route(_request: WSUpgradeRequest) -> WSListener:
        return _Near(engine)

    server = await ws_create_server(route, "127.0.0.1", 0)
    return int(server.sockets[0].getsockname()[1])


async def _bridge(engine: str) -> int:
    # Calls of the bench speak without a pause, so nothing may end them; every other rule is the product's.
    limits = Limits(ahead_ms=1e9)
    services = Services(Admission(redis_async()), Nowhere(), [Rung(name="bench", url=engine)], limits)
    return await MediaServer(services).start("127.0.0.1", 0)


def ahead_of_others() -> None:
    """Ask to run before all other work of the machine, which would decide the figures otherwise; not every user may."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))


async def _serve(kind: str, engine: str) -> None:
    port = await (_bridge(engine) if kind == "bridge" else _relay(engine))
    print(port, flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Entry point; `BENCH_CORE` names the core this process is held to."""
    parser = argparse.ArgumentParser(prog="bench.servers")
    parser.add_argument("kind", choices=["bridge", "relay"])
    parser.add_argument("--engine", required=True)
    options = parser.parse_args()
    core = os.environ.get("BENCH_CORE")
    if core:
        os.sched_setaffinity(0, {int(core)})
    ahead_of_others()
    uvloop.run(_serve(options.kind, options.engine))


if __name__ == "__main__":
    main()
