"""What the state machine wants done; whoever drives it does it and brings the results back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from common.audio import Int16
from engine.house.dialogue import Prompt


@dataclass(frozen=True, slots=True)
class Send:
    """Send this event to the client."""

    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recognise:
    """Find out what was said. Result: `Recognition`. A `guess` may be dropped or promoted later."""

    job: int
    samples: Int16
    rate: int
    language: str | None
    prompt: str
    guess: bool


@dataclass(frozen=True, slots=True)
class Think:
    """Decide what to answer. Result: `Reply`."""

    job: int
    prompt: Prompt
    guess: bool


@dataclass(frozen=True, slots=True)
class Speak:
    """Synthesise a clause, followed by `gap_ms` of silence. Result: bytes in the output format."""

    job: int
    text: str
    ulaw: bool
    speed: float
    gap_ms: int
    guess: bool


@dataclass(frozen=True, slots=True)
class Prepare:
    """Get the model ready for these tools. No result."""

    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Promote:
    """The caller waits for this job now."""

    job: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Nobody waits for this job any more; its result is not brought back."""

    job: int


@dataclass(frozen=True, slots=True)
class Close:
    """Close the socket with this code."""

    code: int
    reason: str


Effect = Send | Recognise | Think | Speak | Prepare | Promote | Drop | Close
