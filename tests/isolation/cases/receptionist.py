"""Ways into the room of the receptionist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from receptionist.models import SpokenPrompt
from tests.isolation.registry import PublicJob, TenantJob, World, register


def _prompts(world: World) -> tuple[tuple[Any, ...], Callable[[], Any]]:
    return (), lambda: list(SpokenPrompt.objects.order_by("pk").values())


register(
    TenantJob("task:receptionist.render_prompts", _prompts),
    TenantJob("task:receptionist.render_if_missing", _prompts),
    PublicJob("task:receptionist.render_all_missing", "sends one task a tenant and reads nothing itself"),
)
