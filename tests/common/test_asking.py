"""One request without a client, against servers that answer and servers that misbehave."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from common import asking
from common.asking import ask
from common.errors import Invalid, ProviderError


class Handler(BaseHTTPRequestHandler):
    """Answers with what its server was told, and keeps what it was asked."""

    server: Any

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, headers, answer = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Any]:
    made: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked, made.answer = [], (200, {}, b"hello")
    made.url = f"http://127.0.0.1:{made.server_port}"
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def _category(url: str, **options: Any) -> str:
    with pytest.raises(ProviderError) as caught:
        ask(url, provider="carrier", **{"timeout": 5.0, **options})
    assert str(caught.value).startswith("carrier")
    assert caught.value.__cause__ is None
    return caught.value.category


def test_it_gets_the_body_and_sends_who_asks(server: Any) -> None:
    assert ask(f"{server.url}/a?b=1", provider="carrier", timeout=5, auth=("AC1", "sec:ret")) == b"hello"
    ((method, path, headers, body),) = server.asked
    assert (method, path, body) == ("GET", "/a?b=1", b"")
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"AC1:sec:ret"


def test_a_mapping_is_posted_as_a_form_and_bytes_as_they_are(server: Any) -> None:
    ask(server.url, provider="carrier", timeout=5, data={"VoiceUrl": "https://x/?a=b&c=ü"})
    ask(server.url, provider="carrier", timeout=5, data=b'{"a": 1}', headers={"Content-Type": "application/json"})
    form, raw = server.asked
    assert form[0] == raw[0] == "POST"
    assert form[2]["Content-Type"] == "application/x-www-form-urlencoded"
    assert form[3] == b"VoiceUrl=https%3A%2F%2Fx%2F%3Fa%3Db%26c%3D%C3%BC"
    assert (raw[2]["Content-Type"], raw[3]) == ("application/json", b'{"a": 1}')


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_with_our_password(server: Any, status: int) -> None:
    server.answer = (status, {"Location": f"{server.url}/elsewhere"}, b"")
    _category(server.url, auth=("AC1", "secret"))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "category"),
    [(400, "invalid_request"), (401, "authentication"), (404, "not_found"), (429, "rate_limit"), (503, "server")],
)
def test_a_status_has_its_category(server: Any, status: int, category: str) -> None:
    server.answer = (status, {}, b"+14155550199 was called")
    assert _category(server.url) == category


def test_nobody_there_and_nobody_answering_are_told_apart() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        assert _category(f"http://127.0.0.1:{port}") == "connectivity"
        silent.listen()
        assert _category(f"http://127.0.0.1:{port}", timeout=0.2) == "timeout"


def test_a_server_that_speaks_something_else_is_a_connectivity_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as odd:

        def talk() -> None:
            client, _ = odd.accept()
            with client:
                client.recv(4096)
                client.sendall(b"220 mail.example ESMTP\r\n\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        assert _category(f"http://127.0.0.1:{odd.getsockname()[1]}") == "connectivity"
        thread.join()


def test_an_answer_beyond_the_limit_is_refused(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LIMIT", 4)
    assert _category(server.url) == "unknown"


def test_a_proxy_of_the_machine_is_left_out_for_neighbours_alone(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert _category(server.url) == "connectivity"
    assert ask(server.url, provider="carrier", timeout=5, neighbour=True) == b"hello"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "/etc/passwd"])
def test_only_http_is_asked(url: str) -> None:
    with pytest.raises(Invalid):
        ask(url, provider="carrier", timeout=1)
