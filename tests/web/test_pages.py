"""Every page of the design language as people get it: both sizes, light and dark, in a real browser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.web.browser import SIZES, axe, overflow
from tests.web.conftest import OpenPage

PAGES = ("/", "/styleguide", "/calls", "/missing", "/nowhere")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible_quiet_and_fits(path: str, size: str, scheme: str, visit: OpenPage, tmp_path: Path) -> None:
    visited = visit(path, size, scheme)
    page = visited.page
    page.wait_for_selector("html.scripted")
    # For eyes: DESKBELL_SCREENSHOTS names a folder that keeps the pictures.
    kept = Path(os.environ.get("DESKBELL_SCREENSHOTS", str(tmp_path)))
    page.screenshot(path=kept / f"{path.strip('/') or 'landing'}-{size}-{scheme}.png", full_page=True)

    assert axe(page) == []
    assert overflow(page) <= 0
    # The browser itself reports a page that was not found.
    expected = "status of 404" if path in ("/missing", "/nowhere") else None
    assert [line for line in visited.complaints if not (expected and expected in line)] == []


@pytest.mark.parametrize("path", ["/", "/styleguide"])
def test_nothing_spills_out_of_its_frame_at_any_width(path: str, visit: OpenPage) -> None:
    page = visit(path).page
    page.wait_for_selector("html.scripted")
    for width in (1600, 1200, 1024, 900, 768, 600, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert overflow(page) <= 0, width
        spilling = page.evaluate(
            """() => [...document.querySelectorAll(".card-body, .stat, .notice, .player, .hero-call, .field")]
              .filter((frame) => frame.scrollWidth > frame.clientWidth + 1)
              .map((frame) => frame.outerHTML.slice(0, 80))"""
        )
        assert spilling == [], width


def test_dark_is_dark_and_light_is_light(visit: OpenPage) -> None:
    def ground(scheme: str) -> int:
        colour = visit("/", scheme=scheme).page.evaluate("getComputedStyle(document.body).backgroundColor")
        return int(colour.split("(")[1].split(",")[0])

    assert ground("light") > 220
    assert ground("dark") < 40


def test_names_of_static_files_are_hashed_and_kept_for_ever(visit: OpenPage, site: str) -> None:
    visited = visit("/")
    visited.page.wait_for_selector("html.scripted")
    ours = [path for path in visited.statuses if path.startswith("/static/")]
    modules = [path for path in ours if "/js/" in path]
    assert len(modules) >= 6  # app.js and what it imports
    for path in ours:
        name = path.rsplit("/", 1)[-1]
        assert len(name.split(".")[-2]) == 12, path
        caching = visited.page.request.get(site + path).headers["cache-control"]
        assert "immutable" in caching, path


def test_every_answer_carries_the_policy(visit: OpenPage, site: str) -> None:
    request = visit("/").page.request
    for path in ("/", "/styleguide", "/missing", "/nowhere"):
        policy = request.get(site + path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_inline_script_and_style_are_refused_by_the_browser(visit: OpenPage) -> None:
    visited = visit("/")
    visited.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.smuggled = true";
          const style = document.createElement("style");
          style.textContent = "body { background: rgb(1, 2, 3) }";
          document.head.append(script, style);
        }"""
    )
    assert visited.page.evaluate("window.smuggled") is None
    assert visited.page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(1, 2, 3)"
    assert sum("Content Security Policy" in line for line in visited.complaints) == 2


def test_pages_read_and_forms_send_without_scripts(visit: OpenPage) -> None:
    page = visit("/styleguide", javascript=False).page
    assert page.locator("audio").is_visible()
    assert page.locator(".list-toolbar button[type=submit]").is_visible()
    assert page.locator("[data-theme-toggle]").is_hidden()
    page.get_by_role("button", name="Save", exact=True).first.click()
    assert page.locator("#id_name_error").inner_text() == "This field is required."


def test_menu_of_a_phone_opens_without_scripts(visit: OpenPage) -> None:
    page = visit("/calls", size="phone", javascript=False).page
    link = page.locator("#sidebar").get_by_role("link", name="Knowledge")
    assert link.is_hidden()
    page.get_by_role("button", name="Menu").click()
    link.click()
    page.wait_for_url("**/knowledge")
    assert page.locator("#sidebar a[aria-current=page]").get_attribute("href") == "/knowledge"
