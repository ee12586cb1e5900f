"""A business described by one document."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from common.errors import Invalid
from knowledge import services as knowledge
from knowledge.models import Chunk, Document
from receptionist import selectors, services
from receptionist.models import OpenInterval, Persona, Service, SpecialDay
from receptionist.profile import parse_interval, parse_profile, professions, template
from tenants.context import TenantInfo


def contents() -> dict[str, list[Any]]:
    return {
        "persona": list(Persona.objects.values("greeting", "voice", "guidance")),
        "hours": list(OpenInterval.objects.values_list("weekday", "opens", "closes")),
        "special": list(SpecialDay.objects.values_list("year", "month", "day", "name", "intervals")),
        "services": list(Service.objects.values_list("name", "price_cents", "minutes")),
        "documents": list(Document.objects.order_by("key").values_list("key", "kind", "title", "total")),
        "chunks": list(Chunk.objects.order_by("pk").values_list("pk", "digest")),
    }


def test_the_demo_practice_is_applied_and_applying_it_again_changes_nothing(
    tenant: TenantInfo, profile: dict[str, Any]
) -> None:
    services.apply_profile(parse_profile(profile))
    first = contents()
    assert first["services"][1] == ("Teeth cleaning", 11000, 45)
    assert (3, 480, 1140) in first["hours"]
    assert (None, 12, 24, "Christmas Eve", [[480, 720]]) in first["special"]
    assert [(key, kind) for key, kind, _, _ in first["documents"]] == [
        ("faq", "faq"),
        ("prices", "prices"),
        ("profile:Patient guide", "markdown"),
    ]
    assert len(profile["faq"]) == 10
    services.apply_profile(parse_profile(profile))
    assert contents() == first


def test_a_changed_document_replaces_what_it_names_and_leaves_the_rest(
    tenant: TenantInfo, profile: dict[str, Any]
) -> None:
    services.apply_profile(parse_profile(profile))
    knowledge.add_document(title="By hand", text="Written in the panel.")
    changed = {
        "name": "Bright Smile Dental",
        "hours": {"mon": ["10:00-12:00", "13:00-15:00"]},
        "documents": [],
        "services": [],
    }
    services.apply_profile(parse_profile(changed))
    after = contents()
    assert after["hours"] == [(0, 600, 720), (0, 780, 900)]
    assert after["services"] == []
    assert [key for key, *_ in after["documents"]] == ["doc:By hand", "faq"]
    assert after["persona"][0]["greeting"].startswith("Thank you for calling Bright Smile Dental.")
    assert len(after["special"]) == len(profile["holidays"])


@pytest.mark.parametrize("profession", professions())
def test_a_new_business_gets_its_professions_template(tenant: TenantInfo, profession: str) -> None:
    services.apply_profile(parse_profile({"name": "Acme & Sons", "profession": profession}))
    persona = selectors.persona(tenant)
    assert persona.greeting.startswith("Thank you for calling Acme & Sons.")
    assert OpenInterval.objects.count() >= 5
    assert Service.objects.count() == len(template(profession).services or [])


def test_words_for_the_end_of_a_call_are_part_of_the_document(tenant: TenantInfo) -> None:
    services.apply_profile(parse_profile({"name": "Acme"}))
    assert selectors.persona(tenant).goodbye and len(selectors.persona(tenant).idle_prompts) == 2
    words = {"goodbye": "{name} says bye.", "idle_prompts": ["Hello?"]}
    services.apply_profile(parse_profile({"name": "Acme", **words}))
    services.apply_profile(parse_profile({"name": "Acme"}))
    persona = selectors.persona(tenant)
    assert (persona.goodbye, persona.idle_prompts) == ("Acme says bye.", ["Hello?"])


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"servces": []}, "servces"),
        ({"hours": {"monday": ["09:00-17:00"]}}, "hours.monday"),
        ({"hours": {"mon": ["09:00-12:00", "11:00-17:00"]}}, "hours.mon"),
        ({"holidays": [{"date": "12-24", "open": ["09:00-12:00", "10:00-11:00"]}]}, "holidays.0.open"),
        ({"holidays": [{"date": "12-24", "opens": "09:00"}]}, "holidays.0.opens"),
        ({"services": [{"name": "Cut"}, {"name": "Dye", "cost": 30}]}, "services.1.cost"),
        ({"faq": [{"q": "Why?", "a": "So.", "source": "x"}]}, "faq.0.source"),
        ({"documents": [{"title": "T", "text": "t", "type": "text"}]}, "documents.0.type"),
        ({"services": [{"name": "two\nlines"}]}, "services.0.name"),
        ({"documents": [{"title": "turned \u202e round", "text": "t"}]}, "documents.0.title"),
        ({"profession": "astronaut"}, "profession"),
        ({"idle_prompts": []}, "idle_prompts"),
        ({"idle_prompts": ["?"] * 4}, "idle_prompts"),
        ({"goodbye": "x" * 301}, "goodbye"),
        ({"locale": "english"}, "locale"),
    ],
)
def test_what_a_document_may_not_say_is_named(tenant: TenantInfo, wrong: dict[str, Any], where: str) -> None:
    with pytest.raises(Invalid, match=where) as caught:
        parse_profile({"name": "Acme", **wrong})
    assert caught.value.data["field"] == where


def test_both_professions_are_there() -> None:
    assert {"generic", "dentist"} <= set(professions())
    assert template("dentist").guidance


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("09:00-17:00", (540, 1020)),
        (" 9:30 - 12:00 ", (570, 720)),
        ("00:00-24:00", (0, 1440)),
        ("00:00-00:00", (0, 1440)),
        ("22:00-02:00", (1320, 1560)),
        ("08:00–12:00", (480, 720)),
    ],
)
def test_hours_as_written(text: str, minutes: tuple[int, int]) -> None:
    assert parse_interval(text) == minutes


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"hours": {"mon": ["9-17"]}}, "hours.mon"),
        ({"hours": {"mon": ["25:00-26:00"]}}, "hours.mon"),
        ({"hours": {"mon": ["09:00-09:00"]}}, "hours.mon"),
        ({"holidays": [{"date": "12-24", "open": ["09:00-09:00"]}]}, "holidays.0.open"),
        ({"hours": {"monday": ["09:00-17:00"]}}, "hours.monday"),
        ({"hours": {"mon": ["09:00-12:00", "11:00-17:00"]}}, "hours.mon"),
        ({"holidays": [{"date": "12-24", "open": ["09:00-12:00", "10:00-11:00"]}]}, "holidays.0.open"),
        ({"holidays": [{"date": "13-01"}]}, "holidays.0.date"),
        ({"holidays": [{"date": "Christmas"}]}, "holidays.0.date"),
        ({"services": [{"name": "x", "price": -1}]}, "services.0.price"),
        ({"services": [{"price": 1}]}, "services.0.name"),
        ({"faq": [{"q": "only a question"}]}, "faq.0.a"),
        ({"documents": [{"title": "x", "text": "y", "kind": "pdf"}]}, "documents.0.kind"),
        ({"name": ""}, "name"),
        ({"faq": "all of it"}, "faq"),
    ],
)
def test_a_wrong_place_is_named_and_nothing_is_kept(
    tenant: TenantInfo, profile: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        services.apply_profile(parse_profile({**profile, **change}))
    assert str(refused.value.data["field"]).startswith(field)
    assert not Persona.objects.exists()


def test_days_may_be_written_in_several_ways() -> None:
    profile = parse_profile(
        {"name": "x", "holidays": ["12-25", dt.date(2026, 7, 3), {"date": "02-29", "open": "10:00-12:00"}]}
    )
    assert [(d.year, d.month, d.day) for d in (h.special_day() for h in profile.holidays or [])] == [
        (None, 12, 25),
        (2026, 7, 3),
        (None, 2, 29),
    ]
