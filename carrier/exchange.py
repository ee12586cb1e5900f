"""The exchange: everything the carrier has at run time, and how calls begin."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from typing import Protocol

import aiohttp

from carrier.call import Call
from carrier.line import EndedBy, Line, Phone
from carrier.phones.browser import BrowserPhone, Signal
from carrier.phones.loop import loop_pair
from carrier.resources import FINAL, Application, CallRecord, PhoneNumber
from carrier.settings import Settings
from carrier.speech import Speech
from carrier.steps import Goto, Step
from carrier.store import Store
from carrier.webhooks import Webhooks
from common.errors import Invalid, NotFound

log = logging.getLogger(__name__)

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_CLIENT = re.compile(r"client:[^\s]{1,121}")
_STOP_SECONDS = 3.0
#: What an application's webhook says of the call itself; a browser's own parameters never replace it.
_OF_THE_CALL = frozenset(
    {"CallSid", "AccountSid", "From", "To", "Caller", "Called", "CallStatus", "Direction", "ApiVersion", "ErrorCode"}
)


def checked_e164(text: str) -> str:
    """`text` if it is a number in E.164. Raises `Invalid`."""
    if not _E164.fullmatch(text):
        raise Invalid("a number must be written in E.164, as +15552000000")
    return text


def checked_callee(text: str) -> str:
    """`text` if REST can call it: a number in E.164 or ``client:identity``. Raises `Invalid`."""
    return text if _CLIENT.fullmatch(text) else checked_e164(text)


class Client(Signal, Protocol):
    """A browser that can be rung."""

    def ring(self, phone: BrowserPhone) -> None:
        """Its socket carries this phone's signalling from now on."""


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
        #: Browsers by the identity they registered, the newest last; and their phones by the call's SID.
        self.clients: dict[str, list[Client]] = {}
        self.browser_phones: dict[str, BrowserPhone] = {}
        self._adopt_application()
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

    def _adopt_application(self) -> None:
        sid = self.settings.application_sid
        if sid and self.store.applications.get(sid) is None:
            self.store.applications.put(Application(self.settings.account_sid, "Adopted", sid=sid))

    # --- browsers

    def register(self, identity: str, client: Client) -> None:
        """Calls to this identity ring here from now on; again is harmless."""
        self.unregister(identity, client)
        self.clients.setdefault(identity, []).append(client)

    def unregister(self, identity: str, client: Client) -> None:
        """They no longer do."""
        left = [one for one in self.clients.get(identity, []) if one is not client]
        if left:
            self.clients[identity] = left
        else:
            self.clients.pop(identity, None)

    def call_application(
        self, phone: BrowserPhone, identity: str, application: Application, params: dict[str, str]
    ) -> Call:
        """A browser calls an application, whose webhook gets `params` besides the call's own."""
        record = CallRecord(
            self.settings.account_sid,
            f"client:{identity}",
            params.get("To", "")[:64],
            "inbound",
            status_callback=application.status_callback,
            status_callback_method=application.status_callback_method,
        )
        own = {name: value for name, value in params.items() if name not in _OF_THE_CALL}
        first = Goto(application.voice_url, application.voice_method, own)
        call = self._make(record, phone, first, _fallback_of(application))
        call.set_status("ringing")
        self._run(call)
        return call

    def _call_client(self, record: CallRecord, first: Step, fallback: Goto | None) -> Call:
        """Ring the browser that registered last; Twilio rings all of them."""
        identity = record.callee.removeprefix("client:")
        clients = self.clients.get(identity)
        if not clients:
            return self._call_nobody(record, first, fallback, "no-answer")
        phone = BrowserPhone(clients[-1], self.webhooks.spawn, record.sid, identity)
        call = self._make(record, phone, first, fallback)
        phone.placed(call.line, record.sid)
        phone.refused = call.hang_up
        clients[-1].ring(phone)
        call.set_status("queued")
        call.set_status("ringing")
        picked_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        parameters = {"From": record.caller, "To": record.callee, "CallSid": record.sid}

        async def ring() -> None:
            try:
                await phone.ring(parameters | {"AccountSid": record.account_sid})
            except (Invalid, TimeoutError):
                call.hang_up("no-answer")
            else:
                picked_up.set_result(None)

        self.webhooks.spawn(ring())
        self._run(call, picked_up)
        return call

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
        """REST places a call: to a browser, or a number of ours; nobody else can be reached."""
        if record.callee.startswith("client:"):
            return self._call_client(record, first, fallback)
        number = self.store.number(record.callee)
        if number is None:
            log.warning("A call to outside can't be placed by the built-in carrier", extra={"call_sid": record.sid})
            return self._call_nobody(record, first, fallback, "failed")
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

    def _call_nobody(self, record: CallRecord, first: Step, fallback: Goto | None, status: str) -> Call:
        call = Call(self, record, _Unreachable(), first, fallback)
        call.set_status("queued")
        call.hang_up(status)
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


def _fallback_of(number: PhoneNumber | Application) -> Goto | None:
    return Goto(number.voice_fallback_url, number.voice_fallback_method) if number.voice_fallback_url else None
