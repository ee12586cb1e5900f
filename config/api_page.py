"""What the page of the API shows, drawn from the OpenAPI document: nothing is written twice."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_NUMBER = ("integer", "number")


@dataclass(frozen=True, slots=True)
class Line:
    """A parameter or a field."""

    name: str
    kind: str
    about: SafeString
    required: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation."""

    id: str
    method: str
    path: str
    summary: str
    about: SafeString
    scope: str
    parameters: list[Line]
    body: list[Line]
    answers: list[tuple[str, SafeString]]
    result: list[Line]
    example: str


@dataclass(frozen=True, slots=True)
class Section:
    """Operations that belong together."""

    id: str
    name: str
    entries: list[Entry] = field(default_factory=list)


def words(text: str) -> SafeString:
    """Words of ours for the page; what stands between backticks is code."""
    return mark_safe(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)))  # noqa: S308 - escaped just here


def sections(document: dict[str, Any]) -> list[Section]:
    """Every operation, by tag, in the order of the document."""
    found: dict[str, Section] = {}
    for path, methods in document["paths"].items():
        for method, details in methods.items():
            tag = details["tags"][0]
            section = found.setdefault(tag, Section(tag.lower(), tag))
            section.entries.append(_entry(document, path, method.upper(), details))
    return list(found.values())


def _entry(document: dict[str, Any], path: str, method: str, details: dict[str, Any]) -> Entry:
    body = details.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    good = next(answer for status, answer in details["responses"].items() if status < "300")
    result = good.get("content", {}).get("application/json", {}).get("schema")
    return Entry(
        id=details["operationId"],
        method=method,
        path=path,
        summary=details["summary"],
        about=words(details.get("description", "")),
        scope=details.get("x-scope", ""),
        parameters=[_parameter(document, one) for one in details["parameters"]],
        body=_fields(document, body),
        answers=[(status, words(answer["description"])) for status, answer in details["responses"].items()],
        result=_fields(document, result),
        example=_curl(document, path, method, body),
    )


def _parameter(document: dict[str, Any], one: dict[str, Any]) -> Line:
    place = {"path": "in the path", "query": "query", "header": "header"}[one["in"]]
    about = words(one.get("description", ""))
    return Line(one["name"], f"{_kind(document, one['schema'])}, {place}", about, one["required"])


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def _fields(document: dict[str, Any], schema: dict[str, Any] | None) -> list[Line]:
    if schema is None:
        return []
    whole = _resolved(document, schema)
    required = set(whole.get("required", []))
    return [
        Line(name, _kind(document, one), words(one.get("description", "")), name in required)
        for name, one in whole.get("properties", {}).items()
    ]


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(document, one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if "$ref" in schema:
        whole = _resolved(document, schema)
        return "{" + ", ".join(whole.get("properties", {})) + "}"
    if schema.get("type") == "array":
        return f"list of {_kind(document, schema.get('items', {}))}"
    kind = str(schema.get("format") or schema.get("type") or "anything")
    low, high = schema.get("minimum"), schema.get("maximum")
    # Bounds of machine numbers tell nobody anything.
    if schema.get("type") in _NUMBER and high is not None and high < 2**31:
        return f"{kind}, {low} to {high}"
    return f"{kind}, at most {schema['maxLength']} characters" if "maxLength" in schema else kind


def _curl(document: dict[str, Any], path: str, method: str, body: dict[str, Any] | None) -> str:
    usual = "GET" if body is None else "POST"
    parts = ['curl -H "Authorization: Bearer $DESKBELL_KEY"', *([f"-X {method}"] if method != usual else [])]
    if body is not None:
        parts.append("-H 'Content-Type: application/json'")
        parts.append(f"-d {shlex.quote(json.dumps(_example(document, body), ensure_ascii=False))}")
    if path.endswith("/audio"):
        parts.append("-o sound.wav")
    # Ids as variables of the shell: curl reads braces in its own way.
    place = re.sub(r"{(\w+)}", lambda found: f"${found[1].upper()}", path)
    return " \\\n  ".join([*parts, f'"{settings.PUBLIC_URL}{place}"'])


def _example(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    if schema.get("examples"):
        return schema["examples"][0]
    if "default" in schema:
        return schema["default"]
    whole = _resolved(document, schema)
    if "anyOf" in whole:
        return _example(document, whole["anyOf"][0])
    if "enum" in whole:
        return whole["enum"][0]
    match whole.get("type"):
        case "object":
            shown = whole.get("required") or list(whole.get("properties", {}))[:2]
            return {name: _example(document, whole["properties"][name]) for name in shown}
        case "array":
            return [_example(document, whole.get("items", {}))]
        case "boolean":
            return True
        case "integer" | "number":
            return 1
    if whole.get("format") == "uuid":
        return "3f0c7f5e-1d4b-4c8a-9a53-0c6b1f2d7e90"
    return "…"
