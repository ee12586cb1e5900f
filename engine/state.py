"""What the server holds while it runs; models arrive after it has begun to listen."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web

from engine.house.dialogue import Mind
from engine.parts.hub import Hub


@dataclass(slots=True)
class State:
    """`hub` and `mind` are None until the models are warm."""

    api_key: str = ""
    hub: Hub | None = None
    mind: Mind | None = None
    calls: set[object] = field(default_factory=set)


STATE: web.AppKey[State] = web.AppKey("state", State)
