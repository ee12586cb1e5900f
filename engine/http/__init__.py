"""The HTTP half of the protocol: speech, transcriptions, embeddings, chat completions, models, health."""

from __future__ import annotations
