"""Tags, filters and helpers that every template leans on."""

from __future__ import annotations

import datetime as dt
import json
from types import SimpleNamespace

import pytest
from django.http import HttpResponse
from django.template import engines
from django.test import RequestFactory
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from common.audio import peaks, ulaw_decode
from common.env import ROOT
from common.errors import Conflict, NoTenant
from common.htmx import HtmxErrorsMiddleware, go_to, toast, wants_partial
from tools import icons


def draw(source: str, locale: str = "en-US", **context: object) -> str:
    request = RequestFactory().get("/calls?q=ann&page=3")
    request.tenant = SimpleNamespace(locale=locale)
    return engines["django"].from_string(source).render(context, request)


def htmx_request(path: str = "/", **headers: str):
    request = RequestFactory().get(path, headers={"HX-Request": "true", **headers})
    request.htmx = HtmxDetails(request)
    return request


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ 75|duration }}", "1:15"),
        ("{{ 3723|duration }}", "1:02:03"),
        ("{{ none|duration }}", "–"),
        ("{{ 9100|clock }}", "0:09"),
        ("{{ 12345|credits }}", "12,345"),
        ("{{ 12.5|money }}", "$12.50"),
        ("{{ '-1234.5'|money:'EUR' }}", "−€1,234.50"),
        ("{{ 3|money:'CHF' }}", "CHF\u00a03.00"),
        ("{{ 'ann.smith@example.com'|initials }}", "AS"),
        ("{{ 'Ann Maria Smith'|initials }}", "AS"),
        ("{{ ''|initials }}", "?"),
    ],
)
def test_figures_read_as_people_write_them(source: str, shown: str) -> None:
    assert draw(source, none=None) == shown


@pytest.mark.parametrize(
    ("number", "locale", "shown"),
    [
        ("+12125550142", "en-US", "(212) 555-0142"),
        ("+12125550142", "en-GB", "+1 212-555-0142"),
        ("+442079460123", "en-GB", "020 7946 0123"),
        ("", "en-US", "Number withheld"),
    ],
)
def test_telephone_numbers_are_national_at_home(number: str, locale: str, shown: str) -> None:
    assert shown in draw("{% phone number %}", locale, number=number)


def test_names_of_callers_cannot_carry_markup() -> None:
    assert "<b>" not in draw("{% phone '+12125550142' name %}", name="<b>Ann</b>")


@pytest.mark.parametrize(
    ("locale", "ago", "shown"),
    [
        ("en-US", dt.timedelta(hours=1), "1:05 PM"),
        ("en-GB", dt.timedelta(hours=1), "13:05"),
        ("en-US", dt.timedelta(days=1), "Yesterday 2:05 PM"),
        ("en-US", dt.timedelta(days=9), "Jun 6, 2:05 PM"),
        ("de-DE", dt.timedelta(days=9), "6 Jun, 14:05"),
        ("en-US", dt.timedelta(days=400), "May 11, 2025"),
    ],
)
def test_times_are_short_in_the_tenants_zone_and_absolute_on_hover(
    locale: str, ago: dt.timedelta, shown: str, time_machine
) -> None:
    with timezone.override("America/New_York"):
        now = dt.datetime(2026, 6, 15, 18, 5, tzinfo=dt.UTC)
        time_machine.move_to(now, tick=False)
        text = draw("{% time at %}", locale, at=now - ago)
    assert f">{shown}</time>" in text
    assert 'title="' in text
    assert "EDT" in text


def test_links_of_a_list_keep_the_search_and_start_paging_anew() -> None:
    assert draw("{% url_with page=4 %}") == "?q=ann&amp;page=4"
    assert draw("{% url_with outcome='voicemail' %}") == "?q=ann&amp;outcome=voicemail"
    assert draw("{% url_with q='' %}") == "?"


def test_words_of_a_turn_share_its_time_without_gaps() -> None:
    words = draw(
        "{% for word in turn|spoken_words %}{{ word.text }} {{ word.start_ms }} {{ word.end_ms }};{% endfor %}",
        turn={"text": "Yes, from nine to one.", "start_ms": 1000, "end_ms": 3000},
    ).split(";")[:-1]
    parsed = [word.split() for word in words]
    assert [text for text, *_ in parsed] == ["Yes,", "from", "nine", "to", "one."]
    assert (parsed[0][1], parsed[-1][2]) == ("1000", "3000")
    assert all(before[2] == after[1] for before, after in zip(parsed, parsed[1:], strict=False))


def test_silence_has_a_flat_outline_and_speech_a_high_one() -> None:
    silence = ulaw_decode(b"\xff" * 800)
    loud = ulaw_decode(b"\x80" * 800)
    assert peaks(silence, 4) == [0, 0, 0, 0]
    assert min(peaks(loud, 4)) > 95
    assert len(peaks(silence[:3], 100)) == 3
    assert peaks(silence[:0], 4) == []


def test_every_icon_named_in_a_template_is_in_the_sprite() -> None:
    sprite = (ROOT / "static" / "icons.svg").read_text()
    named = set()
    for template in (ROOT / "templates").rglob("*.html"):
        for piece in template.read_text().split('icon "')[1:]:
            named.add(piece.split('"')[0])
    assert len(named) > 10
    assert {name for name in named if f'<symbol id="{name}"' not in sprite} == set()
    assert sprite.count("<symbol") == len(set(icons.NAMES))


def test_boosted_links_and_restored_history_get_the_whole_page() -> None:
    assert wants_partial(htmx_request())
    assert not wants_partial(htmx_request(**{"HX-Boosted": "true"}))
    assert not wants_partial(htmx_request(**{"HX-History-Restore-Request": "true"}))
    assert not wants_partial(RequestFactory().get("/"))


def test_toast_travels_in_a_header() -> None:
    answer = toast(HttpResponse(), "Größe gespeichert.", "good")
    assert json.loads(answer["HX-Trigger"]) == {"toast": {"text": "Größe gespeichert.", "tone": "good"}}


def test_redirect_moves_the_page_for_htmx_and_for_forms() -> None:
    assert go_to(htmx_request(), "/calls")["HX-Redirect"] == "/calls"
    plain = go_to(RequestFactory().get("/"), "/calls")
    assert (plain.status_code, plain["Location"]) == (302, "/calls")


@pytest.mark.parametrize(
    ("location", "moved_to"),
    [
        ("/login?next=/fragment", "/login?next=%2Fcalls%3Fq%3D1"),
        ("http://localhost:8000/handover/alpha", "http://localhost:8000/handover/alpha"),
    ],
)
def test_redirect_out_of_the_tenant_moves_the_whole_page(location: str, moved_to: str) -> None:
    def view(request):
        answer = HttpResponse(status=302, headers={"Location": location})
        answer.set_cookie("state", "kept")
        return answer

    request = htmx_request(**{"HX-Current-URL": "http://testserver/calls?q=1"})
    answer = HtmxErrorsMiddleware(view)(request)
    assert (answer.status_code, answer["HX-Redirect"]) == (200, moved_to)
    assert answer.cookies["state"].value == "kept"


def test_other_redirects_are_followed_by_htmx_itself() -> None:
    answer = HtmxErrorsMiddleware(lambda request: HttpResponse(status=302, headers={"Location": "/calls"}))(
        htmx_request()
    )
    assert (answer.status_code, answer["Location"]) == (302, "/calls")


def test_bugs_are_never_dressed_up_as_expected_errors() -> None:
    middleware = HtmxErrorsMiddleware(lambda request: HttpResponse())
    assert middleware.process_exception(htmx_request(), NoTenant("no tenant")) is None
    assert middleware.process_exception(htmx_request(), ValueError("x")) is None
    said = middleware.process_exception(htmx_request(), Conflict("This call has already ended."))
    assert said is not None
    assert (said.status_code, "already ended" in said["HX-Trigger"]) == (409, True)
