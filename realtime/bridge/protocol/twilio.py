"""Twilio Media Streams frames (twilio.com/docs/voice/media-streams/websocket-messages).

All frames are JSON text. `media_payload` finds the audio of the common frame by slicing; `parse` reads everything else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from common.errors import ProtocolError
from realtime.bridge.protocol.base64text import ALPHABET, PADS, is_base64

#: 20 ms frames have about 300 bytes; nothing Twilio sends comes near this.
MAX_FRAME_BYTES = 64 * 1024

_BRACE = ord("}")
_MEDIA_HEAD = b'{"event":"media"'


def media_payload(data: bytes) -> bytes | None:
    """Base64 audio of a `media` frame in Twilio's spelling; None sends the frame to `parse`.

    The track is not looked at: a bidirectional stream carries the caller's alone, and `start` says which it is.
    """
    if not data.startswith(_MEDIA_HEAD):
        return None
    start = data.find(b'"payload":"') + 11
    payload = data[start : data.find(b'"', start)]
    # What the alphabet leaves over can only be padding, in its place.
    rest = payload.translate(None, ALPHABET)
    if start < 11 or not payload or len(payload) & 3 or len(data) > MAX_FRAME_BYTES or data[-1] != _BRACE:
        return None
    if rest and (rest not in PADS or not payload.endswith(rest)):
        return None
    return payload


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that is not plain audio: `event`, and of its fields those that the bridge uses."""

    event: str
    stream_sid: str = ""
    call_sid: str = ""
    token: str = ""
    payload: bytes = b""
    name: str = ""
    digit: str = ""
    mixed: bool = False
    """The stream carries more than the caller's track."""


def _text(value: Any) -> str:
    return value[:256] if isinstance(value, str) else ""


def _part(message: dict[str, Any], name: str) -> dict[str, Any]:
    part = message.get(name)
    if not isinstance(part, dict):
        raise ProtocolError(f"{name} frame without its {name} object")
    return part


def _start(message: dict[str, Any]) -> Frame:
    start = _part(message, "start")
    media = start.get("mediaFormat")
    if isinstance(media, dict) and media.get("encoding", "audio/x-mulaw") != "audio/x-mulaw":
        raise ProtocolError("not mu-law")
    parameters = start.get("customParameters")
    token = _text(parameters.get("token")) if isinstance(parameters, dict) else ""
    sid = _text(start.get("streamSid")) or _text(message.get("streamSid"))
    if not sid or '"' in sid or "\\" in sid or not sid.isprintable() or not sid.isascii():
        raise ProtocolError("start without a usable streamSid")
    mixed = start.get("tracks", ["inbound"]) != ["inbound"]
    return Frame("start", stream_sid=sid, call_sid=_text(start.get("callSid")), token=token, mixed=mixed)


def _media(message: dict[str, Any]) -> Frame:
    media = _part(message, "media")
    if media.get("track") == "outbound":
        return Frame("media")
    payload = media.get("payload")
    raw = payload.encode("ascii", "replace") if isinstance(payload, str) else b""
    if not is_base64(raw):
        raise ProtocolError("media without base64")
    return Frame("media", payload=raw)


def parse(data: bytes) -> Frame:
    """Any frame of the carrier. Raises ProtocolError when it is oversized, not JSON, or lacks what its kind must have.

    Kinds that are not known come back as they are: a new one must not end a call.
    """
    if len(data) > MAX_FRAME_BYTES:
        raise ProtocolError("oversized frame")
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        raise ProtocolError("not JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("event"), str):
        raise ProtocolError("no event")
    event = message["event"]
    if event == "start":
        return _start(message)
    if event == "media":
        return _media(message)
    if event == "mark":
        return Frame(event, name=_text(_part(message, "mark").get("name")))
    if event == "dtmf":
        return Frame(event, digit=_text(_part(message, "dtmf").get("digit")))
    return Frame(event[:64])


def media_head(stream_sid: str) -> bytes:
    """What stands before the payload in a `media` frame of ours."""
    return b'{"event":"media","streamSid":"%s","media":{"payload":"' % stream_sid.encode("ascii")


MEDIA_TAIL = b'"}}'


def mark(stream_sid: str, name: str) -> bytes:
    """Ask to be told when all audio sent so far has been played."""
    return b'{"event":"mark","streamSid":"%s","mark":{"name":"%s"}}' % (stream_sid.encode(), name.encode())


def clear(stream_sid: str) -> bytes:
    """Throw away what is buffered; every pending mark comes back, which then proves nothing."""
    return b'{"event":"clear","streamSid":"%s"}' % stream_sid.encode("ascii")
