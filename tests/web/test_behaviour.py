"""What the scripts promise: focus, theme, palette, toasts, dialogs, forms by htmx, the player."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import OpenPage


def test_focus_is_visible_on_every_stop(visit: OpenPage) -> None:
    page = visit("/styleguide").page
    stops = []
    for _ in range(40):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => {
              const at = document.activeElement;
              const shown = (element) => {
                const style = getComputedStyle(element);
                return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
              };
              // The range of the player is transparent; its waveform shows the focus.
              return { name: at.outerHTML.slice(0, 90), shown: shown(at) || shown(at.closest(".wave") ?? at) };
            }"""
        )
        stops.append(stop)
    assert "skip-link" in stops[0]["name"]
    assert [stop["name"] for stop in stops if not stop["shown"]] == []
    assert len({stop["name"] for stop in stops}) > 20


def test_skip_link_leads_past_the_navigation(visit: OpenPage) -> None:
    page = visit("/styleguide").page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_chosen_theme_outlives_the_page(visit: OpenPage) -> None:
    page = visit("/", scheme="light").page
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.goto(page.url.rstrip("/") + "/styleguide")
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 20, 22)"


def test_palette_goes_to_a_page_by_part_of_its_name(visit: OpenPage) -> None:
    page = visit("/styleguide").page
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Go to a page")
    expect(box).to_be_focused()
    expect(page.locator("#palette-list [role=option]")).to_have_count(6)
    box.fill("zzz")
    expect(page.locator("#palette-list")).to_contain_text("No page of that name")
    box.fill("e")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#palette-list [aria-selected=true]").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url("**/" + {"Home": ""}.get(chosen, chosen.lower()))


def test_expected_error_is_a_toast_that_stays_until_dismissed(visit: OpenPage) -> None:
    visited = visit("/styleguide")
    page = visited.page
    page.get_by_role("button", name="Show an error").click()
    toast = page.locator("#toasts").get_by_role("alert")
    expect(toast).to_contain_text("This call has already ended. Nothing was changed.")
    toast.get_by_role("button", name="Dismiss").click()
    expect(toast).to_have_count(0)
    assert visited.statuses["/styleguide/fail"] == 409


def test_words_reach_whoever_has_a_dialog_open(visit: OpenPage) -> None:
    page = visit("/styleguide").page
    page.get_by_role("button", name="Open a dialog").click()
    page.evaluate("document.dispatchEvent(new CustomEvent('toast', {detail: {text: 'Not saved.', tone: 'bad'}}))")
    close = page.get_by_role("dialog").get_by_role("alert").get_by_role("button", name="Dismiss")
    close.click()
    expect(close).to_have_count(0)
    page.evaluate("document.dispatchEvent(new CustomEvent('toast', {detail: {text: 'Kept.', tone: 'bad'}}))")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("alert").get_by_role("button", name="Dismiss").click()


def test_lost_connection_is_said_in_words(visit: OpenPage) -> None:
    page = visit("/styleguide").page
    page.context.set_offline(True)
    page.get_by_role("button", name="Show an error").click()
    expect(page.locator("#toasts")).to_contain_text("No connection.")
    expect(page.locator("#toasts")).to_contain_text("You are offline.")
    page.get_by_role("button", name="Show an error").click()
    expect(page.locator(".toast")).to_have_count(2)
    page.context.set_offline(False)
    expect(page.locator("#toasts")).not_to_contain_text("You are offline.")


def test_form_comes_back_with_its_errors_and_what_was_typed(visit: OpenPage) -> None:
    visited = visit("/styleguide")
    form = visited.page.locator("form[hx-post]").first
    form.get_by_label("E-mail").fill("ann@")
    form.get_by_role("button", name="Save").click()
    expect(form.locator("#id_name_error")).to_have_text("This field is required.")
    assert form.get_by_label("E-mail").input_value() == "ann@"
    assert form.get_by_label("E-mail").get_attribute("aria-invalid") == "true"
    assert visited.statuses["/styleguide"] == 422

    form.get_by_label("Name of the business").fill("Bright Dental")
    form.get_by_label("E-mail").fill("")
    form.get_by_label("The receptionist", exact=True).check()
    form.get_by_role("button", name="Save").click()
    expect(visited.page.locator("#toasts")).to_contain_text("Saved. The next caller hears the new greeting.")
    assert visited.statuses["/styleguide"] == 204


@pytest.mark.slow
def test_message_of_the_page_before_is_shown_and_leaves_by_itself(visit: OpenPage) -> None:
    page = visit("/saved").page
    expect(page.locator(".toast.success")).to_contain_text("Saved.")
    expect(page.locator(".toast.success")).to_have_count(0, timeout=9_000)


def test_expired_session_moves_the_whole_page_and_remembers_where(visit: OpenPage) -> None:
    page = visit("/styleguide?tab=all").page
    page.evaluate("htmx.ajax('GET', '/members', '#call-list')")
    page.wait_for_url("**/login?next=%2Fstyleguide%3Ftab%3Dall")


def test_dialog_keeps_the_focus_and_gives_it_back(visit: OpenPage) -> None:
    page = visit("/styleguide").page
    opener = page.get_by_role("button", name="Open a dialog")
    opener.click()
    dialog = page.get_by_role("dialog", name="Delete “Price list.pdf”?")
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    opener.click()
    page.mouse.click(5, 5)
    expect(dialog).to_be_hidden()


def _wait_for_word(page: Page, word: str) -> None:
    # A word is lit for a fraction of a second: look at every frame.
    page.wait_for_function("word => document.querySelector('[data-follows] .now')?.textContent === word", arg=word)


def test_player_plays_and_lights_the_word_that_is_heard(visit: OpenPage) -> None:
    page = visit("/styleguide").page
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    _wait_for_word(page, "morning.")
    page.locator("[data-follows=recording] [data-from]", has_text="Saturday?").click()
    _wait_for_word(page, "Saturday?")
    page.get_by_role("button", name="Pause").click()
    assert 6 < page.evaluate("document.querySelector('audio').currentTime") < 9

    position = page.get_by_role("slider", name="Position in Call of today, 14:05")
    before = page.evaluate("document.querySelector('audio').currentTime")
    position.press("ArrowRight")
    after = page.evaluate("document.querySelector('audio').currentTime")
    assert abs(after - before - 5) < 0.2
    assert position.get_attribute("aria-valuetext").endswith(" of 0:24")
    assert page.locator(".wave path.caller").count() == 2
