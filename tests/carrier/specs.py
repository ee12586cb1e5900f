"""Published descriptions as validators; tests that need them are skipped where the folder is absent."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FOLDER = Path(os.environ.get("DESKBELL_SPECS") or Path(__file__).resolve().parents[3] / "shared" / "specs")

MEDIA = "twilio_media_streams.asyncapi.yml"


def _file(name: str) -> Path:
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no published description {name} in {FOLDER}")
    return path


@cache
def _media_schemas() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load(_file(MEDIA).read_text(), Loader=loader)
    schemas: dict[str, Any] = document["components"]["schemas"]
    return schemas


def require_media_description() -> None:
    """Skip, with the reason, where the description of Media Streams is absent."""
    _media_schemas()


def check_media_frame(frame: dict[str, Any]) -> None:
    """One frame of the carrier's against the description of Media Streams.

    Without the description this checks nothing: it runs inside scripted applications, where a skip would end the
    stream under test. `test_frames_are_held_against_the_published_description` says so.
    """
    if not (FOLDER / MEDIA).is_file():
        return
    jsonschema.validate(frame, _media_schemas()["Media" + frame["event"].capitalize()])


@cache
def _rest() -> tuple[dict[str, Any], Registry[Any]]:
    document = json.loads(_file("twilio_api_v2010.openapi.json").read_text())
    _nullable(document)
    resource: Resource[Any] = Resource.from_contents(document, default_specification=DRAFT202012)
    return document, Registry().with_resource("urn:twilio", resource)


def _nullable(node: Any) -> None:
    """OpenAPI 3.0 says `nullable`, JSON Schema says a type of its own."""
    if isinstance(node, dict):
        if node.get("nullable") and isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
            if "enum" in node:
                node["enum"] = [*node["enum"], None]
        for value in node.values():
            _nullable(value)
    elif isinstance(node, list):
        for value in node:
            _nullable(value)


def _operation(method: str, path: str) -> dict[str, Any]:
    document, _ = _rest()
    given = path.split("/")
    for template, operations in document["paths"].items():
        wanted = template.split("/")
        if len(wanted) == len(given) and method.lower() in operations:
            # A placeholder may share its segment with a suffix: ``{Sid}.json``.
            pairs = zip(wanted, given, strict=True)
            if all(w == g or ("{" in w and g.endswith(w.rpartition("}")[2])) for w, g in pairs):
                operation: dict[str, Any] = operations[method.lower()]
                return operation
    raise AssertionError(f"Twilio has no {method} {path}")


def check_rest_answer(method: str, path: str, status: int, body: Any) -> None:
    """An answer against Twilio's OpenAPI description; names it does not know are an error, too."""
    operation = _operation(method, path)
    responses = operation["responses"]
    assert str(status) in responses, f"{method} {path} may not answer {status}"
    content = responses[str(status)].get("content")
    if not content:
        assert not body
        return
    schema = content["application/json"]["schema"]
    _, registry = _rest()
    rebased = json.loads(json.dumps(schema).replace('"#/', '"urn:twilio#/'))
    jsonschema.Draft202012Validator(rebased, registry=registry).validate(body)
    _check_names(body, schema)


def _check_names(body: Any, schema: dict[str, Any]) -> None:
    document, _ = _rest()
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if isinstance(body, dict) and "properties" in schema:
        missing = set(schema["properties"]) - set(body)
        assert set(body) <= set(schema["properties"]), f"unknown: {set(body) - set(schema['properties'])}"
        assert not missing, f"missing: {missing}"
        for name, value in body.items():
            _check_names(value, schema["properties"][name])
    elif isinstance(body, list) and "items" in schema:
        for value in body:
            _check_names(value, schema["items"])


def check_rest_request(method: str, path: str, form: dict[str, Any]) -> None:
    """A form the official client sends is one the description allows (so the test asks what Twilio would take)."""
    body = _operation(method, path).get("requestBody")
    if body is None:
        assert not form
        return
    properties = body["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    assert set(form) <= set(properties), set(form) - set(properties)
