"""Pages of knowledge: who may do what, what bad input meets, and that nothing typed is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from common.errors import NotFound
from knowledge import faq, services
from knowledge.forms import MAX_BYTES
from knowledge.models import Document, DocumentState
from tenants.context import TenantInfo, in_public
from tenants.models import AuditEvent
from tests.cast import ALICE, ALPHA, BOB, CAROL, Person

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def ask(tenant: TenantInfo, client_of: Callable[..., Client]) -> Callable[..., Any]:
    """``ask("post", path, data, person)`` at alpha's host; the test stays in alpha's schema."""

    def send(method: str, path: str, data: Any = None, person: Person = ALICE, **extra: Any) -> Any:
        client = extra.pop("client", None) or client_of(person)
        here = connection.tenant
        try:
            return getattr(client, method)(path, data, **extra)
        finally:
            connection.set_tenant(here)

    return send


@pytest.fixture
def document(tenant: TenantInfo) -> Document:
    return services.add_document(title="Guide", text="## Parking\nBehind the house, on Oak Lane.")


def test_pasting_a_text_makes_a_document_that_answers_at_once(ask: Any, no_embeddings: None) -> None:
    answer = ask("post", "/knowledge/add", {"title": "Prices", "text": "# Cleaning\nA cleaning costs 80 dollars."})
    document = Document.objects.get()
    assert answer["Location"] == f"/knowledge/documents/{document.pk}"
    assert (document.title, document.kind, document.total) == ("Prices", "markdown", 1)
    assert b"Prices" in ask("get", "/knowledge").content
    event = in_public(lambda: AuditEvent.objects.filter(action="knowledge.document_added").get())
    assert event.target == str(document.pk)


def test_a_document_saved_in_another_tab_is_not_undone(ask: Any, document: Document, no_embeddings: None) -> None:
    path = f"/knowledge/documents/{document.pk}/edit"
    opened = re.search(r'name="seen" value="([0-9a-f]+)"', ask("get", path).content.decode())
    assert opened is not None
    ask("post", path, {"title": "Guide", "text": "First.", "seen": opened[1]})
    late = ask("post", path, {"title": "Guide", "text": "Typed later.", "seen": opened[1]})
    assert late.status_code == 422
    assert "in another tab or by somebody else" in late.content.decode() and b"Typed later." in late.content
    document.refresh_from_db()
    assert document.text == "First."


def test_a_file_brings_its_name_and_its_text(ask: Any, no_embeddings: None) -> None:
    file = SimpleUploadedFile("house_rules.md", b"\xef\xbb\xbf# Rules\nShoes off.", "text/markdown")
    ask("post", "/knowledge/add", {"file": file})
    assert Document.objects.get().title == "house rules"
    assert Document.objects.get().text == "# Rules\nShoes off."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_is_read_as_editors_save_it(ask: Any, no_embeddings: None, encoding: str) -> None:
    words = "Das Café öffnet um 8 – “pünktlich”, für 5 €."
    ask("post", "/knowledge/add", {"file": SimpleUploadedFile("hours.txt", words.encode(encoding))})
    assert Document.objects.get().text == words


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.exe", b"MZ", "not a .txt or .md file"),
        ("a.txt", b"\x89PNG\r\n\x1a\n", "does not hold plain text"),
        ("a.txt", b"\xff\xfe\x00\x00a\x00\x00\x00", "does not hold plain text"),
        ("a.txt", b"\xff\xfea\x00b", "does not hold plain text"),
        ("a.txt", b"caf\xe9 \x81", "does not hold plain text"),
        ("a.txt", b"x\0y", "does not hold plain text"),
        ("a.md", b"x" * (MAX_BYTES + 1), "up to 1 MB"),
        ("a.md", b"", "empty"),
    ],
)
def test_a_bad_file_is_refused_in_words_and_the_rest_is_kept(ask: Any, name: str, content: bytes, words: str) -> None:
    file = SimpleUploadedFile(name, content)
    answer = ask("post", "/knowledge/add", {"title": "My title", "file": file})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page and "My title" in page
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Paste a text, or choose a file."),
        ({"title": "x"}, "Paste a text"),
        ({"text": "kept words"}, "Give it a name."),
        ({"title": "turned \u202e round", "text": "kept words"}, "A name is one line"),
        ({"title": "x" * 111, "text": "kept words"}, "at most 110 characters"),
        ({"title": "x", "text": "y" * (MAX_BYTES + 1)}, "at most 1000000 characters"),
        ({"title": "nul\0", "text": "kept words"}, "Null characters"),
        ({"title": "guide", "text": "kept words"}, "of this name already"),
    ],
)
def test_a_bad_document_is_refused_in_words_and_what_was_typed_stays(
    ask: Any, document: Document, data: dict[str, str], words: str
) -> None:
    answer = ask("post", "/knowledge/add", data)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "text" not in data or data["text"][:20] in answer.content.decode()
    assert Document.objects.count() == 1


def test_script_text_is_shown_as_text(ask: Any, no_embeddings: None) -> None:
    ask("post", "/knowledge/add", {"title": SCRIPT, "text": SCRIPT})
    ask("post", "/knowledge/faq/new", {"question": SCRIPT, "answer": SCRIPT})
    pk = Document.objects.get(kind="text").pk
    for path in ("/knowledge", f"/knowledge/documents/{pk}", f"/knowledge/documents/{pk}/delete", "/knowledge/faq"):
        page = ask("get", path).content.decode()
        assert SCRIPT not in page and escape(SCRIPT) in page


def test_changing_a_document_keeps_it_the_same_one(ask: Any, document: Document, no_embeddings: None) -> None:
    ask("post", f"/knowledge/documents/{document.pk}/edit", {"title": "House guide", "text": "Park in the yard."})
    document.refresh_from_db()
    assert (document.title, document.text, document.kind) == ("House guide", "Park in the yard.", "text")
    assert Document.objects.count() == 1
    # Its old name is free again, and taking it does not overwrite it.
    ask("post", "/knowledge/add", {"title": "Guide", "text": "Another one."})
    assert Document.objects.count() == 2


def test_deleting_says_what_is_lost_first(ask: Any, document: Document) -> None:
    path = f"/knowledge/documents/{document.pk}/delete"
    assert b"its 1 passage are lost" in ask("get", path).content or b"1 passage" in ask("get", path).content
    assert Document.objects.exists()
    assert ask("post", path)["Location"] == "/knowledge"
    assert not Document.objects.exists()
    assert ask("post", path).status_code == 404


def test_the_text_can_be_taken_home(ask: Any, document: Document) -> None:
    answer = ask("get", f"/knowledge/documents/{document.pk}/text")
    assert answer.content.decode() == document.text
    assert answer["Content-Disposition"] == 'attachment; filename="guide.md"'


def test_prices_and_questions_are_changed_where_they_are_made(ask: Any, tenant: TenantInfo) -> None:
    prices = services.add_prices(services=[services.Service("Cleaning", 8000)])
    for action in ("edit", "delete"):
        assert ask("post", f"/knowledge/documents/{prices.pk}/{action}", {"title": "x", "text": "y"}).status_code == 409
    assert b"/receptionist/services" in ask("get", f"/knowledge/documents/{prices.pk}").content
    assert Document.objects.get().pairs


def test_indexing_again_drops_vectors_and_says_so(ask: Any, document: Document) -> None:
    Document.objects.update(state=DocumentState.READY)
    ask("post", f"/knowledge/documents/{document.pk}/reindex")
    document.refresh_from_db()
    assert (document.state, document.done) == (DocumentState.PENDING, 0)


def test_the_list_asks_again_only_while_something_is_indexed(ask: Any, document: Document) -> None:
    assert b"every 3s" in ask("get", "/knowledge").content
    part = ask("get", "/knowledge", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="documents"') and "0 of 1" in part
    Document.objects.update(state=DocumentState.READY, done=1)
    assert b"every 3s" not in ask("get", "/knowledge").content


def test_search_finds_names_texts_and_answers(ask: Any, document: Document) -> None:
    services.add_faq(pairs=[("Do you have wifi?", "Yes, for free.")])
    assert b"Guide" in ask("get", "/knowledge?q=oak").content
    assert b"Guide" not in ask("get", "/knowledge?q=wifi").content
    assert b"Frequently asked" in ask("get", "/knowledge?q=wifi").content
    assert b"Nothing found" in ask("get", "/knowledge?q=%00zebra").content
    assert b"Nothing found" in ask("get", "/knowledge/faq?q=zebra").content
    for page in ("0", "-1", "99999999", "x", "%00"):
        assert ask("get", f"/knowledge?page={page}").status_code == 200


def test_a_list_of_any_length_takes_the_same_queries(ask: Any, client_of: Any, tenant: TenantInfo) -> None:
    client = client_of(ALICE)

    def count(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            ask("get", path, client=client)
        return len([q for q in queries if not q["sql"].startswith(("SET", "BEGIN", "COMMIT", "SAVE", "RELEASE"))])

    services.add_faq(pairs=[("One?", "Yes.")])
    few = count("/knowledge"), count("/knowledge/faq")
    services.add_faq(pairs=[(f"Question {i}?", "Yes.") for i in range(30)])
    for number in range(20):
        services.add_document(title=f"Document {number}", text="Words.")
    assert (count("/knowledge"), count("/knowledge/faq")) == few
    assert few[0] <= 12


# Questions and answers


def test_a_question_is_added_changed_deleted_and_put_back_in_its_place(
    ask: Any, client_of: Any, no_embeddings: None
) -> None:
    client = client_of(ALICE)
    services.add_faq(pairs=[("One?", "1"), ("Two?", "2"), ("Three?", "3")])
    ask("post", "/knowledge/faq/new", {"question": "Four?", "answer": "4"}, client=client)
    two = faq.pairs()[1]
    ask("post", f"/knowledge/faq/{two.ref}", {"question": "Two?", "answer": "Zwei"}, client=client)
    assert [pair.answer for pair in faq.pairs()] == ["1", "Zwei", "3", "4"]

    ask("post", f"/knowledge/faq/{faq.pairs()[1].ref}/delete", client=client)
    assert [pair.answer for pair in faq.pairs()] == ["1", "3", "4"]
    assert "“Two?” is deleted." in ask("get", "/knowledge/faq", client=client).content.decode()
    ask("post", "/knowledge/faq/undo", client=client)
    assert [pair.answer for pair in faq.pairs()] == ["1", "Zwei", "3", "4"]
    assert ask("post", "/knowledge/faq/undo", client=client).status_code == 409


def test_a_change_made_by_somebody_else_meanwhile_is_not_overwritten(ask: Any, no_embeddings: None) -> None:
    services.add_faq(pairs=[("Parking?", "In the yard.")])
    ref = faq.pairs()[0].ref
    faq.save(question="Parking?", answer="On the street.", ref=ref)
    answer = ask("post", f"/knowledge/faq/{ref}", {"question": "Parking?", "answer": "Behind the house."})
    page = answer.content.decode()
    assert answer.status_code == 422 and "Somebody else changed" in page and "Behind the house." in page
    assert 'action="/knowledge/faq/new"' in page
    assert [pair.answer for pair in faq.pairs()] == ["On the street."]
    with pytest.raises(NotFound):
        faq.remove(ref)
    assert ask("get", f"/knowledge/faq/{ref}").status_code == 404


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"question": "Parking?"},
        {"question": " ", "answer": "x"},
        {"question": "x" * 501, "answer": "y"},
        {"question": "x", "answer": "y" * 4001},
        {"question": "\0", "answer": "y"},
    ],
)
def test_a_bad_question_is_refused_and_kept(ask: Any, data: dict[str, str]) -> None:
    answer = ask("post", "/knowledge/faq/new", data)
    assert answer.status_code == 422
    assert data.get("answer", "").strip()[:40] in answer.content.decode()
    assert faq.pairs() == []


def test_there_is_room_for_so_many_questions_and_no_more(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faq, "MAX_PAIRS", 1)
    services.add_faq(pairs=[("One?", "1")])
    answer = ask("post", "/knowledge/faq/new", {"question": "Two?", "answer": "2"})
    assert answer.status_code == 422 and b"There is room for 1 questions" in answer.content
    assert len(faq.pairs()) == 1


# Who may what

CHANGES = (
    "/knowledge/add",
    "/knowledge/documents/{document}/edit",
    "/knowledge/documents/{document}/reindex",
    "/knowledge/documents/{document}/delete",
    "/knowledge/faq/new",
    "/knowledge/faq/{pair}",
    "/knowledge/faq/{pair}/delete",
    "/knowledge/faq/undo",
)
GOOD = {"title": "New", "text": "New.", "question": "New?", "answer": "New."}


@pytest.mark.parametrize("path", CHANGES)
def test_an_agent_reads_and_changes_nothing(ask: Any, document: Document, path: str) -> None:
    services.add_faq(pairs=[("One?", "1")])
    before = list(Document.objects.order_by("pk").values())
    path = path.format(document=document.pk, pair=faq.pairs()[0].ref)
    assert ask("post", path, GOOD, BOB).status_code == 403
    assert list(Document.objects.order_by("pk").values()) == before
    for read in ("/knowledge", f"/knowledge/documents/{document.pk}", "/knowledge/faq"):
        page = ask("get", read, person=BOB)
        assert page.status_code == 200
        assert b"Add a" not in page.content and b"Delete" not in page.content


@pytest.mark.parametrize("path", CHANGES)
def test_nothing_is_changed_without_the_page_s_token(client_of: Any, document: Document, path: str) -> None:
    services.add_faq(pairs=[("One?", "1")])
    before = list(Document.objects.order_by("pk").values())
    path = path.format(document=document.pk, pair=faq.pairs()[0].ref)
    client = client_of(CAROL)
    strict = Client(enforce_csrf_checks=True, headers={"host": ALPHA.host})
    strict.cookies = client.cookies
    here = connection.tenant
    assert strict.post(path, GOOD).status_code == 403
    connection.set_tenant(here)
    assert list(Document.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("number", [999_999, 2**70, 0])
@pytest.mark.parametrize("action", ["", "/edit", "/delete", "/text"])
def test_what_is_not_there_is_not_found(ask: Any, number: int, action: str) -> None:
    assert ask("get", f"/knowledge/documents/{number}{action}").status_code == 404


def test_empty_pages_say_what_to_do(ask: Any) -> None:
    services.add_faq(pairs=[])
    assert b"Nothing written down yet" in ask("get", "/knowledge").content
    assert b"No questions yet" in ask("get", "/knowledge/faq").content
    assert b"/knowledge/add" in ask("get", "/knowledge").content
