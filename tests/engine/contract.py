"""Events against what OpenAI publishes: the SDK's typed classes, and the API description where it is at hand."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

SPECS = Path(os.environ.get("DESKBELL_SPECS") or Path(__file__).resolve().parents[3] / "shared" / "specs")
OPENAI = SPECS / "openai.openapi.json"


def _types(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["type"].annotation)[0])


@cache
def sdk_classes() -> dict[str, type[BaseModel]]:
    """Event type → the SDK's class."""
    union = get_args(RealtimeServerEvent)[0]
    return {_types(model): model for model in get_args(union)}


def check_typed(event: dict[str, Any]) -> BaseModel:
    """The event as the SDK's class, validated strictly by pydantic (the client itself only constructs)."""
    model = sdk_classes()[event["type"]]
    return model.model_validate(event)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


@cache
def _validators() -> dict[str, Draft202012Validator]:
    description = json.loads(OPENAI.read_text())
    registry: Registry[Any] = Registry().with_resource(
        "urn:openai", Resource.from_contents(description, default_specification=DRAFT202012)
    )
    found = {}
    for name, schema in description["components"]["schemas"].items():
        if not name.startswith(("RealtimeServerEvent", "RealtimeClientEvent")) or "Beta" in name:
            continue
        kind = schema.get("properties", {}).get("type", {})
        value = kind.get("const") or (kind.get("enum") or [None])[0]
        if value:
            reference = {"$ref": f"urn:openai#/components/schemas/{name}"}
            found[value] = Draft202012Validator(reference, registry=registry)
    return found


def published() -> bool:
    """Whether the API description is at hand."""
    return OPENAI.is_file()


def check_published(event: dict[str, Any]) -> None:
    """The event against OpenAI's schema of its type; null counts as absent, as the official clients take it."""
    _validators()[event["type"]].validate(_without_nulls(event))


def check(event: dict[str, Any]) -> None:
    """Everything that is at hand."""
    check_typed(event)
    if published():
        check_published(event)


needs_description = pytest.mark.skipif(not published(), reason=f"{OPENAI} is not here (DESKBELL_SPECS)")
