"""From the landing page to the voice of one's own receptionist, in Chromium with a recorded caller."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from common.audio import RATE
from tests.e2e.browser_phone import begin, levels, needs_chromium, now_ms, played, utterances, visitors
from tests.e2e.stack import Stack
from tests.web.browser import axe

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), needs_chromium]

NAME, SLUG = "Harbor Lantern Books", "harbor-lantern-books"
#: No profession's template and no other business of these tests opens or closes then.
OPENS, CLOSES = "06:20", "22:40"
#: However a listener writes it: "6:20 AM", "6.20am", "six twenty".
HEARD_OPENS = re.compile(r"\b(6|six)\W*(20|twenty)")
HEARD_CLOSES = re.compile(r"\b(10|ten)\W*(40|forty)")


def a_day_templates_are_closed() -> str:
    """A day of the weekend whose next date is no holiday, which would have hours of its own."""
    today = date.today()
    saturday = today + timedelta(days=(5 - today.weekday()) % 7)
    return "Sunday" if (saturday.month, saturday.day) in ((1, 1), (7, 4), (12, 25)) else "Saturday"


def sign_up(page: Page, stack: Stack) -> None:
    """From the landing page into the own desk."""
    page.goto(stack.url)
    page.get_by_role("main").get_by_role("link", name="Set up my receptionist").first.click()
    page.get_by_label("Name of your business").fill(NAME)
    page.get_by_label("E-mail address").fill("nora@harbor-lantern.example")
    page.get_by_label("Password", exact=True).fill("seven green ducks")
    page.get_by_role("button", name="Create my receptionist").click()
    page.wait_for_url(f"http://{SLUG}.localhost:*/welcome/hours")


def set_up(page: Page, day: str) -> None:
    """The wizard, up to its call."""
    page.get_by_label(f"{day} opens", exact=True).fill(OPENS)
    page.get_by_label(f"{day} closes", exact=True).fill(CLOSES)
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_url("**/welcome/greeting")
    expect(page.get_by_label("Greeting")).to_contain_text(NAME)
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_url("**/welcome/call")


def test_a_newcomer_hears_the_own_receptionist_answer(stack: Stack) -> None:
    day = a_day_templates_are_closed()
    with visitors(stack, f"What are your opening hours on {day}?") as visiting:
        watched = visiting.open()
        page = watched.page
        landed = now_ms()
        sign_up(page, stack)
        set_up(page, day)
        begin(page, "Call now", role="link")
        panel, said = page.locator("#test-call"), page.get_by_role("log", name="What is said")

        # The transcript grows while the call goes on: greeting, caller, answer.
        turns = said.locator(".turn")
        expect(turns).to_have_count(1)
        expect(said).to_contain_text(NAME)
        first_turn = turns.first.element_handle()
        expect(turns).to_have_count(2)
        expect(said.locator(".turn.caller")).to_contain_text(day)
        expect(panel).to_have_attribute("data-state", "live")
        expect(said.locator(".turn.receptionist").nth(1)).to_contain_text("6:20 AM")
        expect(panel).to_have_attribute("data-state", "live")
        expect(said).not_to_contain_text("credits")
        assert first_turn.evaluate("turn => turn.isConnected")  # a screen reader hears each turn once
        assert axe(page) == []
        page.wait_for_timeout(1500)  # the words are written when the last of them is about to be heard
        recorded_from = page.evaluate("() => window.recordedFrom")
        first_loud = page.evaluate("() => window.heardAt")
        heard = played(page)

        # What it cost is there afterwards: in the panel, and with the words on the call's page.
        page.get_by_role("button", name="Hang up").click()
        expect(panel).to_have_attribute("data-state", "ended")
        expect(said).to_contain_text(re.compile(r"[1-9]\d* credits"))
        said.get_by_role("link").click()
        page.wait_for_url("**/calls/**")
        expect(page.locator("#call-said .turn.caller")).to_contain_text(day)
        expect(page.locator("#call-said .turn.receptionist").nth(1)).to_contain_text("10:40 PM")
        expect(page.get_by_role("region", name="The call in short")).to_contain_text(re.compile(r"[1-9]\d* credits"))
        assert watched.complaints == []

    greeting, answer = greeting_and_answer(heard)
    words = [stack.hear(part(heard, *each)).lower() for each in (greeting, answer)]
    assert "lantern" in words[0], words
    assert HEARD_OPENS.search(words[1]) and HEARD_CLOSES.search(words[1]), words
    assert debit(stack) > 0
    seconds = {
        "to_first_heard_word": first_loud - landed,
        "to_greeting_end": recorded_from + greeting[1] * 1000 - landed,
        "to_answer": recorded_from + answer[0] * 1000 - landed,
    }
    print(json.dumps({f"landing_{name}_s": round(ms / 1000, 1) for name, ms in seconds.items()}))
    assert seconds["to_first_heard_word"] < 40_000


def greeting_and_answer(heard: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """When each was heard; both loud enough, and quiet in between."""
    spoken = utterances(heard)
    # A machine that is busy says "one moment" first.
    assert 2 <= len(spoken) <= 3, spoken
    for each in spoken:
        loud = levels(part(heard, *each))
        assert np.median(loud) > -40 and max(loud) < -1, loud
    between = levels(part(heard, spoken[0][1] + 0.3, spoken[1][0] - 0.3))
    assert len(between) > 25 and max(between) < -50, between
    return spoken[0], spoken[-1]


def part(heard: np.ndarray, begins: float, ends: float) -> np.ndarray:
    """That stretch, in seconds."""
    return heard[max(0, int(begins * RATE)) : int(ends * RATE)]


def debit(stack: Stack) -> Any:
    """Credits on the ledger for the call."""
    return stack.python(
        "import json\nfrom billing.models import LedgerEntry\n"
        "from tenants.models import Tenant\n"
        f"ref = Tenant.objects.get(slug={SLUG!r}).pk\n"
        "print(json.dumps(-sum(e.credits for e in LedgerEntry.objects.filter(tenant_ref=ref, kind='debit'))))"
    )
