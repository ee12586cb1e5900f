"""The API of the knowledge room: documents, frequently asked questions, and a question to try."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from ninja import Path, Query, Router
from ninja.responses import Status

from common.errors import Conflict, NotFound
from common.rest import MAX_ID, Paging, page_of
from knowledge import schemas, selectors, services
from knowledge.models import Document, DocumentKind
from tenants.rest import ApiRequest, key, once

router = Router(tags=["Knowledge"])

DocumentId = Annotated[int, Path(ge=1, le=MAX_ID)]
_MANAGED = {
    DocumentKind.FAQ.value: "these questions are changed at /knowledge/faq",
    DocumentKind.PRICES.value: "the price list follows the services; change those at /receptionist/services",
}
_CONFLICT = {
    "responses": {409: {"description": "This document follows something else, which is to be changed instead"}}
}


@router.get("/knowledge/documents", response=schemas.DocumentPage, auth=key("knowledge:read"), summary="List documents")
def list_documents(request: ApiRequest, paging: Query[Paging]) -> schemas.DocumentPage:
    """What the receptionist answers from, last changed first, with the progress of indexing."""
    found, following = page_of(Document.objects.defer("text", "pairs"), paging, by="updated_at")
    return schemas.DocumentPage(items=[schemas.DocumentOut.of(row) for row in found], next=following)


@router.post(
    "/knowledge/documents",
    response={201: schemas.DocumentDetail},
    auth=key("knowledge:write"),
    summary="Add a document",
)
@once
def create_document(request: ApiRequest, body: schemas.DocumentIn) -> Status[schemas.DocumentDetail]:
    """Keep a text. It is found by its words at once, and by its meaning as soon as `state` is `ready`."""
    document = services.add_document(
        title=body.title, text=body.text, kind=body.kind, language=body.language, key=f"api:{uuid4()}"
    )
    return Status(201, schemas.DocumentDetail.of(document))


@router.get(
    "/knowledge/documents/{document_id}",
    response=schemas.DocumentDetail,
    auth=key("knowledge:read"),
    summary="Read a document",
)
def read_document(request: ApiRequest, document_id: DocumentId) -> schemas.DocumentDetail:
    """One document with its text and progress."""
    return schemas.DocumentDetail.of(_document(document_id))


@router.put(
    "/knowledge/documents/{document_id}",
    response=schemas.DocumentDetail,
    auth=key("knowledge:write"),
    summary="Change a document",
    openapi_extra=_CONFLICT,
)
def change_document(request: ApiRequest, document_id: DocumentId, body: schemas.DocumentIn) -> schemas.DocumentDetail:
    """Replace title and text. Parts that stay the same are not indexed again."""
    document = _own_document(document_id)
    document = services.add_document(
        title=body.title, text=body.text, kind=body.kind, language=body.language, key=document.key
    )
    return schemas.DocumentDetail.of(document)


@router.delete(
    "/knowledge/documents/{document_id}",
    response={204: None},
    auth=key("knowledge:write"),
    summary="Remove a document",
    openapi_extra=_CONFLICT,
)
def remove_document(request: ApiRequest, document_id: DocumentId) -> Status[None]:
    """Forget a document. From the next question on the receptionist does not know it."""
    services.remove_document(_own_document(document_id).key)
    return Status(204, None)


@router.post(
    "/knowledge/documents/{document_id}/reindex",
    response={202: schemas.DocumentOut},
    auth=key("knowledge:write"),
    summary="Index a document again",
)
def reindex_document(request: ApiRequest, document_id: DocumentId) -> Status[schemas.DocumentOut]:
    """Make it findable anew; read the document to follow `done` and `total`. Meanwhile it is found by its words."""
    return Status(202, schemas.DocumentOut.of(services.reindex_document(document_id)))


@router.get("/knowledge/faq", response=schemas.FaqOut, auth=key("knowledge:read"), summary="Read the FAQ")
def read_faq(request: ApiRequest) -> schemas.FaqOut:
    """Frequently asked questions with their answers, in order."""
    document = Document.objects.filter(key="faq").first()
    return schemas.FaqOut(items=[schemas.Pair(**pair) for pair in document.pairs] if document else [])


@router.put("/knowledge/faq", response=schemas.FaqOut, auth=key("knowledge:write"), summary="Replace the FAQ")
def replace_faq(request: ApiRequest, body: schemas.FaqIn) -> schemas.FaqOut:
    """Replace all frequently asked questions."""
    document = services.add_faq(pairs=[(pair.q, pair.a) for pair in body.items])
    return schemas.FaqOut(items=[schemas.Pair(**pair) for pair in document.pairs])


@router.post("/knowledge/ask", response=schemas.AnswerOut, auth=key("knowledge:read"), summary="Try a question")
def ask(request: ApiRequest, body: schemas.QuestionIn) -> schemas.AnswerOut:
    """What the receptionist would answer a caller, and from where. Nothing is kept."""
    return schemas.AnswerOut.of(selectors.answer(body.question))


def _document(document_id: int) -> Document:
    document = Document.objects.filter(pk=document_id).first()
    if document is None:
        raise NotFound("there is no such document")
    return document


def _own_document(document_id: int) -> Document:
    document = _document(document_id)
    if document.kind in _MANAGED:
        raise Conflict(_MANAGED[document.kind], kind=document.kind)
    return document
