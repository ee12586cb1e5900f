"""Searching, sorting, exporting and putting away: what the lists promise, and what odd input does to them."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from calls import home, inbox, journal
from calls.export import cell
from calls.facts import JournalEvent
from calls.models import Call, CallEvent, DismissedQuestion, Message
from calls.selectors import CallFilter, find_calls
from calls.services import take_message
from knowledge import faq
from tenants.models import Membership, User
from tests.cast import ALICE, BOB, CALLER, MALLORY

HOSTILE = [
    "'; DROP TABLE calls_call; --",
    "<script>alert(1)</script>",
    "\x00",
    "%",
    "_",
    "\\",
    "a" * 9000,
    "١٢٣٤",
    "😀",
]


@pytest.fixture
def ask(client_of):
    """One request as one of the people; the test stays in its schema."""

    def request(method, path, data=None, person=ALICE, **headers):
        client = client_of(person)
        here = connection.tenant
        try:
            return getattr(client, method)(path, data or {}, headers=headers)
        finally:
            connection.set_tenant(here)

    return request


@pytest.fixture
def calls(tenant):
    moment = timezone.now()
    rows = [
        ("CA1", "+14155550199", "answered", 60, 0),
        ("CA2", "+12125550143", "voicemail", 10, 1),
        ("CA3", "", "abandoned", 5, 40),
        ("CA4", "=HYPERLINK(1)", "", 0, 0),
    ]
    for sid, caller, outcome, seconds, days in rows:
        at = moment - timedelta(days=days, minutes=len(sid))
        Call.objects.create(
            sid=sid,
            caller=caller,
            outcome=outcome,
            seconds=seconds,
            started_at=at,
            ended_at=at if outcome else None,
            is_test=sid == "CA3",
        )


def found(**query):
    return {call.sid for call in find_calls(CallFilter.from_query(query))}


@pytest.mark.parametrize(
    ("query", "sids"),
    [
        ({}, {"CA1", "CA2", "CA3", "CA4"}),
        ({"q": "(415) 555"}, {"CA1"}),
        ({"q": "voicemail"}, {"CA2"}),
        ({"q": "hyperlink"}, {"CA4"}),
        ({"outcome": "live"}, {"CA4"}),
        ({"outcome": "answered"}, {"CA1"}),
        ({"outcome": "nonsense"}, {"CA1", "CA2", "CA3", "CA4"}),
        ({"since": "not a day", "until": "2026-02-30"}, {"CA1", "CA2", "CA3", "CA4"}),
        ({"since": "9999-12-31"}, {"CA1", "CA2", "CA3", "CA4"}),
        ({"until": "1999-01-01"}, set()),
        ({"tests": "only"}, {"CA3"}),
        ({"tests": "without"}, {"CA1", "CA2", "CA4"}),
        ({"tests": "nonsense"}, {"CA1", "CA2", "CA3", "CA4"}),
    ],
)
def test_a_search_finds_by_number_outcome_and_day(calls, query, sids):
    assert found(**query) == sids


def test_days_are_those_of_the_business(calls):
    with timezone.override("America/New_York"):
        day = timezone.localdate(Call.objects.get(sid="CA2").started_at).isoformat()
        assert "CA2" in found(since=day, until=day)
        assert "CA3" not in found(since=day, until=day)


@pytest.mark.parametrize(("sort", "first"), [("oldest", "CA3"), ("longest", "CA1"), ("shortest", "CA4")])
def test_calls_are_sorted_as_asked(calls, sort, first):
    assert find_calls(CallFilter.from_query({"sort": sort}))[0].sid == first


@pytest.mark.parametrize("path", ["/calls", "/calls/export.csv", "/inbox"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_searches_are_searches_and_nothing_else(ask, calls, path, text):
    take_message(Call.objects.get(sid="CA1").pk, name="A", number="", body="b", urgency="low")
    answer = ask("get", path, {"q": text, "since": text, "until": text, "sort": text, "outcome": text, "state": text})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()
    assert Call.objects.count() == 4


def test_the_export_holds_what_the_list_shows_and_no_formulas(ask, calls):
    answer = ask("get", "/calls/export.csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "no-store" in answer.headers["Cache-Control"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    callers = {row["Call"]: row["Caller"] for row in rows}
    assert callers["CA1"] == "(415) 555-0199"
    assert callers["CA3"] == "Number withheld"
    assert callers["CA4"] == "'=HYPERLINK(1)"
    assert {row["Call"] for row in rows if row["Test"]} == {"CA3"}
    assert len(list(csv.reader(io.StringIO(ask("get", "/calls/export.csv?outcome=live").content.decode())))) == 2


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_is_never_a_formula(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(("path", "marks"), [("/calls", 1), ("/calls?tests=without", 0), ("/calls/{test}", 1)])
def test_calls_the_business_placed_itself_are_marked(ask, calls, path, marks):
    page = ask("get", path.format(test=Call.objects.get(sid="CA3").pk)).content.decode()
    assert page.count('<span class="badge">Test</span>') == marks


# Questions nobody knew an answer to.


@pytest.fixture
def asked(calls):
    """Puts a declined question into the journal of a call; its event."""

    def journaled(text, sid="CA1", decision="decline"):
        used = {"name": "answer_question", "arguments": {"question": text}, "output": {"decision": decision}}
        call = Call.objects.get(sid=sid)
        journal.append(call.pk, "media", [JournalEvent("tool", used, 0, CallEvent.objects.count() + 1)])
        return CallEvent.objects.latest("pk")

    return journaled


def waiting():
    return [question.text for question in home.home().questions]


def dismiss(event):
    return f"/questions/{getattr(event, 'pk', event)}/done"


def test_a_dismissed_question_stays_away_in_all_its_spellings_and_comes_back(ask, asked):
    asked("Do you mend bikes?")
    asked("Do you sell books?")
    latest = asked("do you MEND  bikes", sid="CA2")
    assert waiting() == ["do you MEND  bikes", "Do you sell books?"]
    answer = ask("post", dismiss(latest), {"done": "1"}, **{"HX-Request": "true"})
    assert (answer.status_code, waiting()) == (204, ["Do you sell books?"])
    assert f'"url": "{dismiss(latest)}"' in answer.headers["HX-Trigger"]
    asked("Do you mend bikes?", sid="CA2")
    ask("post", dismiss(latest))
    assert waiting() == ["Do you sell books?"]
    answer = ask("post", dismiss(latest), {"done": "0"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert len(waiting()) == 2


def test_a_dismissal_lasts_a_week(asked):
    event = asked("Do you mend bikes?")
    DismissedQuestion.objects.create(event=event, dismissed_at=timezone.now() - timedelta(days=8))
    assert waiting() == ["Do you mend bikes?"]


def test_a_question_that_was_written_down_with_its_answer_is_settled(asked):
    asked("Do you mend bikes?")
    faq.save(question="Do you mend bikes", answer="No, we mend teeth.")
    assert waiting() == []


def test_a_question_is_shown_as_words_and_offers_an_answer_only_to_those_who_may_give_one(ask, asked):
    event = asked("<script>alert(1)</script>")
    page = ask("get", "/").content.decode()
    assert "<script>alert" not in page
    assert 'action="/knowledge/faq/new"' in page
    user = User.objects.get(email=BOB.email)
    for role, may_answer, may_dismiss in (("agent", False, True), ("viewer", False, False)):
        Membership.objects.filter(user=user).update(role=role)
        page = ask("get", "/", person=BOB).content.decode()
        assert ("/knowledge/faq/new" in page, dismiss(event) in page) == (may_answer, may_dismiss)
    assert ask("post", dismiss(event), person=BOB).status_code == 403
    assert not DismissedQuestion.objects.exists()


def test_only_questions_without_an_answer_can_be_dismissed(ask, asked):
    event = asked("Do you mend bikes?")
    answered = asked("Are you open?", decision="answer")
    for odd in (answered, 0, 10**30, event.pk + 100):
        assert ask("post", dismiss(odd)).status_code == 404
    assert ask("post", dismiss(event), person=MALLORY).status_code == 404
    assert ask("get", dismiss(event)).status_code == 405
    assert not DismissedQuestion.objects.exists()


# The inbox.


@pytest.fixture
def message(calls):
    return take_message(
        Call.objects.get(sid="CA1").pk, name="Joe Miller", number=CALLER, body="Ring me", urgency="normal"
    )


def done(message):
    return f"/inbox/message/{message.pk}/done"


def test_an_entry_is_put_away_once_and_brought_back(ask, message):
    assert ask("post", done(message), {"done": "1"}, **{"HX-Request": "true"}).status_code == 204
    first = Message.objects.get().done_at
    ask("post", done(message), {"done": "1"})
    assert Message.objects.get().done_at == first
    assert inbox.new_count() == 0
    answer = ask("post", done(message), {"done": "0", "next": "https://evil.example/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert Message.objects.get().done_at is None


def test_the_toast_can_take_it_back(ask, message):
    answer = ask("post", done(message), {"done": "1"}, **{"HX-Request": "true"})
    assert f'"url": "{done(message)}"' in answer.headers["HX-Trigger"]


@pytest.mark.parametrize("text", ["miller", "RING", "555-0199"])
def test_names_words_and_numbers_are_found(message, text):
    assert [item.name for item in inbox.items(text=text)] == ["Joe Miller"]


def test_a_viewer_sees_and_changes_nothing(ask, message):
    user = User.objects.get(email=BOB.email)
    Membership.objects.filter(user=user).update(role="viewer")
    page = ask("get", "/inbox", person=BOB).content.decode()
    assert "Joe Miller" in page
    assert "/done" not in page
    assert ask("post", done(message), {"done": "1"}, person=BOB).status_code == 403
    assert Message.objects.get().done_at is None


def test_what_is_not_there_or_not_ones_own_is_not_found(ask, message):
    for path in (f"/inbox/message/{uuid.uuid4()}/done", f"/inbox/nonsense/{message.pk}/done"):
        assert ask("post", path).status_code == 404
    assert ask("post", f"/inbox/voicemail/{message.pk}/done").status_code == 404
    assert ask("post", done(message), person=MALLORY).status_code == 404
    assert ask("get", done(message)).status_code == 405
    assert Message.objects.get().done_at is None


def test_nothing_changes_without_the_token_against_forged_requests(client_of, message, asked):
    event = asked("Do you mend bikes?")
    signed_in = client_of(ALICE)
    strict = Client(enforce_csrf_checks=True, headers={"host": "alpha.localhost:8000"})
    strict.cookies = signed_in.cookies
    here = connection.tenant
    for path in (done(message), dismiss(event)):
        assert strict.post(path, {"done": "1"}).status_code == 403
    connection.set_tenant(here)
    assert Message.objects.get().done_at is None
    assert not DismissedQuestion.objects.exists()
