"""Facts about a call as they travel to and from the journal: plain data, no Django, so that the bridge may use them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["stream", "greeting", "turn", "tool", "citation", "engine", "next_step", "latency", "error"]
Role = Literal["caller", "receptionist"]


@dataclass(frozen=True, slots=True)
class JournalEvent:
    """One fact. `seq` is the writer's own count within its source, `offset_ms` the time of the call.

    What each kind carries in `data` is listed in docs/seams.md.
    """

    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    offset_ms: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said, as it was heard; milliseconds of the call."""

    role: Role
    text: str
    start_ms: int
    end_ms: int
    interrupted: bool = False
