"""Ways into the room of knowledge: its pages, and tasks that name or find a tenant's rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knowledge import faq, services
from knowledge.models import Chunk, Document
from tests.cast import ALICE, ALPHA, BETA, MALLORY
from tests.isolation.registry import Check, Page, PublicJob, TenantJob, World, register


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


def _at(path: str) -> Callable[[World], str]:
    """A document and a question of alpha's; `path` with the names of both."""

    def prepare(world: World) -> str:
        def fill() -> str:
            document = services.add_document(title=world.marker, text=world.marker)
            services.add_faq(pairs=[(world.marker, world.marker)])
            return path.format(document=document.pk, pair=faq.pairs()[0].ref)

        return str(world.in_alpha(fill))

    return prepare


def _changes(url: str, path: str) -> Page:
    data = {"title": "New", "text": "New.", "question": "New?", "answer": "New."}
    return Page(url, _at(path), "post", data, shows=False, untouched=lambda world: world.in_alpha(_rows))


def _undo(world: World) -> None:
    """What was deleted at alpha is put back at alpha alone, by who deleted it."""
    path = world.in_alpha(lambda: _at("/knowledge/faq/{pair}/delete")(world))
    assert world.client(ALICE, ALPHA).post(path).status_code == 302
    for client in (world.client(MALLORY, ALPHA), world.client(MALLORY, BETA), world.client(None, ALPHA)):
        answer = client.post("/knowledge/faq/undo")
        assert answer.status_code in {302, 403, 404, 409}
        assert world.marker.encode() not in answer.content
    assert world.in_beta(faq.pairs) == [] and world.in_alpha(faq.pairs) == []


register(
    Page("tenant:knowledge", _at("/knowledge")),
    _changes("tenant:knowledge/add", "/knowledge/add"),
    Page("tenant:knowledge/documents/<int:document_id>", _at("/knowledge/documents/{document}")),
    Page("tenant:knowledge/documents/<int:document_id>/edit", _at("/knowledge/documents/{document}/edit")),
    Page("tenant:knowledge/documents/<int:document_id>/text", _at("/knowledge/documents/{document}/text")),
    _changes("tenant:knowledge/documents/<int:document_id>/reindex", "/knowledge/documents/{document}/reindex"),
    _changes("tenant:knowledge/documents/<int:document_id>/delete", "/knowledge/documents/{document}/delete"),
    Page("tenant:knowledge/faq", _at("/knowledge/faq")),
    _changes("tenant:knowledge/faq/new", "/knowledge/faq/new"),
    Page("tenant:knowledge/faq/<str:ref>", _at("/knowledge/faq/{pair}")),
    _changes("tenant:knowledge/faq/<str:ref>/delete", "/knowledge/faq/{pair}/delete"),
    Check("tenant:knowledge/faq/undo", _undo),
    TenantJob("task:knowledge.index_document", _by_id),
    TenantJob("task:knowledge.index_unfinished", _all_waiting),
    TenantJob("task:knowledge.change_model", _new_model),
    TenantJob("task:knowledge.build_near_index", _all_waiting),
    PublicJob("task:knowledge.index_all_unfinished", "sends one task a tenant and reads nothing itself"),
)
