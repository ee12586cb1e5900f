"""The Realtime protocol as a state machine without sockets, clocks or models of its own."""

from __future__ import annotations
