"""The pages of a tenant, signed in through the real door, in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connections
from playwright.sync_api import Browser, Page, expect

from calls import journal
from calls.facts import JournalEvent
from calls.models import Call
from calls.services import take_message
from common.events import publish_on_commit
from tenants.context import in_tenant
from tests.cast import ALICE, ALPHA, CALLER, PASSWORD
from tests.web.browser import SIZES, Watched, axe, open_page, overflow
from tests.web.product import Product

SignIn = Callable[..., Watched]


def elsewhere(schema: str, work: Callable[[], Any]) -> Any:
    """Run `work` inside the tenant on a thread of its own: Playwright's event loop fills this one."""

    def run() -> Any:
        try:
            return in_tenant(schema, work)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


@pytest.fixture
def call(live_tenant: Any) -> Call:
    return elsewhere(live_tenant.schema, _make_call)


def _make_call() -> Call:
    call = Call.objects.create(sid="CA1", caller=CALLER, outcome="message_taken", seconds=75, credits=13)
    turns = [
        ("receptionist", "Alpha Dental, good morning. How can I help?", 400, 3200),
        ("caller", "Are you open on Saturday?", 4000, 5600),
        ("receptionist", "Yes, from nine to one.", 6200, 8100),
    ]
    journal.append(
        call.pk,
        "media",
        [
            JournalEvent(
                "turn",
                {"role": role, "text": text, "start_ms": start, "end_ms": end, "interrupted": False},
                end,
                number,
            )
            for number, (role, text, start, end) in enumerate(turns, 1)
        ],
    )
    take_message(call.pk, name="Joe Miller", number=CALLER, body="Please ring me back.", urgency="normal")
    return call


@pytest.fixture
def sign_in(browser: Browser, product: Product, live_tenant: Any) -> Iterator[SignIn]:
    """A browser in which Alice has signed in at the root host and arrived at her business."""
    opened: list[Watched] = []

    def go(size: str = "desktop", scheme: str = "light") -> Watched:
        watched = open_page(browser, size, scheme)
        opened.append(watched)
        page = watched.page
        page.goto(product.root + "/login")
        page.get_by_label("E-mail address").fill(ALICE.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        page.wait_for_url(product.host(ALPHA.slug) + "/**")
        return watched

    yield go
    for watched in opened:
        watched.page.context.close()


def _live(page: Page) -> None:
    page.wait_for_selector("body[data-live-state=open]")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_of_a_tenant_are_accessible_quiet_and_fit(
    size: str, scheme: str, sign_in: SignIn, product: Product, call: Call, tmp_path: Path
) -> None:
    visited = sign_in(size, scheme)
    page, host = visited.page, product.host(ALPHA.slug)
    kept = Path(os.environ.get("DESKBELL_SCREENSHOTS", str(tmp_path)))
    for name, path in (
        ("home", "/"),
        ("calls", "/calls"),
        ("call", f"/calls/{call.pk}"),
        ("inbox", "/inbox?state=all"),
    ):
        page.goto(host + path)
        _live(page)
        page.screenshot(path=kept / f"tenant-{name}-{size}-{scheme}.png", full_page=True)
        assert axe(page) == [], path
        assert overflow(page) <= 0, path
    assert visited.complaints == []


def test_sign_in_page_is_accessible_and_says_what_was_wrong(
    browser: Browser, product: Product, live_tenant: Any
) -> None:
    watched = open_page(browser)
    page = watched.page
    page.goto(product.root + "/login")
    assert axe(page) == []
    page.get_by_label("E-mail address").fill(ALICE.email)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not match")
    assert axe(page) == []
    assert page.get_by_label("E-mail address").input_value() == ALICE.email
    page.context.close()


def test_news_of_a_call_reaches_the_open_page(sign_in: SignIn, live_tenant: Any) -> None:
    page = sign_in().page
    _live(page)
    page.evaluate("window.news = []; document.body.addEventListener('live:call', e => window.news.push(e.detail.id))")
    news = {"type": "call", "id": "one"}
    elsewhere(live_tenant.schema, lambda: publish_on_commit(live_tenant.schema, "calls", news))
    page.wait_for_function("() => window.news.includes('one')")


@pytest.mark.slow
def test_socket_comes_back_after_the_server_did_and_asks_pages_to_fetch_anew(
    sign_in: SignIn, product: Product, live_tenant: Any
) -> None:
    page = sign_in().page
    _live(page)
    page.evaluate("document.body.addEventListener('live:reconnect', () => { window.fetchedAnew = true })")
    product.stop()
    page.wait_for_selector("body[data-live-state=closed]")
    product.start()
    page.wait_for_function("() => window.fetchedAnew === true", timeout=40_000)
    _live(page)


def test_signing_out_from_the_account_menu(sign_in: SignIn, product: Product) -> None:
    page = sign_in().page
    page.get_by_role("button", name=f"Account of {ALICE.email}").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(product.root + "/login")
    page.goto(product.host(ALPHA.slug) + "/calls")
    page.wait_for_url("**/login**")


def test_a_session_that_ended_elsewhere_is_said_and_loses_nothing_typed(
    sign_in: SignIn, product: Product, live_tenant: Any
) -> None:
    page = sign_in().page
    page.goto(product.host(ALPHA.slug) + "/knowledge/add")
    _live(page)
    page.get_by_label("Name", exact=True).fill("Parking")
    page.get_by_label("Text", exact=True).fill("Behind the house.\nFree for an hour.")
    elsewhere(live_tenant.schema, Session.objects.all().delete)
    news = {"type": "call", "id": "one"}
    elsewhere(live_tenant.schema, lambda: publish_on_commit(live_tenant.schema, "calls", news))
    notice = page.get_by_role("alert").filter(has_text="You were signed out, so this page no longer updates.")
    expect(notice.get_by_role("link", name="Sign in")).to_have_attribute("href", "/login?next=%2Fknowledge%2Fadd")
    assert axe(page) == []

    page.get_by_role("main").get_by_role("button", name="Add").click()
    expect(page.get_by_text("You were signed out. Sign in, and what you typed is still here.")).to_be_visible()
    page.get_by_label("E-mail address").fill(ALICE.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.locator("#toasts")).to_contain_text("What you typed is back; send it again.")
    assert page.url == product.host(ALPHA.slug) + "/knowledge/add"
    assert page.get_by_label("Name", exact=True).input_value() == "Parking"
    assert page.get_by_label("Text", exact=True).input_value() == "Behind the house.\nFree for an hour."

    page.context.clear_cookies(name="csrftoken")  # a token that is not the form's
    page.get_by_role("main").get_by_role("button", name="Add").click()
    page.get_by_role("link", name="Back to the form").click()
    assert page.get_by_label("Name", exact=True).input_value() == "Parking"
    page.reload()
    assert page.get_by_label("Name", exact=True).input_value() == ""
    assert "draft:" not in page.evaluate("Object.keys(sessionStorage).join()")


def test_a_double_click_that_calls_does_not_hang_up(sign_in: SignIn) -> None:
    page = sign_in().page
    page.route("**/test-call", lambda route: None)  # it never gets through
    page.get_by_role("button", name="Test call").click()
    hang_up = page.get_by_role("button", name="Hang up")
    page.get_by_role("button", name="Call", exact=True).dblclick()
    expect(hang_up).to_be_enabled()
    expect(page.locator("#test-call")).to_have_attribute("data-state", "connecting")
    hang_up.click()
    expect(page.locator("#test-call")).to_have_attribute("data-state", "ended")
