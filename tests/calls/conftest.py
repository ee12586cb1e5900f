"""Fixtures of the calls tests. The rooms are imported late: this file is read before Django is set up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def carrier(tenant: Any, receptionist: list[Any]) -> Any:
    """A fresh call to alpha, which has a receptionist."""
    from tests.calls.stage import Carrier

    return Carrier()


@pytest.fixture
def receptionist(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A builder of sessions, as `receptionist` registers one; the list holds the calls it was asked for."""
    from calls import sessions

    asked: list[Any] = []

    def build(call: Any, tenant: Any) -> Any:
        asked.append(call)
        return sessions.SessionParts(
            instructions=f"You work for {tenant.name}.",
            greeting_text="Hello.",
            greeting_ulaw=b"\x7f" * 160,
            resume_text="I am back.",
            resume_ulaw=b"\x7e" * 160,
        )

    monkeypatch.setattr(sessions, "_builders", [build])
    return asked


@pytest.fixture
def follow_up_kind(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, dict[str, Any]]]]:
    """``follow_up_kind(kind, fn)`` registers work for one test; the list it gives holds what it was asked to do."""
    from calls import followups

    monkeypatch.setattr(followups, "_kinds", dict(followups._kinds))

    def register(kind: str, fn: Any = None, **extra: Any) -> list[tuple[str, dict[str, Any]]]:
        done: list[tuple[str, dict[str, Any]]] = []

        def work(call_id: str, payload: dict[str, Any]) -> None:
            done.append((call_id, payload))
            if fn:
                fn(call_id, payload)

        followups.register_follow_up(kind, work, **extra)
        return done

    return register
