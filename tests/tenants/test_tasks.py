"""Tasks and the tenant they belong to, over a real broker and a real worker where that matters."""

from __future__ import annotations

import json

import pytest
from celery import shared_task
from celery.app.trace import build_tracer
from django.db import connection, transaction

from common.errors import NoTenant, ProviderError
from config.celery import app
from tenants import tasks
from tenants.context import current_schema, in_tenant, require_tenant
from tenants.models import Tenant, TenantStatus
from tenants.schemas import schema_version
from tenants.tasks import PublicTask, TenantTask, for_each_tenant, send_after_commit, send_for_tenant

pytestmark = pytest.mark.django_db

SEEN: list[tuple[object, ...]] = []


@shared_task(base=TenantTask, name="tests.note")
def note(*args: object) -> None:
    SEEN.append((require_tenant().slug, *args))


@shared_task(base=PublicTask, name="tests.note_public")
def note_public() -> None:
    SEEN.append((current_schema(),))


@shared_task(name="tests.undeclared")
def undeclared() -> None:
    SEEN.append((require_tenant().slug,))


@shared_task(base=TenantTask, name="tests.fails", bind=True)
def fails(self, category: str) -> None:
    SEEN.append((self.request.retries,))
    raise ProviderError("twilio", category)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@pytest.fixture
def messages():
    """What is in the broker's queue, decoded, oldest first."""
    from common.kv import redis_sync

    def read() -> list[dict]:
        return [json.loads(raw) for raw in reversed(redis_sync().lrange("celery", 0, -1))]

    return read


def run(message: dict) -> None:
    """What a worker does with a message: the header decides."""
    task = app.tasks[message["headers"]["task"]]
    args, kwargs, _ = json.loads(__import__("base64").b64decode(message["body"]))
    task.apply(args=args, kwargs=kwargs, headers={"_schema_name": message["headers"]["_schema_name"]}, throw=True)


@pytest.mark.django_db(transaction=True)
def test_a_task_runs_for_the_tenant_of_the_moment_it_was_sent(live_tenant, other_tenant, messages) -> None:
    with transaction.atomic():
        in_tenant(live_tenant.schema, send_after_commit, note, 1)
        in_tenant(other_tenant.schema, send_after_commit, note, 2)
        connection.set_schema_to_public()
        assert messages() == []  # nothing leaves before the commit, which happens on public here
    sent = messages()
    assert [m["headers"]["_schema_name"] for m in sent] == [live_tenant.schema, other_tenant.schema]
    for message in sent:
        run(message)
    assert SEEN == [("alpha", 1), ("beta", 2)]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_when_the_transaction_is_undone(live_tenant, messages) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        send_after_commit(note)
        raise ZeroDivisionError
    assert messages() == []


@pytest.mark.django_db(transaction=True)
def test_sends_one_after_the_other_do_not_inherit_a_tenant(live_tenant, other_tenant, messages) -> None:
    for schema in (live_tenant.schema, other_tenant.schema, live_tenant.schema):
        send_for_tenant(schema, note)
    assert [m["headers"]["_schema_name"] for m in messages()] == [
        live_tenant.schema,
        other_tenant.schema,
        live_tenant.schema,
    ]


def test_a_tenants_task_can_not_be_sent_from_public(db) -> None:
    with pytest.raises(NoTenant):
        send_after_commit(note)


def test_a_tenants_task_refuses_to_run_on_public(db) -> None:
    for headers in ({}, {"_schema_name": "public"}):
        with pytest.raises(NoTenant):
            note.apply(headers=headers, throw=True)
    assert SEEN == []


def test_a_task_that_names_no_base_belongs_to_a_tenant(tenant) -> None:
    assert isinstance(undeclared, TenantTask)
    connection.set_schema_to_public()
    with pytest.raises(NoTenant):
        undeclared.apply(throw=True)


def test_every_task_of_the_product_says_whose_it_is() -> None:
    ours = [t for n, t in app.tasks.items() if not n.startswith("celery.")]
    assert all(isinstance(t, TenantTask | PublicTask) for t in ours)


def test_a_public_task_runs_on_public_wherever_it_was_sent(tenant) -> None:
    note_public.apply(headers={"_schema_name": tenant.schema}, throw=True)
    assert SEEN == [("public",)]
    assert current_schema() == tenant.schema


def test_a_task_of_an_erased_tenant_ends_quietly(tenant, other_tenant) -> None:
    Tenant.objects.filter(pk=other_tenant.id).update(status=TenantStatus.DELETED)
    note.apply(headers={"_schema_name": other_tenant.schema}, throw=True)
    assert SEEN == []


def test_the_connection_is_given_back_after_a_task_whatever_happens(tenant, other_tenant) -> None:
    note.apply(headers={"_schema_name": other_tenant.schema}, throw=True)
    assert current_schema() == tenant.schema
    with pytest.raises(ProviderError):
        fails.apply(args=["invalid_request"], headers={"_schema_name": other_tenant.schema}, throw=True)
    assert current_schema() == tenant.schema


def test_a_failure_that_may_pass_is_tried_again_and_a_lasting_one_is_not(tenant) -> None:
    fails.apply(args=["invalid_request"], headers={"_schema_name": tenant.schema})
    assert SEEN == [(0,)]
    SEEN.clear()
    fails.apply(args=["timeout"], headers={"_schema_name": tenant.schema})
    assert [attempt for (attempt,) in SEEN] == [0, 1, 2, 3, 4, 5]


@pytest.mark.django_db(transaction=True)
def test_a_retry_goes_back_to_the_same_tenant(live_tenant, messages) -> None:
    connection.set_schema_to_public()
    trace = build_tracer(fails.name, fails, app=app)
    request = {"_schema_name": live_tenant.schema, "retries": 0, "called_directly": False, "is_eager": False}
    trace("id", ["timeout"], {}, {**request, "delivery_info": {}, "id": "id", "args": ["timeout"], "kwargs": {}})
    (message,) = messages()
    assert message["headers"]["_schema_name"] == live_tenant.schema
    assert message["headers"]["retries"] == 1


@pytest.mark.django_db(transaction=True)
def test_beat_fans_out_over_tenants_that_are_ready_and_spreads_them(live_tenant, other_tenant, messages) -> None:
    assert for_each_tenant(note, spread=10) == 2
    sent = messages()
    assert {m["headers"]["_schema_name"] for m in sent} <= {live_tenant.schema, other_tenant.schema}
    Tenant.objects.filter(pk=other_tenant.id).update(schema_version="older")
    connection.set_schema_to_public()
    assert for_each_tenant(note) == 1
    Tenant.objects.filter(pk=other_tenant.id).update(schema_version=schema_version(), status=TenantStatus.SUSPENDED)
    assert for_each_tenant(note) == 1


def test_the_pool_is_refilled_by_a_task(db, settings) -> None:
    settings.TENANT_POOL_SIZE = 1
    tasks.top_up_pool.apply(throw=True)
    assert Tenant.objects.filter(status=TenantStatus.POOL).count() == 1


def test_tidying_up_keeps_what_is_in_use(db) -> None:
    tasks.tidy_up.apply(throw=True)
    assert Tenant.objects.filter(status=TenantStatus.ACTIVE).count() == 2
