"""Writes of the calls room, by topic."""

from __future__ import annotations

from calls.services.lifecycle import finish_call, set_next_step
from calls.services.messages import take_message

__all__ = ["finish_call", "set_next_step", "take_message"]
