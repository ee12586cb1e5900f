"""Both embedded databases without a supervisor, for tests and single commands.

``python -m config.services.embedded COMMAND…`` runs a command with fresh ones.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from config.services.children import ServiceError, free_port, guard_env, private_dir, wait_until, write_private
from config.services.postgres import Postgres
from config.services.valkey import Valkey

Service = Postgres | Valkey


@dataclass(frozen=True)
class Urls:
    """Where the databases answer, passwords included."""

    database: str
    redis: str


@contextmanager
def locked(var: Path) -> Iterator[None]:
    """Hold `var` for this process alone (flock: the kernel lets go however we end). Raises `ServiceError`."""
    private_dir(var)
    with open(var / "lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ServiceError(f"{var} is in use by another `up`{_address(var)}") from None
        yield


def _address(var: Path) -> str:
    """Where the product that runs on `var` is, as the end of a sentence; nothing while it starts."""
    try:
        return f", which runs at {json.loads((var / 'run.json').read_text())['public_url']}"
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def _password(var: Path) -> str:
    path = var / "embedded.password"
    if not path.exists():
        write_private(path, secrets.token_hex(32))
    return path.read_text()


def services(var: Path, *, durable: bool = True) -> tuple[Postgres, Valkey]:
    """Both servers on fresh ports, with their files under `var` and one password kept there."""
    password = _password(var)
    return (
        Postgres(var / "postgres", free_port(), password, durable),
        Valkey(var / "valkey", free_port(), password, durable),
    )


@contextmanager
def embedded_databases(var: Path, *, durable: bool = False) -> Iterator[Urls]:
    """Run both servers with their files under `var`; they end with the block, or with this process.

    The files stay, so the next run starts faster. Raises `ServiceError` when `var` is in use or a server fails; its
    words are in ``var/log``.
    """
    with locked(var):
        running: list[tuple[Service, subprocess.Popen[bytes]]] = []
        try:
            postgres, valkey = services(var, durable=durable)
            running.append((postgres, _start(postgres, var)))
            running.append((valkey, _start(valkey, var)))
            for service, child in running:
                what = f"{type(service).__name__} ({var}/log)"
                wait_until(service.answers, seconds=60, what=what, alive=partial(_runs, child))
            yield Urls(postgres.url, valkey.url)
        finally:
            for service, child in running:
                child.send_signal(signal.Signals[f"SIG{service.stop_signal}"])
            for _, child in running:
                try:
                    child.wait(20)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()


def _runs(child: subprocess.Popen[bytes]) -> bool:
    return child.poll() is None


def _start(service: Service, var: Path) -> subprocess.Popen[bytes]:
    service.prepare()
    log = private_dir(var / "log") / f"{type(service).__name__.lower()}.log"
    with log.open("ab") as output:
        return subprocess.Popen(
            service.command(),
            env=guard_env({**os.environ, "LC_ALL": "C"}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches this process only, which stops them in order
        )


def main(command: list[str]) -> int:
    """Run `command` with fresh databases in its environment; its exit code."""
    with tempfile.TemporaryDirectory(prefix="deskbell-") as folder, embedded_databases(Path(folder)) as urls:
        env = {**os.environ, "DATABASE_URL": urls.database, "REDIS_URL": urls.redis, "DESKBELL_VAR": folder}
        return subprocess.run(command, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
