"""Callbacks about a call that need no answer: they come late, twice and in any order."""

from __future__ import annotations

import logging
from collections.abc import Callable

from calls import twiml
from calls.models import Call, CallStatus
from calls.services import lifecycle, recordings
from calls.webhooks.guard import Hook, twilio_webhook
from calls.webhooks.tenant import inside, schema_of
from common.errors import Invalid
from tenants.context import UnknownTenant

log = logging.getLogger(__name__)


@twilio_webhook("status")
def status(hook: Hook) -> str:
    """The call's state changed. The end closes its books, once."""
    hook.sid()
    _inside_tenant(_status, hook)
    return twiml.empty()


def _status(hook: Hook) -> None:
    told = hook.fields.get("CallStatus", "")
    call = Call.objects.filter(sid=hook.sid()).first()
    if call is None:
        if told not in CallStatus.values or not CallStatus(told).final or not hook.to:
            return
        # `voice` failed before it could write anything: the call is on record all the same.
        call = lifecycle.receive_call(sid=hook.sid(), caller=hook.caller, callee=hook.to)
    lifecycle.note_status(call=call, status=told, seconds=hook.whole("CallDuration"))


@twilio_webhook("recording")
def recording(hook: Hook) -> str:
    """A recording is ready, or turned out empty."""
    hook.sid()
    hook.sid("RecordingSid")
    _inside_tenant(_recording, hook)
    return twiml.empty()


def _recording(hook: Hook) -> None:
    call = Call.objects.filter(sid=hook.sid()).first()
    state = hook.fields.get("RecordingStatus", "completed")
    if call is None or state not in ("completed", "absent"):
        return
    kind = hook.query.get("kind")
    try:
        recordings.note_recording(
            call=call,
            sid=hook.sid("RecordingSid"),
            url=hook.fields.get("RecordingUrl", "")[:500],
            seconds=hook.whole("RecordingDuration") or 0,
            absent=state == "absent",
            voicemail=None if kind is None else kind == "voicemail",
        )
    except Invalid:
        # Asking the carrier to repeat it would not make it true.
        log.warning("a recording came for a call that is not its own")


@twilio_webhook("messages")
def messages(hook: Hook) -> str:
    """A text message came in. Nothing answers them yet; the carrier gets an empty answer and sends nothing back."""
    return twiml.empty()


def _inside_tenant(work: Callable[[Hook], None], hook: Hook) -> None:
    """Do the work in the callback's tenant; a tenant nobody knows (any more) needs none."""
    schema = schema_of(hook)
    if not schema:
        log.warning("a callback came for no tenant of ours")
        return
    try:
        inside(schema, work, hook)
    except UnknownTenant:
        log.warning("a callback came for no tenant of ours")
