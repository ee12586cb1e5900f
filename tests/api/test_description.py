"""The API keeps to its own OpenAPI document: whatever is sent, the answer is one that the document names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import schemathesis
from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections, connection, transaction
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.program import Filled, fresh_key

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", WSGIHandler())
turn = count()


@pytest.fixture
def ids(filled: Filled, settings: Any) -> Iterator[dict[str, Any]]:
    """What exists, so that not every made-up path leads nowhere."""
    settings.API_RATE_PER_MINUTE = 10**9
    connection.set_schema_to_public()
    # As Django's own test client does: the test's transaction outlives each request.
    signals.request_started.disconnect(close_old_connections)
    signals.request_finished.disconnect(close_old_connections)
    yield {
        "call_id": str(filled.call.pk),
        "recording_id": str(filled.recording.pk),
        "voicemail_id": str(filled.voicemail.pk),
        "message_id": str(filled.message.pk),
        "document_id": filled.document.pk,
        "key": fresh_key(),
    }
    signals.request_started.connect(close_old_connections)
    signals.request_finished.connect(close_old_connections)


@schema.parametrize()
@settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_the_document_names(case: Any, ids: dict[str, Any]) -> None:
    if case.path_parameters and next(turn) % 2:
        case.path_parameters = {name: ids[name] for name in case.path_parameters}
    with transaction.atomic():
        case.call_and_validate(headers={"Authorization": f"Bearer {ids['key']}"}, checks=CHECKS)
        transaction.set_rollback(True)
