"""The real server, once for all tests that need it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from openai import AsyncOpenAI

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-test-engine"


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def engine_url() -> Iterator[str]:
    """``python -m engine`` with a key set, warm."""
    port = free_port()
    environment = {**os.environ, "ENGINE_API_KEY": KEY, "LOG_LEVEL": "WARNING"}
    command = [sys.executable, "-m", "engine", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        give_up = time.monotonic() + 60
        while True:
            try:
                if httpx.get(f"{url}/healthz").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            assert process.poll() is None, "the engine ended"
            assert time.monotonic() < give_up, "the engine did not become ready"
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
async def openai(engine_url: str) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's own client, pointed at the engine."""
    async with AsyncOpenAI(
        base_url=f"{engine_url}/v1",
        websocket_base_url=f"{engine_url.replace('http', 'ws')}/v1",
        api_key=KEY,
        max_retries=0,
    ) as client:
        yield client
