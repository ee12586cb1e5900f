"""Local speech and embedding models, each behind a small Protocol so that it can be replaced."""

from __future__ import annotations
