"""`web` as production runs it, on the test database: Daphne with tenants, sign-in and sockets."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from common.env import ROOT
from tests.web.waiting import free_port, wait_for


class Product:
    """A `web` process that can be stopped and started again on its port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.root = f"http://localhost:{self.port}"
        self.log = Path(tempfile.mkstemp(prefix="deskbell-web-", suffix=".log")[1])
        self._process: subprocess.Popen[bytes] | None = None

    def host(self, slug: str) -> str:
        """Address of a tenant's pages."""
        return f"http://{slug}.localhost:{self.port}"

    def start(self) -> None:
        """Serve; returns when it answers."""
        database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
        env = {**os.environ, "DATABASE_URL": database.geturl(), "PUBLIC_URL": self.root, "DATABASE_POOL": "4"}
        command = [sys.executable, "-m", "daphne", "--bind", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, "config.asgi:application"], cwd=ROOT, env=env, stdout=output, stderr=output
            )
        wait_for(f"http://127.0.0.1:{self.port}/healthz", self._process, self.log)

    def stop(self) -> None:
        """End the process, and every socket with it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None
