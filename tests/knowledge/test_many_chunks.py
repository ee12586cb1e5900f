"""A business with very many chunks is searched by an index; it answers as before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from knowledge import nearest, selectors, services
from knowledge.models import Chunk
from tenants.context import TenantInfo
from tests.embeddings import EmbeddingServer
from tests.knowledge import questions as asked
from tests.knowledge.test_search import dental, index_all, keep, rates


@pytest.fixture
def many(live_tenant: TenantInfo, embeddings: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The demo practice, large enough for an index."""
    keep(dental())
    index_all()
    monkeypatch.setattr(nearest, "WORTH_IT", 1)
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET enable_seqscan; RESET enable_sort")
    nearest.drop_index()


def never_exactly() -> None:
    """So few chunks would not be worth the index to PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_sort = off")


def plan_of_a_search(question: str) -> str:
    with CaptureQueriesContext(connection) as queries:
        selectors.search(question)
    statement = next(q["sql"] for q in queries if "percentile_cont" in q["sql"])
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + statement)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_the_index_is_used_and_the_demo_is_answered_as_well_as_without(many: None) -> None:
    nearest.build_index()
    assert nearest.build_wanted() is False
    never_exactly()
    assert nearest.INDEX in plan_of_a_search("Is there parking?")
    right, declined, wrong = rates(
        asked.DENTAL_HELD_OUT_IN + asked.DENTAL_LATER_IN, asked.DENTAL_HELD_OUT_OUT + asked.DENTAL_LATER_OUT
    )
    assert right >= 0.9 and declined >= 0.9, "\n".join(wrong)


def test_every_answer_is_the_one_of_the_exact_search(many: None, monkeypatch: pytest.MonkeyPatch) -> None:
    nearest.build_index()
    never_exactly()
    questions = [question for question, _ in asked.DENTAL_LATER_IN] + list(asked.DENTAL_LATER_OUT)
    by_index = [selectors.answer(question) for question in questions]
    monkeypatch.setattr(nearest, "WORTH_IT", 10**9)
    exactly = [selectors.answer(question) for question in questions]
    assert [(a.decision, a.text, round(a.confidence, 6)) for a in by_index] == [
        (a.decision, a.text, round(a.confidence, 6)) for a in exactly
    ]


def test_words_that_are_in_every_chunk_still_find_the_one_with_all_of_them(
    many: None, no_embeddings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "COMMON", 1)
    assert "Oak Lane" in selectors.search("Where is the parking, behind the building?")[0].text
    assert selectors.search("the of a") == []


def test_an_index_that_broke_off_is_built_again(many: None) -> None:
    nearest.build_index()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [nearest.INDEX])
    assert nearest.build_wanted()
    nearest.build_index()
    assert not nearest.build_wanted()


def test_growing_over_the_limit_builds_the_index_by_a_task(many: None, eager_tasks: None) -> None:
    assert nearest.build_wanted()
    services.add_faq(pairs=[("Is there a garden?", "Yes, a small one.")])
    assert not nearest.build_wanted()
    assert Chunk.objects.filter(embedding=None).count() == 0
