"""A real Chromium, watched: whatever a page complains about or asks of another host is remembered."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, Response

from tools import web

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]

#: The two sizes every page is looked at.
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


def launch(playwright: Playwright) -> Browser:
    """The machine's own Chromium."""
    assert CHROMIUM is not None
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


@dataclass
class Watched:
    """A page and what went wrong on it; `complaints` must be empty at the end of an ordinary visit."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)

    def watch(self) -> Watched:
        """Begin to listen."""
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)
        return self

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console {message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        # A player drops its request once it has read enough, and leaving a page drops what is still on its way.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and not (parts.hostname or "").endswith("localhost"):
            self.complaints.append(f"outside: {request.url}")

    def _answered(self, response: Response) -> None:
        self.statuses[urlsplit(response.url).path] = response.status


def open_page(
    browser: Browser,
    size: str = "desktop",
    scheme: str = "light",
    javascript: bool = True,
    locale: str = "en-US",
    zone: str = "America/New_York",
) -> Watched:
    """A fresh context (no cookies, no storage) with one page."""
    width, height = SIZES[size]
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale=locale,
        timezone_id=zone,
        java_script_enabled=javascript,
    )
    context.set_default_timeout(10_000)
    return Watched(context.new_page()).watch()


def axe(page: Page) -> list[str]:
    """What axe-core finds, one line a violation; run through the debugger, so the page's policy stays as strict."""
    page.evaluate(web.axe())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {violation['help']} | "
        + "; ".join(
            str(node["html"])[:160] + " " + str(node.get("failureSummary", ""))[:200] for node in violation["nodes"]
        )
        for violation in found["violations"]
    ]


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
