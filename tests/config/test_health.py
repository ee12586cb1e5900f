from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from common.kv import redis_sync
from config import health
from tests.config.running import four_free_ports


@pytest.fixture
def client() -> Client:
    return Client(headers={"host": "anything.example.net"})


@pytest.fixture
def media() -> Iterator[None]:
    """A media process that has just reported."""
    redis_sync().set("hb:media:1", "1", ex=15)
    yield
    redis_sync().delete("hb:media:1")


@pytest.fixture
def engine(settings: Settings) -> Iterator[None]:
    """An engine whose health address answers."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        settings.ENGINE_URL = f"http://127.0.0.1:{server.server_port}"
        yield
        server.shutdown()
        thread.join()


def test_alive_needs_nothing_else(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ensure_connection", lambda: pytest.fail("the database was asked"))
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


def test_ready_when_every_part_answers(db: None, client: Client, media: None, engine: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "checks": {"database": True, "redis": True, "migrations": True, "media": True, "engine": True},
    }


def test_not_ready_without_a_media_process(db: None, client: Client, engine: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["media"] is False


def test_not_ready_without_an_engine(db: None, client: Client, media: None, settings: Settings) -> None:
    settings.ENGINE_URL = f"http://127.0.0.1:{four_free_ports()}"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["engine"] is False


def test_engine_of_its_own_may_be_left_out(
    db: None, client: Client, media: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENGINE_URL = f"http://127.0.0.1:{four_free_ports()}"
    monkeypatch.setenv("READY_WITHOUT_ENGINE", "true")
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert "engine" not in answer.json()["checks"]


def test_not_ready_without_redis_and_says_so_at_once(
    db: None, client: Client, engine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{four_free_ports()}/0")
    health._kv.cache_clear()
    began = time.monotonic()
    answer = client.get("/readyz")
    health._kv.cache_clear()
    assert answer.status_code == 503
    assert answer.json()["checks"]["redis"] is False
    assert time.monotonic() - began < 1.5


def test_not_ready_with_a_migration_missing(
    db: None, client: Client, media: None, engine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'tenants' AND name LIKE '0001%'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] is False


def test_metrics_are_for_this_machine(client: Client) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert b"deskbell_calls_total" in answer.content


@pytest.mark.parametrize(
    "caller",
    [
        {"REMOTE_ADDR": "203.0.113.9"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9"},
        {"REMOTE_ADDR": "203.0.113.9", "HTTP_AUTHORIZATION": "Bearer wrong"},
        {"REMOTE_ADDR": "203.0.113.9", "HTTP_AUTHORIZATION": "Bearer "},
    ],
)
def test_metrics_are_kept_from_others(client: Client, caller: dict[str, str]) -> None:
    assert client.get("/metrics", **caller).status_code == 403


def test_metrics_token_opens_them_from_anywhere(client: Client, settings: Settings) -> None:
    answer = client.get("/metrics", REMOTE_ADDR="203.0.113.9", HTTP_AUTHORIZATION=f"Bearer {settings.METRICS_TOKEN}")
    assert answer.status_code == 200


def test_empty_metrics_token_opens_nothing(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9", HTTP_AUTHORIZATION="Bearer ").status_code == 403
