"""Webhooks with a caller on the line. Each answers with TwiML, also when our side fails."""

from __future__ import annotations

import logging
from typing import assert_never

from django.core.exceptions import BadRequest

from calls import testcall, twiml
from calls.models import Call, CallStatus, DecisionKind
from calls.services import lifecycle, recordings
from calls.sessions import issue_stream
from calls.webhooks.guard import Hook, twilio_webhook
from calls.webhooks.tenant import inside, of_called_number, remember_call
from tenants.context import require_tenant

log = logging.getLogger(__name__)


def _take_a_message(hook: Hook) -> str:
    """The rung below every voice webhook: voicemail, recorded on the call if the database can be reached."""
    schema = ""
    try:
        tenant = of_called_number(hook)
        if tenant is not None:
            schema = tenant.schema
            inside(schema, _divert, hook)
    except Exception:
        log.exception("a failed call could not be put on record")
    return twiml.voicemail("error", schema)


def _divert(hook: Hook) -> None:
    lifecycle.divert_to_voicemail(sid=hook.sid(), caller=hook.caller, callee=hook.to, reason="error")


def _sorry_voicemail(hook: Hook) -> str:
    """The rung below webhooks that come later in a call: voicemail, the call's first decision stays."""
    return twiml.voicemail("error", hook.query.get("tenant", ""))


@twilio_webhook("voice", after_error=_take_a_message)
def voice(hook: Hook) -> str:
    """A call comes in. Repeated, it gives the same decision again, with a fresh token for a stream."""
    sid = hook.sid()
    if not hook.to:
        raise BadRequest("To is missing")
    tenant = of_called_number(hook)
    if tenant is None:
        return twiml.goodbye(twiml.UNKNOWN_NUMBER)
    remember_call(sid, tenant.schema)
    return inside(tenant.schema, _voice, hook)


@twilio_webhook("client", after_error=_take_a_message)
def client(hook: Hook) -> str:
    """A browser calls. Its ticket says which business that is; from there it is a call like any other."""
    sid = hook.sid()
    seat = testcall.redeem(sid=sid, caller=hook.fields.get("From", ""), ticket=hook.fields.get("ticket", ""))
    if seat is None:
        return twiml.goodbye()
    remember_call(sid, seat.schema)
    return inside(seat.schema, lambda hook: _test_call(hook, seat.number), hook)


def _test_call(hook: Hook, number: str) -> str:
    testcall.put_on_record(sid=hook.sid(), number=number)
    return _voice(hook)


def _voice(hook: Hook) -> str:
    tenant = require_tenant()
    call = lifecycle.route_call(sid=hook.sid(), caller=hook.caller, callee=hook.to, tenant=tenant)
    if not call.running:
        return twiml.goodbye()
    match DecisionKind(call.decision):
        case DecisionKind.REJECT:
            return twiml.reject()
        case DecisionKind.VOICEMAIL:
            return twiml.voicemail(call.decision_reason, tenant.schema)
        case DecisionKind.ANSWER | DecisionKind.MENU | DecisionKind.RING_STAFF:
            # Nothing rings staff or reads a menu yet: `decide` is never told that it could.
            return twiml.stream(issue_stream(call), tenant.schema)
        case other:
            assert_never(other)


@twilio_webhook("voice-fallback", after_error=_take_a_message)
def voice_fallback(hook: Hook) -> str:
    """The carrier could not use our answer to `voice`: take a message."""
    hook.sid()
    if of_called_number(hook) is None:
        return twiml.goodbye(twiml.UNKNOWN_NUMBER)
    return _take_a_message(hook)


@twilio_webhook("after-stream", after_error=_sorry_voicemail)
def after_stream(hook: Hook) -> str:
    """The stream has ended: do the call's next step, or open a new stream where a media process was lost."""
    hook.sid()
    tenant = of_called_number(hook)
    if tenant is None:
        return twiml.goodbye(twiml.UNKNOWN_NUMBER)
    return inside(tenant.schema, _after_stream, hook)


def _after_stream(hook: Hook) -> str:
    told = hook.fields.get("CallStatus", "")
    if told in CallStatus.values and CallStatus(told).final:
        return twiml.goodbye()  # the caller has hung up: nobody hears another stream
    schema = require_tenant().schema
    call = Call.objects.filter(sid=hook.sid()).first()
    if call is None:
        return twiml.voicemail("error", schema)
    step, reason = lifecycle.step_after_stream(call.pk)
    match step:
        case "hangup":
            return twiml.goodbye()
        case "voicemail":
            return twiml.voicemail(reason, schema)
        case "stream":
            call.refresh_from_db()
            generation = call.stream_generation
            token = issue_stream(call, resume=True, starts_in_s=twiml.MOMENTS[generation].pause)
            return twiml.stream(token, schema, generation=generation)
        case other:
            assert_never(other)


def _thanks(hook: Hook) -> str:
    # The recording's own callback brings the message in when this webhook could not.
    return twiml.goodbye(twiml.MESSAGE_KEPT)


@twilio_webhook("after-record", after_error=_thanks)
def after_record(hook: Hook) -> str:
    """A voicemail was spoken: note whose it is, thank the caller."""
    hook.sid()
    tenant = of_called_number(hook)
    if tenant is not None:
        inside(tenant.schema, _after_record, hook)
    return twiml.goodbye(twiml.MESSAGE_KEPT)


def _after_record(hook: Hook) -> None:
    url = hook.fields.get("RecordingUrl", "")
    sid = hook.fields.get("RecordingSid") or url.rsplit("/", 1)[-1].partition(".")[0]
    call = Call.objects.filter(sid=hook.sid()).first()
    if call is None or not sid:
        return
    seconds = hook.whole("RecordingDuration") or 0
    recordings.note_recording(call=call, sid=sid[:64], url=url, seconds=seconds, absent=False, voicemail=True)
