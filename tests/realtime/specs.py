"""The published descriptions of both protocols, as validators; absent ones skip the checks with their reason."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_FOLDER = Path(os.environ.get("DESKBELL_SPECS") or Path(__file__).resolve().parents[2].parent / "shared" / "specs")
OPENAI = _FOLDER / "openai.openapi.json"
TWILIO = _FOLDER / "twilio_media_streams.asyncapi.yml"
MISSING = "" if OPENAI.exists() and TWILIO.exists() else f"the published descriptions are not in {_FOLDER}"


def _registry(document: Any) -> Registry:
    return Registry().with_resource("urn:d", Resource.from_contents(document, default_specification=DRAFT202012))


def _validator(registry: Registry, name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"urn:d#/components/schemas/{name}"}, registry=registry)


@cache
def client_events() -> dict[str, Draft202012Validator]:
    """Validator of each OpenAI client event by type."""
    document = json.loads(OPENAI.read_text())
    registry = _registry(document)
    found = {}
    for name, schema in document["components"]["schemas"].items():
        if name.startswith("RealtimeClientEvent") and "properties" in schema:
            kind = schema["properties"]["type"]
            found[kind.get("const") or kind["enum"][0]] = _validator(registry, name)
    return found


@cache
def carrier_frames() -> dict[str, Draft202012Validator]:
    """Validator of each frame that goes to Twilio by event."""
    registry = _registry(yaml.safe_load(TWILIO.read_text()))
    names = {"media": "MediaOutboundMedia", "mark": "MediaOutboundMark", "clear": "MediaOutboundClear"}
    return {event: _validator(registry, name) for event, name in names.items()}


def check_client_event(event: dict[str, Any]) -> None:
    """Raises ValidationError for an event that OpenAI would not take."""
    if not MISSING:
        client_events()[event["type"]].validate(event)


def check_carrier_frame(frame: dict[str, Any]) -> None:
    """Raises ValidationError for a frame that Twilio would not take."""
    if not MISSING:
        carrier_frames()[frame["event"]].validate(frame)
