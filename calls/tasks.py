"""Celery's side of the calls room."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_ready

from calls import followups, prompts, twiml
from calls.services.sweeping import sweep_calls
from tenants.tasks import PublicTask, TenantTask, for_each_tenant, send_after_commit


@shared_task(base=TenantTask)  # type: ignore[untyped-decorator]  # celery has no types
def run_follow_up(pk: int) -> None:
    """Do one piece of outstanding work; a row that is gone or done is left alone."""
    followups.run_one(pk)


@shared_task(base=TenantTask)  # type: ignore[untyped-decorator]  # celery has no types
def sweep_tenant() -> None:
    """Re-send lost follow-ups and look after calls whose end was never told."""
    followups.sweep()
    sweep_calls()


@shared_task(base=PublicTask)  # type: ignore[untyped-decorator]  # celery has no types
def sweep_every_tenant() -> None:
    """Beat's dispatcher, every half minute."""
    for_each_tenant(sweep_tenant)


@shared_task(base=PublicTask)  # type: ignore[untyped-decorator]  # celery has no types
def render_prompts() -> None:
    """Beat and every worker's start: what we say by TwiML, as audio. A speech service that is away is asked again."""
    prompts.render_missing(twiml.sentences())


@worker_ready.connect  # type: ignore[untyped-decorator]  # celery has no types
def _render_at_start(**signal: Any) -> None:
    send_after_commit(render_prompts)
