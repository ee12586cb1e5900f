"""Celery tasks of the receptionist room."""

from __future__ import annotations

from celery import shared_task

from receptionist import prompts
from tenants.tasks import PublicTask, TenantTask, for_each_tenant, send_after_commit


@shared_task(base=TenantTask, name="receptionist.render_prompts")  # type: ignore[untyped-decorator]
def render_prompts() -> None:
    """Greeting and other fixed sentences as audio; a speech service that is away is asked again later."""
    prompts.render_missing()


@shared_task(base=TenantTask, name="receptionist.render_if_missing")  # type: ignore[untyped-decorator]
def render_if_missing() -> None:
    """Send the rendering once more where something is missing."""
    if prompts.missing():
        send_after_commit(render_prompts)


@shared_task(base=PublicTask, name="receptionist.render_all_missing")  # type: ignore[untyped-decorator]
def render_all_missing() -> None:
    """Beat: renderings left behind by a speech service that was away."""
    for_each_tenant(render_if_missing)
