"""Celery tasks of the knowledge room."""

from __future__ import annotations

from celery import shared_task

from knowledge import nearest, services
from tenants.tasks import PublicTask, TenantTask, for_each_tenant, send_after_commit


@shared_task(base=TenantTask, name="knowledge.index_document")  # type: ignore[untyped-decorator]
def index_document(document_id: int) -> None:
    """Vectors for one document; a provider that can't be reached is asked again later."""
    services.index_document(document_id)


@shared_task(base=TenantTask, name="knowledge.index_unfinished")  # type: ignore[untyped-decorator]
def index_unfinished() -> None:
    """Send the documents that still lack vectors once more."""
    for document_id in services.unfinished_documents():
        send_after_commit(index_document, document_id)
    if nearest.build_wanted():
        send_after_commit(build_near_index)


@shared_task(base=TenantTask, name="knowledge.build_near_index")  # type: ignore[untyped-decorator]
def build_near_index() -> None:
    """An index over the vectors of a business that has very many."""
    if nearest.build_wanted():
        nearest.build_index()


@shared_task(base=TenantTask, name="knowledge.change_model")  # type: ignore[untyped-decorator]
def change_model(model: str) -> None:
    """The embedding model has changed: every vector is made anew."""
    for document_id in services.forget_vectors_of_other_models(model):
        send_after_commit(index_document, document_id)


@shared_task(base=PublicTask, name="knowledge.index_all_unfinished")  # type: ignore[untyped-decorator]
def index_all_unfinished() -> None:
    """Beat: documents left behind by an embedding service that was away."""
    for_each_tenant(index_unfinished)
