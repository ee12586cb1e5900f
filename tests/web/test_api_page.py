"""The page of the API in a real browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.web.browser import SIZES, axe, open_page, overflow
from tests.web.product import Product


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_operations_open_without_complaints_and_fit(
    size: str, scheme: str, browser: Browser, product: Product, live_tenant: Any, tmp_path: Path
) -> None:
    assert size in SIZES
    watched = open_page(browser, size, scheme)
    page = watched.page
    page.goto(product.root + "/api/v1/docs")
    assert axe(page) == []
    for name in ("list_calls", "create_document"):
        page.locator(f"#{name} summary").click()
        expect(page.locator(f"#example-{name}")).to_contain_text("$DESKBELL_KEY")
    page.screenshot(path=Path(os.environ.get("DESKBELL_SCREENSHOTS", str(tmp_path))) / f"api-{size}-{scheme}.png")
    assert axe(page) == []
    assert overflow(page) <= 0
    assert watched.complaints == []
    page.context.close()


def test_an_example_is_copied_with_a_press(browser: Browser, product: Product, live_tenant: Any) -> None:
    page = open_page(browser).page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(product.root + "/api/v1/docs")
    button = page.get_by_role("button", name="Copy").first
    button.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("export DESKBELL_KEY=")
    page.context.close()
