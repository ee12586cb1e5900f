"""What a model is given and what it answers: plain data between the protocol and the house model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Said:
    """A turn in words. An empty turn of the caller is one that could not be understood."""

    role: Literal["user", "assistant", "system"]
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call of the past; `arguments` is JSON text."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What a tool answered, JSON text by convention."""

    call_id: str
    output: str


Turn = Said | Called | Returned


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything an answer depends on; the same prompt always gets the same answer."""

    instructions: str
    tools: tuple[dict[str, Any], ...]
    turns: tuple[Turn, ...]
    #: "auto", "none", "required", or the name of the tool that must be called.
    tool_choice: str = "auto"
    #: Instructions of one single answer ("Say exactly: …"), over the session's own.
    ask: str = ""
    #: The caller has been quiet for the session's idle time-out.
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A tool to be called; `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, then what to call; both may be empty: then nothing is answered."""

    say: str = ""
    call: Call | None = None


class Mind(Protocol):
    """A model; called from one worker thread."""

    def reply(self, prompt: Prompt) -> Reply:
        """The next step of the conversation."""
        ...

    def prepare(self, prompt: Prompt) -> None:
        """Get ready for a session's tools before its first turn."""
        ...
