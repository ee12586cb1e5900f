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


def arguments(ports: Ports, host: str, var: Path, *, worker: str) -> dict[str, list[str]]:
    """What follows ``python -m`` for each process; `host` is the address `web` and `media` listen on.

    `worker` is the name under which the Celery worker answers pings; no two on a broker may share it.
    """
    return {
        "media": ["realtime.media", "--host", host, "--port", str(ports.media)],
        "worker": [*_CELERY, "worker", "--pool", "prefork", "--concurrency", "2", "--hostname", worker],
        "beat": [*_CELERY, "beat", "--schedule", str(var / "beat-schedule"), "--pidfile="],
        # No access log: it would hold the addresses of people.
        "web": ["daphne", "-v", "0", "--bind", host, "--port", str(ports.web), "--no-server-name", ASGI],
        "engine": ["engine", "--port", str(ports.engine)],
        "carrier": ["carrier", "--port", str(ports.carrier)],
    }


#: Database connections of processes that need fewer than a web process.
POOLS = {"media": "10", "worker": "2", "beat": "2"}
_CELERY = ("celery", "--app", "config")
_EDGE = frozenset({"web", "carrier"})


def processes(ports: Ports, host: str, var: Path, *, engine: bool, carrier: bool) -> list[Program]:
    """The product's own processes under `up`."""
    unwanted = {name for name, wanted in (("engine", engine), ("carrier", carrier)) if not wanted}
    return [
        Program(
            name,
            "edge" if name in _EDGE else "work",
            guarded([sys.executable, "-m", *command]),
            environment={"DATABASE_POOL": POOLS[name]} if name in POOLS else {},
        )
        for name, command in arguments(ports, host, var, worker=worker_name(ports)).items()
        if name not in unwanted
    ]
