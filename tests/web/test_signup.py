"""From the landing page to the first call, in a real browser; and the pages of account, team and settings."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Browser, expect

from tenants.provisioning import refill_pool
from tests.cast import ALICE, ALPHA, PASSWORD
from tests.web.browser import Watched, axe, open_page, overflow
from tests.web.product import Product


def _ready_schema() -> None:
    def run() -> None:
        try:
            refill_pool(1)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()


def _look(watched: Watched, name: str, folder: Path) -> None:
    watched.page.screenshot(path=folder / f"{name}.png", full_page=True)
    assert axe(watched.page) == [], name
    assert overflow(watched.page) <= 0, name


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_sign_up_leads_over_three_screens_to_the_call(
    size: str, scheme: str, browser: Browser, product: Product, live_tenant: Any, tmp_path: Path
) -> None:
    _ready_schema()
    folder = Path(os.environ.get("DESKBELL_SCREENSHOTS", str(tmp_path)))
    watched = open_page(browser, size, scheme, locale="de-DE", zone="Europe/Berlin")
    page = watched.page
    page.goto(product.root)
    page.get_by_role("main").get_by_role("link", name="Set up my receptionist").first.click()
    page.get_by_label("Name of your business").fill("Café Übermut")
    expect(page.get_by_label("Address of your desk")).to_have_value("cafe-ubermut")
    page.get_by_label("What do you do?").select_option("dentist")
    page.get_by_label("E-mail address").fill(f"nora-{size}@uebermut.example")
    page.get_by_label("Password").fill("seven green ducks")
    _look(watched, f"signup-{size}-{scheme}", folder)
    page.get_by_role("button", name="Create my receptionist").click()
    page.wait_for_url(product.host("cafe-ubermut") + "/welcome/hours")
    expect(page.get_by_text("Times are in Europe/Berlin")).to_be_visible()
    page.get_by_label("Saturday opens", exact=True).fill("09:00")
    page.get_by_label("Saturday closes", exact=True).fill("13:00")
    _look(watched, f"setup-hours-{size}-{scheme}", folder)
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_url("**/welcome/greeting")
    expect(page.get_by_label("Greeting")).to_contain_text("Café Übermut")
    _look(watched, f"setup-greeting-{size}-{scheme}", folder)
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_url("**/welcome/call")
    _look(watched, f"setup-call-{size}-{scheme}", folder)
    page.get_by_role("button", name="Done, to my desk").click()
    page.wait_for_url(product.host("cafe-ubermut") + "/")
    page.goto(product.host("cafe-ubermut") + "/settings")
    expect(page.get_by_label("Country")).to_have_value("de-DE")
    assert watched.complaints == []
    page.context.close()


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_account_team_and_settings_are_accessible_quiet_and_fit(
    size: str, scheme: str, browser: Browser, product: Product, live_tenant: Any, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("DESKBELL_SCREENSHOTS", str(tmp_path)))
    watched = open_page(browser, size, scheme)
    page, host = watched.page, product.host(ALPHA.slug)
    for path in ("/login", "/password/forgotten"):
        page.goto(product.root + path)
        _look(watched, f"{path.strip('/').replace('/', '-')}-{size}-{scheme}", folder)
    page.goto(product.root + "/login")
    page.get_by_label("E-mail address").fill(ALICE.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(host + "/**")
    pages = ["/team", "/settings", "/settings/security", "/settings/api", "/welcome/profession"]
    for address in [*(host + path for path in pages), product.root + "/account", product.root + "/businesses"]:
        page.goto(address)
        name = address.rpartition(f":{product.port}/")[2].replace("/", "-")
        _look(watched, f"{name}-{size}-{scheme}", folder)
    page.goto(product.root + "/account/second-factor/on")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/second-factor/on")
    _look(watched, f"second-factor-{size}-{scheme}", folder)
    assert watched.complaints == []
    page.context.close()


def test_sign_up_works_without_scripts(browser: Browser, product: Product, live_tenant: Any) -> None:
    _ready_schema()
    watched = open_page(browser, javascript=False)
    page = watched.page
    page.goto(product.root + "/signup")
    page.get_by_label("Name of your business").fill("Plain Bakery")
    page.get_by_label("E-mail address").fill("pia@plain.example")
    page.get_by_label("Password").fill("seven green ducks")
    page.get_by_role("button", name="Create my receptionist").click()
    page.wait_for_url(product.host("plain-bakery") + "/welcome/hours")
    page.get_by_role("button", name="Skip").click()
    page.wait_for_url("**/welcome/greeting")
    page.context.close()
