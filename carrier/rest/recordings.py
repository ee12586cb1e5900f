"""``Recordings``, of the account and of a call."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from carrier.resources import RecordingRecord
from carrier.rest.access import EXCHANGE
from carrier.rest.errors import RestError, bad_parameter, not_found
from carrier.rest.paging import page


def _record(request: web.Request) -> RecordingRecord:
    record = request.app[EXCHANGE].store.recordings.get(request.match_info["sid"])
    if record is None or record.call_sid != request.match_info.get("call", record.call_sid):
        raise not_found(request.path)
    return record


def _json(request: web.Request, record: RecordingRecord) -> dict[str, Any]:
    return record.to_json(request.app[EXCHANGE].settings.public_url, of_call="call" in request.match_info)


async def index(request: web.Request) -> web.Response:
    """Recordings, newest first."""
    shelf = request.app[EXCHANGE].store.recordings
    call_sid = request.match_info.get("call") or request.query.get("CallSid")
    equal = {"call_sid": call_sid} if call_sid else {}
    return page(
        request,
        "recordings",
        lambda limit, offset: [_json(request, r) for r in shelf.find(limit=limit, offset=offset, **equal)],
    )


async def create(request: web.Request) -> web.Response:
    """Record a live call from now on."""
    call = request.app[EXCHANGE].calls.get(request.match_info["call"])
    if call is None or call.line.ended or call.record.status != "in-progress":
        raise bad_parameter(21220, "Call is not in-progress. Cannot record.")
    form = await request.post()
    active = call.start_recording(
        source="StartCallRecordingAPI",
        channels=2 if form.get("RecordingChannels") == "dual" else 1,
        track=str(form.get("RecordingTrack") or "both"),
        trim=form.get("Trim") == "trim-silence",
        callback=str(form.get("RecordingStatusCallback", "")),
        callback_method=str(form.get("RecordingStatusCallbackMethod", "POST")).upper(),
        callback_events=tuple(str(form.get("RecordingStatusCallbackEvent", "completed")).split()),
    )
    return web.json_response(_json(request, active.record), status=201)


async def fetch(request: web.Request) -> web.Response:
    """One recording's description."""
    return web.json_response(_json(request, _record(request)))


async def audio(request: web.Request) -> web.StreamResponse:
    """The WAV file; other formats are not made."""
    if request.match_info.get("extension", "wav") != "wav":
        raise RestError(404, 20404, "Recordings are kept as wav only")
    record = _record(request)
    path = request.app[EXCHANGE].store.audio_path(record.sid)
    if record.status != "completed" or not path.is_file():
        raise not_found(request.path)
    return web.FileResponse(path, headers={"Content-Type": "audio/x-wav"})


async def delete(request: web.Request) -> web.Response:
    """Erase description and audio."""
    record = _record(request)
    store = request.app[EXCHANGE].store
    if record.status == "in-progress":
        raise bad_parameter(21220, "The recording is in progress")
    store.audio_path(record.sid).unlink(missing_ok=True)
    store.recordings.delete(record.sid)
    return web.Response(status=204)


def routes() -> list[web.RouteDef]:
    """Below ``/2010-04-01/Accounts/{account}``."""
    found: list[web.RouteDef] = [
        web.get("/Recordings.json", index),
        web.get("/Calls/{call}/Recordings.json", index),
        web.post("/Calls/{call}/Recordings.json", create),
    ]
    for base in ("/Recordings/{sid:RE[0-9a-f]{32}}", "/Calls/{call}/Recordings/{sid:RE[0-9a-f]{32}}"):
        found += [
            web.get(base + ".json", fetch),
            web.delete(base + ".json", delete),
            web.get(base, audio),
            web.get(base + ".{extension:[a-z0-9]+}", audio),
        ]
    return found
