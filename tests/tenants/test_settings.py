"""Settings of a business: profile, security, API keys."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress

from tenants.models import ApiKey, AuditEvent, Tenant, User
from tenants.services.api_keys import SCOPES, caller_of_key, issue_api_key
from tests.cast import ALICE, BETA, BOB, CAROL, MALLORY

pytestmark = pytest.mark.django_db
PROFILE = {"name": "Alpha & Sons", "timezone": "Europe/Vienna", "locale": "de-AT"}


def test_an_owner_changes_name_zone_and_country(client_of) -> None:
    alice = client_of(ALICE)
    assert alice.post("/settings", PROFILE)["Location"] == "/settings"
    row = Tenant.objects.get(slug="alpha")
    assert (row.name, row.timezone, row.locale) == ("Alpha & Sons", "Europe/Vienna", "de-AT")
    assert b"Alpha &amp; Sons" in alice.get("/settings").content
    assert AuditEvent.objects.get(action="tenant.changed").data == {"fields": "name,timezone,locale"}


def test_settings_saved_in_another_tab_are_not_undone(client_of) -> None:
    alice = client_of(ALICE)
    opened = re.search(r'name="seen" value="([0-9a-f]+)"', alice.get("/settings").content.decode())[1]
    alice.post("/settings", {**PROFILE, "seen": opened})
    late = alice.post("/settings", {**PROFILE, "name": "Typed later", "seen": opened})
    assert late.status_code == 422
    assert "in another tab or by somebody else" in late.content.decode() and b"Typed later" in late.content
    assert Tenant.objects.get(slug="alpha").name == "Alpha & Sons"


@pytest.mark.parametrize("person", [BOB, CAROL])
def test_others_read_them_only(client_of, person) -> None:
    client = client_of(person)
    page = client.get("/settings").content
    assert b"Owners and admins change this" in page
    assert b"Save</button>" not in page
    assert client.post("/settings", PROFILE).status_code == 403
    assert Tenant.objects.get(slug="alpha").name == "Alpha Dental"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "required"),
        ("name", "x" * 121, "at most 120"),
        ("name", "two\nlines", "A name is one line"),
        ("name", "turned \u202e round", "A name is one line"),
        ("timezone", "Mars/Olympus", "not one of the available choices"),
        ("timezone", "../../etc/passwd", "not one of the available choices"),
        ("locale", "<script>", "not one of the available choices"),
    ],
)
def test_what_can_not_be_used_is_said_and_nothing_is_saved(client_of, field, value, said) -> None:
    answer = client_of(ALICE).post("/settings", {**PROFILE, field: value})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert Tenant.objects.get(slug="alpha").name == "Alpha Dental"


def test_security_says_how_one_signs_in(client_of) -> None:
    page = client_of(BOB).get("/settings/security").content.decode()
    assert BOB.email in page
    assert "0 of 3" in page
    assert "http://localhost:8000/account/password" in page


def test_an_address_that_is_not_confirmed_is_noticed_on_every_page(client_of) -> None:
    user = User.objects.get(email=ALICE.email)
    address = EmailAddress.objects.create(user=user, email=user.email, primary=True)
    alice = client_of(ALICE)
    assert b"Confirm your address" in alice.get("/team").content
    assert b"Confirm your address" not in client_of(BOB).get("/team").content
    address.set_verified()
    assert b"Confirm your address" not in alice.get("/team").content


# -- API keys ----------------------------------------------------------------------------------------------------------


def new_key(client, **data):
    return client.post("/settings/api", {"name": "Booking", "scopes": ["calls:read"], **data})


def test_a_key_is_shown_once_works_and_is_revoked(client_of) -> None:
    alice = client_of(ALICE)
    answer = new_key(alice)
    key = re.search(r'id="new-key">(dk_[\w-]+)<', answer.content.decode())[1]
    assert "no-store" in answer["Cache-Control"]
    caller = caller_of_key(key)
    assert caller is not None
    assert caller.scopes == {"calls:read"}
    page = alice.get("/settings/api").content.decode()
    assert key not in page
    assert key[:9] in page
    row = ApiKey.objects.get(name="Booking")
    assert row.last_used_at is not None
    asked = alice.get(f"/settings/api/{row.pk}/revoke").content.decode()
    assert "Revoke “Booking”?" in asked and key[:9] in asked and "can't be brought back" in asked
    assert caller_of_key(key) is not None
    alice.post(f"/settings/api/{row.pk}/revoke")
    assert caller_of_key(key) is None
    assert "Revoked" in alice.get("/settings/api").content.decode()
    assert alice.post(f"/settings/api/{row.pk}/revoke").status_code == 404
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"api_key.created", "api_key.revoked"} <= actions
    assert key not in repr(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    "data", [{"name": ""}, {"name": "x" * 81}, {"scopes": []}, {"scopes": ["everything"]}, {"name": "\x00"}]
)
def test_a_key_needs_a_name_and_something_it_may_do(client_of, data) -> None:
    before = ApiKey.objects.count()
    assert new_key(client_of(ALICE), **data).status_code == 422
    assert ApiKey.objects.count() == before


@pytest.mark.parametrize("person", [BOB, CAROL])
def test_keys_belong_to_owners_and_admins(client_of, person) -> None:
    client = client_of(person)
    assert client.get("/settings/api").status_code == 403
    assert new_key(client).status_code == 403
    assert b"API keys" not in client.get("/settings").content


def test_the_key_of_another_business_can_not_be_revoked(client_of, other_tenant) -> None:
    key = issue_api_key(Tenant.objects.get(pk=other_tenant.id), "theirs", list(SCOPES))
    row = ApiKey.objects.get(name="theirs")
    assert client_of(ALICE).post(f"/settings/api/{row.pk}/revoke").status_code == 404
    assert client_of(ALICE).get(f"/settings/api/{row.pk}/revoke").status_code == 404
    assert client_of(BOB).get(f"/settings/api/{row.pk}/revoke").status_code == 403
    assert b"theirs" not in client_of(ALICE).get("/settings/api").content
    assert caller_of_key(key) is not None
    assert b"theirs" in client_of(MALLORY, BETA).get("/settings/api").content
