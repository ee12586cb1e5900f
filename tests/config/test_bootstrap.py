from __future__ import annotations

import hashlib
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest

from common.env import ROOT

PROGRAM = "#!/bin/sh\necho 'uv {version} (test)'\n"


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "tools" / "bootstrap.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _wheel(version: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"uv-{version}.data/scripts/uv", PROGRAM.format(version=version))
    return content.getvalue()


@pytest.fixture
def file_index(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package index in a folder, with the pinned wheel for the machine `test`."""
    body = _wheel(bootstrap.UV_VERSION)
    name = f"uv-{bootstrap.UV_VERSION}-py3-none-test+1.whl"
    monkeypatch.setitem(bootstrap.WHEELS, "test", (name, hashlib.sha256(body).hexdigest()))
    folder = tmp_path / "simple" / "uv"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(body)
    link = f"{name.replace('+', '%2B')}#sha256=0"
    (folder / "index.html").write_text(f'<a href="../other/uv-0.0.1.whl">other</a><a href="{link}">{name}</a>')
    return (tmp_path / "simple").as_uri() + "/"


def test_pinned_uv_is_unpacked_from_the_index(bootstrap: ModuleType, file_index: str, tmp_path: Path) -> None:
    program = bootstrap.download_uv(tmp_path / "tools", file_index, "test")
    assert ".".join(map(str, bootstrap.uv_version(program))) == bootstrap.UV_VERSION


def test_wheel_with_another_hash_is_not_used(bootstrap: ModuleType, file_index: str, tmp_path: Path) -> None:
    name, _ = bootstrap.WHEELS["test"]
    (tmp_path / "simple" / "uv" / name).write_bytes(_wheel(bootstrap.UV_VERSION) + b"x")
    with pytest.raises(bootstrap.BootstrapError, match="another hash"):
        bootstrap.download_uv(tmp_path / "tools", file_index, "test")
    assert not (tmp_path / "tools").exists()


def test_unknown_machine_and_unreachable_index_are_named(bootstrap: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(bootstrap.BootstrapError, match="riscv64"):
        bootstrap.download_uv(tmp_path, "http://127.0.0.1:9/", "riscv64")
    with pytest.raises(bootstrap.BootstrapError, match=r"can't fetch http://127.0.0.1:9/simple/uv/"):
        bootstrap.download_uv(tmp_path, "http://127.0.0.1:9/simple/", "x86_64")


def test_private_index_gets_its_password_in_a_header_only(
    bootstrap: ModuleType, file_index: str, tmp_path: Path
) -> None:
    seen: list[tuple[str, str | None]] = []
    folder = tmp_path / "simple" / "uv"

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers["Authorization"]))
            name = "index.html" if self.path == "/simple/uv/" else bootstrap.WHEELS["test"][0]
            self.send_response(200)
            self.end_headers()
            self.wfile.write((folder / name).read_bytes())

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        bootstrap.download_uv(tmp_path, f"http://me:p%40ss@127.0.0.1:{server.server_port}/simple/", "test")
        server.shutdown()
        thread.join()
    assert [header for _, header in seen] == ["Basic bWU6cEBzcw=="] * 2
    assert "me" not in seen[0][0]


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({}, "https://pypi.org/simple/"),
        ({"PIP_INDEX_URL": "https://pip.example/simple"}, "https://pip.example/simple/"),
        ({"PIP_INDEX_URL": "https://pip.example", "UV_INDEX_URL": "https://uv.example/"}, "https://uv.example/"),
    ],
)
def test_index_of_the_environment_is_asked(bootstrap: ModuleType, env: dict[str, str], url: str) -> None:
    assert bootstrap.index_url(env) == url


@pytest.fixture
def path_uv(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "bin"
    folder.mkdir()
    yield folder / "uv"


@pytest.mark.parametrize(("version", "used"), [("99.0.0", True), ("0.4.0", False)])
def test_uv_on_the_path_is_used_when_new_enough(
    bootstrap: ModuleType, tmp_path: Path, path_uv: Path, version: str, used: bool
) -> None:
    path_uv.write_text(PROGRAM.format(version=version))
    path_uv.chmod(0o755)
    unpacked = tmp_path / "tools" / "uv"
    unpacked.parent.mkdir()
    unpacked.write_text(PROGRAM.format(version=bootstrap.UV_VERSION))
    unpacked.chmod(0o755)
    found = bootstrap.find_uv(tmp_path / "tools", {"PATH": f"{path_uv.parent}:/usr/bin:/bin"})
    assert found == (path_uv if used else unpacked)


def test_unchanged_lock_file_asks_for_nothing(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    for name in ("pyproject.toml", "uv.lock"):
        (tmp_path / name).write_text("one")
    calls = tmp_path / "calls"
    uv = tmp_path / "fake-uv"
    made = (
        f'mkdir -p "$UV_PROJECT_ENVIRONMENT/bin" && touch "$UV_PROJECT_ENVIRONMENT/bin/python" && echo "$@" >> {calls}'
    )
    uv.write_text(f"#!/bin/sh\n{made}\n")
    uv.chmod(0o755)
    monkeypatch.setattr(bootstrap, "find_uv", lambda tools, env: uv)
    bootstrap.main()
    bootstrap.main()
    assert calls.read_text() == "sync --frozen --no-build --quiet\n"
    (tmp_path / "uv.lock").write_text("two")
    bootstrap.main()
    assert len(calls.read_text().splitlines()) == 2
