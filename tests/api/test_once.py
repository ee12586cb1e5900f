"""A request that names itself happens once, however often it is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from calls.models import Message
from common.clock import now
from knowledge.models import Document
from tenants.context import in_public
from tenants.models import KeptAnswer
from tenants.rest.operations import forget_old_answers
from tests.api.program import SAID, Filled, Program, fresh_key
from tests.api.test_door import refused
from tests.cast import BETA

DOCUMENT = {"title": "Dogs", "text": "Dogs may wait in the garden."}


@pytest.mark.django_db
def test_the_same_request_again_gets_the_same_answer(api: Program, filled: Filled) -> None:
    said = "Please ring me back after lunch."
    body = {"call_id": str(filled.call.pk), "body": said}
    first = api("POST", "/messages", body, idempotency_key="a1")
    again = api("POST", "/messages", body, idempotency_key="a1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert Message.objects.count() == 2  # `fill` made the other one
    assert said.encode() not in bytes(in_public(KeptAnswer.objects.get).body)


@pytest.mark.django_db
def test_a_name_is_good_for_one_request_of_one_key(api: Program, as_program: Any, tenant: Any) -> None:
    api("POST", "/knowledge/documents", DOCUMENT, idempotency_key="a1")
    other = api("POST", "/knowledge/documents", {**DOCUMENT, "title": "Cats"}, idempotency_key="a1")
    refused(other, 422, "invalid")
    assert Document.objects.count() == 1
    for program in (as_program(), as_program(BETA)):
        assert program("POST", "/knowledge/documents", DOCUMENT, idempotency_key="a1").status_code == 201
    assert Document.objects.count() == 2
    assert api("POST", "/knowledge/documents", DOCUMENT, idempotency_key="a2").status_code == 201
    assert Document.objects.count() == 3
    refused(api("POST", "/knowledge/documents", DOCUMENT, idempotency_key="x" * 256), 422, "invalid")


@pytest.mark.django_db
def test_a_request_that_failed_may_be_sent_again(api: Program, filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    from calls import api as room

    body = {"call_id": str(filled.call.pk), "body": SAID}
    with monkeypatch.context() as patch:
        patch.setattr(room, "take_message", lambda *a, **kw: 1 / 0)
        assert api("POST", "/messages", body, idempotency_key="a1").status_code == 500
    assert api("POST", "/messages", body, idempotency_key="a1").status_code == 201


@pytest.mark.django_db
def test_answers_are_forgotten_after_a_day(api: Program) -> None:
    api("POST", "/knowledge/documents", DOCUMENT, idempotency_key="a1")
    forget_old_answers()
    assert in_public(KeptAnswer.objects.count) == 1
    in_public(lambda: KeptAnswer.objects.update(created_at=now() - timedelta(hours=25)))
    forget_old_answers()
    assert in_public(KeptAnswer.objects.count) == 0


@pytest.mark.django_db(transaction=True)
def test_copies_that_arrive_together_are_carried_out_once(live_tenant: Any) -> None:
    program, together = Program(fresh_key()), Barrier(6)

    def send(_: int) -> Any:
        together.wait(10)
        try:
            return program("POST", "/knowledge/documents", DOCUMENT, idempotency_key="race")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1
    assert Document.objects.count() == 1
