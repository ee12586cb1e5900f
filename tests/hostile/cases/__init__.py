"""Cases of the suite of hostile input, one module a room; see `tests.hostile.registry`."""

from __future__ import annotations
