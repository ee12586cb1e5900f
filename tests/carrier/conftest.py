"""Fixtures of the carrier's tests; what they are made of is in `stage`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from carrier.settings import Settings
from tests.carrier.stage import SID, TOKEN, App, Carrier, SpeechServer, running, served


@pytest.fixture
async def app() -> AsyncIterator[App]:
    scripted = App()
    async with served(scripted.application()) as url:
        scripted.url = url
        yield scripted


@pytest.fixture
async def speech() -> AsyncIterator[SpeechServer]:
    server = SpeechServer()
    async with served(server.application()) as url:
        server.url = url
        yield server


@pytest.fixture
def settings(speech: SpeechServer, tmp_path: Path) -> Settings:
    return Settings(
        account_sid=SID,
        auth_token=TOKEN,
        public_url="http://carrier.test",
        data_dir=tmp_path,
        speech_url=speech.url + "/v1",
        speech_key="key",
        webhook_timeout=1.0,
        notify_pauses=(0.05, 0.05),
    )


@pytest.fixture
async def carrier(settings: Settings) -> AsyncIterator[Carrier]:
    async with running(settings) as one:
        yield one
