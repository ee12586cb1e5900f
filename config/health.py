"""``/healthz``, ``/readyz`` and ``/metrics``; they answer under any host name."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from functools import cache

import httpx
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.env import env_bool, env_str
from common.kv import redis_url
from config.services.migrations import public_is_migrated

_migrated = False


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """This process is alive."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether a call could be taken now: 200 or 503, and which part is missing."""
    checks: dict[str, Callable[[], bool]] = {
        "database": _database,
        "redis": _redis,
        "migrations": _migrations,
        "media": _media,
    }
    if not env_bool("READY_WITHOUT_ENGINE"):
        checks["engine"] = _engine
    found = {name: check() for name, check in checks.items()}
    ready = all(found.values())
    return JsonResponse({"ready": ready, "checks": found}, status=200 if ready else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text of all processes, for this machine itself or ``Authorization: Bearer METRICS_TOKEN``."""
    if not (_from_this_machine(request) or _has_token(request)):
        return HttpResponse("forbidden", status=403, content_type="text/plain")
    registry = REGISTRY
    if env_str("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _from_this_machine(request: HttpRequest) -> bool:
    # A proxy or tunnel on this machine connects from loopback too, but says for whom.
    if {"X-Forwarded-For", "Forwarded", "X-Real-Ip"} & {name.title() for name in request.headers}:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _has_token(request: HttpRequest) -> bool:
    wanted = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "")
    return bool(wanted) and hmac.compare_digest(given.encode(), f"Bearer {wanted}".encode())


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


@cache
def _kv() -> Redis:
    # The library's own retries would hold a probe for seconds while the server is down.
    return Redis.from_url(redis_url(), socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))


def _redis() -> bool:
    try:
        return bool(_kv().ping())
    except RedisError:
        return False


def _migrations() -> bool:
    global _migrated  # code and schema only drift apart across a restart
    try:
        _migrated = _migrated or public_is_migrated()
    except DatabaseError:
        return False
    return _migrated


def _media() -> bool:
    try:
        return next(_kv().scan_iter(match="hb:media:*", count=1000), None) is not None
    except RedisError:
        return False


def _engine() -> bool:
    try:
        return httpx.get(f"{settings.ENGINE_URL}/healthz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
