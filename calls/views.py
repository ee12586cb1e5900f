"""Pages of a tenant's calls, voicemails and messages, and the audio behind them. Members only."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from calls import selectors
from calls.recordings import read_recording
from common.crypto import Unreadable
from common.errors import NotFound
from common.htmx import page_or_partial
from common.ranges import byte_range
from tenants.access import member_required


def _page_number(request: HttpRequest) -> int:
    value = request.GET.get("page", "1")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 7 else 1


def _list(request: HttpRequest, name: str, context: dict[str, object]) -> HttpResponse:
    return page_or_partial(request, f"calls/{name}.html", f"calls/partials/_{name}.html", context)


@require_safe
@member_required()
def call_list(request: HttpRequest) -> HttpResponse:
    """Every call, newest first."""
    return _list(request, "call_list", {"page": selectors.list_calls(page=_page_number(request))})


@require_safe
@member_required()
def voicemail_list(request: HttpRequest) -> HttpResponse:
    """Recorded messages, newest first."""
    return _list(request, "voicemail_list", {"page": selectors.list_voicemails(page=_page_number(request))})


@require_safe
@member_required()
def message_list(request: HttpRequest) -> HttpResponse:
    """Messages the receptionist took, newest first."""
    return _list(request, "message_list", {"page": selectors.list_messages(page=_page_number(request))})


@require_safe
@member_required()
def call_detail(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """One call: what was said, what was done, what is kept, what it cost."""
    try:
        page = selectors.call_page(call_id)
    except NotFound as error:
        raise Http404(error.message) from None
    return render(request, "calls/call_detail.html", {"page": page, "call": page.call})


@require_safe
@never_cache
@member_required()
def recording_audio(request: HttpRequest, recording_id: UUID) -> HttpResponse:
    """The WAV file of a recording, whole or the part a player asks for. Nothing may keep a copy."""
    try:
        recording = selectors.kept_recording(recording_id)
    except NotFound as error:
        raise Http404(error.message) from None
    size = recording.size
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "no-store, private"}
    try:
        part = byte_range(request.headers.get("Range", ""), size)
    except ValueError:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    start, end = part or (0, size)
    headers["Content-Length"] = str(end - start)
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    try:
        body = b"" if request.method == "HEAD" else read_recording(recording, start, end)
    except (NotFound, Unreadable) as error:
        return HttpResponse(error.message, status=410, content_type="text/plain", headers={"Cache-Control": "no-store"})
    return HttpResponse(body, status=206 if part else 200, content_type="audio/wav", headers=headers)
