"""The audio path between carrier and engine, as a sans-IO core (docs/bridge.md)."""

from __future__ import annotations

from realtime.bridge.ports import Effects, Limits, Rung, ToolOutcome
from realtime.bridge.session import Bridge

__all__ = ["Bridge", "Effects", "Limits", "Rung", "ToolOutcome"]
