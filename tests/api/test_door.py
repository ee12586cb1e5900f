"""Who gets in: keys, scopes, revoked keys, two businesses, how often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from common.clock import now
from tenants.context import in_public
from tenants.models import ApiKey, Tenant
from tests.api.program import Filled, Program, key_row
from tests.cast import ALPHA, BETA

pytestmark = pytest.mark.django_db


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The answer is the one shape of errors; its data."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"code", "message", "data"}
    assert problem["code"] == code
    assert problem["message"]
    return problem["data"]


def test_a_key_says_which_business_it_is(api: Program) -> None:
    me = api("GET", "/me").json()
    assert me["business"]["name"] == ALPHA.name
    assert me["business"]["numbers"] == [ALPHA.number]
    assert me["credits"] == {"balance": 1000, "calls_answered": True}
    assert me["key"]["prefix"] == api.key[:9]
    assert api.key not in str(me)


@pytest.mark.parametrize("host", [ALPHA.host, BETA.host, "tunnel.example", "127.0.0.1:9"])
def test_the_key_names_the_business_whatever_the_host_says(api: Program, host: str) -> None:
    api.host = host
    assert api("GET", "/me").json()["business"]["slug"] == ALPHA.slug


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer dk_", "Bearer nothing", "Basic ZGs6ZGs=", "dk_x", "Bearer dk_\u00ff"]
)
def test_without_a_valid_key_nobody_gets_in(tenant: Any, header: str) -> None:
    answer = Program()("GET", "/me", authorization=header)
    refused(answer, 401, "unauthorized")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_key_and_a_suspended_business_stay_outside(api: Program) -> None:
    in_public(lambda: ApiKey.objects.filter(pk=key_row(api.key).pk).update(revoked_at=now()))
    refused(api("GET", "/me"), 401, "unauthorized")
    in_public(lambda: ApiKey.objects.filter(pk=key_row(api.key).pk).update(revoked_at=None))
    assert api("GET", "/me").status_code == 200
    in_public(lambda: Tenant.objects.filter(slug=ALPHA.slug).update(status="suspended"))
    refused(api("GET", "/me"), 401, "unauthorized")


SCOPED = [
    ("GET", "/calls", None, "calls:read"),
    ("GET", "/messages", None, "messages:read"),
    ("POST", "/messages", {"call_id": "x"}, "messages:write"),
    ("GET", "/voicemails", None, "messages:read"),
    ("GET", "/knowledge/documents", None, "knowledge:read"),
    ("DELETE", "/knowledge/documents/1", None, "knowledge:write"),
    ("POST", "/knowledge/ask", {"question": "x"}, "knowledge:read"),
    ("PATCH", "/receptionist", {"greeting": "x"}, "receptionist:write"),
    ("PUT", "/receptionist/hours", {}, "receptionist:write"),
    ("GET", "/team", None, "team:read"),
]


@pytest.mark.parametrize(("method", "path", "body", "scope"), SCOPED)
def test_a_key_may_do_what_its_scopes_say_and_no_more(
    tenant: Any, as_program: Any, method: str, path: str, body: Any, scope: str
) -> None:
    from tenants.services.api_keys import SCOPES

    others = as_program(scopes=[one for one in SCOPES if one != scope])
    assert refused(others(method, path, body), 403, "permission_denied") == {"scope": scope}
    assert as_program(scopes=[scope])(method, path, body).status_code not in (401, 403, 500)


def test_every_operation_names_a_scope() -> None:
    """All but the one that says who the key is."""
    document = Program()("GET", "/openapi.json").json()
    unscoped = [
        f"{method} {path}"
        for path, methods in document["paths"].items()
        for method, details in methods.items()
        if "x-scope" not in details
    ]
    assert unscoped == ["get /api/v1/me"]


def test_another_business_sees_nothing_of_it(filled: Filled, as_program: Any) -> None:
    beta = as_program(BETA)
    refused(beta("GET", f"/calls/{filled.call.pk}"), 404, "not_found")
    assert beta("GET", "/calls").json() == {"items": [], "next": None}
    assert beta("GET", "/team").json()["items"][0]["email"] == "mallory@beta.example"


def test_when_a_key_was_last_used_is_written_to_the_minute(api: Program) -> None:
    api("GET", "/me")
    first = key_row(api.key).last_used_at
    assert first is not None
    api("GET", "/me")
    assert key_row(api.key).last_used_at == first
    in_public(lambda: ApiKey.objects.filter(pk=key_row(api.key).pk).update(last_used_at=now() - timedelta(hours=1)))
    api("GET", "/me")
    assert key_row(api.key).last_used_at > first


def test_one_request_too_many_waits_and_other_keys_go_on(api: Program, as_program: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 3
    left = [api("GET", "/me") for _ in range(3)]
    assert [answer["RateLimit-Remaining"] for answer in left] == ["2", "1", "0"]
    assert {answer["RateLimit-Limit"] for answer in left} == {"3"}
    answer = api("GET", "/me")
    refused(answer, 429, "rate_limited")
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert answer["RateLimit-Remaining"] == "0"
    assert as_program()("GET", "/me").status_code == 200


def test_without_redis_the_api_goes_on_uncounted(api: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    from tenants.rest import rate

    monkeypatch.setattr(rate, "redis_sync", lambda: redis.Redis(port=9, socket_connect_timeout=0.2))
    answer = api("GET", "/me")
    assert answer.status_code == 200
    assert "RateLimit-Limit" not in answer


@pytest.mark.parametrize("path", ["/", "/nothing", "/calls/", "/me/x", "/docs/x"])
def test_an_unknown_address_has_the_shape_of_errors(api: Program, path: str) -> None:
    for method in ("GET", "POST"):
        refused(api(method, path), 404, "not_found")


def test_a_method_that_is_not_taken_says_which_are(api: Program) -> None:
    answer = api("DELETE", "/calls")
    refused(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "GET"


def test_a_failure_of_ours_tells_nothing_of_itself(api: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from tenants import api as room

    def broken() -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(room, "require_tenant", broken)
    answer = api("GET", "/me")
    refused(answer, 500, "server_error")
    assert b"secret" not in answer.content


def test_a_provider_that_is_away_is_said(api: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from common.errors import ProviderError
    from knowledge import selectors

    def away(question: str) -> None:
        raise ProviderError("openai", "connectivity")

    monkeypatch.setattr(selectors, "answer", away)
    refused(api("POST", "/knowledge/ask", {"question": "x"}), 503, "unavailable")


def test_nothing_is_kept_by_caches(api: Program) -> None:
    assert api("GET", "/me")["Cache-Control"] == "no-store"
