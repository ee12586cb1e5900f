from __future__ import annotations

import io
import json
import logging

import pytest
from django.urls import ResolverMatch

from common.logs import PrivateJsonFormatter, _ContextFilter, bind, logging_config


@pytest.fixture
def sink():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PrivateJsonFormatter("%(asctime)s %(message)s"))
    handler.addFilter(_ContextFilter())
    logger = logging.getLogger("test.private")
    logger.addHandler(handler)
    logger.propagate = False
    yield logger, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)


def test_personal_keys_are_dropped_and_plain_ones_kept(sink):
    logger, lines = sink
    logger.warning("a call ended", extra={"caller": "+14155550100", "pii.text": "my tooth", "seconds": 12})
    (line,) = lines()
    assert line["seconds"] == 12
    assert "+14155550100" not in json.dumps(line)
    assert "tooth" not in json.dumps(line)


def test_an_exception_keeps_its_place_but_not_its_text(sink):
    logger, lines = sink
    try:
        raise ValueError("the caller said my name is Ada")
    except ValueError:
        logger.exception("a step failed")
    (line,) = lines()
    assert "ValueError" in line["exc_info"]
    assert "test_logs.py" in line["exc_info"]
    assert "Ada" not in json.dumps(line)


def test_a_request_is_named_by_its_route_and_not_by_its_address(sink, rf):
    logger, lines = sink
    place = ResolverMatch(print, (), {}, route="invitations/<str:token>")
    for path, match in (("/invitations/s3cret", place), ("/ada", None)):
        request = rf.post(path)
        request.resolver_match = match
        logger.warning("%s: %s", "Gone", path, extra={"status_code": 410, "request": request})
    known, unknown = lines()
    assert known["message"] == "Gone: invitations/<str:token>"
    assert (known["method"], known["status_code"]) == ("POST", 410)
    assert unknown["message"] == "Gone: no such page"
    assert "s3cret" not in json.dumps(known) and "ada" not in json.dumps(unknown)


def test_context_is_bound_to_the_block(sink):
    logger, lines = sink
    with bind(tenant="t_1"):
        logger.warning("inside")
    logger.warning("outside")
    assert [line.get("tenant") for line in lines()] == ["t_1", None]


def test_a_database_that_is_away_is_not_told_once_per_attempt():
    assert logging_config()["loggers"]["psycopg.pool"] == {"level": "ERROR"}
