"""Fixtures of the calls tests. The rooms are imported late: this file is read before Django is set up."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.calls.speech import ScriptedSpeech


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


@pytest.fixture(scope="session")
def _carrier_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ScriptedSpeech]]:
    """`python -m carrier`, with a voice of the tests' own, for the whole run."""
    speech = ScriptedSpeech()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    folder = tmp_path_factory.mktemp("carrier")
    env = os.environ | {"DESKBELL_VAR": str(folder), "CARRIER_URL": url, "OPENAI_BASE_URL": speech.url}
    log = (folder / "log").open("w")
    process = subprocess.Popen([sys.executable, "-m", "carrier", "--port", str(port)], env=env, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{url}/healthz")
                break
            except httpx.TransportError:
                assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.1)
        yield url, speech
    finally:
        process.terminate()
        process.wait(20)
        log.close()
        speech.close()


@pytest.fixture
def carrier_process(_carrier_process: tuple[str, ScriptedSpeech], settings: Any, monkeypatch: Any) -> ScriptedSpeech:
    """The built-in carrier is running and configured; gives the voice it speaks with."""
    url, speech = _carrier_process
    settings.TWILIO_API_BASE_URL = settings.CARRIER_URL = url
    monkeypatch.setenv("OPENAI_BASE_URL", speech.url)
    return speech
