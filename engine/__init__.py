"""Our OpenAI-protocol server: speech, embeddings, and the house model behind the Realtime protocol."""

from __future__ import annotations
