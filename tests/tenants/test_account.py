"""One's own account: second factor, password, sessions."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail

from tenants.models import AuditEvent, User
from tests.cast import ALICE, PASSWORD
from tests.tenants.browser import ROOT, Browser, link_in_mail

pytestmark = pytest.mark.django_db
ON = f"{ROOT}/account/second-factor/on"


def code_of(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238)."""
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


@pytest.fixture
def alice(browser) -> Browser:
    user = User.objects.get(email=ALICE.email)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    browser.sign_in(ALICE)
    return browser


def switch_on(browser: Browser) -> tuple[str, list[str]]:
    """The secret and the recovery codes."""
    browser.get(ON)
    assert urlsplit(browser.url).path == "/account/confirm", "a session that was left open is not enough"
    page = browser.post(browser.url, {"password": PASSWORD}).content.decode()
    secret = re.search(r'id="secret" value="([A-Z2-7]+)"', page)[1]
    answer = browser.post(ON, {"code": code_of(secret)})
    assert urlsplit(browser.url).path == "/account/second-factor/codes"
    return secret, re.findall(r"<li>(\d{8})</li>", answer.content.decode())


def test_a_second_factor_is_asked_for_after_the_password(alice) -> None:
    secret, codes = switch_on(alice)
    assert len(codes) == 10
    fresh = Browser()
    fresh.sign_in(ALICE, next="/handover/alpha?state=" + "0" * 64)
    assert urlsplit(fresh.url).path == "/login/code"
    assert urlsplit(fresh.get(f"{ROOT}/businesses", follow=False)["Location"]).path == "/login", "not in yet"
    wrong = fresh.post(f"{ROOT}/login/code", {"code": "000000"})
    assert b"This code is not right" in wrong.content
    # The code that switched it on is used up; the recovery code of the next test is another way.
    from django.core.cache import cache

    cache.clear()
    fresh.post(f"{ROOT}/login/code", {"code": code_of(secret)}, follow=False)
    assert fresh.get(f"{ROOT}/account").status_code == 200
    assert urlsplit(fresh.url).path == "/account"


def test_a_recovery_code_works_once(alice) -> None:
    _, codes = switch_on(alice)
    for expected in (200, 302):
        fresh = Browser()
        fresh.sign_in(ALICE)
        fresh.post(f"{ROOT}/login/code", {"code": codes[0]}, follow=False)
        assert fresh.get(f"{ROOT}/account", follow=False).status_code == expected


def test_guessing_codes_is_stopped(alice) -> None:
    switch_on(alice)
    fresh = Browser()
    fresh.sign_in(ALICE)
    answers = [fresh.post(f"{ROOT}/login/code", {"code": f"{number:06}"}).content for number in range(6)]
    assert b"Too many" in answers[-1]


def test_the_secret_is_sealed_and_noted_and_told_by_mail(alice, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        secret, codes = switch_on(alice)
    stored = repr(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert all(code not in stored for code in codes)
    assert AuditEvent.objects.filter(action="user.factor_added").exists()
    assert any("Something was changed" in str(told.body) for told in mail.outbox)


def test_it_is_switched_off_again(alice) -> None:
    switch_on(alice)
    off = f"{ROOT}/account/second-factor/off"
    assert b"Switch the second factor off?" in alice.get(off).content
    alice.post(off, {})
    assert not Authenticator.objects.exists()
    fresh = Browser()
    fresh.sign_in(ALICE)
    assert fresh.url == "http://alpha.localhost:8000/"


def test_changing_it_asks_for_the_password_first(alice) -> None:
    alice.get(ON)
    confirm = alice.url
    assert b"Incorrect password" in alice.post(confirm, {"password": "wrong"}).content
    assert not Authenticator.objects.exists()
    evil = f"{ROOT}/account/confirm?next=https://evil.example"
    answer = alice.post(evil, {"password": PASSWORD}, follow=False)
    assert answer["Location"].startswith("/")


def test_it_needs_an_address_that_is_confirmed(browser) -> None:
    user = User.objects.get(email=ALICE.email)
    EmailAddress.objects.create(user=user, email=user.email, verified=False, primary=True)
    browser.sign_in(ALICE)
    browser.get(ON)
    assert urlsplit(browser.url).path == "/account"
    browser.post(f"{ROOT}/account/verify", {})
    assert "/account/verify/" in link_in_mail()


# -- password ----------------------------------------------------------------------------------------------------------


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(browser) -> None:
    elsewhere = Browser()
    elsewhere.sign_in(ALICE)
    browser.post(f"{ROOT}/password/forgotten", {"email": ALICE.email})
    assert urlsplit(browser.url).path == "/password/forgotten/mail"
    link = link_in_mail()
    browser.get(link)
    new = "nine purple geese"
    browser.post(browser.url, {"password1": new, "password2": new})
    assert urlsplit(browser.url).path == "/password/new/done"
    assert urlsplit(elsewhere.get(f"{ROOT}/account", follow=False)["Location"]).path == "/login"
    assert browser.sign_in(ALICE).status_code == 422
    assert browser.sign_in(ALICE, new).status_code == 200
    assert b"no longer works" in Browser().get(link).content
    assert AuditEvent.objects.filter(action="user.password_changed").exists()


def test_whether_an_address_has_an_account_is_not_told(browser) -> None:
    known = browser.post(f"{ROOT}/password/forgotten", {"email": ALICE.email})
    unknown = browser.post(f"{ROOT}/password/forgotten", {"email": "nobody@nowhere.example"})
    strip = re.compile(rb"(value|X-CSRFToken)[^>]*>")
    assert strip.sub(b"", known.content) == strip.sub(b"", unknown.content)
    assert [told.to for told in mail.outbox] == [[ALICE.email]]


@pytest.mark.parametrize("key", ["1-wrong", "zzzzzzzzzz-x", "1-set-password", "zzzzzzzzzzzzz-x"])
def test_a_made_up_link_says_what_to_do(browser, key) -> None:
    answer = browser.get(f"{ROOT}/password/new/{key}")
    assert b"no longer works" in answer.content


def test_a_changed_password_ends_other_sessions(alice) -> None:
    elsewhere = Browser()
    elsewhere.sign_in(ALICE)
    new = "nine purple geese"
    page = f"{ROOT}/account/password"
    assert b"current password" in alice.post(page, {"oldpassword": "wrong", "password1": new, "password2": new}).content
    alice.post(page, {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert urlsplit(alice.url).path == "/account"
    for host in ("localhost:8000", "alpha.localhost:8000"):
        answer = elsewhere.get(f"http://{host}/{'account' if host == 'localhost:8000' else ''}", follow=False)
        assert urlsplit(answer["Location"]).path == "/login"


# -- sessions ----------------------------------------------------------------------------------------------------------


def test_sessions_are_listed_and_ended(alice) -> None:
    elsewhere = Browser()
    elsewhere.sign_in(ALICE)
    page = alice.get(f"{ROOT}/account").content.decode()
    assert page.count("This browser") == 1
    assert "</time> UTC" in page
    assert len(re.findall(r"/account/sessions/\d+/end", page)) == 1, "one entry a sign-in, none to end one's own"
    assert "Alpha Dental" in page
    alice.post(f"{ROOT}/account/sessions/end", {})
    assert alice.get(f"{ROOT}/account", follow=False).status_code == 200
    for path in (f"{ROOT}/account", "http://alpha.localhost:8000/"):
        assert elsewhere.get(path, follow=False).status_code == 302
    assert Session.objects.count() == 2, "this browser stays signed in to the account and to the business"


def test_one_sign_in_is_ended_with_every_business_it_opened(alice) -> None:
    gone, kept = Browser(), Browser()
    kept.sign_in(ALICE)
    gone.sign_in(ALICE)
    (newest, _) = re.findall(r"/account/sessions/\d+/end", alice.get(f"{ROOT}/account").content.decode())
    answer = alice.post(f"{ROOT}{newest}", {})
    assert b"You are signed out there." in answer.content
    for path in (f"{ROOT}/account", "http://alpha.localhost:8000/"):
        assert gone.get(path, follow=False).status_code == 302
        assert kept.get(path, follow=False).status_code == 200
    assert alice.post(f"{ROOT}{newest}", {}).status_code == 404
    assert AuditEvent.objects.filter(action="user.sessions_ended").count() == 1


@pytest.mark.parametrize("number", ["0", "99999999999999999999"])
def test_a_sign_in_of_nobody_or_somebody_else_is_not_ended(alice, number) -> None:
    from tests.cast import MALLORY

    other = Browser()
    other.sign_in(MALLORY)
    theirs = UserSession.objects.filter(user__email=MALLORY.email).first().pk
    for wanted in (number, theirs):
        assert alice.post(f"{ROOT}/account/sessions/{wanted}/end", {}).status_code == 404
    assert other.get(f"{ROOT}/account", follow=False).status_code == 200


def test_the_account_belongs_to_the_root_host(client_of) -> None:
    from tests.cast import ALPHA

    for path in ("/account", "/account/password", "/account/second-factor/on", "/password/forgotten"):
        assert client_of(ALICE, ALPHA).get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["", "/password", "/confirm", "/confirm/code", "/second-factor/on", "/second-factor/off"]
    + ["/second-factor/codes", "/second-factor/codes/new", "/second-factor/codes/file"],
)
def test_strangers_are_asked_to_sign_in(browser, path) -> None:
    answer = browser.get(f"{ROOT}/account{path}", follow=False)
    assert answer.status_code == 302
    assert urlsplit(answer["Location"]).path == "/login"
