"""One call: its record, its line, and the documents it goes through.

The ladder when a document can't be had: the URL, once more (no connection, 5xx, unusable answer), the number's
fallback URL the same way, then a spoken "application error" and the end. A caller never hears nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from carrier import verbs
from carrier.line import EndedBy, HungUp, Line, Phone
from carrier.media_stream import MediaStream
from carrier.recorder import Recorder, trim_silence
from carrier.resources import API_VERSION, CallRecord, RecordingRecord, account_path, rfc2822
from carrier.steps import End, Given, Goto, Step
from carrier.tones import error_tone
from carrier.twiml import Reject, TwimlError, Verb, parse
from carrier.webhooks import WebhookError
from common.logs import bind

if TYPE_CHECKING:
    from carrier.exchange import Exchange

log = logging.getLogger(__name__)

_SORRY = "We are sorry, an application error has occurred. Goodbye."
_XML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})
#: More documents than this in `_LOOP_SECONDS` seconds are a loop that nobody hears.
_LOOP_DOCUMENTS = 25
_LOOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Document:
    """Verbs and what their relative URLs refer to."""

    verbs: list[Verb]
    url: str
    method: str


@dataclass(slots=True)
class ActiveRecording:
    """A recording under way and whom to tell."""

    record: RecordingRecord
    recorder: Recorder
    path: Path
    trim: bool
    callback: str
    callback_method: str
    callback_events: tuple[str, ...]


class Call:
    """A live call. `run` goes through its documents; ended calls remain as records in the store."""

    def __init__(
        self, exchange: Exchange, record: CallRecord, phone: Phone, first: Step, fallback: Goto | None
    ) -> None:
        self.exchange = exchange
        self.record = record
        self.line = Line(phone, exchange.settings.max_call_seconds, exchange.settings.tick_seconds)
        self.line.on_end = self._ended
        self.document = Document([], "", "POST")
        self.recordings: list[ActiveRecording] = []
        self._streams: dict[MediaStream, asyncio.Task[None]] = {}
        self._first, self._fallback = first, fallback
        self._interrupt: asyncio.Future[Step] = asyncio.get_running_loop().create_future()
        #: Twilio's status of this call should it end without having been answered.
        self._unanswered = "no-answer" if record.direction == "inbound" else "canceled"
        self._sequence = 0
        self._fetched: list[float] = []

    # --- what applications are told

    def params(self) -> dict[str, str]:
        """The parameters of every webhook of this call."""
        record = self.record
        return {
            "CallSid": record.sid,
            "AccountSid": record.account_sid,
            "From": record.caller,
            "To": record.callee,
            "Caller": record.caller,
            "Called": record.callee,
            "CallStatus": record.status,
            "Direction": record.direction,
            "ApiVersion": API_VERSION,
            "FromCity": "",
            "FromState": "",
            "FromZip": "",
            "FromCountry": "US" if record.caller.startswith("+1") else "",
            "ToCity": "",
            "ToState": "",
            "ToZip": "",
            "ToCountry": "US" if record.callee.startswith("+1") else "",
        }

    def tell(self, url: str, method: str, params: dict[str, str]) -> None:
        """A callback whose answer does not matter; `url` may be relative to the present document."""
        self.exchange.webhooks.notify(urljoin(self.document.url, url), method, params)

    def set_status(self, status: str) -> None:
        """Move to a status of Twilio's, and tell the status callback if it asked for it."""
        record = self.record
        record.status = status
        self.exchange.store.calls.put(record)
        event = {"queued": "initiated", "in-progress": "answered", "ringing": "ringing"}.get(status, "completed")
        if not record.status_callback or event not in record.status_events:
            return
        params = self.params()
        params |= {
            "Timestamp": rfc2822(time.time()) or "",
            "SequenceNumber": str(self._sequence),
            "CallbackSource": "call-progress-events",
        }
        self._sequence += 1
        if event == "completed":
            seconds = record.duration or 0
            params |= {"CallDuration": str(seconds), "Duration": str(-(-seconds // 60))}
        if record.parent_call_sid:
            params["ParentCallSid"] = record.parent_call_sid
        self.exchange.webhooks.notify(record.status_callback, record.status_callback_method, params)

    # --- life

    def interrupt(self, step: Step) -> None:
        """Leave what is being done and go on with `step` (REST's update of a call)."""
        if isinstance(step, End):
            self.line.hang_up("line")
        elif not self._interrupt.done():
            self._interrupt.set_result(step)

    def _answer(self) -> None:
        if self.record.answered_at is None and not self.line.ended:
            self.record.answered_at = time.time()
            self.set_status("in-progress")
            self.line.answer()

    def hang_up(self, unanswered: str) -> None:
        """End the call from the far side; `unanswered` is its status if it was never answered."""
        self._unanswered = unanswered
        self.line.hang_up("line")

    def _ended(self, by: EndedBy) -> None:
        self.record.ended_at = time.time()
        status = "completed" if self.record.answered_at else self._unanswered
        # The phone first: whatever the disk says, its caller learns that the call is over.
        self.line.phone.ended(by, status)
        self.set_status(status)

    async def run(self, picked_up: asyncio.Future[None] | None = None) -> None:
        """The whole call; an outgoing one begins when it is `picked_up`.

        Never raises; when it returns, every callback was handed over and every file is closed.
        """
        with bind(call_sid=self.record.sid):
            try:
                if picked_up is not None:
                    await self.line.until(picked_up)
                    self._answer()
                await self._converse()
            except HungUp:
                pass
            finally:
                self.line.hang_up("line")
                await asyncio.gather(*self._streams.values())
                for active in list(self.recordings):
                    await self.finish_recording(active)

    async def _converse(self) -> None:
        step: Step = self._first
        while not isinstance(step, End):
            work = asyncio.create_task(self._carry_out(step))
            await asyncio.wait({work, self._interrupt}, return_when=asyncio.FIRST_COMPLETED)
            if not self._interrupt.done():
                step = work.result()
                continue
            if not work.done():
                work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            if self.line.ended:
                return
            self.line.silence()
            step = self._interrupt.result()
            self._interrupt = asyncio.get_running_loop().create_future()
        self._unanswered = step.status

    async def _carry_out(self, step: Goto | Given) -> Step:
        try:
            self.document = await self._document(step)
        except (WebhookError, TwimlError):
            return await self._apologise()
        try:
            return await self._perform()
        except HungUp:
            raise
        except Exception:
            log.exception("A call's document failed")
            self.line.silence()
            return await self._apologise()

    async def _perform(self) -> Step:
        first = self.document.verbs[0] if self.document.verbs else None
        if isinstance(first, Reject) and self.record.answered_at is None:
            return End("busy" if first.reason == "busy" else "no-answer")
        for verb, following in zip_longest(self.document.verbs, self.document.verbs[1:]):
            if self.line.ended:
                raise HungUp
            self._answer()
            if following is not None:
                verbs.prepare(self, following)
            outcome = await verbs.run(self, verb)
            if outcome is not None:
                return outcome
        self._answer()
        return End()

    async def _apologise(self) -> Step:
        self._answer()
        await self.line.play(await self.exchange.speech.say(_SORRY) or error_tone())
        return End()

    # --- documents

    async def _document(self, step: Goto | Given) -> Document:
        """Raises `WebhookError` or `TwimlError` when the whole ladder failed."""
        if isinstance(step, Given):
            return Document(parse(step.body), step.url, "POST")
        self._mind_the_loop()
        try:
            return await self._fetch(step)
        except (WebhookError, TwimlError) as error:
            log.error("A document could not be had", extra={"code": error.code, "reason": error.message})
            if self._fallback is None or self.line.ended:
                raise
            failed = {"ErrorCode": str(error.code), "ErrorUrl": step.url}
        try:
            return await self._fetch(Goto(self._fallback.url, self._fallback.method, step.params | failed))
        except (WebhookError, TwimlError) as error:
            log.error("The fallback document could not be had", extra={"code": error.code, "reason": error.message})
            raise

    async def _fetch(self, step: Goto) -> Document:
        url = urljoin(self.document.url, step.url)
        token = str(uuid.uuid4())
        for last in (False, True):
            try:
                answer = await self.exchange.webhooks.send(url, step.method, self.params() | step.params, token)
                if answer.body and answer.content_type not in _XML_TYPES:
                    raise TwimlError(12300, f"content type {answer.content_type}")
                # An empty answer is a document without verbs.
                verbs_ = parse(answer.body) if answer.body.strip() else []
                return Document(verbs_, answer.url, step.method)
            except (WebhookError, TwimlError) as error:
                # The caller has waited long enough for one that did not answer.
                hopeless = isinstance(error, WebhookError) and (error.timed_out or not error.retry)
                if last or self.line.ended or hopeless:
                    raise
        raise AssertionError("unreachable")

    def _mind_the_loop(self) -> None:
        now = time.monotonic()
        self._fetched = [moment for moment in self._fetched if now - moment < _LOOP_SECONDS] + [now]
        if len(self._fetched) > _LOOP_DOCUMENTS:
            raise TwimlError(12400, "documents redirect in a loop")

    def goto(self, action: str, method: str, params: dict[str, str]) -> Goto:
        """The document at a verb's action; without one the present document again."""
        return Goto(action, method, params) if action else Goto(self.document.url, self.document.method, params)

    # --- streams that only listen

    def start_stream(self, stream: MediaStream) -> None:
        """Carry a stream beside the document."""
        task = asyncio.create_task(self._listen(stream))
        self._streams[stream] = task
        task.add_done_callback(lambda _: self._streams.pop(stream, None))

    async def _listen(self, stream: MediaStream) -> None:
        with suppress(HungUp):
            await stream.run()

    def stop_streams(self, name: str = "") -> None:
        """End the stream of this name, or all."""
        for stream in self._streams:
            if name in {"", stream.name}:
                stream.stop()

    # --- recordings

    def start_recording(
        self,
        *,
        source: str,
        channels: int,
        track: str,
        trim: bool = False,
        callback: str = "",
        callback_method: str = "POST",
        callback_events: tuple[str, ...] = ("completed",),
    ) -> ActiveRecording:
        """Record from now on."""
        record = RecordingRecord(self.record.account_sid, self.record.sid, source, channels, track)
        path = self.exchange.store.audio_path(record.sid)
        recorder = Recorder(path, channels, track)
        self.exchange.store.recordings.put(record)
        callback = urljoin(self.document.url, callback) if callback else ""
        active = ActiveRecording(record, recorder, path, trim, callback, callback_method, callback_events)
        self.recordings.append(active)
        self.line.listeners.append(active.recorder)
        self._tell_recording(active)
        return active

    async def finish_recording(self, active: ActiveRecording, *, absent: bool = False) -> RecordingRecord:
        """Close the file and tell whom it concerns; `absent` throws the audio away."""
        if active not in self.recordings:
            return active.record
        self.recordings.remove(active)
        self.line.listeners.remove(active.recorder)
        active.recorder.close()
        record = active.record
        if absent or not active.recorder.seconds:
            active.path.unlink(missing_ok=True)
            record.status, record.seconds = "absent", 0.0
        else:
            record.seconds = active.recorder.seconds
            if active.trim:
                record.seconds = await asyncio.to_thread(trim_silence, active.path)
            record.status = "completed"
        self.exchange.store.recordings.put(record)
        self._tell_recording(active)
        return record

    def recording_url(self, record: RecordingRecord) -> str:
        """Where the audio is."""
        return self.exchange.settings.public_url + account_path(record.account_sid, f"Recordings/{record.sid}")

    def _tell_recording(self, active: ActiveRecording) -> None:
        record = active.record
        if not active.callback or record.status not in active.callback_events:
            return
        self.exchange.webhooks.notify(
            active.callback,
            active.callback_method,
            {
                "AccountSid": record.account_sid,
                "CallSid": record.call_sid,
                "RecordingSid": record.sid,
                "RecordingUrl": self.recording_url(record),
                "RecordingStatus": record.status,
                "RecordingDuration": record.duration or "0",
                "RecordingChannels": str(record.channels),
                "RecordingStartTime": rfc2822(record.created) or "",
                "RecordingSource": record.source,
                "RecordingTrack": record.track,
                "ErrorCode": "0",
            },
        )
