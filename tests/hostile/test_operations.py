"""Hostile input to every operation of the API ends in a problem in words, and nothing is lost; none is forgotten."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.hostile import discovery
from tests.hostile.api import KINDS, Call
from tests.hostile.cases.api import BODIES, IDS

pytestmark = pytest.mark.django_db
OPERATIONS = dict(discovery.every_operation())


def applies(name: str, kind: str) -> bool:
    """Kinds that have nothing to do at an operation are no tests of it."""
    body, query = "requestBody" in OPERATIONS[name], any(p["in"] == "query" for p in OPERATIONS[name]["parameters"])
    return {
        "without_scope": "x-scope" in OPERATIONS[name],
        "foreign_ids": "{" in name or body,
        "odd_ids": "{" in name,
        "odd_queries": query,
        "too_long": body,
        "wrong_types": body,
        "odd_bodies": body,
        "scripts": body,
    }.get(kind, True)


def test_every_operation_has_a_case() -> None:
    """A body for each that takes one, something that exists for each part of an address."""
    assert {name for name, details in OPERATIONS.items() if "requestBody" in details} == set(BODIES)
    assert {part for name in OPERATIONS for part in re.findall(r"{(\w+)}", name)} == set(IDS)


def test_a_case_names_every_field_of_a_body(stage: Any) -> None:
    for name in BODIES:
        call = Call(name, OPERATIONS[name], stage)
        known = set(call.schema.get("properties", {}))
        if len(known) > 6:  # the days of the week
            continue
        assert set(call.body) == known, name


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name in OPERATIONS for kind in KINDS if applies(name, kind)]
)
def test_hostile_input_ends_in_a_problem_and_changes_nothing(name: str, kind: str, stage: Any) -> None:
    KINDS[kind](Call(name, OPERATIONS[name], stage))
