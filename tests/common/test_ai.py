"""`common.ai` maps every failure of the client to the product's own error."""

from __future__ import annotations

import http.server
import json
import os
import socket
import threading
from typing import get_args

import openai
import pytest

from common import ai
from common.errors import Category, ProviderError

CATEGORIES = get_args(Category)


@pytest.fixture
def provider(monkeypatch):
    """A server that answers every request with the status and body the test sets."""
    answer = {"status": 200, "body": {}}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            data = json.dumps(answer["body"]).encode()
            self.send_response(answer["status"])
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setattr(ai, "_client", lambda base, key: openai.OpenAI(base_url=base, api_key=key, max_retries=0))
    yield answer
    server.shutdown()
    thread.join()
    server.server_close()


def test_vectors_come_with_the_name_of_their_model(provider):
    provider["body"] = {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5] * ai.DIMENSIONS}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }
    answer = ai.embed(["hello"])
    assert answer.model == "text-embedding-3-small"
    assert len(answer.vectors[0]) == ai.DIMENSIONS


@pytest.mark.parametrize(("status", "category"), [(401, "authentication"), (429, "rate_limit"), (500, "server")])
def test_a_refusal_becomes_a_provider_error_without_the_providers_text(provider, status, category):
    provider.update(status=status, body={"error": {"message": "you said: my secret"}})
    with pytest.raises(ProviderError) as caught:
        ai.speech("hello")
    assert caught.value.category == category
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_an_address_nobody_listens_on_is_a_connectivity_error(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setattr(ai, "_client", lambda base, key: openai.OpenAI(base_url=base, api_key=key, max_retries=0))
    with pytest.raises(ProviderError) as caught:
        ai.transcribe(b"RIFF")
    assert caught.value.category == "connectivity"
    assert caught.value.retryable


def test_every_error_of_the_client_has_a_category():
    kinds = [k for k in list(vars(openai).values()) if isinstance(k, type) and issubclass(k, openai.OpenAIError)]
    assert len(kinds) > 10
    for kind in kinds:
        # Constructors differ from class to class; the mapping reads the class and these two fields.
        error = kind.__new__(kind)
        error.__dict__.update(status_code=418, request_id="r")
        assert ai._provider_error(error).category in CATEGORIES


@pytest.fixture
def engine(provider, monkeypatch):
    """The same server as our own engine."""
    monkeypatch.setenv("ENGINE_URL", os.environ["OPENAI_BASE_URL"].removesuffix("/v1"))
    monkeypatch.delenv("OPENAI_BASE_URL")
    return provider


def test_somebody_who_waits_gets_the_engine_s_speech_as_it_is(engine):
    engine["body"] = "sound"
    assert ai.speech("hello", timeout=2) == b'"sound"'


@pytest.mark.parametrize(("status", "category"), [(401, "authentication"), (429, "rate_limit"), (503, "server")])
def test_an_engine_that_refuses_somebody_who_waits_is_a_provider_s_error(engine, status, category):
    engine["status"] = status
    with pytest.raises(ProviderError) as failed:
        ai.speech("hello", timeout=2)
    assert failed.value.category == category


def test_an_engine_that_is_away_or_says_nothing_is_told_apart(monkeypatch):
    monkeypatch.setenv("ENGINE_URL", "http://127.0.0.1:9")
    with pytest.raises(ProviderError) as failed:
        ai.speech("hello", timeout=2)
    assert failed.value.category == "connectivity"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("ENGINE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(ProviderError) as failed:
            ai.speech("hello", timeout=0.05)
    assert failed.value.category == "timeout"
