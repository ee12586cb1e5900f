"""Calls whose end was never told: the carrier is asked, and a carrier that does not know the call is not believed."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import Max

from calls.carriers import twilio
from calls.models import Call, CallEvent, CallStatus
from calls.services.lifecycle import finish_call
from common.clock import now
from common.errors import ProviderError

log = logging.getLogger(__name__)

#: Without a sign of life for this long, a call is asked after.
QUIET = timedelta(minutes=2)
#: A call the carrier does not know ends where its journal ends, once nothing was heard of it for this long.
LOST = timedelta(minutes=15)
#: No call lasts longer, whatever the carrier says.
LONGEST = timedelta(hours=12)


def sweep_calls() -> int:
    """Look after the calls that went quiet; returns how many were finished."""
    quiet = Call.objects.filter(ended_at__isnull=True, active_at__lt=now() - QUIET).order_by("active_at")
    return sum(_look_after(call) for call in quiet[:100])


def _look_after(call: Call) -> bool:
    moment = now()
    try:
        known = twilio.fetch_call(call.sid)
    except ProviderError as error:
        log.warning("the carrier could not be asked for a quiet call", extra={"category": error.category})
        known = None
    if known is not None:
        try:
            status = CallStatus(known.status)
        except ValueError:
            status = CallStatus.IN_PROGRESS
        if status.final:
            return finish_call(call.pk, status=status, seconds=known.seconds)
        if moment - call.started_at < LONGEST:
            Call.objects.filter(pk=call.pk, ended_at__isnull=True).update(active_at=moment)
            return False
    if moment - call.active_at < LOST:
        return False
    return _finish_by_journal(call)


def _finish_by_journal(call: Call) -> bool:
    """End the call where its last fact was, or at its last sign of life."""
    log.warning("a call was finished by its journal's end")
    offset_ms = CallEvent.objects.filter(call=call).aggregate(last=Max("offset_ms"))["last"]
    begun = call.answered_at or call.started_at
    ended_at = call.active_at if offset_ms is None else begun + timedelta(milliseconds=offset_ms)
    seconds = 0 if call.answered_at is None or offset_ms is None else round(offset_ms / 1000)
    return finish_call(call.pk, status=CallStatus.COMPLETED, seconds=seconds, ended_at=ended_at)
