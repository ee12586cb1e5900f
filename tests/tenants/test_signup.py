"""Signing up at the root host: a working business, its owner signed in, and nothing told to strangers."""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from tenants.models import AuditEvent, Membership, Tenant, User
from tenants.provisioning import refill_pool
from tests.cast import ALICE, ALPHA, PASSWORD
from tests.tenants.browser import ROOT, Browser, link_in_mail

pytestmark = pytest.mark.django_db

NEW = {
    "name": "Café Übermut & Co.",
    "slug": "",
    "profession": "dentist",
    "email": "Nora@Uebermut.example",
    "password": "seven green ducks",
}


@pytest.fixture(autouse=True)
def _ready_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    from tenants import numbers, provisioning

    monkeypatch.setattr(provisioning, "_steps", {})
    monkeypatch.setattr(numbers, "_setups", [])
    monkeypatch.setattr(numbers, "_sources", [], raising=False)
    monkeypatch.setattr(provisioning, "_refill_behind", lambda: None)
    refill_pool(1)


def sign_up(browser: Browser, *, follow: bool = True, **changes: str):
    return browser.post(f"{ROOT}/signup", {**NEW, **changes}, follow=follow)


def test_one_form_makes_a_business_and_signs_its_owner_in(browser) -> None:
    started = time.perf_counter()
    answer = sign_up(browser, follow=False)
    assert time.perf_counter() - started < 1
    assert answer["Location"] == "http://cafe-ubermut-co.localhost:8000/login?next=/welcome"
    tenant = Tenant.objects.get(slug="cafe-ubermut-co")
    assert (tenant.name, tenant.profession, tenant.status, tenant.setup_step) == (
        NEW["name"],
        "dentist",
        "active",
        "hours",
    )
    assert Membership.objects.get(tenant=tenant).role == "owner"
    assert not tenant.api_keys.exists(), "a key that nobody was shown"
    assert browser.get(answer["Location"], follow=False).status_code == 302
    browser.get(answer["Location"])
    assert urlsplit(browser.url).netloc == "cafe-ubermut-co.localhost:8000"
    assert urlsplit(browser.url).path.startswith("/welcome")
    owner = User.objects.get(email="nora@uebermut.example")
    actions = set(AuditEvent.objects.filter(actor_ref=owner.pk).values_list("action", flat=True))
    assert {"user.signed_up", "user.signed_in", "tenant.created"} <= actions


def test_the_address_is_confirmed_by_a_link_and_until_then_only_asked_for(browser) -> None:
    sign_up(browser)
    assert mail.outbox[0].to == ["nora@uebermut.example"]
    address = EmailAddress.objects.get(email="nora@uebermut.example")
    assert not address.verified
    page = browser.get(f"{ROOT}/account")
    assert b"Not confirmed" in page.content
    link = link_in_mail(0)
    assert link.startswith(f"{ROOT}/account/verify/")
    assert browser.get(link).status_code == 200
    address.refresh_from_db()
    assert not address.verified, "mail scanners open links"
    browser.post(link, {})
    address.refresh_from_db()
    assert address.verified
    assert b"no longer works" in browser.get(link).content
    assert AuditEvent.objects.filter(action="user.email_verified").exists()


def test_links_in_mails_name_the_platform_whatever_host_header_came(browser) -> None:
    client = Client(headers={"host": "localhost:6666"})
    client.post("/signup", NEW)
    assert link_in_mail(0).startswith(f"{ROOT}/account/verify/")


def test_who_has_an_account_is_led_to_sign_in_and_finds_again_what_was_typed(browser) -> None:
    page = sign_up(browser, email=ALICE.email).content.decode()
    assert browser.url == f"{ROOT}/login?next=/signup"
    assert "There is an account with this address." in page
    assert ALICE.email in page and "Café Übermut &amp; Co." in page
    assert not Tenant.objects.filter(slug="cafe-ubermut-co").exists()
    assert not mail.outbox
    browser.get(f"{ROOT}/businesses")
    assert urlsplit(browser.url).path == "/login", "nobody is signed in by signing up"
    browser.sign_in(ALICE, next="/signup")
    page = browser.get(f"{ROOT}/signup").content.decode()
    assert 'value="Café Übermut &amp; Co."' in page and 'value="dentist" selected' in page
    fields = {field: NEW.get(field, "") for field in ("name", "slug", "profession")}
    browser.post(f"{ROOT}/signup", fields, follow=False)
    assert Membership.objects.get(tenant__slug="cafe-ubermut-co").user.email == ALICE.email
    assert 'value="Café' not in browser.get(f"{ROOT}/signup").content.decode()


def test_the_password_of_an_account_is_not_guessed_at_the_sign_up(browser) -> None:
    right = sign_up(browser, email=ALICE.email, password=PASSWORD, follow=False)
    wrong = sign_up(browser, email=ALICE.email, password="something else 12", follow=False)
    assert right["Location"] == wrong["Location"] == "/login?next=/signup"


def test_two_sign_ups_with_one_address_at_once_do_not_share_an_account(browser, other_tenant, monkeypatch) -> None:
    from tenants.account import views

    real = views.create_tenant

    def overtaken(**asked: str) -> object:
        user = User.objects.create_user(asked["owner_email"], "the other one's password")
        Membership.objects.create(user=user, tenant_id=other_tenant.id, role="owner")
        return real(**asked)

    monkeypatch.setattr(views, "create_tenant", overtaken)
    assert sign_up(browser, follow=False)["Location"] == "/login"
    assert "sessionid" not in browser.at("localhost:8000").cookies


@pytest.mark.parametrize(
    ("zone", "accepted", "stored"),
    [
        ("Europe/Berlin", "de-DE,de;q=0.9,en-US;q=0.8", ("Europe/Berlin", "de-DE")),
        ("Europe/Vienna", "de-AT", ("Europe/Vienna", "de-AT")),
        ("Asia/Calcutta", "en-IN", ("Asia/Calcutta", "en-IN")),
        ("Europe/Paris", "fr,en-US;q=0.5", ("Europe/Paris", "fr-FR")),
        ("UTC", "en-GB;q=0.5,en-AU", ("America/New_York", "en-AU")),
        ("", "", ("America/New_York", "en-US")),
        ("Mars/Olympus", "tlh-KX", ("America/New_York", "en-US")),
        ("../../etc/passwd", "<script>", ("America/New_York", "en-US")),
        ("zero\x00byte", "de" * 5000, ("America/New_York", "en-US")),
        ("x" * 10_000, "*", ("America/New_York", "en-US")),
    ],
)
def test_a_business_begins_in_the_browsers_time_zone_and_country_where_settings_offer_them(
    zone, accepted, stored
) -> None:
    client = Client(headers={"host": "localhost:8000", "accept-language": accepted})
    assert b'<input type="hidden" name="timezone"' in client.get("/signup").content
    assert client.post("/signup", {**NEW, "timezone": zone}).status_code == 302
    row = Tenant.objects.get(slug="cafe-ubermut-co")
    assert (row.timezone, row.locale) == stored


def test_somebody_who_is_signed_in_adds_another_business_without_a_password(browser) -> None:
    browser.sign_in(ALICE)
    page = browser.get(f"{ROOT}/signup")
    assert b'name="password"' not in page.content
    answer = browser.post(f"{ROOT}/signup", {"name": "Second", "slug": "second", "profession": "generic"}, follow=False)
    assert answer["Location"] == "http://second.localhost:8000/login?next=/welcome"
    assert Membership.objects.get(tenant__slug="second").user.email == ALICE.email
    assert browser.sign_in(ALICE, PASSWORD).status_code == 200, "the password stayed"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "required"),
        ("name", "x" * 121, "at most 120"),
        ("name", "zero\x00byte", "Null characters"),
        ("slug", "alpha", "Free is: alpha-2"),
        ("slug", "admin", "Free is: admin-2"),
        ("slug", "-no-", "Free is: no"),
        ("slug", "x" * 41, "at most 40"),
        ("profession", "pirate", "not one of the available choices"),
        ("email", "not an address", "valid email"),
        ("email", f"{'x' * 260}@example.com", "at most 254"),
        ("password", "short", "too short"),
        ("password", "12345678901234", "entirely numeric"),
        ("password", "nora@uebermut", "too similar"),
    ],
)
def test_what_can_not_be_used_is_said_and_what_was_typed_is_kept(browser, field, value, said) -> None:
    answer = sign_up(browser, **{field: value})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    kept = {"name": "Café Übermut &amp; Co.", "email": "Nora@Uebermut.example"}
    assert all(text in page for name, text in kept.items() if name != field)
    assert NEW["password"] not in page
    assert not Membership.objects.filter(user__email__iexact=NEW["email"]).exists()


def test_the_address_of_the_desk_is_shown_with_its_suffix_and_judged_in_plain_words(browser) -> None:
    page = browser.get(f"{ROOT}/signup").content.decode()
    assert "Address of your desk" in page and ">.localhost:8000</span>" in page
    for slug, said in {"a--": "An address is 1 to 40", "ab--c": "An address can&#x27;t", "alpha": "taken"}.items():
        page = sign_up(browser, slug=slug).content.decode()
        words = re.sub(r"<[^>]+>", " ", page)
        assert said in words and "slug" not in words
        assert f'value="{slug}"' in page


def test_script_text_stays_text(browser) -> None:
    answer = sign_up(browser, name="<script>alert(1)</script>", slug="alpha")
    assert b"<script>alert(1)" not in answer.content
    assert b"&lt;script&gt;alert(1)" in answer.content


def test_a_name_that_has_no_letters_for_an_address_still_gets_one(browser) -> None:
    assert sign_up(browser, name="☎", follow=False)["Location"].startswith("http://business.localhost:8000/")


def test_businesses_of_one_name_get_addresses_of_their_own(browser) -> None:
    assert sign_up(browser, name="Alpha", follow=False)["Location"].startswith("http://alpha-2.localhost:8000/")


def test_sign_ups_are_throttled(browser) -> None:
    for _ in range(10):
        assert sign_up(browser, password="short").status_code == 422
    answer = sign_up(browser)
    assert answer.status_code == 429
    assert b"Too many attempts" in answer.content
    assert not User.objects.filter(email="nora@uebermut.example").exists()


def test_sign_up_is_closed_on_the_hosts_of_businesses(client_of) -> None:
    assert client_of(None, ALPHA).get("/signup").status_code == 404
    assert client_of(None, ALPHA).post("/signup", NEW).status_code == 404


def test_forged_sign_ups_are_refused() -> None:
    client = Client(enforce_csrf_checks=True, headers={"host": "localhost:8000"})
    assert client.post("/signup", NEW).status_code == 403


def test_a_sign_up_that_fails_half_way_leaves_nothing(browser, monkeypatch) -> None:
    from common.errors import Unavailable
    from tenants import provisioning

    def fail(tenant: Tenant, profile: object) -> None:
        raise Unavailable("something is away")

    provisioning.register_step("failing", fail)
    answer = sign_up(browser)
    assert answer.status_code == 422
    assert b"something is away" in answer.content
    assert not User.objects.filter(email="nora@uebermut.example").exists()
    assert not Tenant.objects.filter(slug="cafe-ubermut-co").exists()


def test_a_mail_server_that_is_away_does_not_stop_a_sign_up(browser, monkeypatch) -> None:
    monkeypatch.setattr("django.core.mail.EmailMessage.send", lambda self: (_ for _ in ()).throw(OSError("away")))
    assert sign_up(browser, follow=False).status_code == 302
    assert User.objects.filter(email="nora@uebermut.example").exists()
