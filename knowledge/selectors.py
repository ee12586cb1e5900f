"""Questions to what a business knows: full text and vectors together, and the decision to answer or decline."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any, Literal

from django.core.cache import cache
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from common import ai
from common.errors import ProviderError
from common.metrics import PROVIDER_ERRORS, RETRIEVAL_SECONDS
from knowledge import chunking, confidence, nearest, words
from knowledge.models import DocumentKind, text_search
from tenants.context import require_tenant
from tenants.tasks import send_after_commit

log = logging.getLogger(__name__)

MAX_QUESTION_CHARS = 500
#: A caller waits for the question's vector this long; then the words must do.
EMBEDDING_SECONDS = 2.0
#: Longest answer that is spoken, in characters (about 20 s).
MAX_SPOKEN_CHARS = 320


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that may answer: `text` is what it is about and what it says, `answer` what would be spoken."""

    chunk_id: int
    title: str
    text: str
    answer: str
    score: float
    """Confidence that it answers, 0..1 (`knowledge.confidence`)."""
    kind: str
    source: str
    """For the journal: the document's title, or ``FAQ: `` and the question."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say to a question. `text` and `source` are empty when declined."""

    text: str
    source: str
    confidence: float
    decision: Literal["answer", "decline"]
    hits: list[Hit]


# One statement, in parts:
# 1. Groups of words that mean the same, each with the number of chunks that have it (capped: beyond some hundreds the
#    weight hardly changes).
# 2. Candidates: the nearest by meaning and the best by words.
# 3. The level of unrelated text: the median over a stable sample of vectors.
_COUNTED = """
asked AS MATERIALIZED (
    SELECT ord, websearch_to_tsquery(%(config)s::regconfig, phrase) AS query
    FROM unnest(%(groups)s::text[]) WITH ORDINALITY AS u(phrase, ord)
), grouped AS MATERIALIZED (
    SELECT ord, query, (
        SELECT count(*) FROM (SELECT 1 FROM knowledge_chunk WHERE searched @@ query LIMIT %(common)s) AS having_it
    ) AS containing
    FROM asked WHERE numnode(query) > 0
)
"""
# The counts are known already: see `_count`.
_KNOWN = """
grouped AS MATERIALIZED (
    SELECT ord, websearch_to_tsquery(%(config)s::regconfig, phrase) AS query, containing
    FROM unnest(%(groups)s::text[], %(counts)s::int[]) WITH ORDINALITY AS u(phrase, containing, ord)
)
"""
_EXACTLY_NEAR = """
    SELECT id FROM knowledge_chunk WHERE model = %(model)s
    ORDER BY embedding <=> %(vector)s::vector LIMIT %(candidates)s
"""
# Without a vector no index may be tempted to put everything in order by nothing.
_NEAR_BY_INDEX = f"""
    SELECT id FROM knowledge_chunk WHERE model = %(model)s AND %(vector)s::vector IS NOT NULL
    ORDER BY {nearest.COLUMN} <=> %(vector)s::halfvec LIMIT %(candidates)s
"""  # noqa: S608 - a constant of ours
_ALL_WORDED = """
    SELECT id FROM knowledge_chunk, websearch_to_tsquery(%(config)s::regconfig, %(any)s) AS query
    WHERE searched @@ query
    ORDER BY ts_rank(searched, query) DESC, id LIMIT %(candidates)s
"""
# Words that half of the business's texts have tell nothing apart: only so many chunks are ranked.
_SOME_WORDED = """
    SELECT id FROM (
        SELECT id, searched FROM knowledge_chunk WHERE searched @@ ({query}) LIMIT %(ranked)s
    ) AS having_them
    ORDER BY ts_rank(searched, {query}) DESC, id LIMIT %(candidates)s
"""
_SEARCH = """
WITH {groups}, near AS ({near}), worded AS ({worded}), level AS (
    SELECT count(*) AS chunks,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY 1 - (embedding <=> %(vector)s::vector)) AS median
    FROM (
        SELECT embedding FROM knowledge_chunk WHERE model = %(model)s ORDER BY digest LIMIT 200
    ) AS sample
)
SELECT
    c.id, c.heading, c.text, d.title, d.kind,
    CASE WHEN c.model = %(model)s THEN 1 - (c.embedding <=> %(vector)s::vector) END,
    ARRAY(SELECT c.searched @@ query FROM grouped ORDER BY ord),
    ARRAY(SELECT ts_filter(c.searched, '{{a}}') @@ query FROM grouped ORDER BY ord),
    ARRAY(SELECT containing FROM grouped ORDER BY ord),
    (SELECT coalesce(sum(total), 0) FROM knowledge_document),
    level.median, level.chunks
FROM knowledge_chunk c JOIN knowledge_document d ON d.id = c.document_id CROSS JOIN level
WHERE c.id IN (SELECT id FROM near UNION SELECT id FROM worded)
"""
_COUNT = f"WITH {_COUNTED} SELECT ord, containing FROM grouped ORDER BY ord"  # noqa: S608
#: A group of words that this many chunks have is a common one.
COMMON = 500
#: Chunks that are ranked by their words where there are very many.
_RANKED = 1000
#: Entries PostgreSQL reads of a word that is in very many chunks, while it is only counted.
_COUNTED_ENTRIES = 4 * COMMON


@dataclass(frozen=True, slots=True)
class _Asked:
    groups: list[list[str]]
    vector: list[float] | None
    model: str


def _embed(question: str) -> tuple[list[float] | None, str]:
    """The question's vector, or None while embeddings can't be had: the words must do."""
    try:
        answer = ai.embed([question], kind="query", timeout=EMBEDDING_SECONDS)
    except ProviderError as error:
        PROVIDER_ERRORS.labels(provider="embeddings", category=error.category).inc()
        log.warning("question is searched by its words alone", extra={"category": error.category})
        return None, ""
    return answer.vectors[0], answer.model


def _rows(asked: _Asked, config: str, candidates: int) -> list[tuple[Any, ...]]:
    phrases = [" or ".join(f'"{word}"' for word in group) for group in asked.groups]
    values: dict[str, Any] = {
        "config": config,
        "groups": phrases,
        "any": " or ".join(phrases),
        "vector": None if asked.vector is None else nearest.as_text(asked.vector),
        # No chunk has this model: without a vector nothing is near.
        "model": "-" if asked.vector is None else asked.model,
        "candidates": candidates,
        "common": COMMON,
    }
    if nearest.chunks() >= nearest.WORTH_IT:
        return _rows_of_many(values)
    with connection.cursor() as cursor:
        cursor.execute(_SEARCH.format(groups=_COUNTED, near=_EXACTLY_NEAR, worded=_ALL_WORDED), values)
        return list(cursor.fetchall())


def _rows_of_many(values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The same by the index over the vectors, and by words that are not in every other chunk."""
    with transaction.atomic(), connection.cursor() as cursor:
        counts = _count(cursor, values)
        phrases = [values["groups"][ord_ - 1] for ord_ in counts]
        rare = [phrase for phrase, number in zip(phrases, counts.values(), strict=True) if number < COMMON]
        # Words that are all common have to come together.
        parts = [" or ".join(rare)] if rare else phrases
        query = " && ".join(f"websearch_to_tsquery(%(config)s::regconfig, %(part{i})s)" for i in range(len(parts)))
        values = {
            **values,
            **{f"part{i}": part for i, part in enumerate(parts)},
            "groups": phrases,
            "counts": list(counts.values()),
            "ranked": _RANKED,
        }
        worded = _SOME_WORDED.format(query=query or "''::tsquery")
        nearest.look_wide(cursor)
        cursor.execute(_SEARCH.format(groups=_KNOWN, near=_NEAR_BY_INDEX, worded=worded), values)
        return list(cursor.fetchall())


def _count(cursor: CursorWrapper, values: dict[str, Any]) -> dict[int, int]:
    """Chunks that have each group of words, at most `COMMON`, by its place in the question; stop words left out."""
    cursor.execute("SELECT set_config('gin_fuzzy_search_limit', %s, true)", [str(_COUNTED_ENTRIES)])
    cursor.execute(_COUNT, values)
    counts = dict(cursor.fetchall())
    cursor.execute("SELECT set_config('gin_fuzzy_search_limit', '0', true)")
    return counts


def _share(found: list[bool], weights: list[float]) -> float:
    total = sum(weights)
    return sum(w for w, has in zip(weights, found, strict=True) if has) / total if total else 0.0


def _hit(row: tuple[Any, ...], asked: _Asked) -> tuple[float, Hit]:
    (pk, heading, text, title, kind, cosine, in_chunk, in_heading, containing, total, median, sampled) = row
    weights = [confidence.idf(total, n) for n in containing]
    scaled = None if cosine is None else confidence.on_scale(cosine, asked.model)
    level = confidence.level(None if median is None else confidence.on_scale(median, asked.model), sampled)
    signs = confidence.Signs(
        covered=_share(in_chunk, weights),
        headed=_share(in_heading, weights),
        known=_share([n > 0 for n in containing], weights),
        cosine=scaled,
        margin=None if scaled is None else scaled - level,
    )
    pairs = kind in (DocumentKind.FAQ, DocumentKind.PRICES)
    return confidence.rank(signs), Hit(
        chunk_id=pk,
        title=title,
        text=f"{heading}\n{text}" if heading else text,
        answer=text if pairs else spoken(text, asked.groups),
        score=confidence.confidence(signs),
        kind=kind,
        source=f"FAQ: {heading}" if kind == DocumentKind.FAQ else title,
    )


def search(question: str, limit: int = 5) -> list[Hit]:
    """The chunks that may answer, best first; runs inside the tenant.

    By words and meaning together. By words alone while embeddings can't be had; a chunk without a
    vector comes behind those that have one.
    """
    tenant = require_tenant()
    question = question.strip()[:MAX_QUESTION_CHARS]
    if not question:
        return []
    language = tenant.locale.split("-")[0].lower()
    vector, model = _embed(question)
    asked = _Asked(words.groups(question, language), vector, model)
    started = time.perf_counter()
    rows = _rows(asked, text_search(language), max(20, limit))
    if vector is not None and rows and all(row[5] is None for row in rows):
        _notice_other_model(model)
    ranked = sorted((_hit(row, asked) for row in rows), key=lambda pair: (-pair[0], pair[1].chunk_id))
    RETRIEVAL_SECONDS.observe(time.perf_counter() - started)
    return [hit for _, hit in ranked[:limit]]


def _notice_other_model(model: str) -> None:
    """Vectors of another model can't be compared: have them made anew, at most once in ten minutes."""
    from knowledge.models import Chunk
    from knowledge.tasks import change_model

    if not Chunk.objects.filter(embedding__isnull=False).exclude(model=model).exists():
        return
    if cache.add(f"knowledge-model:{require_tenant().schema}:{model}", 1, timeout=600):
        send_after_commit(change_model, model)


def answer(question: str) -> Answer:
    """The spoken answer with its source, or a decline; both with the confidence that decided it."""
    hits = search(question)
    if not hits:
        return Answer("", "", 0.0, "decline", [])
    best = hits[0]
    if best.score < confidence.THRESHOLD:
        return Answer("", "", best.score, "decline", hits)
    return Answer(best.answer, best.source, best.score, "answer", hits)


def spoken(text: str, groups: list[list[str]]) -> str:
    """The stretch of whole sentences that fits into `MAX_SPOKEN_CHARS` and has most of the question's words."""
    if len(text) <= MAX_SPOKEN_CHARS:
        return text
    sentences = chunking.split_sentences(text)
    # A rough stem is enough to prefer one sentence to another.
    stems = [{word[:5] for word in group} for group in groups]
    matched = [
        {i for i, stem in enumerate(stems) if any(w[:5] in stem for w in words.spoken_words(sentence))}
        for sentence in sentences
    ]
    best: tuple[int, int, str] = (-1, 0, "")
    for start in range(len(sentences)):
        taken: list[str] = []
        found: set[int] = set()
        for sentence, groups_here in zip(sentences[start:], matched[start:], strict=True):
            if taken and len(" ".join([*taken, sentence])) > MAX_SPOKEN_CHARS:
                break
            taken.append(sentence)
            found |= groups_here
        # Of equals the one that starts with a match, then the earliest.
        candidate = (len(found), int(bool(matched[start])), " ".join(taken))
        if candidate[:2] > best[:2]:
            best = candidate
    return _clipped(best[2])


def _clipped(text: str) -> str:
    if len(text) <= MAX_SPOKEN_CHARS:
        return text
    cut = text.rfind(" ", 0, MAX_SPOKEN_CHARS)
    return text[: cut if cut > 0 else MAX_SPOKEN_CHARS].rstrip(" ,;:") + "."
