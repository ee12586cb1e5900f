"""Work that must happen later: a row in PostgreSQL first, then a task; a sweeper re-sends what was dropped.

A row is claimed by a conditional update that moves `due_at` ahead by a lease, so two workers never run it at once and
a killed worker's row comes back. Failures are retried with growing, jittered pauses; after the last one the row stays
as `failed` with its error, where people can see it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from calls.models import FollowUp
from common.clock import now
from common.errors import AppError, ProviderError
from tenants.context import require_tenant
from tenants.tasks import send_for_tenant

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 8
LEASE = timedelta(minutes=15)
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 3600.0
#: Pauses up to this long are waited for by the broker; longer ones are left to the sweeper.
_BROKER_WAITS_S = 60.0
#: A row this long overdue has lost its task.
OVERDUE = timedelta(seconds=20)

Handler = Callable[[str, dict[str, Any]], None]


class TryAgain(Exception):
    """Raised by a handler whose work can't be done yet; the text names the reason in a word or two."""


@dataclass(frozen=True, slots=True)
class _Kind:
    fn: Handler
    give_up: Handler | None


_kinds: dict[str, _Kind] = {}
#: Work that every finished call gets, if somebody registered it: billing's debit, the receptionist's loose ends.
AT_END = ("settle", "keep_unfinished_message")


def register_follow_up(kind: str, fn: Handler, *, give_up: Handler | None = None) -> None:
    """Name the function `fn(call_id, payload)` that does work of `kind`, inside the tenant, at least once.

    `fn` must be idempotent. It is tried again after `TryAgain`, a retryable `ProviderError` or an unexpected error;
    `AppError` and other `ProviderError`s end it. `give_up(call_id, payload)` is told when it has failed for good.
    """
    _kinds[kind] = _Kind(fn, give_up)


def kinds_at_end() -> list[str]:
    """Kinds of work to write for a call that has just finished."""
    return [kind for kind in AT_END if kind in _kinds]


def add_follow_up(
    kind: str, call_id: UUID | str | None, payload: dict[str, Any] | None = None, *, key: str = ""
) -> FollowUp:
    """Write the row (once per `kind` and `key`, which defaults to the call) and send its task after commit."""
    with transaction.atomic():
        row, created = FollowUp.objects.get_or_create(
            kind=kind, key=key or str(call_id), defaults={"call_id": call_id, "payload": payload or {}}
        )
        if created:
            _send(row.pk)
    return row


def _send(pk: int, pause_s: float = 0.0) -> None:
    from calls.tasks import run_follow_up

    schema = require_tenant().schema
    # Robust: when the broker can't be reached the row is there already, and the sweeper will send it.
    transaction.on_commit(lambda: send_for_tenant(schema, run_follow_up, pk, countdown=pause_s or None), robust=True)


def pause_before(attempt: int) -> float:
    """Seconds to wait after failure number `attempt` (1…): growing threefold, half of it random."""
    full: float = min(FIRST_PAUSE_S * 3 ** (attempt - 1), LONGEST_PAUSE_S)
    return full / 2 + random.uniform(0, full / 2)


def run_one(pk: int) -> None:
    """Claim the row and do its work; does nothing when it is done, gone, or claimed by somebody else."""
    moment = now()
    claimed = FollowUp.objects.filter(pk=pk, state=FollowUp.State.WAITING, due_at__lte=moment).update(
        attempts=F("attempts") + 1, due_at=moment + LEASE
    )
    if not claimed:
        return
    row = FollowUp.objects.get(pk=pk)
    kind = _kinds.get(row.kind)
    if kind is None:
        _fail(row, "no handler")
        return
    try:
        kind.fn(*_arguments(row))
    except TryAgain as error:
        _retry(row, str(error))
    except ProviderError as error:
        reason = f"{error.provider}: {error.category}"
        if error.retryable:
            _retry(row, reason)
        else:
            _fail(row, reason)
    except AppError as error:
        _fail(row, error.code)
    except Exception as error:
        log.exception("follow-up raised an unexpected error", extra={"kind": row.kind})
        _retry(row, type(error).__name__)
    else:
        FollowUp.objects.filter(pk=row.pk).update(state=FollowUp.State.DONE, error="", ended_at=now())


def _arguments(row: FollowUp) -> tuple[str, dict[str, Any]]:
    return (str(row.call_id) if row.call_id else "", row.payload)


def _fail(row: FollowUp, error: str) -> None:
    log.error("follow-up failed for good", extra={"kind": row.kind, "error": error, "attempts": row.attempts})
    FollowUp.objects.filter(pk=row.pk).update(state=FollowUp.State.FAILED, error=error[:80], ended_at=now())
    kind = _kinds.get(row.kind)
    if kind and kind.give_up:
        kind.give_up(*_arguments(row))


def _retry(row: FollowUp, error: str) -> None:
    if row.attempts >= MAX_ATTEMPTS:
        _fail(row, error)
        return
    pause = pause_before(row.attempts)
    FollowUp.objects.filter(pk=row.pk).update(due_at=now() + timedelta(seconds=pause), error=error[:80])
    log.warning("follow-up will be tried again", extra={"kind": row.kind, "error": error, "attempts": row.attempts})
    if pause <= _BROKER_WAITS_S:
        _send(row.pk, pause)


def sweep() -> int:
    """Send tasks for rows that are overdue; returns how many."""
    overdue = FollowUp.objects.filter(state=FollowUp.State.WAITING, due_at__lt=now() - OVERDUE)
    pks = list(overdue.order_by("due_at").values_list("pk", flat=True)[:200])
    for pk in pks:
        _send(pk)
    return len(pks)
