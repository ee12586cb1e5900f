"""The house model: no language model but a policy that reads a session's tools and instructions."""

from __future__ import annotations
