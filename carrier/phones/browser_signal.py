"""``/signal``: what Twilio's Voice SDK (2.x) speaks to place and take calls. The access token is the only key.

Text frames ``{type, version, payload}``. From the browser: listen, register, unregister, invite, answer, hangup,
reject, dtmf. To it: connected, ready, ringing, answer, invite, cancel, hangup, error. A line feed every five seconds
keeps the SDK from reconnecting. Source: pstream.js, call.js and device.js of @twilio/voice-sdk 2.18.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import WSMsgType, web

from carrier.exchange import Exchange
from carrier.phones.browser import BrowserPhone
from carrier.phones.browser_access import INVALID, Access, Refused, verify
from carrier.rest.access import EXCHANGE
from common.errors import AppError, Invalid

log = logging.getLogger(__name__)

_VERSION = "1.6"
_KEEP_ALIVE = 5.0
_LONGEST_FRAME = 64 * 1024
#: A browser does not need more at once.
_MOST_CALLS = 4
_LONGEST_PARAMS = 800


def parse_params(text: Any) -> dict[str, str]:
    """What ``device.connect({params})`` was given. Raises `Invalid` beyond Twilio's 800 characters."""
    if not isinstance(text, str) or len(text) > _LONGEST_PARAMS:
        raise Invalid(f"at most {_LONGEST_PARAMS} characters of parameters")
    return dict(parse_qsl(text, keep_blank_values=True))


def cancel(task: asyncio.Task[None]) -> None:
    """Give up what a browser began."""
    task.cancel()


class Session:
    """One browser's socket."""

    def __init__(self, exchange: Exchange) -> None:
        self.access: Access | None = None
        self._exchange = exchange
        self._out: asyncio.Queue[str] = asyncio.Queue()
        self._dialling: set[asyncio.Task[None]] = set()
        self._phones: dict[str, BrowserPhone] = {}

    # --- out

    def send(self, kind: str, payload: dict[str, Any]) -> None:
        """Queue a frame."""
        self._out.put_nowait(json.dumps({"type": kind, "version": _VERSION, "payload": payload}))

    def error(self, code: int, message: str, callsid: str = "") -> None:
        """Tell the SDK that something did not work."""
        self.send("error", {"error": {"code": code, "message": message}} | ({"callsid": callsid} if callsid else {}))

    async def write(self, ws: web.WebSocketResponse) -> None:
        """Send what is queued, and keep the socket alive."""
        while not ws.closed:
            try:
                frame = await asyncio.wait_for(self._out.get(), _KEEP_ALIVE)
            except TimeoutError:
                frame = "\n"
            await ws.send_str(frame)

    # --- in

    def receive(self, text: str) -> None:
        """One frame of the browser's; what makes no sense is answered with an error and changes nothing."""
        if not text.strip():
            return
        try:
            frame = json.loads(text)
            kind, payload = frame["type"], frame.get("payload") or {}
            if not isinstance(payload, dict):
                raise TypeError
        except (ValueError, TypeError, KeyError):
            self.error(31100, "a frame must be an object with type and payload")
            return
        if kind == "listen":
            self._listen(payload)
        elif self.access is None or self.access.ttl <= 0:
            self.error(INVALID, "AccessTokenInvalid")
        elif kind == "register":
            self._register()
        elif kind == "unregister":
            self._exchange.unregister(self.access.identity, self)
        elif kind == "invite":
            self._invite(payload, self.access)
        elif phone := self._phones.get(str(payload.get("callsid", ""))):
            if kind == "answer":
                phone.took(payload.get("sdp"))
            elif kind in {"hangup", "reject"}:
                phone.hang_up()
            elif kind == "dtmf":
                phone.press(payload.get("dtmf"))

    def _listen(self, payload: dict[str, Any]) -> None:
        try:
            access = verify(payload.get("token"), self._exchange.settings)
        except Refused as refused:
            self.error(refused.code, refused.message)
            return
        if self.access is not None and self.access.identity != access.identity:
            self.error(INVALID, "AccessTokenInvalid")
            return
        self.access = access
        self.send("connected", {"edge": "carrier", "token": {"identity": access.identity, "ttl": access.ttl}})

    def _register(self) -> None:
        assert self.access is not None
        if not self.access.incoming:
            self.error(31201, "this token does not allow incoming calls")
            return
        self._exchange.register(self.access.identity, self)
        self.send("ready", {})

    # --- calls

    def _invite(self, payload: dict[str, Any], access: Access) -> None:
        callsid = str(payload.get("callsid", ""))[:64]
        if payload.get("reconnect"):
            self._return(callsid, str(payload["reconnect"]), access)
        elif len(self._phones) >= _MOST_CALLS or callsid in self._phones or not callsid:
            self.error(31486, "no further call is possible", callsid)
        else:
            phone = BrowserPhone(self, self._exchange.webhooks.spawn, callsid, access.identity)
            self._phones[callsid] = phone
            phone.on_ended = lambda: self._forget(phone)
            task = asyncio.create_task(self._dial(phone, payload, access))
            phone.refused = lambda status: cancel(task)
            self._dialling.add(task)
            task.add_done_callback(self._dialling.discard)

    def _return(self, callsid: str, token: str, access: Access) -> None:
        phone = self._exchange.browser_phones.get(callsid)
        if phone is None or not phone.returns_with(token, access.identity):
            self.send("hangup", {"callsid": callsid, "error": {"code": 31005, "message": "the call is over"}})
            return
        self._phones[callsid] = phone
        phone.on_ended = lambda: self._forget(phone)
        phone.came_back(self)

    async def _dial(self, phone: BrowserPhone, payload: dict[str, Any], access: Access) -> None:
        """The browser calls: media first, then the application's document."""
        application = self._exchange.store.applications.get(access.application_sid)
        try:
            if application is None or not application.voice_url:
                raise Invalid("the token names no application that takes calls")
            params = parse_params((payload.get("twilio") or {}).get("params", "")) | access.params
            await phone.answer_offer(payload.get("sdp", ""))
            call = self._exchange.call_application(phone, access.identity, application, params)
        except (AppError, AttributeError) as error:
            message = error.message if isinstance(error, AppError) else "the frame can't be used"
            log.warning("A browser's call could not be placed", extra={"reason": message})
            self.send("hangup", {"callsid": phone.callsid, "error": {"code": 31000, "message": message}})
            phone.abandon()
            return
        except asyncio.CancelledError:
            # The browser hung up, or went away, before there was a call.
            phone.abandon()
            raise
        self._phones[call.record.sid] = phone
        self._exchange.browser_phones[call.record.sid] = phone
        phone.placed(call.line, call.record.sid)

    def ring(self, phone: BrowserPhone) -> None:
        """A call for this browser."""
        self._phones[phone.callsid] = phone
        self._exchange.browser_phones[phone.callsid] = phone
        phone.on_ended = lambda: self._forget(phone)

    def _forget(self, phone: BrowserPhone) -> None:
        for sid in [sid for sid, other in self._phones.items() if other is phone]:
            del self._phones[sid]
            self._exchange.browser_phones.pop(sid, None)

    def closed(self) -> None:
        """The socket is gone."""
        if self.access is not None:
            self._exchange.unregister(self.access.identity, self)
        for phone in dict.fromkeys(self._phones.values()):
            phone.socket_lost(self)


async def signal(request: web.Request) -> web.WebSocketResponse:
    """One socket from its first frame to its end."""
    # aiohttp's own pings find out about a browser that vanished.
    ws = web.WebSocketResponse(max_msg_size=_LONGEST_FRAME, heartbeat=15)
    await ws.prepare(request)
    session = Session(request.app[EXCHANGE])
    writer = asyncio.create_task(session.write(ws))
    try:
        async for message in ws:
            if message.type == WSMsgType.TEXT:
                session.receive(message.data)
    finally:
        writer.cancel()
        session.closed()
    return ws


def routes() -> list[web.RouteDef]:
    """At the root."""
    return [web.get("/signal", signal)]
