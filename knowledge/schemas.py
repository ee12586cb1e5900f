"""The API's types of the knowledge room."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ninja import Schema
from pydantic import Field

from common.names import Name
from common.rest import Input, Text
from knowledge.models import Document
from knowledge.selectors import MAX_QUESTION_CHARS, Answer, Hit
from knowledge.services import MAX_TEXT_CHARS

Kind = Literal["text", "markdown", "faq", "prices"]


class DocumentIn(Input):
    """A text the receptionist may answer from."""

    title: Name = Field(min_length=1, max_length=200, examples=["Insurance"])
    text: Text = Field(min_length=1, max_length=MAX_TEXT_CHARS, examples=["We accept most insurance plans."])
    kind: Literal["text", "markdown"] = "markdown"
    language: str = Field(default="", pattern="^([a-z]{2}(-[A-Z]{2})?)?$", description="Such as `en`; empty for yours")


class DocumentOut(Schema):
    """A document and how far its indexing is. It is found by its words from the first moment."""

    id: int
    kind: Kind
    title: str
    language: str
    state: Literal["pending", "indexing", "ready", "failed"]
    done: int = Field(description="Pieces that can be found by their meaning")
    total: int = Field(description="Pieces")
    error: str = Field(description="Why the last attempt failed, in a word or two; it is repeated by itself")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, document: Document) -> DocumentOut:
        """From the row."""
        return cls.model_validate(document)


class DocumentPage(Schema):
    """Documents, last changed first."""

    items: list[DocumentOut]
    next: str | None = Field(description="Cursor of the next page; null at the end")


class FaqPair(Input):
    """A question and its answer."""

    q: Text = Field(min_length=1, max_length=500, examples=["Is there parking?"])
    a: Text = Field(min_length=1, max_length=4000, examples=["Yes, behind the house."])


class Pair(Schema):
    """A question and its answer, as they are kept."""

    q: str
    a: str


class DocumentDetail(DocumentOut):
    """A document with what it says."""

    text: str = Field(description="Empty for questions with answers")
    pairs: list[Pair] = Field(description="Questions with answers; empty for a text")

    @classmethod
    def of(cls, document: Document) -> DocumentDetail:
        """From the row."""
        return cls.model_validate(document)


class FaqIn(Input):
    """All frequently asked questions."""

    items: list[FaqPair] = Field(max_length=1000)


class FaqOut(Schema):
    """All frequently asked questions."""

    items: list[Pair]


class QuestionIn(Input):
    """A question as a caller would ask it."""

    question: Text = Field(min_length=1, max_length=MAX_QUESTION_CHARS, examples=["Do you take walk-ins?"])


class HitOut(Schema):
    """A piece that may answer."""

    title: str
    text: str
    score: float = Field(description="Confidence that it answers, 0 to 1")
    kind: Kind
    source: str

    @classmethod
    def of(cls, hit: Hit) -> HitOut:
        """From the search."""
        return cls.model_validate(hit)


class AnswerOut(Schema):
    """What the receptionist would say."""

    decision: Literal["answer", "decline"] = Field(description="`decline`: it would offer to take a message instead")
    text: str = Field(description="Empty when declined")
    source: str
    confidence: float
    hits: list[HitOut]

    @classmethod
    def of(cls, answer: Answer) -> AnswerOut:
        """From the search."""
        return cls.model_validate(answer)
