"""Ways into the room of knowledge and of the receptionist: tasks that name or find a tenant's rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knowledge.models import Chunk, Document
from tests.isolation.registry import PublicJob, TenantJob, World, register


def _rows() -> list[Any]:
    return [
        list(Document.objects.order_by("pk").values()),
        list(Chunk.objects.order_by("pk").values("text", "model")),
    ]


def _waiting_document(world: World) -> int:
    def make() -> int:
        document = Document.objects.create(key="secret", title=world.marker, text=world.marker, total=1)
        Chunk.objects.create(document=document, position=0, text=world.marker, digest="d", model="old")
        return int(document.pk)

    return int(world.in_alpha(make))


def _by_id(world: World) -> tuple[tuple[Any, ...], Callable[[], Any]]:
    return (_waiting_document(world),), _rows


def _all_waiting(world: World) -> tuple[tuple[Any, ...], Callable[[], Any]]:
    _waiting_document(world)
    return (), _rows


def _new_model(world: World) -> tuple[tuple[Any, ...], Callable[[], Any]]:
    _waiting_document(world)
    return ("new",), _rows


register(
    TenantJob("task:knowledge.index_document", _by_id),
    TenantJob("task:knowledge.index_unfinished", _all_waiting),
    TenantJob("task:knowledge.change_model", _new_model),
    TenantJob("task:knowledge.build_near_index", _all_waiting),
    PublicJob("task:knowledge.index_all_unfinished", "sends one task a tenant and reads nothing itself"),
)
