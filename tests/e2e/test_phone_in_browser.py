"""The test-call panel of the demo practice, driven in Chromium with a recorded caller at its microphone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.browser_phone import LISTEN, begin, levels, needs_chromium, played, visitors
from tests.e2e.stack import Stack
from tests.web.browser import Watched, axe, overflow

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), needs_chromium]

REFUSE = """navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));"""


@pytest.fixture(scope="module")
def visit(stack: Stack) -> Iterator[Any]:
    """Opens the demo practice's pages, signed in; the microphone hears a caller ask about Friday."""
    with visitors(stack, "What are your opening hours on Friday?") as visiting:

        def go(size: str = "desktop", scripts: tuple[str, ...] = (LISTEN,)) -> Watched:
            watched = visiting.open(size, scripts)
            page = watched.page
            page.goto(f"{stack.url}/login")
            page.get_by_label("E-mail address").fill("owner@demo.example")
            page.get_by_label("Password", exact=True).fill("welcome-to-deskbell")
            page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_url("http://demo.localhost:*/**")
            page.wait_for_selector("body[data-live-state=open]")
            page.get_by_role("button", name="Test call").click()
            return watched

        yield go


def test_by_voice_the_greeting_and_an_answer_are_heard(stack: Stack, visit: Any) -> None:
    watched = visit()
    page = watched.page
    pressed = begin(page, "Call")
    said = page.get_by_role("log", name="What is said")
    expect(said).to_contain_text("Bright Smile")
    expect(said.locator(".turn.caller")).to_contain_text("Friday")
    expect(said.locator(".turn.receptionist").nth(1)).to_contain_text("Friday")  # while the call goes on
    expect(page.locator("#test-call")).to_have_attribute("data-state", "live")
    assert axe(page) == []
    page.wait_for_timeout(1500)  # the words are written when the last of them is about to be heard
    heard = played(page)
    page.get_by_role("button", name="Hang up").click()
    expect(page.locator("#test-call")).to_have_attribute("data-state", "ended")
    expect(said.get_by_role("link")).to_be_visible()
    words = stack.hear(heard).lower()
    assert "smile" in words and "friday" in words, words
    assert -30 < max(levels(heard)) < -1
    setup = page.evaluate("() => window.heardAt") - pressed
    print(json.dumps({"click_to_greeting_ms": round(setup)}))
    assert setup < 5000
    assert watched.complaints == []


def test_by_typing_the_receptionist_answers_and_hangs_up(stack: Stack, visit: Any) -> None:
    watched = visit("phone")
    page = watched.page
    begin(page, "Type instead")
    text = page.get_by_label("What the caller says")
    expect(text).to_be_focused()
    text.fill("No thank you, that is all. Goodbye.")
    text.press("Enter")
    expect(page.locator(".test-call-said .turn.caller")).to_contain_text(re.compile("bye", re.IGNORECASE))
    assert overflow(page) <= 0
    expect(page.locator("#test-call")).to_have_attribute("data-state", "ended")
    assert axe(page) == []
    row = stack.in_tenant(
        "demo",
        "from calls.models import Call\nc = Call.objects.filter(is_test=True).order_by('-started_at')[0]\n"
        "answer = [c.outcome, c.caller, c.callee, c.decision_reason]",
    )
    assert row == ["answered", "", "+14155550100", "receptionist_first"]
    assert watched.complaints == []


def test_a_blocked_microphone_is_said_and_typing_still_works(visit: Any) -> None:
    page = visit(scripts=(LISTEN, REFUSE)).page
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="microphone is blocked")).to_be_visible()
    expect(page.locator("#test-call")).to_have_attribute("data-state", "error")
    begin(page, "Type instead")
    page.get_by_role("button", name="Hang up").click()
    expect(page.locator("#test-call")).to_have_attribute("data-state", "ended")
