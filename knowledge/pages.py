"""What the knowledge pages show; reads only, inside the tenant."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q

from knowledge.models import Chunk, Document, DocumentKind, DocumentState

PER_PAGE = 25
PASSAGES_PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Documents that fit the search, and how many there are at all."""

    page: Page[Document]
    count: int
    busy: int
    """How many are being indexed now: the list keeps itself fresh while there are any."""


def list_documents(*, search: str = "", page: int = 1) -> DocumentPage:
    """Documents by name. `search` looks into name and text."""
    # A business that wrote nothing down yet has an empty list of questions.
    kept = Document.objects.exclude(kind=DocumentKind.FAQ, total=0)
    counts = kept.aggregate(
        count=Count("pk"), busy=Count("pk", filter=Q(state__in=(DocumentState.PENDING, DocumentState.INDEXING)))
    )
    found = kept.defer("text", "pairs").order_by("title", "pk")
    if search:
        found = found.filter(Q(title__icontains=search) | Q(text__icontains=search) | Q(pairs__icontains=search[:100]))
    return DocumentPage(Paginator(found, PER_PAGE).get_page(page), counts["count"], counts["busy"])


def passages(document: Document, page: int = 1) -> Page[Chunk]:
    """The pieces a document is answered from."""
    found = document.chunks.only("id", "document_id", "position", "heading", "text").order_by("position", "pk")
    return Paginator(found, PASSAGES_PER_PAGE).get_page(page)


def own_text(document: Document) -> bool:
    """Whether people change the document's text itself; questions and prices have editors of their own."""
    return document.kind in (DocumentKind.TEXT, DocumentKind.MARKDOWN)
