"""One Chromium for the run, and one small site of the pages that need no database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from common.env import ROOT
from tests.web.browser import CHROMIUM, Watched, launch, open_page

OpenPage = Callable[..., Watched]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base address of `tests.web.pages`, served as production serves: hashed names, DEBUG off."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    static = tmp_path_factory.mktemp("static")
    log = Path(tmp_path_factory.mktemp("site")) / "log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "tests.web.pages", str(port), str(static)]
        server = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=output, stderr=output)
        try:
            _wait(f"http://127.0.0.1:{port}/", server, log)
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            server.wait(10)


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the site did not start:\n{log.read_text()}")


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[OpenPage]:
    """Opens a path of the site in a fresh browser context, which is closed behind the test."""
    opened: list[Watched] = []

    def go(path: str, size: str = "desktop", scheme: str = "light", javascript: bool = True) -> Watched:
        watched = open_page(browser, size, scheme, javascript)
        opened.append(watched)
        watched.page.goto(site + path, wait_until="load")
        return watched

    yield go
    for watched in opened:
        watched.page.context.close()
