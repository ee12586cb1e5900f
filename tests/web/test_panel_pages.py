"""Team, settings and one's account without scripts and by keyboard: nothing is lost before it was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.cast import ALICE, ALPHA, BOB, PASSWORD
from tests.web.browser import Watched, axe, open_page, overflow
from tests.web.product import Product


def _sign_in(browser: Browser, product: Product, size: str = "desktop", javascript: bool = True) -> Watched:
    watched = open_page(browser, size, "dark" if size == "phone" else "light", javascript)
    page = watched.page
    page.goto(product.root + "/login")
    page.keyboard.press("Tab")  # the address has the focus
    page.get_by_label("E-mail address").fill(ALICE.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url(product.host(ALPHA.slug) + "/**")
    return watched


def test_team_settings_and_account_work_without_scripts(browser: Browser, product: Product, live_tenant: Any) -> None:
    page, host = _sign_in(browser, product, javascript=False).page, product.host(ALPHA.slug)

    page.goto(host + "/team")
    page.get_by_role("link", name=f"Remove {BOB.email}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Remove {BOB.email}?")
    page.get_by_role("link", name="Keep").click()
    expect(page.get_by_role("link", name=f"Remove {BOB.email}")).to_be_visible()
    page.get_by_role("link", name=f"Remove {BOB.email}").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.locator(".toast")).to_contain_text("no longer has access")
    expect(page.get_by_text(BOB.email)).to_have_count(0)

    page.goto(host + "/settings")
    page.get_by_label("Name of the business").fill("Alpha & Sons")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".sidebar-tenant")).to_have_text("Alpha & Sons")

    page.goto(host + "/settings/api")
    page.get_by_label("What is it for?").fill("Till")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#new-key")).to_contain_text("dk_")
    page.get_by_role("link", name="Revoke Till").click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.locator(".keys")).to_contain_text("Revoked")

    page.goto(host + "/receptionist/services")
    page.get_by_label("Service, line 1").fill("Cleaning")
    page.get_by_label("Price, line 1").fill("110.50")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Price, line 1")).to_have_value("110.50")

    elsewhere = _sign_in(browser, product).page
    page.goto(product.root + "/account")
    page.get_by_role("button", name="Sign out of").click()
    expect(page.locator(".toast")).to_contain_text("signed out there")
    elsewhere.goto(host + "/team")
    elsewhere.wait_for_url("**/login**")
    elsewhere.context.close()
    page.context.close()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_what_asks_first_is_accessible_quiet_and_fits(
    size: str, browser: Browser, product: Product, live_tenant: Any
) -> None:
    watched = _sign_in(browser, product, size)
    page, host = watched.page, product.host(ALPHA.slug)
    page.goto(host + "/settings/api")
    page.get_by_label("What is it for?").fill("Till 収納 " + "x" * 70)
    page.get_by_role("button", name="Make the key").click()
    assert (axe(page), overflow(page) <= 0) == ([], True)
    for start, name in (("/team", f"Remove {BOB.email}"), ("/settings/api", "Revoke Till")):
        page.goto(host + start)
        link = page.get_by_role("link", name=name)
        link.focus()
        link.press("Enter")
        page.wait_for_selector("button.danger")
        assert (axe(page), overflow(page) <= 0) == ([], True)
    page.goto(host + "/receptionist/services")
    page.get_by_label("Price, line 1").fill("-5")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Not saved.")
    assert (axe(page), overflow(page) <= 0) == ([], True)
    page.goto(host + "/receptionist/hours")
    page.get_by_label("Monday opens", exact=True).fill("09:00")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".week-error")).to_contain_text("belong together")
    assert (axe(page), overflow(page) <= 0) == ([], True)
    # What the browser itself says of an answer 422 is no complaint of ours.
    assert [text for text in watched.complaints if "422" not in text] == []
    page.context.close()
