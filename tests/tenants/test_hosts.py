"""Which host is whose."""

from __future__ import annotations

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from config.middleware import answers_on_any_host
from tenants.context import UnknownTenant
from tenants.hosts import ROOT, host_name, origin_is_host, resolve_host
from tenants.models import Domain, Tenant, TenantStatus

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("host", "slug"),
    [
        ("alpha.localhost:8000", "alpha"),
        ("ALPHA.localhost", "alpha"),
        ("alpha.localhost.:8000", "alpha"),
        ("beta.localhost:9999", "beta"),
    ],
)
def test_a_slug_under_the_root_host_is_its_tenant(host, slug) -> None:
    assert resolve_host(host).info.slug == slug


@pytest.mark.parametrize("host", ["localhost:8000", "LOCALHOST", "localhost.:1"])
def test_the_root_host_is_no_tenant(host) -> None:
    assert resolve_host(host) == ROOT


@pytest.mark.parametrize(
    "host",
    ["", "example.com", "nobody.localhost:8000", "x.alpha.localhost", "alphalocalhost", "alpha.localhost.evil.example"]
    + ["127.0.0.1", "[::1]:8000", "alpha.localhost@evil.example", "%00.localhost"],
)
def test_any_other_host_is_nobodys(host) -> None:
    with pytest.raises(UnknownTenant):
        resolve_host(host)


def test_a_custom_domain_is_its_tenant(other_tenant) -> None:
    Domain.objects.create(domain="phone.beta.example", tenant_id=other_tenant.id, is_primary=False)
    assert resolve_host("Phone.Beta.example:443").info.id == other_tenant.id


@pytest.mark.parametrize("status", [TenantStatus.SETUP, TenantStatus.POOL, TenantStatus.DELETED])
def test_a_tenant_that_is_not_in_use_has_no_host(other_tenant, status) -> None:
    Tenant.objects.filter(pk=other_tenant.id).update(status=status)
    with pytest.raises(UnknownTenant):
        resolve_host("beta.localhost")


@pytest.mark.parametrize("host", ["unknown.localhost:8000", "evil.example", "127.0.0.1:8000"])
def test_pages_of_an_unknown_host_are_not_found(host) -> None:
    assert Client(headers={"host": host}).get("/").status_code == 404


def test_a_suspended_tenants_pages_say_so(other_tenant) -> None:
    Tenant.objects.filter(pk=other_tenant.id).update(status=TenantStatus.SUSPENDED)
    answer = Client(headers={"host": "beta.localhost:8000"}).get("/")
    assert answer.status_code == 403
    assert b"suspended" in answer.content


@pytest.mark.parametrize("host", ["alpha.localhost:8000", "unknown.example", "10.0.0.7", "web_1:8000", "bad host"])
def test_health_answers_whatever_the_host(host) -> None:
    assert Client(headers={"host": host}).get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/twilio/voice", "/stripe/webhook", "/api/v1/calls", "/media/twilio", "/readyz"])
def test_webhooks_and_the_api_answer_on_any_host(path) -> None:
    assert answers_on_any_host(path)


@pytest.mark.parametrize("path", ["/", "/calls", "/healthzz", "/healthz/", "/twilio", "//twilio/voice", "/login"])
def test_pages_do_not(path) -> None:
    assert not answers_on_any_host(path)


def test_root_pages_do_not_exist_on_a_tenants_host() -> None:
    assert Client(headers={"host": "alpha.localhost:8000"}).get("/businesses").status_code == 404


def test_the_landing_page_is_on_the_root_host() -> None:
    answer = Client(headers={"host": "localhost:8000"}).get("/")
    assert answer.status_code == 200
    assert b"Sign in" in answer.content


@given(st.text(max_size=80))
def test_no_host_header_breaks_the_reading_of_it(host) -> None:
    name = host_name(host)
    assert name == name.lower()


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://alpha.localhost:8000", "alpha.localhost:8000", True),
        ("https://phone.beta.example", "phone.beta.example", True),
        ("http://beta.localhost:8000", "alpha.localhost:8000", False),
        ("http://alpha.localhost:8001", "alpha.localhost:8000", False),
        ("null", "alpha.localhost:8000", False),
        ("", "", False),
        ("file://", "", False),
        ("http://", "", False),
    ],
)
def test_only_a_page_of_the_very_host_may_open_its_sockets(origin, host, same) -> None:
    assert origin_is_host(origin, host) is same
