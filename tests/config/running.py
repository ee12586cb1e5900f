"""A running `manage.py up`, as an operator sees it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

from common.env import ROOT

#: A slow machine under load; nothing waits this long when all is well.
PATIENCE = 120.0


def until(found: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """What `found` returns once it is true; fails naming `what`."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, f"still waiting for {what}"
        time.sleep(0.05)
    return value


def four_free_ports() -> int:
    """The first of four free ports in a row."""
    for first in range(9300, 9397, 4):
        try:
            for port in range(first, first + 4):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no four free ports in a row")


def clean_environment(var: Path) -> dict[str, str]:
    """The environment of a fresh shell: nothing of the test run's own databases and secrets."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"DESKBELL_VAR": str(var)}


def family(var: Path) -> set[psutil.Process]:
    """Every living process that belongs to the `up` on `var`, however it was orphaned."""
    found = set()
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            marks = [process.environ().get("DESKBELL_VAR", ""), process.cwd(), *process.cmdline()]
        except psutil.Error:
            continue
        if any(str(var) in mark for mark in marks):  # PostgreSQL writes over its environment, but sits in its folder
            found.add(process)
    return found


class Up:
    """`manage.py up` in a child; `lines` is its standard output so far."""

    def __init__(self, var: Path, *arguments: str, port: int | None = None) -> None:
        self.var = var
        self.port = port or four_free_ports()
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up", "--port", str(self.port), *arguments],
            env=clean_environment(var),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream: Any, lines: list[str]) -> None:
        lines.extend(iter(stream.readline, ""))
        stream.close()

    def wait_ready(self) -> Up:
        """Until the ready line; fails with the command's own words when it ends before."""

        def ready() -> bool:
            assert self.process.poll() is None, "".join(self.errors)
            return any(line.startswith("ready ") for line in list(self.lines))

        until(ready, "the ready line", 240)
        return self

    def run_file(self) -> dict[str, Any]:
        """``var/run.json``."""
        content: dict[str, Any] = json.loads((self.var / "run.json").read_text())
        return content

    def pid(self, name: str) -> int:
        """Process id of one program, 0 while it has none."""
        return int(self.run_file()["pids"].get(name, 0))

    def get(self, path: str, **keywords: Any) -> httpx.Response | None:
        """An answer of the web process; None while it does not listen."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=10, trust_env=False, **keywords)
        except httpx.TransportError:
            return None

    def is_ready(self) -> bool:
        """Whether every part answers."""
        answer = self.get("/readyz")
        return answer is not None and answer.status_code == 200

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(60)
        for reader in self._readers:
            reader.join(10)
        return code
