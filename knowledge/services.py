"""Writing down what a business knows, and indexing it. Every function runs inside the tenant and may be repeated.

A document's chunks are written with the document, so that it is found by its words at once; vectors follow in a task.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from common import ai
from common.clock import now
from common.errors import Invalid, NotFound, ProviderError
from common.events import publish_on_commit
from common.money import Currency, currency_of
from knowledge import chunking, nearest
from knowledge.models import Chunk, Document, DocumentKind, DocumentState
from tenants.context import require_tenant
from tenants.tasks import send_after_commit

log = logging.getLogger(__name__)

MAX_TEXT_CHARS = 2_000_000
#: Services named in one breath.
_OVERVIEW_SERVICES = 10
#: Texts a request to the embedding endpoint carries; progress moves in these steps.
BATCH = 32


@dataclass(frozen=True, slots=True)
class Service:
    """One line of a price list: `cents` and `minutes` may be unknown."""

    name: str
    cents: int | None = None
    minutes: int | None = None


def add_document(
    *, title: str, text: str, kind: str = DocumentKind.MARKDOWN, key: str = "", language: str = ""
) -> Document:
    """Keep a text; one with the same `key` (default: its title) is replaced. Raises `Invalid`."""
    if kind not in (DocumentKind.TEXT, DocumentKind.MARKDOWN):
        raise Invalid("a document is text or Markdown")
    if not title.strip() or not text.strip():
        raise Invalid("a document needs a title and a text")
    if len(text) > MAX_TEXT_CHARS:
        raise Invalid("this document is too long; nothing was kept", limit=MAX_TEXT_CHARS)
    return _keep(key or f"doc:{title.strip()}"[:120], kind, title.strip()[:200], text=text, language=language)


def add_faq(*, pairs: Sequence[tuple[str, str]], key: str = "faq", language: str = "") -> Document:
    """Keep questions with their answers; those of the same `key` are replaced."""
    rows = [{"q": q.strip(), "a": a.strip()} for q, a in pairs if q.strip() and a.strip()]
    title = DocumentKind.FAQ.label
    return _keep(key, DocumentKind.FAQ, title, pairs=rows, language=language)


def add_prices(*, services: Sequence[Service], key: str = "prices", language: str = "") -> Document:
    """Keep the price list as questions a caller asks, with one for all services together."""
    currency = currency_of(require_tenant().locale)
    rows = [price_pair(service, currency) for service in services]
    if rows:
        rows.append(overview_pair([service.name for service in services]))
    return _keep(key, DocumentKind.PRICES, DocumentKind.PRICES.label, pairs=rows, language=language)


def price_pair(service: Service, currency: Currency) -> dict[str, str]:
    """Question and spoken answer about one service, its price in the business's currency."""
    name = service.name
    asked = f"How much is {name}? What is the price of {name}?"
    facts = []
    if service.cents is not None:
        facts.append(f"costs {currency.spoken(service.cents)}" if service.cents else "is free of charge")
    if service.minutes:
        asked += " How long does it take?"
        facts.append(f"takes about {service.minutes} minutes")
    answer = f"{name} {' and '.join(facts)}." if facts else f"Yes, we offer {name}."
    return {"q": asked, "a": answer}


def overview_pair(names: Sequence[str]) -> dict[str, str]:
    """What is offered at all; a long list is spoken in part."""
    spoken = [name if name[:2].isupper() or name[1:2].isupper() else name[:1].lower() + name[1:] for name in names]
    if len(spoken) > _OVERVIEW_SERVICES:
        listed = ", ".join(spoken[:_OVERVIEW_SERVICES]) + ", and more"
    else:
        listed = " and ".join(part for part in (", ".join(spoken[:-1]), spoken[-1]) if part)
    return {"q": "Which services do you offer? What do you do? What treatments are there?", "a": f"We offer {listed}."}


def remove_document(key: str) -> None:
    """Forget a document with its chunks; a key that is not there is fine."""
    Document.objects.filter(key=key).delete()


def reindex_document(document_id: int) -> Document:
    """Cut and index a document anew; until its vectors are back it is found by its words. Raises `NotFound`."""
    from knowledge.tasks import index_document as task

    with transaction.atomic():
        document = Document.objects.select_for_update().filter(pk=document_id).first()
        if document is None:
            raise NotFound("there is no such document")
        document.chunks.update(embedding=None, model="")
        write_chunks(document)
        send_after_commit(task, document.pk)
    return document


def _keep(
    key: str, kind: str, title: str, *, text: str = "", pairs: list[dict[str, str]] | None = None, language: str = ""
) -> Document:
    from knowledge.tasks import index_document as task

    language = (language or require_tenant().locale).split("-")[0].lower()[:8] or "en"
    with transaction.atomic():
        document, _ = Document.objects.select_for_update().update_or_create(
            key=key,
            defaults={
                "kind": kind,
                "title": title,
                "language": language,
                "text": text,
                "pairs": pairs or [],
                "updated_at": now(),
            },
        )
        write_chunks(document)
        if document.done < document.total:
            send_after_commit(task, document.pk)
    return document


def _pieces(document: Document) -> list[chunking.Piece]:
    match document.kind:
        case DocumentKind.FAQ | DocumentKind.PRICES:
            pieces = chunking.split_faq([(pair["q"], pair["a"]) for pair in document.pairs])
        case DocumentKind.MARKDOWN:
            pieces = chunking.split_markdown(document.text, document.title)
        case _:
            pieces = chunking.split_text(document.text)
    return list(dict.fromkeys(pieces))


def write_chunks(document: Document) -> None:
    """Make the document's chunks match its text: unchanged ones stay with their vectors, the others go or come."""
    wanted = {piece.digest(): (position, piece) for position, piece in enumerate(_pieces(document))}
    with transaction.atomic():
        # One writer a document: two edits at once must not both add a chunk.
        Document.objects.select_for_update().get(pk=document.pk)
        stored = {chunk.digest: chunk for chunk in document.chunks.defer("embedding")}
        document.chunks.exclude(digest__in=wanted).delete()
        moved = []
        for digest, chunk in stored.items():
            if digest in wanted and (chunk.position, chunk.language) != (wanted[digest][0], document.language):
                chunk.position, chunk.language = wanted[digest][0], document.language
                moved.append(chunk)
        Chunk.objects.bulk_update(moved, ["position", "language"])
        Chunk.objects.bulk_create(
            Chunk(
                document=document,
                position=position,
                heading=piece.heading,
                text=piece.text,
                language=document.language,
                digest=digest,
            )
            for digest, (position, piece) in wanted.items()
            if digest not in stored
        )
        _note_progress(document, DocumentState.PENDING)


def _note_progress(document: Document, state: DocumentState, error: str = "") -> None:
    """Count chunks and vectors, and tell open pages. A document without missing vectors is ready whatever is asked."""
    document.total = document.chunks.count()
    document.done = document.chunks.filter(embedding__isnull=False).count()
    document.state = DocumentState.READY if document.done == document.total else state
    document.error = "" if document.state == DocumentState.READY else error
    document.save(update_fields=["total", "done", "state", "error"])
    publish_on_commit(
        require_tenant().schema,
        "knowledge",
        {
            "type": "document",
            "document": document.pk,
            "state": document.state,
            "done": document.done,
            "total": document.total,
        },
    )


def index_document(document_id: int) -> None:
    """Give every chunk of the document a vector, in batches, with progress on the document.

    Chunks that have a vector of the model in use are left alone. Raises `ProviderError` when embeddings can't be had;
    what is done is kept, and the document stays searchable by its words.
    """
    from knowledge.tasks import build_near_index

    document = Document.objects.filter(pk=document_id).first()
    if document is None:
        log.info("document to index is gone")
        return
    model = ""
    while True:
        missing = Q(embedding__isnull=True) | (~Q(model=model) if model else Q())
        batch = list(document.chunks.filter(missing).defer("embedding").order_by("position")[:BATCH])
        if not batch:
            break
        try:
            answer = ai.embed([chunking.Piece(c.heading, c.text).passage() for c in batch], kind="passage")
        except ProviderError as error:
            _note_progress(document, DocumentState.FAILED, error.category)
            raise
        model = answer.model
        with transaction.atomic():
            for chunk, vector in zip(batch, answer.vectors, strict=True):
                # A chunk's text never changes; one that was replaced meanwhile is simply not there.
                Chunk.objects.filter(pk=chunk.pk).update(embedding=vector, model=model)
            _note_progress(document, DocumentState.INDEXING)
    _note_progress(document, DocumentState.PENDING)
    if nearest.build_wanted():
        send_after_commit(build_near_index)


def unfinished_documents() -> list[int]:
    """Ids of documents that still lack vectors."""
    waiting = Document.objects.exclude(state=DocumentState.READY)
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def forget_vectors_of_other_models(model: str) -> list[int]:
    """After a change of the embedding model: drop vectors that can't be compared with `model`'s; ids to index."""
    with transaction.atomic():
        other = Chunk.objects.filter(embedding__isnull=False).exclude(model=model)
        ids = sorted(set(other.values_list("document_id", flat=True)))
        other.update(embedding=None, model="")
        for document in Document.objects.filter(pk__in=ids):
            _note_progress(document, DocumentState.PENDING)
    return ids
