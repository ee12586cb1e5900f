"""Pages of what the receptionist knows. Everybody at the business reads; owners, admins and supervisors change."""

from __future__ import annotations

from typing import cast
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.errors import Conflict, Invalid, NotFound
from common.htmx import page_or_partial
from knowledge import faq, pages, services
from knowledge.forms import DocumentForm, PairForm
from knowledge.models import Document
from tenants.access import TenantRequest, member_required
from tenants.models import Role
from tenants.services import audit

EDITORS = (Role.OWNER, Role.ADMIN, Role.SUPERVISOR)
#: Session key of the question deleted last.
_DELETED = "faq_deleted"


def may_edit(request: HttpRequest) -> bool:
    """Whether this member may change what the receptionist knows."""
    return cast(TenantRequest, request).role in EDITORS


def _record(request: HttpRequest, action: str, target: object = "") -> None:
    asked = cast(TenantRequest, request)
    audit.record(f"knowledge.{action}", actor=asked.user.pk, tenant=asked.tenant.id, target=str(target))


def _number(request: HttpRequest, name: str = "page") -> int:
    value = request.GET.get(name, "1")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 7 else 1


def _search(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\0", "").strip()[:200]


def _document(document_id: int) -> Document:
    found = Document.objects.filter(pk=document_id).first() if document_id < 2**63 else None
    if found is None:
        raise Http404("there is no such document")
    return found


@require_safe
@member_required()
def document_list(request: HttpRequest) -> HttpResponse:
    """Every document with how far it is indexed."""
    search = _search(request)
    context = {
        "documents": pages.list_documents(search=search, page=_number(request)),
        "search": search,
        "path": request.get_full_path(),
        "can_edit": may_edit(request),
    }
    return page_or_partial(request, "knowledge/document_list.html", "knowledge/partials/_document_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(*EDITORS)
def document_new(request: HttpRequest) -> HttpResponse:
    """Paste a text or bring a file."""
    form = DocumentForm(request.POST, request.FILES) if request.method == "POST" else DocumentForm()
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        document = services.add_document(
            title=data["title"], text=data["text"], kind=form.kind, key=f"doc:{uuid4().hex}"
        )
        _record(request, "document_added", document.pk)
        messages.success(request, f"“{document.title}” is added. Callers can be answered from it at once.")
        return redirect("knowledge:document", document.pk)
    status = 422 if form.is_bound else 200
    return render(request, "knowledge/document_form.html", {"form": form, "document": None}, status=status)


@require_safe
@member_required()
def document_detail(request: HttpRequest, document_id: int) -> HttpResponse:
    """One document: how far it is, and the passages callers are answered from."""
    document = _document(document_id)
    context = {
        "document": document,
        "passages": pages.passages(document, _number(request)),
        "own_text": pages.own_text(document),
        "can_edit": may_edit(request),
    }
    return page_or_partial(request, "knowledge/document.html", "knowledge/partials/_document_state.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(*EDITORS)
def document_edit(request: HttpRequest, document_id: int) -> HttpResponse:
    """Change a document's name and text."""
    document = _document(document_id)
    if not pages.own_text(document):
        raise Conflict("this document is made from another page; change it there")
    stored = {"title": document.title, "text": document.text}
    sent = request.POST if request.method == "POST" else None
    form = DocumentForm(sent, initial=stored, stored=stored, document=document)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        services.add_document(
            title=data["title"], text=data["text"], kind=form.kind, key=document.key, language=document.language
        )
        _record(request, "document_changed", document.pk)
        messages.success(request, "Saved. Parts that stayed the same are not indexed again.")
        return redirect("knowledge:document", document.pk)
    status = 422 if form.is_bound else 200
    return render(request, "knowledge/document_form.html", {"form": form, "document": document}, status=status)


@require_safe
@member_required()
def document_text(request: HttpRequest, document_id: int) -> HttpResponse:
    """The text as a file, to keep a copy."""
    document = _document(document_id)
    text = document.text or "\n\n".join(f"{pair['q']}\n{pair['a']}" for pair in document.pairs)
    name = f"{slugify(document.title) or 'document'}.{'md' if document.kind == 'markdown' else 'txt'}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store, private"}
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)


@require_POST
@member_required(*EDITORS)
def document_reindex(request: HttpRequest, document_id: int) -> HttpResponse:
    """Make its passages findable anew."""
    document = _document(document_id)
    services.reindex_document(document.pk)
    _record(request, "document_reindexed", document.pk)
    messages.success(request, f"“{document.title}” is being indexed again. Until then it is found by its words.")
    return redirect("knowledge:document", document.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(*EDITORS)
def document_delete(request: HttpRequest, document_id: int) -> HttpResponse:
    """What would be lost; then it is gone."""
    document = _document(document_id)
    if not pages.own_text(document):
        raise Conflict("this document is made from another page; change it there")
    if request.method == "POST":
        services.remove_document(document.key)
        _record(request, "document_deleted", document.pk)
        messages.success(request, f"“{document.title}” is deleted. Callers are no longer answered from it.")
        return redirect("knowledge:documents")
    return render(request, "knowledge/document_delete.html", {"document": document})


@require_safe
@member_required()
def faq_list(request: HttpRequest) -> HttpResponse:
    """Questions with their answers."""
    document = faq.document()
    rows = faq.pairs(document)
    search = _search(request)
    wanted = search.casefold()
    context = {
        "pairs": [row for row in rows if wanted in f"{row.question} {row.answer}".casefold()],
        "count": len(rows),
        "search": search,
        "document": document,
        "can_edit": may_edit(request),
        "deleted": request.session.get(_DELETED) if may_edit(request) else None,
    }
    return page_or_partial(request, "knowledge/faq_list.html", "knowledge/partials/_faq_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(*EDITORS)
def faq_new(request: HttpRequest) -> HttpResponse:
    """Add a question."""
    form = PairForm(request.POST) if request.method == "POST" else PairForm()
    return _faq_form(request, form, "")


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(*EDITORS)
def faq_edit(request: HttpRequest, ref: str) -> HttpResponse:
    """Change a question or its answer."""
    if request.method == "POST":
        return _faq_form(request, PairForm(request.POST), ref)
    pair = faq.find(ref)
    return _faq_form(request, PairForm(initial={"question": pair.question, "answer": pair.answer}), ref)


def _faq_form(request: HttpRequest, form: PairForm, ref: str) -> HttpResponse:
    if form.is_bound and form.is_valid():
        try:
            faq.save(question=form.cleaned_data["question"], answer=form.cleaned_data["answer"], ref=ref)
        except NotFound:
            # What was typed is not lost: it can still be added.
            form.add_error(None, "Somebody else changed or deleted this question meanwhile. Save once more to add it.")
            ref = ""
        except Invalid as error:
            form.add_error(None, f"{error.message[:1].upper()}{error.message[1:]}.")
        else:
            request.session.pop(_DELETED, None)
            _record(request, "faq_changed" if ref else "faq_added")
            messages.success(request, "Saved. The next caller who asks hears this answer.")
            return redirect("knowledge:faq")
    return render(request, "knowledge/faq_form.html", {"form": form, "ref": ref}, status=422 if form.is_bound else 200)


@require_POST
@member_required(*EDITORS)
def faq_delete(request: HttpRequest, ref: str) -> HttpResponse:
    """Delete a question; the page offers to put it back."""
    gone = faq.remove(ref)
    request.session[_DELETED] = {"question": gone.question, "answer": gone.answer, "position": gone.position}
    _record(request, "faq_deleted")
    return redirect("knowledge:faq")


@require_POST
@member_required(*EDITORS)
def faq_undo(request: HttpRequest) -> HttpResponse:
    """Put the question deleted last back in its place."""
    deleted = request.session.pop(_DELETED, None)
    if not deleted:
        raise Conflict("there is nothing to put back")
    faq.put_back(faq.Pair(str(deleted["question"]), str(deleted["answer"]), int(deleted["position"])))
    _record(request, "faq_restored")
    messages.success(request, "The question is back.")
    return redirect("knowledge:faq")
