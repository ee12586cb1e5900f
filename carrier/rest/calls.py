"""``Calls``: place, read, redirect and end."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from multidict import MultiDictProxy

from carrier.exchange import checked_callee, checked_e164
from carrier.resources import FINAL, CallRecord
from carrier.rest.access import EXCHANGE
from carrier.rest.errors import RestError, bad_parameter, not_found
from carrier.rest.paging import page
from carrier.steps import End, Given, Goto
from carrier.twiml import TwimlError, parse
from common.errors import Invalid

_MAX_TWIML = 4000
_EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})

Form = MultiDictProxy[Any]


def _instructions(form: Form) -> Goto | Given | None:
    """What the call is to do: `Url` wins over `Twiml`."""
    if form.get("Url"):
        return Goto(str(form["Url"]), str(form.get("Method", "POST")).upper())
    if not form.get("Twiml"):
        return None
    body = str(form["Twiml"])
    if len(body) > _MAX_TWIML:
        raise bad_parameter(21218, f"Twiml is longer than {_MAX_TWIML} characters")
    try:
        parse(body.encode())
    except TwimlError as error:
        raise bad_parameter(error.code, error.message) from None
    return Given(body.encode())


async def create(request: web.Request) -> web.Response:
    """Place a call. Only numbers of ours and registered browsers can be reached; any other call fails at once."""
    exchange = request.app[EXCHANGE]
    form = await request.post()
    try:
        callee, caller = checked_callee(str(form.get("To", ""))), checked_e164(str(form.get("From", "")))
    except Invalid as error:
        raise bad_parameter(21211, error.message) from None
    if exchange.store.number(caller) is None:
        raise bad_parameter(21210, "From is not a number of this account")
    first = _instructions(form)
    if first is None:
        raise bad_parameter(21205, "Url or Twiml is required")
    events = [event for value in form.getall("StatusCallbackEvent", []) for event in str(value).split()]
    if set(events) - _EVENTS:
        raise bad_parameter(21626, "StatusCallbackEvent is not valid")
    fallback = None
    if form.get("FallbackUrl"):
        fallback = Goto(str(form["FallbackUrl"]), str(form.get("FallbackMethod", "POST")).upper())
    record = CallRecord(
        exchange.settings.account_sid,
        caller,
        callee,
        "outbound-api",
        status_callback=str(form.get("StatusCallback", "")),
        status_callback_method=str(form.get("StatusCallbackMethod", "POST")).upper(),
        status_events=events or ["completed"],
    )
    call = exchange.call_out(record, first, fallback)
    return web.json_response(call.record.to_json(), status=201)


async def index(request: web.Request) -> web.Response:
    """Calls, newest first."""
    shelf = request.app[EXCHANGE].store.calls
    parameters = {"To": "callee", "From": "caller", "Status": "status", "ParentCallSid": "parent_call_sid"}
    equal = {name: request.query[key] for key, name in parameters.items() if request.query.get(key)}
    return page(
        request,
        "calls",
        lambda limit, offset: [c.to_json() for c in shelf.find(limit=limit, offset=offset, **equal)],
    )


def _record(request: web.Request) -> CallRecord:
    record = request.app[EXCHANGE].store.calls.get(request.match_info["sid"])
    if record is None:
        raise not_found(request.path)
    return record


async def fetch(request: web.Request) -> web.Response:
    """One call."""
    return web.json_response(_record(request).to_json())


async def update(request: web.Request) -> web.Response:
    """End a call (`Status`), or give it another document (`Url`, `Twiml`)."""
    record = _record(request)
    form = await request.post()
    status = str(form.get("Status", ""))
    if status not in {"", "completed", "canceled"}:
        raise bad_parameter(21218, "Status must be completed or canceled")
    call = request.app[EXCHANGE].calls.get(record.sid)
    if record.status in FINAL or call is None:
        if status:
            # Twilio does not find a call that is over when it is to be ended.
            raise not_found(request.path)
        raise bad_parameter(21220, "Call is not in-progress. Cannot redirect.")
    if status == "canceled" and record.status == "in-progress":
        raise bad_parameter(21220, "Call is in-progress. Cannot cancel.")
    step = End() if status else _instructions(form)
    if step is None:
        raise bad_parameter(21205, "Status, Url or Twiml is required")
    if isinstance(step, Goto | Given) and record.status != "in-progress":
        raise bad_parameter(21220, "Call is not in-progress. Cannot redirect.")
    call.interrupt(step)
    return web.json_response(call.record.to_json())


async def delete(request: web.Request) -> web.Response:
    """Forget a call that is over."""
    record = _record(request)
    if record.status not in FINAL:
        raise RestError(409, 20409, "Call is in progress")
    request.app[EXCHANGE].store.calls.delete(record.sid)
    return web.Response(status=204)


def routes() -> list[web.RouteDef]:
    """Below ``/2010-04-01/Accounts/{account}``."""
    return [
        web.post("/Calls.json", create),
        web.get("/Calls.json", index),
        web.get("/Calls/{sid}.json", fetch),
        web.post("/Calls/{sid}.json", update),
        web.delete("/Calls/{sid}.json", delete),
    ]
