"""Pages of the receptionist: greeting, voice, hours, services, and a question to try."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from common import ai
from common.audio import read_wav
from common.errors import ProviderError
from knowledge.models import Chunk
from receptionist import prompts, selectors, services
from receptionist.models import OpenInterval, Persona, Service, SpecialDay
from receptionist.profile import ServiceIn
from tenants.context import TenantInfo, in_public
from tenants.models import AuditEvent
from tests.cast import ALICE, ALPHA, BOB, CAROL, Person

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def ask(tenant: TenantInfo, client_of: Callable[..., Client]) -> Callable[..., Any]:
    """``ask("post", path, data, person)`` at alpha's host; the test stays in alpha's schema."""

    def send(method: str, path: str, data: Any = None, person: Person = ALICE, **extra: Any) -> Any:
        client = extra.pop("client", None) or client_of(person)
        here = connection.tenant
        try:
            return getattr(client, method)(path, data, **extra)
        finally:
            connection.set_tenant(here)

    return send


@pytest.fixture
def voice(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Voices that were asked to speak."""
    asked: list[str] = []

    def speak(text: str, *, voice: str = "", timeout: float | None = None) -> bytes:
        asked.append(voice)
        return b"\x00\x80" * 4000

    monkeypatch.setattr(ai, "speech", speak)
    prompts.cache.clear()
    return asked


# Greeting and voice


WORDS = {"greeting": "Hello.", "voice": "", "goodbye": "Bye from {name}.", "idle_prompts": "Hello?\n\nAnybody? "}


def test_a_new_greeting_is_what_the_next_caller_hears(ask: Any, voice: list[str]) -> None:
    data = WORDS | {"greeting": " Good day,  {name} here. ", "guidance": "Be brief.\n\n Be kind. "}
    assert ask("post", "/receptionist", data)["Location"] == "/receptionist"
    persona = Persona.objects.get()
    assert persona.goodbye == "Bye from Alpha Dental."
    assert persona.idle_prompts == ["Hello?", "Anybody?"]
    assert persona.greeting == "Good day, Alpha Dental here."
    assert persona.guidance == ["Be brief.", "Be kind."]
    assert in_public(lambda: AuditEvent.objects.filter(action="receptionist.persona_changed").count()) == 1

    page = ask("get", "/receptionist").content.decode()
    assert "Recording the greeting" in page and "every 1s" in page
    prompts.render_missing()
    part = ask("get", "/receptionist", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="greeting-audio"') and "every 1s" not in part
    address = f"/receptionist/greeting/{prompts.digest(persona.greeting, '')}.wav"
    assert address in part
    sound = ask("get", address)
    assert sound["Content-Type"] == "audio/wav" and len(read_wav(sound.content).mono(8000)) == 8000
    some = ask("get", address, headers={"Range": "bytes=0-99"})
    assert (some.status_code, len(some.content)) == (206, 100)
    assert ask("get", address, headers={"Range": "bytes=99999999-"}).status_code == 416


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "This field is required."),
        ({"greeting": "x" * 601}, "at most 600"),
        ({"greeting": "a\0b"}, "Null characters"),
        ({"greeting": "kept", "voice": "../../etc"}, "Select a valid choice"),
        ({"greeting": "kept", "guidance": "one\n" * 21}, "21 sentences"),
        ({"greeting": "kept", "guidance": "x" * 501}, "up to 500 characters"),
        (WORDS | {"goodbye": ""}, "This field is required."),
        (WORDS | {"goodbye": "x" * 301}, "at most 300"),
        (WORDS | {"idle_prompts": " \n "}, "This field is required."),
        (WORDS | {"idle_prompts": "<script>1</script>\n2\n3\n4"}, "There are 4 sentences; up to 3 are asked."),
        (WORDS | {"idle_prompts": "x" * 301}, "up to 300 characters"),
    ],
)
def test_a_bad_greeting_is_refused_in_words_and_kept_on_the_page(ask: Any, data: dict[str, str], words: str) -> None:
    answer = ask("post", "/receptionist", data)
    page = answer.content.decode()
    assert answer.status_code == 422 and words in page and "Not saved." in page
    assert data.get("greeting", "")[:1] in page
    assert not Persona.objects.exists()


def test_prices_are_written_and_spoken_in_the_currency_of_the_country(ask: Any) -> None:
    services.set_services([ServiceIn(name="Cleaning", price=1110.5, minutes=45)])
    assert Chunk.objects.filter(text__contains="1110 dollars and 50 cents").exists()
    assert "$" in ask("get", "/receptionist/services").content.decode()
    profile = {"name": "Alpha Dental", "timezone": "America/New_York", "locale": "en-GB"}
    assert ask("post", "/settings", profile).status_code == 302
    assert Chunk.objects.filter(text__contains="1110 pounds and 50 pence").exists()
    assert not Chunk.objects.filter(text__contains="dollars").exists()
    page = ask("get", "/receptionist/services").content.decode()
    assert "£" in page and "$" not in page and "Prices are in pounds" in page


def test_a_voice_is_heard_before_it_is_chosen_and_rendered_once(
    ask: Any, voice: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask("get", "/receptionist/voices/marin.wav").status_code == 404  # the local engine has one voice
    assert ask("get", "/receptionist/voices/standard.wav")["Content-Type"] == "audio/wav"
    assert ask("get", "/receptionist/voices/standard.wav").status_code == 200
    assert voice == [""]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    assert b"Marin" in ask("get", "/receptionist").content
    assert ask("get", "/receptionist/voices/marin.wav").status_code == 200
    assert voice == ["", "marin"]


def test_a_voice_that_cannot_be_heard_is_said_in_words(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: Any, **_kwargs: Any) -> bytes:
        raise ProviderError("speech", "connectivity")

    prompts.cache.clear()
    monkeypatch.setattr(ai, "speech", away)
    answer = ask("get", "/receptionist/voices/standard.wav")
    assert answer.status_code == 503 and b"try again" in answer.content


def test_the_page_says_in_plain_words_what_the_receptionist_can_do(ask: Any) -> None:
    page = ask("get", "/receptionist").content.decode()
    for words in ("Opening hours", "Questions about the business", "Messages and call-backs", "“Goodbye”"):
        assert words in page
    assert "_" not in page.partition("What it can do")[2].partition("</section>")[0].replace("hx-", "")


# Hours


def week(**days: list[tuple[str, str]]) -> dict[str, str]:
    return {
        f"{day}-{slot}-{end}": at
        for day, pairs in days.items()
        for slot, pair in enumerate(pairs)
        for end, at in zip(("opens", "closes"), pair, strict=True)
    }


def stored() -> list[tuple[int, int, int]]:
    return list(OpenInterval.objects.values_list("weekday", "opens", "closes"))


def test_hours_with_a_break_past_midnight_and_around_the_clock(ask: Any) -> None:
    data = week(
        mon=[("09:00", "12:00"), ("13:00", "17:30")], fri=[("18:00", "02:00")], sat=[("00:00", "00:00")], sun=[("", "")]
    )
    assert ask("post", "/receptionist/hours", data)["Location"] == "/receptionist/hours"
    assert stored() == [(0, 540, 720), (0, 780, 1050), (4, 1080, 1560), (5, 0, 1440)]
    page = ask("get", "/receptionist/hours").content.decode()
    assert 'value="13:00"' in page and 'value="02:00"' in page
    assert "We are open Monday, 9 AM to noon and 1 PM to 5:30 PM" in page
    # Saving what the page shows changes nothing; a third stretch has its place.
    assert 'name="mon-2-opens"' in page
    ask("post", "/receptionist/hours", data)
    assert len(stored()) == 4


def test_mondays_hours_are_copied_until_friday(ask: Any) -> None:
    ask("post", "/receptionist/hours", {**week(mon=[("08:00", "16:00")], sat=[("10:00", "12:00")]), "copy": "mon"})
    assert stored() == [*((day, 480, 960) for day in range(5)), (5, 600, 720)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (week(mon=[("09:00", "")]), "belong together"),
        (week(mon=[("9 o'clock", "10:00")]), "Times are written like 09:00."),
        (week(mon=[("25:00", "26:00")]), "Times are written like"),
        (week(tue=[("09:00", "12:00"), ("11:00", "13:00")]), "overlap"),
        (week(mon=[("09:00", "09:00")]), "Opening and closing are the same."),
        (week(tue=[(SCRIPT, SCRIPT)]), escape(SCRIPT)),
    ],
)
def test_bad_hours_are_marked_at_their_day_and_nothing_is_changed(ask: Any, data: dict[str, str], words: str) -> None:
    OpenInterval.objects.create(weekday=2, opens=540, closes=600)
    answer = ask("post", "/receptionist/hours", data)
    page = answer.content.decode()
    assert answer.status_code == 422 and words in page and SCRIPT not in page
    assert escape(next(iter(data.values()))) in page
    assert stored() == [(2, 540, 600)]


def test_special_days_are_added_replaced_and_removed(ask: Any) -> None:
    ask("post", "/receptionist/holidays", {"date": "2026-12-24", "name": "Eve", "yearly": "on"})
    ask(
        "post",
        "/receptionist/holidays",
        {"date": "2027-12-24", "name": "Christmas Eve", "yearly": "on", "opens": "08:00", "closes": "12:00"},
    )
    ask("post", "/receptionist/holidays", {"date": "2027-01-04", "name": SCRIPT})
    first, second = SpecialDay.objects.order_by("-month")
    assert (first.year, first.name, first.intervals) == (None, "Christmas Eve", [[480, 720]])
    assert (second.year, second.intervals) == (2027, [])
    page = ask("get", "/receptionist/hours").content.decode()
    assert "8 AM to noon" in page and "Closed" in page and SCRIPT not in page and escape(SCRIPT) in page
    ask("post", f"/receptionist/holidays/{second.pk}/remove")
    assert SpecialDay.objects.get() == first
    assert ask("post", f"/receptionist/holidays/{second.pk}/remove").status_code == 404
    assert ask("post", f"/receptionist/holidays/{2**70}/remove").status_code == 404


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"date": "soon", "name": "kept name"},
        {"date": "2026-02-30", "name": "kept name"},
        {"date": "2026-12-24", "name": "x" * 81},
        {"date": "2026-12-24", "name": "kept name", "opens": "08:00"},
    ],
)
def test_a_bad_special_day_is_refused_and_kept_on_the_page(ask: Any, data: dict[str, str]) -> None:
    answer = ask("post", "/receptionist/holidays", data)
    assert answer.status_code == 422
    assert "Not added." in answer.content.decode() and data.get("name", "") in answer.content.decode()
    assert not SpecialDay.objects.exists()


# Services


def lines(*rows: tuple[str, str, str], **more: str) -> dict[str, str]:
    data = {"s-TOTAL_FORMS": str(len(rows)), "s-INITIAL_FORMS": "0", **more}
    for number, row in enumerate(rows):
        data |= {f"s-{number}-{name}": value for name, value in zip(("name", "price", "minutes"), row, strict=True)}
    return data


def test_services_become_the_price_list_callers_are_answered_from(ask: Any, no_embeddings: None) -> None:
    data = lines(("Cleaning", "110.5", "45"), ("", "", ""), ("Advice", "0", ""), ("Braces", "", ""))
    assert ask("post", "/receptionist/services", data)["Location"] == "/receptionist/services"
    kept = list(Service.objects.values_list("name", "price_cents", "minutes"))
    assert kept == [("Cleaning", 11050, 45), ("Advice", 0, None), ("Braces", None, None)]
    page = ask("get", "/receptionist/services").content.decode()
    assert 'value="110.50"' in page and page.count('name="s-') >= 6 * 4
    tried = ask("get", "/knowledge/try?question=how+much+is+a+cleaning").content.decode()
    assert "According to our price list, Cleaning costs 110 dollars and 50 cents" in tried
    ask(
        "post",
        "/receptionist/services",
        lines(("Cleaning", "110.5", "45"), ("Advice", "0", ""), **{"s-1-DELETE": "on"}),
    )
    assert list(Service.objects.values_list("name", flat=True)) == ["Cleaning"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lines(("", "10", "")), "Say which service this is."),
        (lines(("kept", "-1", "")), "A price is 0 or more."),
        (lines(("kept", "1e99", "")), "A price is up to 1,000,000."),
        (lines(("kept", "NaN", "")), "A price is a number, like 95.50."),
        (lines(("kept", "1", "1.5")), "Minutes are a whole number."),
        (lines(("x" * 121, "1", "1")), "at most 120"),
        (lines(("Twin", "1", ""), ("twin", "2", "")), "named twice"),
        ({"s-TOTAL_FORMS": "100000", "s-INITIAL_FORMS": "0"}, "Not saved."),
        ({}, "Not saved."),
    ],
)
def test_bad_services_are_refused_in_words_and_nothing_is_changed(ask: Any, data: dict[str, str], words: str) -> None:
    Service.objects.create(name="Cleaning")
    answer = ask("post", "/receptionist/services", data)
    assert answer.status_code == 422 and words in answer.content.decode()
    assert list(Service.objects.values_list("name", flat=True)) == ["Cleaning"]


# A question to try


def test_a_tried_question_shows_what_a_caller_would_hear(ask: Any, indexed_demo: Any) -> None:
    page = ask("get", "/knowledge/try", {"question": "Is there parking?"}).content.decode()
    assert "According to our frequently asked questions, yes. There is free parking" in page
    assert "FAQ: Is there parking?" in page and "Answers</span>" in page
    part = ask("get", "/knowledge/try?question=Do+you+take+bitcoin", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="answer"') and "Offers to take a message" in part


@pytest.mark.parametrize("question", ["", " ", "\0", "x" * 9000, SCRIPT, "'; drop table x; --"])
def test_odd_questions_are_taken_calmly(ask: Any, no_embeddings: None, question: str) -> None:
    answer = ask("get", "/knowledge/try", {"question": question})
    assert answer.status_code == 200
    assert SCRIPT not in answer.content.decode()


# Who may what

CHANGES = {
    "/receptionist": {"greeting": "Changed."},
    "/receptionist/hours": week(mon=[("01:00", "02:00")]),
    "/receptionist/holidays": {"date": "2027-01-04"},
    "/receptionist/holidays/{day}/remove": {},
    "/receptionist/services": lines(("Changed", "1", "1")),
}


def everything() -> list[Any]:
    return [list(m.objects.order_by("pk").values()) for m in (Persona, OpenInterval, SpecialDay, Service)]


@pytest.mark.parametrize("person", [BOB, CAROL], ids=["agent", "supervisor"])
@pytest.mark.parametrize("path", CHANGES)
def test_others_than_owners_and_admins_read_and_change_nothing(ask: Any, demo: Any, path: str, person: Person) -> None:
    before = everything()
    day = SpecialDay.objects.first()
    assert day is not None
    assert ask("post", path.format(day=day.pk), CHANGES[path], person).status_code == 403
    assert everything() == before
    for read in ("/receptionist", "/receptionist/hours", "/receptionist/services", "/knowledge/try"):
        page = ask("get", read, person=person)
        assert page.status_code == 200 and b">Save<" not in page.content


@pytest.mark.parametrize("path", CHANGES)
def test_nothing_is_changed_without_the_page_s_token(client_of: Any, demo: Any, path: str) -> None:
    before, day = everything(), SpecialDay.objects.first()
    assert day is not None
    strict = Client(enforce_csrf_checks=True, headers={"host": ALPHA.host})
    strict.cookies = client_of(ALICE).cookies
    here = connection.tenant
    assert strict.post(path.format(day=day.pk), CHANGES[path]).status_code == 403
    connection.set_tenant(here)
    assert everything() == before


def test_pages_of_any_length_take_the_same_queries(ask: Any, client_of: Any, tenant: TenantInfo) -> None:
    client = client_of(ALICE)

    def count(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            ask("get", path, client=client)
        return len([q for q in queries if not q["sql"].startswith(("SET", "BEGIN", "COMMIT", "SAVE", "RELEASE"))])

    few = count("/receptionist/hours"), count("/receptionist/services")
    for number in range(1, 29):
        SpecialDay.objects.create(month=1, day=number, intervals=[[480, 720]])
        Service.objects.create(name=f"Service {number}", price_cents=100)
    assert (count("/receptionist/hours"), count("/receptionist/services")) == few
    assert selectors.schedule(tenant).special


def test_a_service_may_have_a_right_to_left_name_but_no_marks_that_turn_what_follows(ask: Any) -> None:
    def sent(name: str) -> Any:
        return ask("post", "/receptionist/services", {"s-TOTAL_FORMS": 1, "s-INITIAL_FORMS": 0, "s-0-name": name})

    assert sent("ניקוי שיניים\u200f (תנוקות)").status_code == 302
    answer = sent("Cleaning \u202e")
    assert answer.status_code == 422 and "A name is one line" in answer.content.decode()
    assert Service.objects.get().name.startswith("ניקוי")


# Two tabs


def _opened(page: str) -> dict[str, str]:
    """The hidden field that says what a page was opened with."""
    found = re.search(r'name="seen" value="([0-9a-f]+)"', page)
    assert found is not None
    return {"seen": found[1]}


def test_a_second_tab_does_not_silently_undo_the_first(ask: Any, voice: list[str]) -> None:
    opened = _opened(ask("get", "/receptionist").content.decode())
    assert ask("post", "/receptionist", WORDS | opened | {"guidance": "Be kind."}).status_code == 302
    late = ask("post", "/receptionist", WORDS | opened | {"greeting": "Typed later."})
    page = late.content.decode()
    assert late.status_code == 422 and "in another tab or by somebody else" in page and "Typed later." in page
    assert Persona.objects.get().guidance == ["Be kind."]
    assert ask("post", "/receptionist", WORDS | _opened(page) | {"greeting": "Typed later."}).status_code == 302
    assert Persona.objects.get().greeting == "Typed later."


@pytest.mark.parametrize(
    ("path", "first", "second", "kept"),
    [
        (
            "/receptionist/hours",
            {"mon-0-opens": "09:00", "mon-0-closes": "17:00"},
            {"tue-0-opens": "10:11", "tue-0-closes": "18:00"},
            lambda: list(OpenInterval.objects.values_list("weekday", flat=True)) == [0],
        ),
        (
            "/receptionist/services",
            {"s-TOTAL_FORMS": "1", "s-INITIAL_FORMS": "0", "s-0-name": "Cleaning"},
            {"s-TOTAL_FORMS": "1", "s-INITIAL_FORMS": "0", "s-0-name": "10:11 <b>"},
            lambda: Service.objects.get().name == "Cleaning",
        ),
    ],
)
def test_hours_and_prices_of_another_tab_are_kept(
    ask: Any, path: str, first: dict[str, str], second: dict[str, str], kept: Callable[[], bool]
) -> None:
    opened = _opened(ask("get", path).content.decode())
    assert ask("post", path, first | opened).status_code == 302
    late = ask("post", path, second | opened)
    page = late.content.decode()
    assert late.status_code == 422 and "in another tab or by somebody else" in page and "10:11" in page
    assert kept()
    assert ask("post", path, second | _opened(page)).status_code == 302
    assert not kept()
