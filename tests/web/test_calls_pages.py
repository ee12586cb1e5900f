"""Home, Calls, a call and the Inbox in a real browser: they look after themselves while things happen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from calls import journal
from calls.facts import JournalEvent
from calls.models import Call, DecisionKind, Message, Recording, Voicemail
from calls.recordings import store_recording
from calls.services import finish_call, take_message
from common.audio import write_wav
from common.clock import now
from tests.cast import ALICE, ALPHA, CALLER
from tests.web.browser import SIZES, Watched, axe, open_page, overflow
from tests.web.product import Product
from tests.web.test_product import elsewhere


@pytest.fixture
def desk(browser: Browser, product: Product, live_tenant: Any, client_of: Any) -> Iterator[Any]:
    """``desk(size, scheme)``: a watched page with Alice's session at her business."""
    opened: list[Watched] = []
    cookie = client_of(ALICE).cookies["sessionid"].value

    def go(size: str = "desktop", scheme: str = "light", javascript: bool = True) -> Watched:
        watched = open_page(browser, size, scheme, javascript)
        opened.append(watched)
        watched.page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": product.host(ALPHA.slug)}])
        return watched

    yield go
    for watched in opened:
        watched.page.context.close()


def turn(number: int, role: str, text: str) -> JournalEvent:
    start = 3000 * number
    return JournalEvent("turn", {"role": role, "text": text, "start_ms": start, "end_ms": start + 2500}, start, number)


def running() -> Call:
    return Call.objects.create(
        sid="CAlive", caller=CALLER, callee=ALPHA.number, decision=DecisionKind.ANSWER, decision_reason="after_hours"
    )


def everything() -> Call:
    """One call of each kind that the pages show."""
    moment = now()
    call = Call.objects.create(
        sid="CAdone",
        caller=CALLER,
        callee=ALPHA.number,
        decision=DecisionKind.ANSWER,
        decision_reason="receptionist_first",
        outcome="message_taken",
        seconds=8,
        credits=2,
        ended_at=moment,
    )
    output = '{"say": "I am sorry.", "decision": "decline", "confidence": 0.1}'
    used = {"name": "answer_question", "arguments": '{"question": "Do you mend bikes?"}', "ok": True, "output": output}
    cited = {"question": "How much?", "source": "Price list", "confidence": 0.93}
    events = [
        JournalEvent("stream", {"state": "started", "generation": 0}, 0, 9),
        turn(0, "receptionist", "Alpha Dental, good morning."),
        turn(1, "caller", "Do you mend bikes?"),
        JournalEvent("tool", {**used, "ms": 12.0}, 5600, 5),
        JournalEvent("citation", cited, 5700, 6),
        JournalEvent("engine", {"state": "lost", "name": "openai", "reason": "closed"}, 5800, 7),
    ]
    journal.append(call.pk, "media", events)
    take_message(call.pk, name="Joe Miller", number=CALLER, body="Please ring me back.", urgency="urgent")
    sound = write_wav((np.sin(np.arange(64_000)[:, None] / 9) * [9000, 4000]).astype(np.int16))
    for sid, kind in (("REcall", "call"), ("REmail", "voicemail")):
        kept = Recording.objects.create(call=call, sid=sid, kind=kind, state="kept", seconds=8)
        kept.size = store_recording(kept, [sound])
        kept.save()
    Voicemail.objects.create(call=call, recording=kept, transcript="This is Robert.", transcription="done")
    running()
    return call


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_full_of_calls_are_accessible_quiet_and_fit(
    size: str, scheme: str, desk: Any, product: Product, live_tenant: Any, tmp_path: Path
) -> None:
    call = elsewhere(live_tenant.schema, everything)
    visited = desk(size, scheme)
    page = visited.page
    kept = Path(os.environ.get("DESKBELL_SCREENSHOTS", str(tmp_path)))
    for name, path in (("home", "/"), ("calls", "/calls"), ("call", f"/calls/{call.pk}"), ("inbox", "/inbox")):
        page.goto(product.host(ALPHA.slug) + path)
        page.wait_for_selector("body[data-live-state=open]")
        page.screenshot(path=kept / f"full-{name}-{size}-{scheme}.png", full_page=True)
        assert axe(page) == [], path
        assert overflow(page) <= 0, path
    assert visited.complaints == []


def test_a_live_call_grows_while_one_looks_and_ends_with_its_cost(
    desk: Any, product: Product, live_tenant: Any
) -> None:
    call = elsewhere(live_tenant.schema, running)
    visited, other = desk(), desk()
    page, home = visited.page, other.page
    page.goto(f"{product.host(ALPHA.slug)}/calls/{call.pk}")
    home.goto(product.host(ALPHA.slug))
    for each in (page, home):
        each.wait_for_selector("body[data-live-state=open]")
    expect(page.locator("#call-said")).to_contain_text("Nobody has spoken yet.")
    log = page.get_by_role("log", name="What is being said")
    log.evaluate(
        "it => { new MutationObserver(all => window.heard = (window.heard ?? []).concat("
        "all.flatMap(one => [...one.addedNodes]).map(node => node.textContent.trim()))).observe("
        "it, {childList: true, subtree: true}) }"
    )
    expect(page.locator("#call-side")).to_contain_text("because you were closed")

    def say(number: int, role: str, text: str) -> None:
        elsewhere(live_tenant.schema, lambda: journal.append(call.pk, "m", [turn(number, role, text)]))

    say(0, "receptionist", "Alpha Dental, good evening.")
    expect(page.locator("#call-said .turn")).to_have_count(1)
    say(1, "caller", "Is <b>anybody</b> there?")
    expect(page.locator("#call-said .turn")).to_have_count(2)
    expect(page.locator("#call-said .turn.caller")).to_contain_text("Is <b>anybody</b> there?")
    heard = page.evaluate("window.heard")
    assert ["good evening" in heard[0], "anybody" in heard[1], len(heard)] == [True, True, 2], "each turn is told once"
    expect(home.locator("#live-now")).to_contain_text("Caller: Is <b>anybody</b> there?")
    expect(home.locator("#live-badge")).to_contain_text("1 on the line")

    def end() -> None:
        Call.objects.filter(pk=call.pk).update(answered_at=now(), credits=4)
        finish_call(call.pk, seconds=21)

    elsewhere(live_tenant.schema, end)
    expect(page.locator("#call-facts")).to_contain_text("Answered")
    expect(page.locator("#call-facts")).to_contain_text("4 credits")
    expect(home.locator("#live-badge")).to_be_hidden()
    expect(home.locator("#home .table")).to_contain_text("0:21")
    assert visited.complaints == other.complaints == []


def test_words_light_up_as_the_recording_plays(desk: Any, product: Product, live_tenant: Any) -> None:
    call = elsewhere(live_tenant.schema, everything)
    page = desk().page
    page.goto(f"{product.host(ALPHA.slug)}/calls/{call.pk}")
    assert "v-" in (page.locator("#player .wave path.caller").first.get_attribute("d") or "")
    page.locator("#call-said .turn.caller [data-from]").first.click()
    expect(page.locator("#call-said .turn.caller .now")).to_have_count(1)


def test_an_entry_is_put_away_and_brought_back(desk: Any, product: Product, live_tenant: Any) -> None:
    elsewhere(live_tenant.schema, everything)
    page = desk().page
    page.goto(product.host(ALPHA.slug) + "/inbox?kind=message")
    page.wait_for_selector("body[data-live-state=open]")
    expect(page.locator("#inbox-count")).to_have_text("2 new")
    page.get_by_role("button", name="Done with the message of Joe Miller").click()
    expect(page.locator("#inbox")).not_to_contain_text("Joe Miller")
    expect(page.locator("#inbox-count")).to_have_text("1 new")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#inbox")).to_contain_text("Joe Miller")
    expect(page.locator("#inbox-count")).to_have_text("2 new")


def test_lists_and_the_inbox_work_without_scripts(desk: Any, product: Product, live_tenant: Any) -> None:
    elsewhere(live_tenant.schema, everything)
    page = desk(javascript=False).page
    page.goto(product.host(ALPHA.slug) + "/calls")
    page.get_by_label("Outcome", exact=True).select_option("live")
    page.get_by_role("button", name="Show").click()
    assert "outcome=live" in page.url
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto(product.host(ALPHA.slug) + "/inbox?kind=message")
    page.get_by_role("button", name="Done with the message of Joe Miller").click()
    assert page.url.endswith("/inbox?kind=message")
    assert elsewhere(live_tenant.schema, lambda: Message.objects.get().done_at) is not None
    page.goto(product.host(ALPHA.slug))
    page.get_by_role("button", name="Dismiss the question “Do you mend bikes?”").click()
    expect(page.locator("#home")).not_to_contain_text("Do you mend bikes?")
    page.goto(product.host(ALPHA.slug) + "/calls?sort=oldest&tests=without")
    expect(page.locator("tbody tr")).to_have_count(2)


def test_a_question_is_dismissed_answered_and_an_answer_being_written_is_kept(
    desk: Any, product: Product, live_tenant: Any
) -> None:
    elsewhere(live_tenant.schema, everything)
    visited = desk()
    page = visited.page
    page.goto(product.host(ALPHA.slug))
    page.wait_for_selector("body[data-live-state=open]")
    page.get_by_role("button", name="Dismiss the question “Do you mend bikes?”").click()
    expect(page.locator("#home")).not_to_contain_text("Do you mend bikes?")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    page.locator("summary", has_text="Answer it").click()
    answer = page.get_by_label("Answer, as it should be spoken")
    answer.fill("No, we mend")
    elsewhere(live_tenant.schema, lambda: Call.objects.create(sid="CAother", caller="+14155550142"))
    elsewhere(live_tenant.schema, lambda: finish_call(Call.objects.get(sid="CAother").pk, seconds=3))
    expect(page.locator("#home .table")).to_contain_text("(415) 555-0142")
    expect(answer).to_be_focused()
    answer.press_sequentially(" teeth.")
    page.get_by_role("button", name="Save the answer").click()
    page.wait_for_url("**/knowledge/faq")
    expect(page.get_by_role("main")).to_contain_text("No, we mend teeth.")
    page.goto(product.host(ALPHA.slug))
    expect(page.locator("#home")).not_to_contain_text("Do you mend bikes?")
    assert visited.complaints == []


def test_a_telephone_sorts_the_list_and_a_filter_begins_on_the_first_page(
    desk: Any, product: Product, live_tenant: Any
) -> None:
    def many() -> None:
        for number in range(60):
            Call.objects.create(sid=f"CA{number}", caller=CALLER, seconds=number, is_test=number == 7)

    elsewhere(live_tenant.schema, many)
    page = desk("phone").page
    page.goto(product.host(ALPHA.slug) + "/calls?page=2")
    page.get_by_label("Sort", exact=True).select_option("Longest first")
    expect(page.locator("tbody tr").first).to_contain_text("0:59")
    assert page.url.endswith("/calls?sort=longest")
    page.get_by_label("Test calls").select_option("Only tests")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr .badge").first).to_have_text("Test")
    assert page.url.endswith("/calls?tests=only&sort=longest")
