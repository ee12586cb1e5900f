"""Every process of `up`, as data: its command line, its group, and how it is stopped."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from config.services.children import guarded
from config.services.postgres import Postgres
from config.services.valkey import Valkey

#: Groups in the order they start; they are stopped the other way round, each to its end before the next.
Group = Literal["data", "work", "edge"]
ASGI = "config.asgi:application"


@dataclass(frozen=True)
class Program:
    """One supervised process; `environment` comes on top of what every process gets."""

    name: str
    group: Group
    command: list[str]
    stop_signal: str = "TERM"
    stop_seconds: int = 8
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ports:
    """Ports of the processes: `web` and the three behind it."""

    web: int

    @property
    def media(self) -> int:
        return self.web + 1

    @property
    def engine(self) -> int:
        return self.web + 2

    @property
    def carrier(self) -> int:
        return self.web + 3


def worker_name(ports: Ports) -> str:
    """Name under which the Celery worker answers pings; one for each `up` on a shared broker."""
    return f"up{ports.web}@localhost"


def databases(postgres: Postgres | None, valkey: Valkey | None) -> list[Program]:
    """The embedded servers that are wanted."""
    programs = []
    if postgres:
        programs.append(Program("postgres", "data", postgres.command(), postgres.stop_signal, stop_seconds=20))
    if valkey:
        programs.append(Program("valkey", "data", valkey.command(), valkey.stop_signal, stop_seconds=20))
    return programs


def processes(ports: Ports, host: str, var: Path, *, engine: bool, carrier: bool) -> list[Program]:
    """The product's own processes; `host` is the address `web` and `media` listen on."""

    def python(module: str, *arguments: str) -> list[str]:
        return guarded([sys.executable, "-m", module, *arguments])

    celery = ("celery", "--app", "config")
    found = [
        Program(
            "media",
            "work",
            python("realtime.media", "--host", host, "--port", str(ports.media)),
            environment={"DATABASE_POOL": "10"},
        ),
        Program(
            "worker",
            "work",
            python(*celery, "worker", "--pool", "prefork", "--concurrency", "2", "--hostname", worker_name(ports)),
            environment={"DATABASE_POOL": "2"},
        ),
        Program(
            "beat",
            "work",
            python(*celery, "beat", "--schedule", str(var / "beat-schedule"), "--pidfile="),
            environment={"DATABASE_POOL": "2"},
        ),
        Program(
            "web",
            "edge",
            # No access log: it would hold the addresses of people.
            python("daphne", "-v", "0", "--bind", host, "--port", str(ports.web), "--no-server-name", ASGI),
        ),
    ]
    if engine:
        found.append(Program("engine", "work", python("engine", "--port", str(ports.engine))))
    if carrier:
        found.append(Program("carrier", "edge", python("carrier", "--port", str(ports.carrier))))
    return found
