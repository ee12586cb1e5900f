"""What a tool is. Texts follow the convention of docs/seams.md, so that any model can use them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from calls.facts import JournalEvent
from calls.models import Call
from tenants.context import TenantInfo

Action = Literal["hangup", "voicemail"]


class Arguments(BaseModel):
    """Arguments of a tool; names it does not know are left out, since models like to add some."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, coerce_numbers_to_str=True)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """`output` goes to the model, its ``say`` is fit to be spoken; `events` to the journal; `action` to the line."""

    ok: bool
    output: dict[str, Any]
    events: list[JournalEvent] = field(default_factory=list)
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """The call a tool runs for."""

    call: Call
    tenant: TenantInfo


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool. `per_call`: how often a call may use it."""

    name: str
    description: str
    arguments: type[Arguments]
    run: Callable[[Context, Any], ToolResult]
    per_call: int = 40

    def definition(self) -> dict[str, Any]:
        """As the Realtime protocol wants it."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": _plain_schema(self.arguments),
        }


def _plain_schema(model: type[Arguments]) -> dict[str, Any]:
    """JSON schema without what only Python needs: titles, defaults, ``null`` beside a type."""
    schema = model.model_json_schema()
    properties = {}
    for name, spec in schema.get("properties", {}).items():
        kinds = [kind for kind in spec.pop("anyOf", []) if kind.get("type") != "null"]
        plain = {**(kinds[0] if kinds else {}), **spec}
        properties[name] = {key: value for key, value in plain.items() if key not in ("title", "default", "maxLength")}
    return {
        "type": "object",
        "properties": properties,
        "required": schema.get("required", []),
        "additionalProperties": False,
    }
