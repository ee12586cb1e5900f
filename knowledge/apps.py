"""Application set-up."""

from __future__ import annotations

from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    """What the receptionist knows."""

    name = "knowledge"
    verbose_name = "Knowledge"
