"""The set-up after sign-up: each screen saves, may be skipped, and is where one comes back to."""

from __future__ import annotations

import pytest
from django.test import Client

from receptionist import services
from receptionist.models import OpenInterval, Persona, Service
from receptionist.profile import template
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.cast import ALICE, BOB

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client_of, tenant) -> Client:
    profile = template("generic").model_copy(update={"name": tenant.name})
    in_tenant(tenant.schema, services.apply_profile, profile)
    Tenant.objects.filter(pk=tenant.id).update(setup_step="hours")
    return client_of(ALICE)


def step() -> str:
    return Tenant.objects.get(slug="alpha").setup_step


def formset(*rows: dict[str, str]) -> dict[str, str]:
    data = {"services-TOTAL_FORMS": str(len(rows)), "services-INITIAL_FORMS": "0"}
    for number, row in enumerate(rows):
        data |= {f"services-{number}-{name}": value for name, value in row.items()}
    return data


HOURS = {"mon-0-opens": "10:00", "mon-0-closes": "18:30"}


def test_three_screens_lead_to_the_call(alice, tenant) -> None:
    assert alice.get("/welcome")["Location"] == "/welcome/hours"
    answer = alice.post("/welcome/hours", {**HOURS, **formset({"name": "Polish", "price": "30", "minutes": "20"})})
    assert answer["Location"] == "/welcome/greeting"
    answer = alice.post("/welcome/greeting", {"greeting": "Hello, Alpha Dental, the AI receptionist speaking."})
    assert answer["Location"] == "/welcome/call"
    page = alice.get("/welcome/call").content.decode()
    assert "the AI receptionist speaking" in page
    assert alice.post("/welcome/call")["Location"] == "/"
    assert step() == ""
    in_tenant(tenant.schema, _check_saved)


def _check_saved() -> None:
    assert [(row.weekday, row.opens, row.closes) for row in OpenInterval.objects.all()] == [(0, 600, 1110)]
    assert [(row.name, row.price_cents, row.minutes) for row in Service.objects.all()] == [("Polish", 3000, 20)]
    assert Persona.objects.get().greeting.startswith("Hello, Alpha Dental")


def test_one_comes_back_to_where_one_stopped(alice) -> None:
    alice.post("/welcome/hours", {"skip": "1"})
    assert alice.get("/welcome")["Location"] == "/welcome/greeting"
    assert b"Go on where you stopped" in alice.get("/team").content
    alice.post("/welcome/call", {})
    assert b"Go on where you stopped" not in alice.get("/team").content


def test_skipping_keeps_what_is_there(alice, tenant) -> None:
    before = in_tenant(tenant.schema, lambda: list(OpenInterval.objects.values_list("weekday", "opens")))
    alice.post("/welcome/hours", {"skip": "1", "mon-0-opens": "nonsense"})
    assert in_tenant(tenant.schema, lambda: list(OpenInterval.objects.values_list("weekday", "opens"))) == before


def test_another_profession_brings_its_own_hours_and_services(alice, tenant) -> None:
    answer = alice.post("/welcome/profession", {"profession": "dentist"})
    assert answer["Location"] == "/welcome/hours"
    assert Tenant.objects.get(slug="alpha").profession == "dentist"
    page = alice.get("/welcome/hours").content.decode()
    assert "Teeth cleaning" in page
    assert "Alpha Dental" in in_tenant(tenant.schema, lambda: Persona.objects.get().greeting)


def test_the_hours_say_in_which_time_zone_they_are(alice, tenant) -> None:
    Tenant.objects.filter(pk=tenant.id).update(timezone="America/Los_Angeles")
    page = alice.get("/welcome/hours").content.decode()
    assert 'Times are in America/Los Angeles. <a href="/settings">' in page


def test_the_same_profession_changes_nothing_again(alice, tenant) -> None:
    alice.post("/welcome/greeting", {"greeting": "My own words."})
    alice.post("/welcome/profession", {"profession": "generic"})
    assert in_tenant(tenant.schema, lambda: Persona.objects.get().greeting) == "My own words."


@pytest.mark.parametrize(
    ("path", "data", "said"),
    [
        ("profession", {"profession": "pirate"}, "not one of the available choices"),
        ("profession", {}, "required"),
        ("hours", {**formset(), "mon-0-opens": "25:99", "mon-0-closes": "17:00"}, "like 09:00"),
        ("hours", {**formset(), "mon-0-opens": "09:00"}, "belong together"),
        ("hours", {**HOURS, **formset({"name": "", "price": "9"})}, "which service"),
        ("hours", {**HOURS, **formset({"name": "x" * 121})}, "at most 120"),
        ("hours", {**HOURS, **formset({"name": "A", "price": "-1"})}, "A price is 0 or more."),
        ("hours", HOURS, "ManagementForm"),
        ("greeting", {"greeting": ""}, "required"),
        ("greeting", {"greeting": "x" * 601}, "at most 600"),
    ],
)
def test_what_can_not_be_used_is_said_and_nothing_moves(alice, path, data, said) -> None:
    answer = alice.post(f"/welcome/{path}", data)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert step() == "hours"


def test_script_text_stays_text(alice) -> None:
    alice.post("/welcome/greeting", {"greeting": "<script>alert(1)</script>"})
    assert b"<script>alert(1)" not in alice.get("/welcome/call").content


def test_it_is_for_owners_and_admins(alice, client_of) -> None:
    bob = client_of(BOB)
    assert bob.get("/welcome").status_code == 403
    assert bob.post("/welcome/greeting", {"greeting": "Mine"}).status_code == 403
    assert b"Go on where you stopped" not in bob.get("/team").content


def test_a_screen_that_does_not_exist_is_not_found(alice) -> None:
    assert alice.get("/welcome/moon").status_code == 404
