"""The receptionist's tools: what the model may call, and the one function that runs them."""

from __future__ import annotations

from receptionist.tools.base import ToolResult
from receptionist.tools.runner import TOOLS, definitions, run

__all__ = ["TOOLS", "ToolResult", "definitions", "run"]
