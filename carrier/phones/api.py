"""``/phones/calls``: place a call from a WAV phone and hear how it went. Not Twilio's; Basic SID:token all the same."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from contextlib import suppress
from typing import Any

from aiohttp import web

from carrier.phones.wav import Turn, WavPhone, frames_of
from carrier.rest.access import EXCHANGE
from common.audio import FRAME_MS, RATE, read_wav, ulaw_encode
from common.errors import Invalid, NotFound

_MAX_SECONDS = 3600.0
_DEFAULT_SECONDS = 180.0
_MAX_TURNS = 100
#: A finished call's audio is kept this long (a minute of it takes one megabyte).
_KEEP_SECONDS = 600.0
_KEEP_CALLS = 256

PHONES = web.AppKey("phones", dict[str, tuple[WavPhone, float]])


def _number(value: Any, name: str, high: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= high:
        raise Invalid(f"{name} must be a number between 0 and {high:g}")
    return float(value)


def parse_turn(raw: Any) -> Turn:
    """One turn of the request. Raises `Invalid` naming what is wrong."""
    if not isinstance(raw, dict):
        raise Invalid("a turn must be an object")
    unknown = set(raw) - {"wav", "dtmf", "pause", "barge_in_ms", "hangup_after_ms"}
    kinds = set(raw) & {"wav", "dtmf", "pause"}
    if unknown or len(kinds) > 1 or not raw:
        raise Invalid("a turn is one of wav, dtmf, pause; with barge_in_ms and hangup_after_ms")
    frames: tuple[bytes, ...] = ()
    if "wav" in raw:
        try:
            data = base64.b64decode(raw["wav"], validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise Invalid("wav must be base64") from None
        frames = frames_of(ulaw_encode(read_wav(data).mono(RATE)))
    dtmf = raw.get("dtmf", "")
    if not isinstance(dtmf, str) or set(dtmf) - set("0123456789*#"):
        raise Invalid("dtmf must be keys")
    barge_in, hang_up = raw.get("barge_in_ms"), raw.get("hangup_after_ms")
    return Turn(
        frames=frames,
        dtmf=dtmf,
        pause=int(_number(raw.get("pause", 0), "pause", _MAX_SECONDS) * 1000 / FRAME_MS),
        barge_in=None if barge_in is None else int(_number(barge_in, "barge_in_ms", 1e6) / FRAME_MS),
        hang_up=None if hang_up is None else int(_number(hang_up, "hangup_after_ms", 1e6) / FRAME_MS),
    )


async def place(request: web.Request) -> web.Response:
    """``{from, to, turns, max_seconds}`` → 201 ``{call_sid}``; 404 when nobody has the number."""
    try:
        body = await request.json()
    except ValueError:
        raise Invalid("the body must be JSON") from None
    if not isinstance(body, dict) or not isinstance(body.get("turns", []), list):
        raise Invalid("the body must be an object with a list of turns")
    raw_turns = body.get("turns", [])
    if len(raw_turns) > _MAX_TURNS:
        raise Invalid(f"at most {_MAX_TURNS} turns")
    # Resampling a long file takes a while; live calls go on meanwhile.
    turns = await asyncio.to_thread(lambda: [parse_turn(raw) for raw in raw_turns])
    seconds = _number(body.get("max_seconds", _DEFAULT_SECONDS), "max_seconds", _MAX_SECONDS)
    phone = WavPhone(turns, seconds)
    call = request.app[EXCHANGE].call_number(phone, str(body.get("from", "")), str(body.get("to", "")))
    _forget_old(request.app[PHONES])
    request.app[PHONES][call.record.sid] = (phone, time.monotonic())
    return web.json_response({"call_sid": call.record.sid}, status=201)


def _forget_old(phones: dict[str, tuple[WavPhone, float]]) -> None:
    finished = [(sid, at) for sid, (phone, at) in phones.items() if phone.done.is_set()]
    now = time.monotonic()
    for position, (sid, at) in enumerate(finished):
        if now - at > _KEEP_SECONDS + _MAX_SECONDS or len(finished) - position > _KEEP_CALLS:
            del phones[sid]


async def fetch(request: web.Request) -> web.Response:
    """``{status, seconds, ended_by}``, and ``wav`` when it is over; ``?wait=SECONDS`` answers at the end or then."""
    sid = request.match_info["sid"]
    if sid not in request.app[PHONES]:
        raise NotFound("no such phone call")
    phone, _ = request.app[PHONES][sid]
    try:
        wait = _number(float(request.query.get("wait", "0")), "wait", 600)
    except ValueError:
        raise Invalid("wait must be a number") from None
    if wait:
        with suppress(TimeoutError):
            await asyncio.wait_for(phone.done.wait(), wait)
    result: dict[str, Any] = {
        "call_sid": sid,
        "status": phone.status,
        "seconds": round(phone.seconds, 2),
        "ended_by": phone.ended_by,
    }
    if phone.done.is_set():
        wav = await asyncio.to_thread(phone.wav)
        result["wav"] = base64.b64encode(wav).decode()
    return web.json_response(result)


def routes() -> list[web.RouteDef]:
    """At the root."""
    return [web.post("/phones/calls", place), web.get("/phones/calls/{sid}", fetch)]
