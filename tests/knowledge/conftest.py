from __future__ import annotations

from tests.embeddings import embeddings, no_embeddings

__all__ = ["embeddings", "no_embeddings"]
