"""``python -m carrier`` as a process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import httpx
import pytest

from common.env import ROOT
from tests.carrier.stage import NUMBER, SID, TOKEN, App, Phone, heard, loud_seconds


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def start(module: str, port: int, var: Path, **env: str) -> asyncio.subprocess.Process:
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, "--host", "127.0.0.1", "--port", str(port)),
        cwd=ROOT,
        env=keep | {"DESKBELL_VAR": str(var)} | env,
        stderr=asyncio.subprocess.PIPE,
    )


async def healthy(url: str, seconds: float) -> None:
    async with asyncio.timeout(seconds), httpx.AsyncClient() as http:
        while True:
            try:
                if (await http.get(f"{url}/healthz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


async def stopped(process: asyncio.subprocess.Process) -> int:
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(20):
        await process.communicate()
    assert process.returncode is not None
    return process.returncode


async def test_it_serves_and_stops_on_sigterm_having_told_of_the_live_call(app: App, tmp_path: Path) -> None:
    port = free_port()
    process = await start("carrier", port, tmp_path, TWILIO_ACCOUNT_SID=SID, TWILIO_AUTH_TOKEN=TOKEN)
    try:
        url = f"http://127.0.0.1:{port}"
        await healthy(url, 20)
        form = {
            "PhoneNumber": NUMBER,
            "VoiceUrl": app.answer(
                "/voice", '<Start><Recording recordingStatusCallback="/rec"/></Start><Pause length="60"/>'
            ),
            "StatusCallback": app.url + "/status",
        }
        async with httpx.AsyncClient(auth=(SID, TOKEN), base_url=url) as http:
            answer = await http.post(f"/2010-04-01/Accounts/{SID}/IncomingPhoneNumbers.json", data=form)
            assert answer.status_code == 201
        sid = await Phone(url).place()
        waiting = asyncio.create_task(Phone(url).result(sid, wait=60))
        await app.wait_for("/voice")
        await asyncio.sleep(0.3)
        began = time.monotonic()
        assert await stopped(process) == 0
        assert time.monotonic() - began < 4
        assert (await waiting)["status"] == "completed"
        [status] = app.of("/status")
        assert status.ok and status.params["CallStatus"] == "completed"
        [recording] = app.of("/rec")
        assert recording.params["RecordingUrl"].startswith(url)
        assert (tmp_path / "carrier" / "recordings" / f"{recording.params['RecordingSid']}.wav").stat().st_size > 100
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_it_says_which_setting_is_missing(tmp_path: Path) -> None:
    process = await start("carrier", free_port(), tmp_path)
    async with asyncio.timeout(20):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert "TWILIO_ACCOUNT_SID is not set" in errors.decode()


@pytest.mark.slow
async def test_say_is_spoken_by_the_engine(app: App, tmp_path: Path) -> None:
    engine_port, port = free_port(), free_port()
    engine_url = f"http://127.0.0.1:{engine_port}"
    engine = await start("engine", engine_port, tmp_path, ENGINE_API_KEY="key")
    account = {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN}
    process = await start("carrier", port, tmp_path, ENGINE_URL=engine_url, ENGINE_API_KEY="key", **account)
    try:
        url = f"http://127.0.0.1:{port}"
        await healthy(engine_url, 90)
        await healthy(url, 20)
        form = {
            "PhoneNumber": NUMBER,
            "VoiceUrl": app.answer("/voice", "<Say>Good morning, this is a test call.</Say>"),
        }
        async with httpx.AsyncClient(auth=(SID, TOKEN), base_url=url) as http:
            await http.post(f"/2010-04-01/Accounts/{SID}/IncomingPhoneNumbers.json", data=form)
        result = await Phone(url).call()
        # A sentence, and no error tone (which is one second of sound).
        assert 1.2 < loud_seconds(heard(result)[1]) < 4
    finally:
        for child in (process, engine):
            if child.returncode is None:
                await stopped(child)
