"""Frequently asked questions, one at a time. Inside the tenant.

All of them are one document (`services.add_faq`), so a pair has no id. It is named by a hash of its words: whoever
changes a pair that somebody else has changed meanwhile is told so, and overwrites nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.db import transaction

from common.errors import Invalid, NotFound
from knowledge import services
from knowledge.models import Document, DocumentKind

KEY = "faq"
MAX_PAIRS = 1000
MAX_QUESTION_CHARS = 500
MAX_ANSWER_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Pair:
    """A question with its answer, and where it stands among the others."""

    question: str
    answer: str
    position: int = 0

    @property
    def ref(self) -> str:
        """Its name."""
        return hashlib.sha256(f"{self.question}\0{self.answer}".encode()).hexdigest()[:20]


def document() -> Document | None:
    """The document that holds all pairs."""
    return Document.objects.filter(key=KEY, kind=DocumentKind.FAQ).first()


def pairs(kept: Document | None = None) -> list[Pair]:
    """All pairs in order."""
    kept = kept or document()
    return [Pair(str(row["q"]), str(row["a"]), i) for i, row in enumerate(kept.pairs)] if kept else []


def find(ref: str) -> Pair:
    """The pair of that name. Raises `NotFound` where there is none any more."""
    for pair in pairs():
        if pair.ref == ref:
            return pair
    raise NotFound("this question was changed or deleted by somebody else meanwhile")


def save(*, question: str, answer: str, ref: str = "") -> None:
    """Change the pair `ref`, or add one at the end. Raises `NotFound` or `Invalid`; then nothing was changed."""
    new = Pair(question.strip(), answer.strip())
    if not new.question or not new.answer:
        raise Invalid("a question needs its answer")
    with transaction.atomic():
        rows = _locked()
        if ref:
            rows[_at(rows, ref)] = new
        else:
            rows.append(new)
        if len(rows) > MAX_PAIRS:
            raise Invalid(f"there is room for {MAX_PAIRS:,} questions; nothing was changed")
        _write(rows)


def remove(ref: str) -> Pair:
    """Take the pair `ref` out; what is needed to `put_back`. Raises `NotFound`."""
    with transaction.atomic():
        rows = _locked()
        at = _at(rows, ref)
        gone = rows.pop(at)
        _write(rows)
    return Pair(gone.question, gone.answer, at)


def put_back(pair: Pair) -> None:
    """Undo `remove`; a pair that is there again is left alone."""
    with transaction.atomic():
        rows = _locked()
        if all(row.ref != pair.ref for row in rows):
            rows.insert(max(0, pair.position), pair)
            _write(rows)


def _locked() -> list[Pair]:
    return pairs(Document.objects.select_for_update().filter(key=KEY).first())


def _at(rows: list[Pair], ref: str) -> int:
    for at, row in enumerate(rows):
        if row.ref == ref:
            return at
    raise NotFound("this question was changed or deleted by somebody else meanwhile")


def _write(rows: list[Pair]) -> None:
    services.add_faq(pairs=[(row.question, row.answer) for row in rows], key=KEY)
