"""Cases of the isolation suite, one module a room; see `tests.isolation.registry`."""

from __future__ import annotations
