"""The media end of a browser's call: one WebRTC connection that carries 8 kHz mu-law as it is.

aiortc does ICE, DTLS and SRTP. Nothing is decoded: outgoing frames are given to it already encoded, and the decoder it
would use for PCMU is replaced by one that hands the payload on (1.6 % of a core a call instead of 2.6 %).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from typing import Any

import aioice.ice
import aiortc.rtcrtpreceiver
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import Packet

from carrier.tones import SILENT_FRAME
from common.audio import FRAME_BYTES, RATE
from common.errors import Invalid

log = logging.getLogger(__name__)

# Both say every candidate address, and so whose network a browser is in.
for _name in ("aioice", "aiortc"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_TIME_BASE = Fraction(1, RATE)
#: Frames kept between the browser's clock and the line's before any is used, and at most.
_PREFILL, _AT_MOST = 2, 12
_LONGEST_SDP = 32_000

# Neither library has a seam for this; both look the functions up in these modules at every use.
_receiver: Any = aiortc.rtcrtpreceiver
_ice: Any = aioice.ice
_decoder_for, _host_addresses = _receiver.get_decoder, _ice.get_host_addresses


class _PassThrough:
    """A "decoder" whose frames are the payloads themselves."""

    def decode(self, encoded_frame: Any) -> list[bytes]:
        return [bytes(encoded_frame.data)]


def _get_decoder(codec: Any) -> Any:
    return _PassThrough() if codec.mimeType.lower() == "audio/pcmu" else _decoder_for(codec)


def _with_loopback(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    """aioice never offers the loopback interface; on a machine without another it is the only way to the browser."""
    found: list[str] = _host_addresses(use_ipv4, use_ipv6)
    return found or ["127.0.0.1"]


_receiver.get_decoder = _get_decoder
_ice.get_host_addresses = _with_loopback


class _Mouth(MediaStreamTrack):
    """Frames on their way to the browser, paced by whoever puts them in."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(_AT_MOST)
        self._samples = 0

    def put(self, frame: bytes) -> None:
        if self._frames.full():
            # Nobody takes them yet (or the sender hangs): what is old is worth nothing.
            self._frames.get_nowait()
        self._frames.put_nowait(frame)

    async def recv(self) -> Any:
        packet = Packet(await self._frames.get())
        packet.pts, packet.time_base = self._samples, _TIME_BASE
        self._samples += FRAME_BYTES
        return packet


class Peer:
    """One connection to one browser. `lost` is called once when media can no longer flow."""

    def __init__(self, lost: Callable[[], None] = lambda: None) -> None:
        # No STUN: offline it costs five seconds, and the browser reaches us or it does not.
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._mouth = _Mouth()
        self._heard: deque[bytes] = deque(maxlen=_AT_MOST)
        self._filled = False
        self._lost = lost
        self._ear: asyncio.Task[None] | None = None
        self.connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pc.on("track", self._on_track)
        self._pc.on("connectionstatechange", self._on_state)

    # --- signalling

    async def answer(self, offer: Any) -> str:
        """Our answer to the browser's offer. Raises `Invalid` for an offer without mu-law audio."""
        self._pc.addTrack(self._mouth)
        await self._remote(offer, "offer")
        self._only_mu_law()
        try:
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except Exception as error:
            raise Invalid("the offer has no audio this line can carry") from error
        return str(self._pc.localDescription.sdp)

    async def offer(self) -> str:
        """Our offer to a browser that is to ring."""
        self._pc.addTrack(self._mouth)
        self._only_mu_law()
        await self._pc.setLocalDescription(await self._pc.createOffer())
        return str(self._pc.localDescription.sdp)

    async def accept(self, answer: Any) -> None:
        """The browser's answer to our offer. Raises `Invalid`."""
        await self._remote(answer, "answer")

    async def _remote(self, sdp: Any, kind: str) -> None:
        if not isinstance(sdp, str) or len(sdp) > _LONGEST_SDP or "m=audio" not in sdp:
            raise Invalid("a session description with audio is needed")
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(sdp, kind))
        except Exception as error:
            # The parser raises whatever it stumbles over.
            raise Invalid("the session description can't be used") from error

    def _only_mu_law(self) -> None:
        codecs = [c for c in RTCRtpSender.getCapabilities("audio").codecs if c.mimeType == "audio/PCMU"]
        transceivers: list[RTCRtpTransceiver] = self._pc.getTransceivers()
        for transceiver in transceivers:
            transceiver.setCodecPreferences(codecs)

    def _on_state(self) -> None:
        state = self._pc.connectionState
        if state == "connected" and not self.connected.done():
            self.connected.set_result(None)
        elif state in {"failed", "closed"}:
            lost, self._lost = self._lost, lambda: None
            lost()

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and self._ear is None:
            self._ear = asyncio.create_task(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                payload: Any = await track.recv()
                if isinstance(payload, bytes):
                    for at in range(0, len(payload), FRAME_BYTES):
                        self._heard.append(payload[at : at + FRAME_BYTES].ljust(FRAME_BYTES, SILENT_FRAME[:1]))

    # --- audio, once every 20 ms

    def read(self) -> bytes:
        """The next frame from the browser; silence while none is there."""
        if not self._filled:
            self._filled = len(self._heard) >= _PREFILL
        if self._filled and self._heard:
            return self._heard.popleft()
        self._filled = False
        return SILENT_FRAME

    def write(self, frame: bytes) -> None:
        """The next frame to the browser."""
        self._mouth.put(frame)

    async def close(self) -> None:
        """End the connection; again is harmless."""
        self._lost = lambda: None
        if self._ear is not None:
            self._ear.cancel()
        await self._pc.close()
