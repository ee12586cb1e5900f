"""What the server holds while it runs; models arrive after it has begun to listen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from engine.house.dialogue import Mind
from engine.parts.hub import Hub


class Closable(Protocol):
    """A call that can be told that the server goes away."""

    async def close(self) -> None:
        """Close the socket with 1001."""
        ...


@dataclass(slots=True)
class State:
    """`hub` and `mind` are None until the models are warm."""

    api_key: str = ""
    hub: Hub | None = None
    mind: Mind | None = None
    calls: set[Closable] = field(default_factory=set)
    failed: bool = False


STATE: web.AppKey[State] = web.AppKey("state", State)
