"""A call from its first webhook to its closed books. Every function runs inside the tenant and may be repeated."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.db import connection, transaction

from calls import journal, routing
from calls.followups import add_follow_up, kinds_at_end
from calls.models import Call, CallLeg, CallStatus, DecisionKind, Message, Outcome, Recording
from common.clock import now
from common.errors import Invalid
from common.events import publish_on_commit
from common.metrics import CALL_SECONDS, CALLS, CALLS_FINISHED
from tenants.context import TenantInfo, require_tenant

log = logging.getLogger(__name__)

#: Lost streams that are replaced before the caller is given to voicemail.
MAX_GENERATIONS = 3
#: A call without a sign of life for this long no longer takes up a line.
_QUIET = timedelta(minutes=10)
_STEPS = frozenset({"hangup", "voicemail", "stream"})

_KINDS: dict[type[routing.Decision], DecisionKind] = {
    routing.Reject: DecisionKind.REJECT,
    routing.Voicemail: DecisionKind.VOICEMAIL,
    routing.Menu: DecisionKind.MENU,
    routing.RingStaff: DecisionKind.RING_STAFF,
    routing.Answer: DecisionKind.ANSWER,
}


def receive_call(*, sid: str, caller: str, callee: str) -> Call:
    """The row of an incoming call, made on its first webhook. Inside a transaction it comes locked."""
    call, created = Call.objects.get_or_create(sid=sid, defaults={"caller": caller, "callee": callee})
    if created:
        CallLeg.objects.create(call=call, sid=sid, number=caller)
        tell_pages(call)
    return Call.objects.select_for_update().get(pk=call.pk) if connection.in_atomic_block else call


def route_call(*, sid: str, caller: str, callee: str, tenant: TenantInfo) -> Call:
    """Decide once who answers; a repeated webhook finds the decision made."""
    with transaction.atomic():
        _one_decision_at_a_time()
        call = receive_call(sid=sid, caller=caller, callee=callee)
        if call.decision or not call.running:
            return call
        decision = routing.decide(
            routing.RoutingInput(
                front_door=tenant.front_door,
                suspended=tenant.status == "suspended",
                credits_ok=tenant.credits_ok,
                running_calls=_running_calls(call),
                max_concurrent_calls=tenant.max_concurrent_calls,
            )
        )
        call.decision, call.decision_reason = _KINDS[type(decision)], decision.reason
        call.status, call.active_at = CallStatus.IN_PROGRESS, now()
        call.answered_at = None if call.decision == DecisionKind.REJECT else call.active_at
        call.save(update_fields=["decision", "decision_reason", "status", "active_at", "answered_at"])
    CALLS.labels(decision=call.decision).inc()
    return call


def divert_to_voicemail(*, sid: str, caller: str, callee: str, reason: str) -> Call:
    """The receptionist can't take this call: from here on it is a voicemail."""
    with transaction.atomic():
        call = receive_call(sid=sid, caller=caller, callee=callee)
        call.decision, call.decision_reason = DecisionKind.VOICEMAIL, reason
        call.answered_at = call.answered_at or now()
        call.save(update_fields=["decision", "decision_reason", "answered_at"])
    return call


def _one_decision_at_a_time() -> None:
    # Two calls that arrive together must not each overlook the other when lines are counted.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('calls.route'), hashtext(current_schema()))")


def _running_calls(call: Call) -> int:
    running = Call.objects.filter(ended_at__isnull=True, active_at__gt=now() - _QUIET, decision=DecisionKind.ANSWER)
    return running.exclude(pk=call.pk).count()


def set_next_step(call_id: UUID | str, step: dict[str, Any]) -> bool:
    """Say what the line does when its stream closes; False when the call is already over.

    `{"do": "hangup"}`, `{"do": "voicemail", "reason": …}` or `{"do": "stream"}`; raises `Invalid` for anything else.
    """
    if step.get("do") not in _STEPS:
        raise Invalid("there is no such next step")
    return bool(Call.objects.filter(pk=call_id, ended_at__isnull=True).update(next_step=step, active_at=now()))


@transaction.atomic
def step_after_stream(call_id: UUID | str) -> tuple[Literal["hangup", "voicemail", "stream"], str]:
    """What the line does now that its stream has ended, with the reason.

    A step that was set is given again when the webhook is repeated. None set means that the media process was lost:
    the next generation takes over, up to `MAX_GENERATIONS` times.
    """
    call = Call.objects.select_for_update().get(pk=call_id)
    call.active_at = now()
    if not call.running:
        return "hangup", "ended"
    step = call.next_step or {"do": "stream"}
    if step["do"] != "stream":
        call.save(update_fields=["active_at"])
        return step["do"], str(step.get("reason", ""))
    if call.stream_generation >= MAX_GENERATIONS:
        call.next_step = {"do": "voicemail", "reason": "stream_lost"}
        call.save(update_fields=["active_at", "next_step"])
        return "voicemail", "stream_lost"
    if call.next_step is None:
        log.error("a stream ended without a next step", extra={"generation": call.stream_generation})
    call.next_step = None
    call.stream_generation += 1
    call.save(update_fields=["active_at", "next_step", "stream_generation"])
    return "stream", "resume"


def note_status(*, call: Call, status: str, seconds: int | None) -> None:
    """Take a status callback, in whatever order they come; an unknown status never ends a live call."""
    try:
        told = CallStatus(status)
    except ValueError:
        log.warning("the carrier sent an unknown call status")
        return
    if told.final:
        finish_call(call.pk, status=told, seconds=seconds)
    elif call.running and told.rank > CallStatus(call.status).rank:
        Call.objects.filter(pk=call.pk, ended_at__isnull=True).update(status=told, active_at=now())
        CallLeg.objects.filter(sid=call.sid).update(status=told)


def finish_call(
    call_id: UUID | str,
    *,
    status: CallStatus = CallStatus.COMPLETED,
    seconds: int | None = None,
    ended_at: datetime | None = None,
) -> bool:
    """Close the books of a call once: end, length, outcome, and the follow-ups every finished call gets.

    `seconds` is the carrier's count; without it the time since the answer. True for the first to finish the call.
    """
    with transaction.atomic():
        call = Call.objects.select_for_update().filter(pk=call_id, ended_at__isnull=True).first()
        if call is None:
            return False
        call.ended_at = ended_at or now()
        call.status = status
        if seconds is None:
            begun = call.answered_at
            seconds = 0 if begun is None else max(0, round((call.ended_at - begun).total_seconds()))
        call.seconds = seconds
        call.outcome = outcome_of(call)
        call.save(update_fields=["ended_at", "status", "seconds", "outcome"])
        CallLeg.objects.filter(call=call, ended_at__isnull=True).update(status=status, ended_at=call.ended_at)
        for kind in kinds_at_end():
            add_follow_up(kind, call.pk)
        tell_pages(call)
    CALLS_FINISHED.labels(outcome=call.outcome).inc()
    CALL_SECONDS.observe(call.seconds)
    return True


def outcome_of(call: Call) -> Outcome:
    """How the call ended, from what is on record."""
    if call.decision == DecisionKind.REJECT:
        return Outcome.REJECTED
    if Message.objects.filter(call=call).exists():
        return Outcome.MESSAGE_TAKEN
    voicemails = Recording.objects.filter(call=call, kind=Recording.Kind.VOICEMAIL)
    if voicemails.exclude(state=Recording.State.ABSENT).exists():
        return Outcome.VOICEMAIL
    if call.status != CallStatus.COMPLETED:
        given_up = call.status in (CallStatus.CANCELED, CallStatus.NO_ANSWER, CallStatus.BUSY)
        return Outcome.ABANDONED if given_up else Outcome.FAILED
    if call.decision == DecisionKind.VOICEMAIL or _only_sent_to_voicemail(call):
        return Outcome.VOICEMAIL  # where the call ended; whether a message was left is for `Voicemail` to say
    if call.decision == DecisionKind.ANSWER:
        return Outcome.ANSWERED
    # Without a decision our side never got that far; otherwise nobody took the call.
    return Outcome.ABANDONED if call.decision else Outcome.FAILED


def _only_sent_to_voicemail(call: Call) -> bool:
    """Whether the receptionist handed the call on to voicemail before the caller was heard."""
    if (call.next_step or {}).get("do") != "voicemail":
        return False
    return not journal.caller_was_heard(call.pk)


def tell_pages(call: Call) -> None:
    """Tell open pages that this call changed."""
    publish_on_commit(require_tenant().schema, "calls", {"type": "call", "call": str(call.pk)})
