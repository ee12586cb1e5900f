"""Two tenants for the whole run, and a public schema that every test finds as it was.

Ordinary tests (`db`) run in a transaction that is rolled back. Transactional ones are cleaned up by copying the
baseline back: Django's own flush would truncate whatever schema is active, the tenant registry in the worst case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.test import Client, TransactionTestCase
from django.utils import timezone

from tenants import keys
from tenants.context import TenantInfo, load_tenant
from tenants.models import Domain, Membership, PhoneNumber, Tenant, TenantStatus, User
from tenants.schemas import create_pool_schema, drop_schema, schema_version
from tests.cast import ALPHA, BETA, PASSWORD, PEOPLE, Business, Person

BASELINE = "test_baseline"


def _make_tenant(business: Business) -> None:
    row = create_pool_schema()
    row.status, row.slug, row.name = TenantStatus.ACTIVE, business.slug, business.name
    row.credits_ok, row.credit_balance = True, 1000
    row.data_key = keys.new_data_key(row.schema_name)
    row.claimed_at = timezone.now()
    row.save()
    Domain.objects.create(domain=f"{business.slug}.localhost", tenant=row, is_primary=True)
    PhoneNumber.objects.create(number=business.number, tenant=row)
    for person in PEOPLE:
        if person.slug == business.slug:
            user = User.objects.create(email=person.email, password=make_password(PASSWORD))
            Membership.objects.create(user=user, tenant=row, role=person.role)


def _tables(schema: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'django_migrations'", [schema]
        )
        return sorted(name for (name,) in cursor.fetchall())


def _schemas() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%%'")
        return {name for (name,) in cursor.fetchall() if re.fullmatch(r"t_[0-9a-f]{12}", name)}


def _save_baseline() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA IF EXISTS "{BASELINE}" CASCADE; CREATE SCHEMA "{BASELINE}"')
        for table in _tables("public"):
            cursor.execute(f'CREATE TABLE "{BASELINE}"."{table}" AS TABLE public."{table}"')


def restore_baseline(case: Any = None) -> None:
    """Public tables as they were, tenant schemas empty, schemas made by the test gone."""
    connection.set_schema_to_public()
    with transaction.atomic(), connection.cursor() as cursor:
        # The baseline is known to be whole: no triggers (append-only ones included), no foreign keys while it returns.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f'SELECT schema_name FROM "{BASELINE}".tenants_tenant')
        kept = {name for (name,) in cursor.fetchall()}
        statements = [f'DELETE FROM "{schema}"."{table}"' for schema in kept for table in _tables(schema)]
        for table in _tables(BASELINE):
            statements += [
                f'DELETE FROM public."{table}"',
                f'INSERT INTO public."{table}" OVERRIDING SYSTEM VALUE SELECT * FROM "{BASELINE}"."{table}"',
            ]
        cursor.execute(";".join(statements))
    for schema in _schemas() - kept:
        drop_schema(schema)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The suite's database, with both tenants in it."""
    with django_db_blocker.unblock():
        connection.set_schema_to_public()
        if Tenant.objects.exclude(schema_version=schema_version()).exists():  # --reuse-db across new migrations
            Tenant.objects.all().delete()
            User.objects.all().delete()
        for business in (ALPHA, BETA):
            if not Tenant.objects.filter(slug=business.slug).exists():
                _make_tenant(business)
        # A key wrapped by an earlier run's master key can't be opened.
        for row in Tenant.objects.all():
            Tenant.objects.filter(pk=row.pk).update(data_key=keys.new_data_key(row.schema_name))
        _save_baseline()
        restore_baseline()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", restore_baseline)
        yield


@pytest.fixture(autouse=True)
def _public_first() -> Iterator[None]:
    """No test inherits the schema of the one before."""
    connection.set_schema_to_public()
    yield
    connection.set_schema_to_public()


@pytest.fixture
def tenant(db: None) -> Iterator[TenantInfo]:
    """Alpha, with the test running inside its schema. Thread hops and sockets need `live_tenant`."""
    active = load_tenant(slug=ALPHA.slug)
    connection.set_tenant(active)
    yield active.info
    connection.set_schema_to_public()


@pytest.fixture
def other_tenant(db: None) -> TenantInfo:
    """Beta; the test enters it with `in_tenant`."""
    previous = connection.tenant
    connection.set_schema_to_public()
    info = load_tenant(slug=BETA.slug).info
    connection.set_tenant(previous)
    return info


@pytest.fixture
def live_tenant(transactional_db: None, tenant: TenantInfo) -> TenantInfo:
    """`tenant` with real commits, so that other threads and processes see what the test wrote."""
    return tenant


@pytest.fixture
def client_of(db: None) -> Callable[..., Client]:
    """``client_of(person, business=ALPHA)``: a browser at that business's host, signed in as `person` (or nobody)."""

    def make(person: Person | None = None, business: Business | None = ALPHA) -> Client:
        client = Client(headers={"host": business.host if business else "localhost:8000"})
        if person is not None:
            previous = connection.tenant
            connection.set_schema_to_public()
            user = User.objects.get(email=person.email)
            client.force_login(user)
            session = client.session
            row = Tenant.objects.get(slug=business.slug) if business else None
            session["place"] = f"tenant:{row.pk}" if row else "root"
            session.save()
            connection.set_tenant(previous)
        return client

    return make


@pytest.fixture
def eager_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks run when they are sent, with the headers they were sent with."""
    from config.celery import app

    monkeypatch.setitem(app.conf, "task_always_eager", True)
    monkeypatch.setitem(app.conf, "task_eager_propagates", True)
