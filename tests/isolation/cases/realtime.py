"""The carrier's stream: its token alone says whose it is, whatever host and cookie come with it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from calls.models import Call
from calls.sessions import SessionParts, issue_stream
from tenants.context import run_in_tenant
from tests.cast import ALPHA, BETA
from tests.isolation.registry import Socket, World, register
from tests.sockets import browser_socket

SID, OTHER = f"CA{'a' * 32}", f"CA{'c' * 32}"


def _lay_token(world: World) -> str:
    world.monkeypatch.setattr("calls.sessions._builders", [lambda call, tenant: _parts(world)])
    return issue_stream(Call.objects.create(sid=SID))


def _parts(world: World) -> SessionParts:
    return SessionParts(instructions=world.marker, greeting_text=world.marker, greeting_ulaw=b"\x7f" * 1600)


async def _start(host: str, token: str, sid: str) -> list[dict[str, Any]]:
    """What comes back to a stream that opens with this token, up to its end."""
    socket = browser_socket("/media/twilio", host)
    assert (await socket.connect())[0]
    start = {"streamSid": "MZ1", "accountSid": "AC1", "callSid": sid, "customParameters": {"token": token}}
    await socket.send_to(text_data=json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
    await socket.send_to(text_data=json.dumps({"event": "start", "streamSid": "MZ1", "start": start}))
    outputs: list[dict[str, Any]] = []
    async with asyncio.timeout(5):
        while not outputs or outputs[-1]["type"] != "websocket.close":
            outputs.append(await socket.receive_output(5))
    await socket.disconnect()
    return outputs


async def _stream(world: World) -> None:
    """A token of alpha's is worthless with another call, used up by the attempt, and a made-up one opens nothing."""
    token = await run_in_tenant(world.alpha.schema, _lay_token, world)
    for host, given, sid in ((BETA.host, token, OTHER), (ALPHA.host, token, SID), (ALPHA.host, "made-up", SID)):
        outputs = await _start(host, given, sid)
        assert [output["type"] for output in outputs] == ["websocket.close"], "nothing is spoken to a stranger"
        assert world.marker not in repr(outputs)


register(Socket("socket:media/twilio", _stream))
