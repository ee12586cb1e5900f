"""The exchange: everything the carrier has at run time, and how calls begin."""

from __future__ import annotations

import asyncio
import logging
import re
import time

import aiohttp

from carrier.call import Call
from carrier.line import EndedBy, Line, Phone
from carrier.phones.loop import loop_pair
from carrier.resources import FINAL, CallRecord, PhoneNumber
from carrier.settings import Settings
from carrier.speech import Speech
from carrier.steps import Goto, Step
from carrier.store import Store
from carrier.webhooks import Webhooks
from common.errors import Invalid, NotFound

log = logging.getLogger(__name__)

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_STOP_SECONDS = 3.0


def checked_e164(text: str) -> str:
    """`text` if it is a number in E.164. Raises `Invalid`."""
    if not _E164.fullmatch(text):
        raise Invalid("a number must be written in E.164, as +15552000000")
    return text


class _Unreachable:
    """The far end of a call to nowhere."""

    def answered(self, line: Line) -> None:
        """Never happens."""

    def read(self) -> bytes:
        """Never happens."""
        return b""

    def write(self, frame: bytes) -> None:
        """Never happens."""

    def ended(self, by: EndedBy, status: str) -> None:
        """Nothing to tidy up."""


class Exchange:
    """One account's numbers, calls and recordings. Made and closed inside a running loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.data_dir)
        # No limit of connections: every call has a socket of its own. No cookies between applications.
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=True
        )
        self.webhooks = Webhooks(settings, self.session)
        self.speech = Speech(settings, self.session, self.webhooks)
        self.calls: dict[str, Call] = {}
        self._running: set[asyncio.Task[None]] = set()

    def end_stale_calls(self) -> None:
        """Close the books of calls that a killed process left open; their applications are told."""
        for record in self.store.calls.find():
            if record.status in FINAL:
                continue
            record.ended_at = record.updated if record.answered_at else time.time()
            record.status = "in-progress" if record.answered_at else "ringing"
            call = Call(self, record, _Unreachable(), Goto(""), None)
            call.set_status("completed" if record.answered_at else "failed")
        for recording in self.store.recordings.find(status="in-progress"):
            self.store.audio_path(recording.sid).unlink(missing_ok=True)
            recording.status, recording.seconds = "absent", 0.0
            self.store.recordings.put(recording)

    # --- calls

    def call_number(self, phone: Phone, caller: str, callee: str) -> Call:
        """A phone calls one of our numbers. Raises `Invalid` for a bad number, `NotFound` when nobody has it."""
        number = self.store.number(checked_e164(callee))
        if number is None:
            raise NotFound("this number is not in service")
        record = CallRecord(
            self.settings.account_sid,
            checked_e164(caller),
            callee,
            "inbound",
            phone_number_sid=number.sid,
            status_callback=number.status_callback,
            status_callback_method=number.status_callback_method,
        )
        call = self._make(record, phone, Goto(number.voice_url, number.voice_method), _fallback_of(number))
        call.set_status("ringing")
        self._run(call)
        return call

    def call_out(self, record: CallRecord, first: Step, fallback: Goto | None) -> Call:
        """REST places a call. To a number of ours both ends are carried here; any other can't be reached."""
        number = self.store.number(record.callee)
        if number is None:
            log.warning("A call to outside can't be placed by the built-in carrier", extra={"call_sid": record.sid})
            call = Call(self, record, _Unreachable(), first, fallback)
            call.set_status("queued")
            call.hang_up("failed")
            return call
        near, far = loop_pair()
        call = self._make(record, near, first, fallback)
        call.set_status("queued")
        call.set_status("ringing")
        picked_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        far.on_answered = lambda: picked_up.set_result(None)
        far.on_ended = call.hang_up
        far_call = self.call_number(far, record.caller, record.callee)
        near.on_ended = lambda status: far_call.line.hang_up("caller")
        self._run(call, picked_up)
        return call

    def _make(self, record: CallRecord, phone: Phone, first: Step, fallback: Goto | None) -> Call:
        call = Call(self, record, phone, first, fallback)
        self.calls[record.sid] = call
        return call

    def _run(self, call: Call, picked_up: asyncio.Future[None] | None = None) -> None:
        task = asyncio.create_task(self._run_to_end(call, picked_up))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run_to_end(self, call: Call, picked_up: asyncio.Future[None] | None) -> None:
        try:
            await call.run(picked_up)
        finally:
            self.calls.pop(call.record.sid, None)

    def hang_up_all(self) -> None:
        """End every call; their callbacks are under way when this returns."""
        for call in list(self.calls.values()):
            call.line.hang_up("line")

    async def close(self) -> None:
        """Hang up every call, deliver what is owed for a few seconds, close files and sockets."""
        self.hang_up_all()
        if self._running:
            _, left = await asyncio.wait(set(self._running), timeout=_STOP_SECONDS)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        await self.webhooks.drain(_STOP_SECONDS)
        await self.session.close()
        self.store.close()


def _fallback_of(number: PhoneNumber) -> Goto | None:
    return Goto(number.voice_fallback_url, number.voice_fallback_method) if number.voice_fallback_url else None
