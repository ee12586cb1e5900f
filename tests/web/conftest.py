"""One Chromium for the run, and one small site of the pages that need no database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from common.env import ROOT
from tests.web.browser import CHROMIUM, Watched, launch, open_page
from tests.web.waiting import free_port, wait_for

OpenPage = Callable[..., Watched]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of a module, not of the run: while it is open this thread counts as inside an event loop.

    Tests of other modules must not see that; fixtures that use the database here are allowed to.
    """
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        running = launch(playwright)
        yield running
        running.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base address of `tests.web.pages`, served as production serves: hashed names, DEBUG off."""
    port = free_port()
    static = tmp_path_factory.mktemp("static")
    log = Path(tmp_path_factory.mktemp("site")) / "log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "tests.web.pages", str(port), str(static)]
        server = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=output, stderr=output)
        try:
            wait_for(f"http://127.0.0.1:{port}/", server, log)
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            server.wait(10)


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


@pytest.fixture(scope="session")
def product(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """`web` on the test database; tests that use it commit for real (`live_tenant`)."""
    from tests.web.product import Product

    with django_db_blocker.unblock():
        running = Product()
        running.start()
    yield running
    running.stop()
    running.log.unlink()
