"""The door between schemas."""

from __future__ import annotations

import asyncio
import time

import pytest
from django.db import connection

from common.errors import NoTenant
from tenants.context import (
    PUBLIC,
    TenantInfo,
    UnknownTenant,
    current_schema,
    in_public,
    in_tenant,
    require_tenant,
    run_in_public,
    run_in_tenant,
)
from tenants.models import Tenant, TenantStatus, User

pytestmark = pytest.mark.django_db


def who() -> str:
    return require_tenant().slug


def real_schema() -> str:
    """Asked of PostgreSQL itself, not of the connection object."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return str(cursor.fetchone()[0])


def test_code_runs_inside_the_named_tenant_and_the_connection_is_given_back(tenant, other_tenant) -> None:
    assert in_tenant(other_tenant.schema, lambda: (who(), real_schema())) == ("beta", other_tenant.schema)
    assert (who(), real_schema()) == ("alpha", tenant.schema)


def test_the_connection_is_given_back_after_an_error(tenant, other_tenant) -> None:
    with pytest.raises(ZeroDivisionError):
        in_tenant(other_tenant.schema, lambda: 1 / 0)
    assert real_schema() == tenant.schema


def test_contexts_nest(tenant, other_tenant) -> None:
    def nested() -> tuple[str, str, str]:
        return in_public(current_schema), in_tenant(tenant.schema, who), who()

    assert in_tenant(other_tenant.schema, nested) == (PUBLIC, "alpha", "beta")


@pytest.mark.parametrize("schema", ["", PUBLIC])
def test_public_is_refused(schema) -> None:
    with pytest.raises(NoTenant):
        in_tenant(schema, who)


@pytest.mark.parametrize("schema", ["t_000000000000", "pg_catalog", "information_schema", 't_"; drop schema public'])
def test_unknown_schemas_are_refused(schema) -> None:
    with pytest.raises(UnknownTenant):
        in_tenant(schema, who)


@pytest.mark.parametrize("status", [TenantStatus.POOL, TenantStatus.DELETED])
def test_schemas_that_belong_to_nobody_are_refused(other_tenant, status) -> None:
    Tenant.objects.filter(pk=other_tenant.id).update(status=status)
    with pytest.raises(UnknownTenant):
        in_tenant(other_tenant.schema, who)


def test_tenant_code_without_a_tenant_is_a_bug_that_shows(db) -> None:
    with pytest.raises(NoTenant):
        require_tenant()


def test_a_schema_set_behind_our_back_is_no_tenant(tenant, other_tenant) -> None:
    connection.set_schema(other_tenant.schema)
    with pytest.raises(NoTenant):
        require_tenant()


@pytest.mark.django_db(transaction=True)
async def test_four_hundred_interleaved_hops_over_two_tenants_are_all_right(live_tenant, other_tenant) -> None:
    def look(pause: float) -> tuple[str, str]:
        before = real_schema()
        time.sleep(pause)  # gives the other tenant's hops the chance to disturb this one
        return before, real_schema()

    async def hops(schema: str, count: int) -> int:
        right = 0
        for index in range(count):
            right += await run_in_tenant(schema, look, 0.001 if index % 3 else 0.0) == (schema, schema)
        return right

    schemas = [live_tenant.schema, other_tenant.schema]
    counts = await asyncio.gather(*(hops(schemas[lane % 2], 40) for lane in range(10)))
    assert sum(counts) == 400


@pytest.mark.django_db(transaction=True)
async def test_a_slow_hop_does_not_hold_up_the_others(live_tenant, other_tenant) -> None:
    release = asyncio.Event()
    loop = asyncio.get_running_loop()
    entered = asyncio.Event()

    def slow() -> str:
        loop.call_soon_threadsafe(entered.set)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(10)
        return who()

    waiting = asyncio.create_task(run_in_tenant(live_tenant.schema, slow))
    await entered.wait()
    assert await run_in_tenant(other_tenant.schema, who) == "beta"
    assert not waiting.done()
    release.set()
    assert await waiting == "alpha"


@pytest.mark.django_db(transaction=True)
async def test_a_failing_hop_leaves_no_tenant_behind_on_its_thread(live_tenant) -> None:
    async def fail() -> None:
        with pytest.raises(ZeroDivisionError):
            await run_in_tenant(live_tenant.schema, lambda: 1 // 0)

    await asyncio.gather(*(fail() for _ in range(20)))
    assert set(await asyncio.gather(*(run_in_public(real_schema) for _ in range(20)))) == {PUBLIC}


@pytest.mark.django_db(transaction=True)
async def test_a_hop_refuses_to_hand_out_lazy_things(live_tenant) -> None:
    for lazy in (User.objects.all, User.objects.first, lambda: [User.objects.first()], lambda: {"u": User()}):
        with pytest.raises(TypeError):
            await run_in_tenant(live_tenant.schema, lazy)


async def test_a_hop_into_public_is_refused(live_tenant) -> None:
    with pytest.raises(NoTenant):
        await run_in_tenant(PUBLIC, who)


def test_tenant_info_is_plain_data_and_cannot_be_changed(tenant: TenantInfo) -> None:
    with pytest.raises(AttributeError):
        tenant.slug = "beta"  # type: ignore[misc]
