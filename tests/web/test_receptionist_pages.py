"""Receptionist and knowledge in a real browser: both sizes, light and dark, and what the scripts add."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import yaml
from django.conf import settings
from playwright.sync_api import Browser, expect

from common.audio import RATE, ulaw_encode
from knowledge import faq
from knowledge import services as knowledge
from knowledge.models import Document, DocumentState
from receptionist import prompts, services
from receptionist.models import SpokenPrompt
from receptionist.profile import parse_profile
from tests.cast import ALICE, ALPHA
from tests.web.browser import Watched, axe, open_page, overflow
from tests.web.product import Product
from tests.web.test_product import elsewhere

Visit = Callable[..., Watched]


def _furnish() -> dict[str, Any]:
    """The demo practice with its greeting as sound, one document being indexed and one that waits for better days."""
    profile = yaml.safe_load((settings.BASE_DIR / "deploy/demo/dental.yaml").read_text())
    services.apply_profile(parse_profile(profile))
    text, voice = prompts.wanted()[0]
    moments = np.arange(5 * RATE) / RATE
    sound = (9000 * np.sin(2 * np.pi * 220 * moments) * np.abs(np.sin(3 * moments))).astype(np.int16)
    digest = prompts.digest(text, voice)
    SpokenPrompt.objects.create(digest=digest, text=text, voice=voice, ulaw=ulaw_encode(sound))
    Document.objects.update(state=DocumentState.READY)
    manual = knowledge.add_document(title="Insurance handbook", text="# Claims\n" + "We file claims for you. " * 90)
    Document.objects.filter(pk=manual.pk).update(state=DocumentState.INDEXING, done=1)
    rules = knowledge.add_document(title="House rules", text="Please wait in the lobby.")
    Document.objects.filter(pk=rules.pk).update(state=DocumentState.FAILED, error="connectivity")
    return {"document": manual.pk, "pair": faq.pairs()[0].ref}


@pytest.fixture
def visit(browser: Browser, product: Product, live_tenant: Any, client_of: Any) -> Iterator[Visit]:
    """Opens pages as Alice, who has signed in already."""
    opened: list[Watched] = []
    cookie = elsewhere(live_tenant.schema, lambda: client_of(ALICE).cookies["sessionid"].value)

    def go(size: str = "desktop", scheme: str = "light", javascript: bool = True) -> Watched:
        watched = open_page(browser, size, scheme, javascript)
        watched.page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": product.host(ALPHA.slug)}])
        opened.append(watched)
        return watched

    yield go
    for watched in opened:
        watched.page.context.close()


def test_pages_are_accessible_quiet_and_fit(visit: Visit, product: Product, live_tenant: Any) -> None:
    kept = os.environ.get("DESKBELL_SCREENSHOTS")
    host, made = product.host(ALPHA.slug), elsewhere(live_tenant.schema, _furnish)
    pages = {
        "receptionist": "/receptionist",
        "hours": "/receptionist/hours",
        "services": "/receptionist/services",
        "documents": "/knowledge",
        "add": "/knowledge/add",
        "document": f"/knowledge/documents/{made['document']}",
        "delete": f"/knowledge/documents/{made['document']}/delete",
        "faq": "/knowledge/faq",
        "question": f"/knowledge/faq/{made['pair']}",
        "try": "/knowledge/try?question=Is+there+parking",
        "declined": "/knowledge/try?question=Do+you+sell+bitcoin",
    }
    for size, scheme in (("desktop", "light"), ("phone", "dark")):
        visited = visit(size, scheme)
        page = visited.page
        for name, path in pages.items():
            page.goto(host + path)
            page.wait_for_selector("body[data-live-state=open]")
            assert axe(page) == [], path
            assert overflow(page) <= 0, path
            for other in ("light", "dark") if kept else ():
                page.emulate_media(color_scheme=other)  # type: ignore[arg-type]
                page.screenshot(path=f"{kept}/desk-{name}-{size}-{other}.png", full_page=True)
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert visited.complaints == []


def test_what_the_scripts_add(visit: Visit, product: Product, live_tenant: Any) -> None:
    host, made = product.host(ALPHA.slug), elsewhere(live_tenant.schema, _furnish)
    visited = visit()
    page = visited.page

    # A question is answered in place.
    page.goto(host + "/knowledge")
    page.get_by_label("A caller’s question").fill("Is there parking?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#answer")).to_contain_text("According to our frequently asked questions, yes. There is free")
    assert page.url == host + "/knowledge"

    # Progress comes by itself.
    row = page.locator(f"#document-{made['document']}")
    expect(row.get_by_role("progressbar")).to_be_visible()
    elsewhere(live_tenant.schema, lambda: _finish(made["document"]))
    expect(row).to_contain_text("Ready")

    # The list is searched while one types, and stays one list.
    page.get_by_placeholder("Search documents").fill("handbook")
    expect(page.locator("#documents tbody tr")).to_have_count(1)
    expect(page.locator("#documents")).to_have_count(1)

    # The greeting plays from our own address.
    page.goto(host + "/receptionist")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("figure.player.playing")).to_have_count(1)
    assert any(path.startswith("/receptionist/greeting/") and status < 300 for path, status in visited.statuses.items())
    page.get_by_role("link", name="Listen to Standard").click()  # no speech service in this test
    expect(page.locator("#toasts")).to_contain_text("can't be heard just now")


def _finish(pk: int) -> None:
    document = Document.objects.get(pk=pk)
    document.chunks.update(embedding=[0.1] * 384, model="m")
    knowledge._note_progress(document, DocumentState.READY)


def test_everything_works_without_scripts(visit: Visit, product: Product, live_tenant: Any) -> None:
    host = product.host(ALPHA.slug)
    page = visit(javascript=False).page
    page.goto(host + "/receptionist")
    page.get_by_label("Greeting", exact=True).fill("Good day, Alpha Dental.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("Saved.")
    page.goto(host + "/receptionist/hours")
    page.get_by_label("Monday opens", exact=True).fill("09:00")
    page.get_by_label("Monday closes", exact=True).fill("17:00")
    page.get_by_role("button", name="Monday’s hours until Friday").click()
    expect(page.locator("main")).to_contain_text("We are open Monday to Friday, 9 AM to 5 PM.")
    page.goto(host + "/knowledge/faq/new")
    page.get_by_label("Question").fill("Is there wifi?")
    page.get_by_label("Answer").fill("Yes, for free.")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Delete “Is there wifi?”").click()
    page.get_by_role("button", name="Put it back").click()
    expect(page.locator("#faq")).to_contain_text("Is there wifi?")
    page.get_by_role("link", name="Try a question").click()
    page.get_by_label("A caller’s question").fill("Is there wifi?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".said")).to_contain_text("yes, for free.", ignore_case=True)
