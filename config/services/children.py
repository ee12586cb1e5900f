"""Command lines of children: each dies with the process that started it."""

from __future__ import annotations

import os
import pwd
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

from config.services import guard

Identity = Literal["self", "namespace", "setpriv"]


class ServiceError(RuntimeError):
    """A service can't start or didn't answer; the message says what to do about it."""


def guarded(command: list[str], *, death: str = "KILL", identity: Identity = "self") -> list[str]:
    """`command` behind the guard, which sends it SIG`death` when its parent ends."""
    user = [] if identity == "self" else ["--as-user", identity]
    return [sys.executable, "-I", "-S", guard.__file__, *user, death, "--", *command]


def guard_env(env: dict[str, str]) -> dict[str, str]:
    """`env` for a child this process starts itself."""
    return {**env, guard.PARENT: str(os.getpid())}


@cache
def unprivileged_identity() -> Identity:
    """How a program that wants a named user, and not root, runs here. Raises `ServiceError` when there is no way."""
    root = os.geteuid() == 0
    if not root and _has_name(os.geteuid()):
        return "self"
    identities: tuple[Identity, ...] = ("namespace", "setpriv") if root else ("namespace",)
    for identity in identities:
        probe = guarded([sys.executable, "-I", "-S", "-c", ""], identity=identity)
        if subprocess.run(probe, env=guard_env(dict(os.environ)), capture_output=True, check=False).returncode == 0:
            return identity
    raise ServiceError(
        "PostgreSQL runs neither as root nor as a user without a name, and this machine allows no way around "
        "(user namespaces, setpriv): run as another user, or set DATABASE_URL"
    )


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def free_port() -> int:
    """A free TCP port of 127.0.0.1 below the range the kernel lends to outgoing connections."""
    for _ in range(200):
        port = random.randint(15000, 31999)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServiceError("no free port on 127.0.0.1")


def private_dir(path: Path) -> Path:
    """The folder `path`, made with mode 0700 where it is missing."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` (mode 0600) in one step: a reader sees the old file or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def wait_until(answers: Callable[[], bool], *, seconds: float, what: str, alive: Callable[[], bool]) -> None:
    """Ask every 50 ms until `answers`. Raises `ServiceError` after `seconds`, or once it is not `alive`."""
    end = time.monotonic() + seconds
    while not answers():
        if not alive():
            raise ServiceError(f"{what} ended while starting")
        if time.monotonic() > end:
            raise ServiceError(f"{what} did not answer within {seconds:.0f} s")
        time.sleep(0.05)
