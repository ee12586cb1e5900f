"""The demo practice in the tests' own tenant. Models are imported late: this file is read before Django is ready."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cast import CALLER
from tests.embeddings import EmbeddingServer, embeddings, no_embeddings

__all__ = ["embeddings", "no_embeddings"]

DEMO = Path(__file__).parents[2] / "deploy/demo/dental.yaml"


@pytest.fixture
def profile() -> dict[str, Any]:
    """The demo practice's document."""
    data: dict[str, Any] = yaml.safe_load(DEMO.read_text())
    return data


@pytest.fixture
def demo(tenant: Any, profile: dict[str, Any]) -> Any:
    """Alpha with the demo practice's profile, found by its words."""
    from receptionist import services
    from receptionist.profile import parse_profile

    services.apply_profile(parse_profile(profile))
    return tenant


@pytest.fixture
def indexed_demo(demo: Any, embeddings: EmbeddingServer) -> Any:
    """The demo practice with all its vectors."""
    from knowledge import services as knowledge

    for pk in knowledge.unfinished_documents():
        knowledge.index_document(pk)
    return demo


@pytest.fixture
def call(tenant: Any) -> Any:
    """A caller on the line."""
    from calls.models import Call, CallStatus, DecisionKind
    from common.clock import now

    return Call.objects.create(
        sid="CA" + "1" * 32,
        caller=CALLER,
        decision=DecisionKind.ANSWER,
        status=CallStatus.IN_PROGRESS,
        answered_at=now(),
    )
