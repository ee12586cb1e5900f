"""Documents of a business and the chunks they are searched by; in the tenant's schema."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Case, When
from django.db.models.expressions import CombinedExpression
from pgvector.django import VectorField

from common.ai import DIMENSIONS
from common.clock import now

#: PostgreSQL's text search configuration of each language; every other language is searched without stemming.
TEXT_SEARCH = {
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "de": "german",
    "it": "italian",
    "pt": "portuguese",
    "hi": "hindi",
}


def text_search(language: str) -> str:
    """Name of the text search configuration for a language tag such as ``en-US``."""
    return TEXT_SEARCH.get(language.split("-")[0].lower(), "simple")


def _searched(config: str) -> CombinedExpression:
    # Weight A: what a chunk is about counts more than what it mentions; the search tells the two apart by it.
    return SearchVector("heading", weight="A", config=config) + SearchVector("text", weight="B", config=config)


class DocumentKind(models.TextChoices):
    """How a document is cut, and what it is called when it is cited."""

    TEXT = "text", "Text"
    MARKDOWN = "markdown", "Markdown"
    FAQ = "faq", "Frequently asked questions"
    PRICES = "prices", "Price list"


class DocumentState(models.TextChoices):
    """How far indexing is. A document is searched by its words from the first moment, by meaning when ready."""

    PENDING = "pending", "Waiting"
    INDEXING = "indexing", "Being indexed"
    READY = "ready", "Ready"
    FAILED = "failed", "Searched by words alone for now"


class Document(models.Model):
    """Something the business wrote down: `pairs` for a FAQ or price list, `text` for the others."""

    key = models.CharField(max_length=120, unique=True, help_text="The same key replaces the document")
    kind = models.CharField(max_length=10, choices=DocumentKind.choices, default=DocumentKind.TEXT)
    title = models.CharField(max_length=200)
    language = models.CharField(max_length=8, default="en")
    text = models.TextField(blank=True)
    pairs = models.JSONField(default=list, blank=True, help_text='[{"q": …, "a": …}]')
    state = models.CharField(max_length=10, choices=DocumentState.choices, default=DocumentState.PENDING)
    done = models.PositiveIntegerField(default=0, help_text="Chunks that have a vector")
    total = models.PositiveIntegerField(default=0, help_text="Chunks")
    error = models.CharField(max_length=80, blank=True, help_text="Why the last attempt failed, in a word or two")
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.key


class Chunk(models.Model):
    """One piece of a document: found by its words (`searched`) and by its meaning (`embedding` of `model`)."""

    # The unique constraint begins with the document.
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    position = models.PositiveIntegerField()
    heading = models.TextField(blank=True, help_text="Question, or path of headings")
    text = models.TextField()
    language = models.CharField(max_length=8, default="en")
    digest = models.CharField(max_length=64, help_text="Hash of heading and text: unchanged chunks keep their vector")
    embedding = VectorField(dimensions=DIMENSIONS, null=True)
    model = models.CharField(max_length=80, blank=True, help_text="What made the vector; empty without one")
    searched = models.GeneratedField(
        expression=Case(
            *(When(language=tag, then=_searched(config)) for tag, config in TEXT_SEARCH.items()),
            default=_searched("simple"),
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        ordering = ["document", "position"]
        constraints = [models.UniqueConstraint(fields=["document", "digest"], name="chunk_once")]
        indexes = [
            # Full text. Vectors are compared exactly: a business has hundreds of chunks, and an approximate index
            # would be built in every tenant's schema.
            GinIndex(fields=["searched"], name="chunk_searched"),
            # A stable random sample of the vectors of one model tells how near unrelated text is.
            models.Index(fields=["model", "digest"], name="chunk_sample"),
        ]

    def __str__(self) -> str:
        return f"chunk {self.pk}"
