"""Signing in at the root host and being handed over to a tenant's."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from common.kv import redis_sync
from tenants.models import Membership, User
from tenants.sessions import TICKET_SECONDS, local_path
from tests.cast import ALICE, ALPHA, BETA, BOB, MALLORY, PASSWORD
from tests.tenants.browser import Browser

pytestmark = pytest.mark.django_db


def test_a_member_of_one_business_ends_up_on_its_pages(browser) -> None:
    answer = browser.sign_in(ALICE)
    assert (answer.status_code, browser.url) == (200, "http://alpha.localhost:8000/")
    assert ALPHA.name.encode() in answer.content


def test_the_landing_page_leads_who_is_signed_in_to_the_own_desk(browser) -> None:
    page = browser.get("http://localhost:8000/").content.decode()
    assert 'href="/login"' in page and 'href="/signup"' in page and "To my desk" not in page
    browser.sign_in(ALICE)
    page = browser.get("http://localhost:8000/").content.decode()
    assert 'href="/businesses">To my desk</a>' in page
    assert 'href="/login"' not in page and 'href="/signup"' not in page
    browser.get("http://localhost:8000/businesses")
    assert browser.url == "http://alpha.localhost:8000/"


def test_a_member_of_several_chooses(browser, other_tenant) -> None:
    Membership.objects.create(user=User.objects.get(email=ALICE.email), tenant_id=other_tenant.id, role="viewer")
    answer = browser.sign_in(ALICE)
    assert browser.url == "http://localhost:8000/businesses"
    assert b"http://beta.localhost:8000/login" in answer.content
    assert browser.get("http://beta.localhost:8000/login").status_code == 200
    assert browser.url == "http://beta.localhost:8000/"


def test_a_page_of_the_business_asks_to_sign_in_and_comes_back_to_itself(browser) -> None:
    answer = browser.get("http://alpha.localhost:8000/calls?page=2")
    assert urlsplit(browser.url).path == "/login"
    assert urlsplit(browser.url).netloc == "localhost:8000"
    wanted = parse_qs(urlsplit(browser.url).query)["next"][0]
    assert b'name="next"' in answer.content
    browser.sign_in(ALICE, next=wanted)
    assert browser.url == "http://alpha.localhost:8000/calls?page=2"


def test_e_mail_addresses_are_the_same_in_any_case(browser) -> None:
    browser.post("http://localhost:8000/login", {"login": " ALICE@Alpha.Example", "password": PASSWORD})
    assert browser.url == "http://alpha.localhost:8000/"


@pytest.mark.parametrize("data", [{"password": "wrong"}, {"login": "nobody@x.example"}])
def test_a_wrong_password_and_an_unknown_address_look_the_same(browser, data) -> None:
    answer = browser.post("http://localhost:8000/login", {"login": ALICE.email, "password": PASSWORD, **data})
    assert answer.status_code == 422
    assert b"do not match" in answer.content
    assert "sessionid" not in browser.at("localhost:8000").cookies


def test_somebody_who_was_deactivated_can_not_sign_in(browser) -> None:
    User.objects.filter(email=ALICE.email).update(is_active=False)
    browser.sign_in(ALICE)
    assert browser.url == "http://localhost:8000/login/inactive"
    assert browser.get("http://localhost:8000/businesses").status_code == 200
    assert urlsplit(browser.url).path == "/login"


def test_guessing_passwords_is_slowed_down(browser) -> None:
    for _ in range(10):
        assert browser.sign_in(ALICE, "wrong").status_code == 422
    assert browser.sign_in(ALICE).status_code == 429
    assert browser.sign_in(BOB).status_code == 200  # another person on the same line is not locked out


def test_signing_in_often_is_not_guessing(browser) -> None:
    for _ in range(15):
        assert Browser().sign_in(ALICE).status_code == 200
    for _ in range(10):
        assert browser.sign_in(ALICE, "wrong").status_code == 422
    assert browser.sign_in(ALICE).status_code == 429


def test_a_stranger_elsewhere_does_not_lock_a_person_out(browser) -> None:
    elsewhere = Client(headers={"host": "localhost:8000"}, REMOTE_ADDR="203.0.113.9")
    for _ in range(11):
        answer = elsewhere.post("/login", {"login": ALICE.email, "password": "wrong"})
    assert answer.status_code == 429
    assert browser.sign_in(ALICE).status_code == 200


def test_many_machines_guessing_one_password_are_stopped_too(browser) -> None:
    for machine in range(61):
        client = Client(headers={"host": "localhost:8000"}, REMOTE_ADDR=f"203.0.113.{machine}")
        answer = client.post("/login", {"login": ALICE.email, "password": "wrong"})
    assert answer.status_code == 429


def test_no_address_is_kept_by_the_counters(browser) -> None:
    browser.sign_in(ALICE, "wrong")
    for key in redis_sync().keys("login:*"):
        assert b"alice" not in key
        assert b"127.0.0.1" not in key
        assert 0 < redis_sync().ttl(key) <= 900


def test_cookies_stay_on_their_host_and_out_of_reach_of_scripts(browser) -> None:
    browser.sign_in(ALICE)
    for host in ("localhost:8000", "alpha.localhost:8000"):
        cookie = browser.at(host).cookies["sessionid"]
        assert cookie["domain"] == ""
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"


def ticket_address(browser: Browser) -> str:
    """Stop right before the ticket is used."""
    browser.post("http://localhost:8000/login", {"login": ALICE.email, "password": PASSWORD}, follow=False)
    first = browser.get("http://alpha.localhost:8000/login", follow=False)
    return browser.get(first["Location"], follow=False)["Location"]


def test_a_ticket_works_once(browser) -> None:
    address = ticket_address(browser)
    assert browser.get(address, follow=False).status_code == 302
    assert browser.get(address, follow=False).status_code == 403


def test_a_ticket_is_used_up_by_a_failed_attempt_too(browser) -> None:
    address = ticket_address(browser)
    assert Browser().get(address, follow=False).status_code == 403
    assert browser.get(address, follow=False).status_code == 403


def test_a_ticket_lives_for_half_a_minute(browser) -> None:
    ticket_address(browser)
    (key,) = redis_sync().keys("ticket:*")
    assert 0 < redis_sync().ttl(key) <= TICKET_SECONDS == 30


def test_a_leaked_address_is_worthless_in_another_browser(browser) -> None:
    address = ticket_address(browser)
    thief = Browser()
    thief.get("http://alpha.localhost:8000/login", follow=False)  # has a state cookie, of its own
    assert thief.get(address, follow=False).status_code == 403


def test_a_planted_link_signs_nobody_in_as_the_attacker(browser) -> None:
    planted = ticket_address(browser)  # alice is the attacker here
    victim = Browser()
    assert victim.get(planted, follow=False).status_code == 403
    assert "sessionid" not in victim.at("alpha.localhost:8000").cookies


def test_a_ticket_of_one_business_is_worthless_at_another(browser, other_tenant) -> None:
    Membership.objects.create(user=User.objects.get(email=ALICE.email), tenant_id=other_tenant.id, role="viewer")
    address = ticket_address(browser)
    elsewhere = address.replace("alpha.", "beta.")
    browser.at("beta.localhost:8000").cookies["handover"] = browser.at("alpha.localhost:8000").cookies["handover"].value
    assert browser.get(elsewhere, follow=False).status_code == 403


def test_a_membership_that_ends_before_the_ticket_is_used_ends_it(browser) -> None:
    address = ticket_address(browser)
    Membership.objects.filter(user__email=ALICE.email).delete()
    assert browser.get(address, follow=False).status_code == 403


def test_nobody_is_handed_over_to_a_business_that_is_not_theirs(browser) -> None:
    browser.sign_in(MALLORY)
    answer = browser.get(f"http://localhost:8000/handover/alpha?state={'0' * 64}", follow=False)
    assert answer.status_code == 404
    missing = browser.get(f"http://localhost:8000/handover/no-such-business?state={'0' * 64}", follow=False)
    assert missing.status_code == 404  # whether it exists is not told


@pytest.mark.parametrize("state", ["", "short", "x" * 65])
def test_a_handover_needs_a_browser_to_be_bound_to(browser, state) -> None:
    browser.sign_in(ALICE)
    assert browser.get(f"http://localhost:8000/handover/alpha?state={state}", follow=False).status_code == 404


def test_a_session_cookie_carried_to_another_host_is_nobodys(browser, other_tenant) -> None:
    Membership.objects.create(user=User.objects.get(email=ALICE.email), tenant_id=other_tenant.id, role="viewer")
    ticket = ticket_address(browser)
    browser.get(ticket)
    for source in ("localhost:8000", "alpha.localhost:8000"):
        stolen = Client(headers={"host": BETA.host})
        stolen.cookies["sessionid"] = browser.at(source).cookies["sessionid"].value
        assert stolen.get("/").status_code == 302
    root = Client(headers={"host": "localhost:8000"})
    root.cookies["sessionid"] = browser.at("alpha.localhost:8000").cookies["sessionid"].value
    assert urlsplit(root.get("/businesses")["Location"]).path == "/login"


def test_signing_out_of_a_business_signs_out_of_the_root_host_too(browser) -> None:
    browser.sign_in(ALICE)
    browser.post("http://alpha.localhost:8000/logout", {})
    assert browser.url == "http://localhost:8000/login"
    assert not Session.objects.exists()
    browser.get("http://alpha.localhost:8000/")
    assert browser.url.startswith("http://localhost:8000/login")


def test_signing_out_needs_a_post() -> None:
    assert Client(headers={"host": ALPHA.host}).get("/logout").status_code == 405


def test_forged_sign_ins_are_refused() -> None:
    client = Client(enforce_csrf_checks=True, headers={"host": "localhost:8000"})
    assert client.post("/login", {"login": ALICE.email, "password": PASSWORD}).status_code == 403


def test_the_session_key_changes_with_the_sign_in(browser) -> None:
    client = browser.at("localhost:8000")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = session.session_key
    browser.sign_in(ALICE)
    assert client.cookies["sessionid"].value != session.session_key


OUTSIDE = ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)"] + [
    "http:///evil.example",
    "/\t/evil.example",
    "evil.example",
    "",
]


@pytest.mark.parametrize("target", OUTSIDE)
def test_no_sign_in_ever_redirects_to_another_host(browser, target) -> None:
    browser.sign_in(ALICE, next=target)
    assert urlsplit(browser.url).netloc in {"localhost:8000", "alpha.localhost:8000"}
    browser.get(f"http://alpha.localhost:8000/login?next={target}")
    assert urlsplit(browser.url).netloc == "alpha.localhost:8000"


@given(st.text(alphabet="/\\:.@\t\r\n ?#aé%2f", max_size=12))
def test_a_local_path_is_local_to_every_browser(text) -> None:
    path = local_path(text)
    assert path.startswith("/")
    # What browsers make of it: backslashes are slashes; tabs and newlines vanish, spaces at the start too.
    seen = "".join(c for c in path if c not in "\t\r\n").lstrip().replace("\\", "/")
    assert not seen.startswith("//")


def test_only_members_see_a_business(client_of) -> None:
    assert client_of(ALICE).get("/").status_code == 200
    assert client_of(MALLORY).get("/").status_code == 404
    assert client_of(None).get("/").status_code == 302


def test_the_role_is_read_on_each_request(client_of) -> None:
    client = client_of(ALICE)
    assert client.get("/").status_code == 200
    Membership.objects.filter(user__email=ALICE.email).delete()
    assert client.get("/").status_code == 404


def test_htmx_is_sent_to_the_sign_in_page_as_a_whole(client_of) -> None:
    answer = client_of(None).get("/", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer["HX-Redirect"].startswith("/login")


# -- forms that could not be sent --------------------------------------------------------------------------------------

FORM = "http://alpha.localhost:8000/knowledge/new?kind=faq&unsent=1"


def refused_form(referer: str, **headers: str):
    client = Client(headers={"host": ALPHA.host, "referer": referer, **headers})
    return client.post("/settings", {"name": "Typed for an hour"})


def test_a_form_of_somebody_signed_out_leads_back_to_its_page_for_what_was_typed(browser) -> None:
    location = refused_form(FORM)["Location"]
    assert parse_qs(urlsplit(location).query)["next"] == ["/knowledge/new?kind=faq&unsent=1"]
    answer = browser.get(f"http://{ALPHA.host}{location}")
    said = re.sub(r"<[^>]+>", "", answer.content.decode())
    assert "You were signed out. Sign in, and what you typed is still here." in said
    browser.sign_in(ALICE, next=parse_qs(urlsplit(browser.url).query)["next"][0])
    assert browser.url == f"http://{ALPHA.host}/knowledge/new?kind=faq&unsent=1"


def test_the_whole_page_is_moved_where_htmx_sent_the_form() -> None:
    answer = refused_form(FORM, hx_request="true")
    assert answer["HX-Redirect"].endswith("next=%2Fknowledge%2Fnew%3Fkind%3Dfaq%26unsent%3D1")


@pytest.mark.parametrize(
    "referer",
    ["", "https://evil.example/settings", "http://[", f"http://{ALPHA.host}@evil.example/", f"//{ALPHA.host}:1/"],
)
def test_no_other_page_is_taken_for_that_of_the_form(referer) -> None:
    assert refused_form(referer)["Location"] == "/login?next=%2F"


def test_a_page_of_this_host_never_leads_to_another() -> None:
    assert refused_form(f"http://{ALPHA.host}//evil.example")["Location"] == "/login?next=%2F%3Funsent%3D1"


@pytest.mark.parametrize("target", ["http://[", "/calls?q=unsent", "//x?unsent=1"])
def test_only_a_form_that_waits_is_spoken_of(browser, target) -> None:
    answer = browser.get(f"http://localhost:8000/login?{urlencode({'next': target})}")
    assert answer.status_code == 200
    assert b"what you typed" not in answer.content


def test_a_form_with_a_stale_token_leads_back_to_its_page(client_of) -> None:
    client = client_of(ALICE)
    client.handler.enforce_csrf_checks = True
    answer = client.post("/settings", {"name": "Typed for an hour"}, headers={"referer": FORM})
    assert answer.status_code == 403
    said = answer.content.decode()
    assert 'href="/knowledge/new?kind=faq&amp;unsent=1"' in said
    assert "Back to the form" in said and "reload" not in said
    moved = client.post("/settings", {}, headers={"referer": FORM, "hx-request": "true"})
    assert (moved.status_code, moved["HX-Redirect"]) == (403, "/knowledge/new?kind=faq&unsent=1")
    elsewhere = client.post("/settings", {}, headers={"referer": "https://evil.example/settings"}).content.decode()
    assert "evil" not in elsewhere and "Back to the start" in elsewhere


@pytest.mark.parametrize(
    ("wanted", "place"), [("", "/businesses"), ("/account", "/account"), ("https://evil.example", "/")]
)
def test_a_sign_in_left_open_leads_on_whoever_signed_in_elsewhere(browser, wanted, place) -> None:
    browser.sign_in(ALICE)
    client = browser.at("localhost:8000")
    client.handler.enforce_csrf_checks = True
    sent = {"login": ALICE.email, "password": PASSWORD, "next": wanted}
    answer = client.post("/login", sent)
    assert (answer.status_code, answer["Location"]) == (302, place)
