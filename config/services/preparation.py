"""Running `manage.py prepare` beside the start, and remembering which code it was last done for."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from common.env import ROOT
from config.services.children import ServiceError, guard_env, guarded, private_dir

#: File in `var` with the fingerprint of the code the schemas and the collected static files fit.
STAMP = "prepared"


def fingerprint() -> str:
    """Changes with every migration, here or in a package, and every static file; imports none of them."""
    digest = hashlib.sha256((ROOT / "uv.lock").read_bytes())
    for path in sorted(ROOT.glob("*/migrations/*.py")):
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
    for path in sorted(path for path in (ROOT / "static").rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class Preparation:
    """One run of `manage.py prepare` as a child; a context manager that never leaves it running."""

    def __init__(self, var: Path, wait_for: list[str], env: dict[str, str]) -> None:
        self._stamp = var / STAMP
        self._wanted = fingerprint()
        self._log = private_dir(var / "log") / "prepare.log"
        waits = [part for url in wait_for for part in ("--wait-for", url)]
        with self._log.open("wb") as output:
            self._child = subprocess.Popen(
                guarded([sys.executable, str(ROOT / "manage.py"), "prepare", "--stamp", str(self._stamp), *waits]),
                cwd=ROOT,
                env=guard_env(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def __enter__(self) -> Preparation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()

    def fits(self) -> bool:
        """Whether schemas and static files fit the code. Raises `ServiceError` when the command failed."""
        self.done()
        return self._stamp.exists() and self._stamp.read_text() == self._wanted

    def done(self) -> bool:
        """Whether the command has ended well. Raises `ServiceError` with its last words when it failed."""
        code = self._child.poll()
        if code is not None and code != 0:
            last = self._log.read_text(errors="replace").strip().rsplit("\n", 1)[-1]
            raise ServiceError(f"preparing the database failed: {last} ({self._log})")
        return code == 0
