"""Media Streams: one websocket between a call and an application.

Frames as in Twilio's "Media Streams - WebSocket Messages": all JSON text; sequence numbers, chunks and timestamps are
strings. A bidirectional stream hears the caller and plays what the application sends; a unidirectional one only tells.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from carrier.resources import iso8601, new_sid
from carrier.twiml import Stream
from common.audio import FRAME_MS, RATE
from common.errors import ProtocolError

if TYPE_CHECKING:
    from carrier.call import Call

log = logging.getLogger(__name__)

_HANDSHAKE_SECONDS = 10.0
_CLOSE_SECONDS = 2.0
_MAX_MESSAGE = 8 * 1024 * 1024
#: Audio that may wait to be played: five minutes, more than any answer.
_MAX_PLAYBACK = 300 * RATE
#: Outgoing messages that may wait: five seconds of frames. Behind that audio is dropped, as Twilio does (31930).
_MAX_QUEUE = 250
#: Marks and keys are few; a stream whose queue is this full is dead, whatever it is.
_HARD_QUEUE = 2000


class MediaStream:
    """A line's listener that carries its audio to an application and, if bidirectional, back."""

    def __init__(self, call: Call, noun: Stream, *, bidirectional: bool) -> None:
        self.sid = new_sid("MZ")
        self.name = noun.name or self.sid
        #: Whether the application ever took the socket.
        self.opened = False
        self._live = False
        self._call, self._noun = call, noun
        self._url = urljoin(call.document.url.replace("http", "ws", 1), noun.url)
        self._bidirectional = bidirectional
        tracks = {"inbound_track": ["inbound"], "outbound_track": ["outbound"], "both_tracks": ["inbound", "outbound"]}
        self._tracks = ["inbound"] if bidirectional else tracks[noun.track]
        self._out: asyncio.Queue[str | None] = asyncio.Queue()
        self._sequence = 0
        self._frames = 0
        self._dropped = 0
        self._errors = 0
        self._halt = asyncio.get_running_loop().create_future()

    # --- to the application

    def _send(self, event: str, body: str) -> None:
        self._sequence += 1
        self._out.put_nowait(
            f'{{"event":"{event}","sequenceNumber":"{self._sequence}","streamSid":"{self.sid}",{body}}}'
        )

    def frame(self, caller: bytes, played: bytes) -> None:
        """Twenty milliseconds of the line."""
        stamp = self._frames * FRAME_MS
        self._frames += 1
        if self._out.qsize() >= _MAX_QUEUE:
            self._dropped += 1
            if self._dropped == 1:
                log.warning("The application reads too slowly, audio is dropped", extra={"code": 31930})
            return
        for track in self._tracks:
            payload = base64.b64encode(caller if track == "inbound" else played).decode()
            self._send(
                "media",
                f'"media":{{"track":"{track}","chunk":"{self._frames}","timestamp":"{stamp}","payload":"{payload}"}}',
            )

    def _digit(self, digit: str) -> None:
        if self._out.qsize() < _HARD_QUEUE:
            self._send("dtmf", f'"dtmf":{{"track":"inbound_track","digit":"{digit}"}}')

    def _return_mark(self, name: str) -> None:
        if self._live and self._out.qsize() < _HARD_QUEUE:
            self._send("mark", f'"mark":{{"name":{json.dumps(name)}}}')

    def _start(self) -> None:
        record = self._call.record
        start = {
            "accountSid": record.account_sid,
            "streamSid": self.sid,
            "callSid": record.sid,
            "tracks": self._tracks,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE, "channels": 1},
            "customParameters": self._noun.parameters,
        }
        self._out.put_nowait(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        self._send("start", f'"start":{json.dumps(start)}')
        self.opened = self._live = True
        self._call.line.listeners.append(self)
        if self._bidirectional:
            self._call.line.digit_listeners.append(self._digit)
        self._tell("stream-started")

    def _tell(self, event: str, error: str = "") -> None:
        params = {
            "AccountSid": self._call.record.account_sid,
            "CallSid": self._call.record.sid,
            "StreamSid": self.sid,
            "StreamName": self.name,
            "StreamEvent": event,
            "Timestamp": iso8601(time.time()),
        }
        if error:
            params["StreamError"] = error
        url = self._noun.status_callback
        if url:
            self._call.tell(url, self._noun.status_callback_method, params)

    # --- from the application

    def receive(self, text: str) -> None:
        """One message of the application. Raises `ProtocolError` for a malformed one, which then has no effect."""
        try:
            message: Any = json.loads(text)
        except (ValueError, RecursionError):
            raise ProtocolError("not JSON") from None
        if not isinstance(message, dict) or message.get("streamSid") != self.sid:
            raise ProtocolError("no message of this stream")
        event = message.get("event")
        playback = self._call.line.playback
        if event == "media":
            dropped = playback.put(_payload(message), _MAX_PLAYBACK)
            if dropped:
                raise ProtocolError("more than five minutes of audio are waiting")
        elif event == "mark":
            mark = message.get("mark")
            name = mark.get("name") if isinstance(mark, dict) else None
            if not isinstance(name, str):
                raise ProtocolError("a mark without a name")
            if playback.mark(lambda: self._return_mark(name)):
                self._return_mark(name)
        elif event == "clear":
            self._call.line.silence()
        else:
            raise ProtocolError("an event nobody knows")

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if not self._bidirectional:
                continue
            try:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise ProtocolError("not text")
                self.receive(message.data)
            except ProtocolError as error:
                self._errors += 1
                # 1, 2, 4, 8, … so that a broken application can't fill the log.
                if self._errors & (self._errors - 1) == 0:
                    log.warning(
                        "A message of the application was ignored",
                        extra={"code": 31951, "reason": str(error), "count": self._errors},
                    )

    async def _write(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while (message := await self._out.get()) is not None:
            await socket.send_str(message)

    # --- life

    def stop(self) -> None:
        """End the stream from the carrier's side (`<Stop>`)."""
        if not self._halt.done():
            self._halt.set_result(None)

    async def run(self) -> None:
        """Connect and carry audio until the application closes or loses the socket, or `stop`.

        A failed handshake ends it at once (reported to the status callback). Raises `HungUp` when the call ends first.
        """
        if "?" in self._url:
            self._fail(31920, "a stream's URL has no query")
            return
        headers = {"x-twilio-signature": self._call.exchange.webhooks.signature(self._url, {})}
        try:
            async with asyncio.timeout(_HANDSHAKE_SECONDS):
                socket = await self._call.exchange.session.ws_connect(
                    URL(self._url, encoded=True), headers=headers, max_msg_size=_MAX_MESSAGE, autoclose=True
                )
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            self._fail(31920, f"the handshake failed ({type(error).__name__})")
            return
        self._start()
        writer = asyncio.create_task(self._write(socket))
        reader = asyncio.create_task(self._read(socket))
        ended = asyncio.ensure_future(asyncio.wait({reader, writer, self._halt}, return_when=asyncio.FIRST_COMPLETED))
        try:
            await self._call.line.until(ended)
        finally:
            self._leave()
            ended.cancel()
            await self._close(socket, reader, writer)
            self._tell("stream-stopped")

    def _fail(self, code: int, reason: str) -> None:
        log.error("A media stream could not be opened", extra={"code": code, "reason": reason})
        self._tell("stream-error", f"{code}: {reason}")

    def _leave(self) -> None:
        line = self._call.line
        line.listeners.remove(self)
        if self._bidirectional:
            line.digit_listeners.remove(self._digit)
            self._live = False
            line.silence()

    async def _close(
        self, socket: aiohttp.ClientWebSocketResponse, reader: asyncio.Task[None], writer: asyncio.Task[None]
    ) -> None:
        if not socket.closed and not writer.done():
            record = self._call.record
            self._send("stop", f'"stop":{{"accountSid":"{record.account_sid}","callSid":"{record.sid}"}}')
            self._out.put_nowait(None)
            await asyncio.wait({writer}, timeout=_CLOSE_SECONDS)
        for task in (reader, writer):
            task.cancel()
        for fault in await asyncio.gather(reader, writer, return_exceptions=True):
            if isinstance(fault, Exception) and not isinstance(fault, aiohttp.ClientError | OSError):
                log.error("A media stream failed", exc_info=fault)
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await socket.close()
        except TimeoutError:
            log.warning("The application did not close its side of a media stream")


def _payload(message: dict[str, Any]) -> bytes:
    media = message.get("media")
    payload = media.get("payload") if isinstance(media, dict) else None
    if not isinstance(payload, str):
        raise ProtocolError("media without a payload")
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolError("a payload that is not base64") from None
