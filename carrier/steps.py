"""What a call does next when a document, a verb or REST says so."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Goto:
    """The next document: to be fetched from `url` with `params` besides the call's own."""

    url: str
    method: str = "POST"
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """The next document, given as text (REST's ``Twiml``)."""

    body: bytes
    url: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """The call is to end; `status` is Twilio's for a call that was never answered."""

    status: str = "completed"


Step = Goto | Given | End
