"""Lay `.venv` at the root, on a machine that has python3 and nothing else: Debian's comes without pip and venv.

Only the standard library is used. `uv` is taken from the PATH when it is new enough; otherwise one pinned wheel is
fetched from the package index (``UV_DEFAULT_INDEX``, ``UV_INDEX_URL`` or ``PIP_INDEX_URL``, else PyPI), checked
against its hash and unpacked into ``.tools/``. Nothing is asked of the network while the lock file is unchanged.
"""

from __future__ import annotations

import base64
import hashlib
import html.parser
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV_VERSION = "0.13.8"
#: Machine -> the wheel and its SHA-256.
WHEELS = {
    "x86_64": (
        f"uv-{UV_VERSION}-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "e18a57b8b352eb7c8feb317b9f6f533c8f0ad9673fd6cf34bbe3cf1a9f6a8984",
    ),
    "aarch64": (
        f"uv-{UV_VERSION}-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl",
        "0b3e8b1a4f5e405e31e2ff33de8af4744831e9f7338539671efbd8c3c94e791d",
    ),
}
INDEX_NAMES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")


class BootstrapError(RuntimeError):
    """The machine can't be prepared; the message says what to do."""


class _Links(html.parser.HTMLParser):
    """Collects the addresses of a package's page on the index (PEP 503)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def _get(url: str) -> bytes:
    """The body behind `url`, whose ``user:password@`` goes into a header. Raises `BootstrapError`."""
    parts = urllib.parse.urlsplit(url)
    credentials, at, host = parts.netloc.rpartition("@")
    plain = urllib.parse.urlunsplit(parts._replace(netloc=host, fragment=""))
    request = urllib.request.Request(plain, headers={"Accept": "text/html, */*;q=0.1"})
    if at:
        token = base64.b64encode(urllib.parse.unquote(credentials).encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            body: bytes = answer.read()
            return body
    except (urllib.error.URLError, OSError) as error:
        raise BootstrapError(f"can't fetch {plain}: {error}") from None


def index_url(env: Mapping[str, str]) -> str:
    """The package index to ask, ending in a slash."""
    given = next((env[name] for name in INDEX_NAMES if env.get(name)), "https://pypi.org/simple")
    return given.rstrip("/") + "/"


def download_uv(target: Path, index: str, machine: str) -> Path:
    """Fetch the pinned `uv` for `machine` from `index` into the folder `target`; the path of the program.

    Raises `BootstrapError` when there is no wheel for the machine or on the index, or its hash is another.
    """
    if machine not in WHEELS:
        raise BootstrapError(f"no uv for {machine} is pinned here: install uv {UV_VERSION} or newer on the PATH")
    wheel, sha256 = WHEELS[machine]
    page = urllib.parse.urljoin(index, "uv/index.html" if index.startswith("file:") else "uv/")
    links = _Links()
    links.feed(_get(page).decode())
    for link in links.found:
        if urllib.parse.unquote(urllib.parse.urlsplit(link).path).rsplit("/", 1)[-1] == wheel:
            address = urllib.parse.urljoin(page, link)
            break
    else:
        raise BootstrapError(f"{wheel} is not on the package index")
    body = _get(_with_credentials(address, index))
    if hashlib.sha256(body).hexdigest() != sha256:
        raise BootstrapError(f"{wheel} from the package index has another hash than the one pinned: not used")
    target.mkdir(parents=True, exist_ok=True)
    program = target / "uv"
    draft = target / f".uv.{os.getpid()}"
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        draft.write_bytes(archive.read(f"uv-{UV_VERSION}.data/scripts/uv"))
    draft.chmod(0o755)
    draft.replace(program)
    return program


def _with_credentials(address: str, index: str) -> str:
    """`address` with the index's ``user:password@`` when it lies on the same host."""
    parts, home = urllib.parse.urlsplit(address), urllib.parse.urlsplit(index)
    same = parts.hostname == home.hostname and parts.port == home.port and parts.scheme == home.scheme
    return urllib.parse.urlunsplit(parts._replace(netloc=home.netloc)) if same else address


def uv_version(program: str | Path) -> tuple[int, ...]:
    """Version of an `uv`, or () when it doesn't run."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ()
    found = re.match(r"uv (\d+)\.(\d+)\.(\d+)", done.stdout)
    return tuple(map(int, found.groups())) if found else ()


def find_uv(tools: Path, env: Mapping[str, str]) -> Path:
    """An `uv` that is new enough: the one on the PATH, the one unpacked before, or a fresh one."""
    wanted = tuple(map(int, UV_VERSION.split(".")))
    on_path = shutil.which("uv", path=env.get("PATH"))
    for candidate in (on_path, tools / "uv"):
        if candidate and uv_version(candidate) >= wanted:
            return Path(candidate)
    print(f"fetching uv {UV_VERSION}", file=sys.stderr)
    return download_uv(tools, index_url(env), platform.machine())


def fingerprint(root: Path) -> str:
    """What the virtual environment was made from."""
    digest = hashlib.sha256(sys.version.encode())
    for name in ("pyproject.toml", "uv.lock"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def main() -> None:
    """Make or renew `.venv` when the lock file says so."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before any version is settled
        raise BootstrapError("python3 must be 3.11 or newer")
    environment, wanted = ROOT / ".venv", fingerprint(ROOT)
    stamp = environment / "deskbell-stamp"
    if stamp.is_file() and stamp.read_text() == wanted and (environment / "bin" / "python").exists():
        return
    env = {"UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "true", **os.environ}
    env.pop("VIRTUAL_ENV", None)
    env["UV_PROJECT_ENVIRONMENT"] = str(environment)
    uv = find_uv(ROOT / ".tools", env)
    print("installing the packages of uv.lock into .venv", file=sys.stderr)
    done = subprocess.run([uv, "sync", "--frozen", "--no-build", "--quiet"], cwd=ROOT, env=env, check=False)
    if done.returncode != 0:
        raise BootstrapError("uv could not install the packages (see above)")
    stamp.write_text(wanted)


if __name__ == "__main__":
    try:
        main()
    except BootstrapError as error:
        sys.exit(f"bootstrap: {error}")
