"""A kept recording as an HTTP answer, for players and programs alike."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from calls.models import Recording
from calls.recordings import read_recording
from common.crypto import Unreadable
from common.errors import NotFound
from common.ranges import byte_range
from common.rest import problem


def wav_response(request: HttpRequest, recording: Recording) -> HttpResponse:
    """The WAV file, whole or the part that ``Range`` asks for. Nothing may keep a copy.

    416 where the file has no such part, 410 where the file is gone or can't be opened any more.
    """
    size = recording.size
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "no-store, private"}
    try:
        part = byte_range(request.headers.get("Range", ""), size)
    except ValueError:
        message = "the file has no such part"
        return problem(416, "no_such_range", message, {"size": size}, {**headers, "Content-Range": f"bytes */{size}"})
    start, end = part or (0, size)
    try:
        body = b"" if request.method == "HEAD" else read_recording(recording, start, end)
    except (NotFound, Unreadable) as error:
        return problem(410, "gone", str(error), headers={"Cache-Control": "no-store"})
    headers["Content-Length"] = str(end - start)
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return HttpResponse(body, status=206 if part else 200, content_type="audio/wav", headers=headers)
