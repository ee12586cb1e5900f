"""New businesses: whole or not at all, and fast."""

from __future__ import annotations

import json
import threading
import time
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection

from common.errors import Conflict, Invalid, ProviderError
from tenants import keys, numbers
from tenants.context import UnknownTenant, current_schema, in_public, in_tenant, require_tenant
from tenants.models import ApiKey, Domain, Membership, PhoneNumber, SchemaBlueprint, Tenant, TenantStatus, User
from tenants.numbers import tenant_for_number
from tenants.provisioning import apply_profile, create_tenant, refill_pool, register_step
from tenants.schemas import create_pool_schema, drop_schema, migrate_schema, schema_version, stale_schemas
from tenants.services.api_keys import SCOPES, caller_of_key
from tenants.services.lifecycle import delete_tenant, erase_stale_pool, resume_tenant, suspend_tenant
from tests.cast import ALICE, PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_rooms_above")]

GOOD = {"name": "Corner Bakery", "slug": "bakery", "owner_email": "Rosa@Bakery.example", "password": "rye-and-wheat-77"}


def catalogue(schema: str) -> list[tuple[str, ...]]:
    """Columns, indexes, constraints and applied migrations of a schema, without its name."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT 'column', table_name, column_name, data_type, udt_name, is_nullable, coalesce(column_default, ''),
                   is_identity, coalesce(character_maximum_length::text, ''), coalesce(generation_expression, '')
              FROM information_schema.columns WHERE table_schema = %(s)s
            UNION ALL
            SELECT 'index', tablename, indexname, indexdef, '', '', '', '', '', ''
              FROM pg_indexes WHERE schemaname = %(s)s
            UNION ALL
            SELECT 'constraint', r.relname, c.conname, pg_get_constraintdef(c.oid), '', '', '', '', '', ''
              FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
             WHERE n.nspname = %(s)s
            UNION ALL
            SELECT 'trigger', r.relname, t.tgname, pg_get_triggerdef(t.oid), '', '', '', '', '', ''
              FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid JOIN pg_namespace n ON n.oid = r.relnamespace
             WHERE n.nspname = %(s)s AND NOT t.tgisinternal
            """,
            {"s": schema},
        )
        found = [tuple(str(value).replace(schema, "SCHEMA") for value in row) for row in cursor.fetchall()]
        cursor.execute(f'SELECT app, name FROM "{schema}".django_migrations')
        return sorted(found + [("migration", *row) for row in cursor.fetchall()])


def schemas() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace")
        return {name for (name,) in cursor.fetchall()}


def everything() -> tuple[object, ...]:
    """Rows and schemas that a new business leaves behind."""
    return (
        sorted(Tenant.objects.values_list("schema_name", "status", "slug", "name")),
        sorted(User.objects.values_list("email", flat=True)),
        Membership.objects.count(),
        Domain.objects.count(),
        PhoneNumber.objects.count(),
        ApiKey.objects.count(),
        schemas(),
    )


def test_a_replayed_schema_is_the_same_as_a_migrated_one() -> None:
    replayed = create_pool_schema()
    SchemaBlueprint.objects.all().delete()
    migrated = create_pool_schema()
    assert SchemaBlueprint.objects.count() == 1
    expected = catalogue(migrated.schema_name)
    assert [row for row in expected if row[0] == "column"]
    assert catalogue(replayed.schema_name) == expected
    assert migrated.schema_version == replayed.schema_version == schema_version()


def test_a_new_business_has_everything_it_needs() -> None:
    made = create_tenant(**GOOD, number="+1 (415) 555-0177", with_key=True)
    assert made.number == "+14155550177"
    assert made.domain == "bakery.localhost"
    tenant = Tenant.objects.get(pk=made.id)
    assert (tenant.status, tenant.slug, tenant.schema_name) == (TenantStatus.ACTIVE, "bakery", made.schema)
    assert tenant_for_number("+14155550177").id == made.id
    user = User.objects.get(email="rosa@bakery.example")
    assert user.check_password("rye-and-wheat-77")
    assert user.memberships.get().role == "owner"
    caller = caller_of_key(made.api_key)
    assert caller is not None
    assert (caller.tenant_id, caller.schema) == (made.id, made.schema)
    assert caller.scopes == set(SCOPES)
    assert made.api_key not in str(ApiKey.objects.values_list())
    assert in_tenant(made.schema, lambda: keys.unseal(keys.seal(b"x", "p"), "p")) == b"x"


def test_a_business_takes_a_ready_schema_and_less_than_a_second() -> None:
    refill_pool(1)
    ready = Tenant.objects.get(status=TenantStatus.POOL)
    started = time.perf_counter()
    made = create_tenant(**GOOD)
    assert time.perf_counter() - started < 1.0
    assert made.schema == ready.schema_name
    assert not Tenant.objects.filter(status=TenantStatus.POOL).exists()


def test_steps_run_inside_the_new_tenant_with_its_profile() -> None:
    seen = []
    register_step("look", lambda tenant, profile: seen.append((current_schema(), require_tenant().slug, profile)))
    made = create_tenant(**GOOD, profession="baker", profile={"greeting": "Hello"})
    assert seen == [(made.schema, "bakery", {"greeting": "Hello", "name": "Corner Bakery", "profession": "baker"})]


@pytest.mark.parametrize("error", [Invalid("no"), RuntimeError("bug"), ProviderError("carrier", "timeout")])
def test_a_failing_step_leaves_nothing_half_made(error) -> None:
    refill_pool(1)
    before = everything()

    def leave_traces(tenant: Tenant, profile: dict) -> None:
        folder = Path(django_settings.MEDIA_ROOT) / tenant.schema_name
        folder.mkdir(parents=True)
        (folder / "greeting").write_bytes(b"x")
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE half_made (id int)")

    def fail(tenant: Tenant, profile: dict) -> None:
        raise error

    register_step("traces", leave_traces)
    register_step("fail", fail)
    with pytest.raises(type(error)):
        create_tenant(**GOOD, number="+14155550177")
    assert everything() == before
    ready = Tenant.objects.get(status=TenantStatus.POOL)
    assert not (Path(django_settings.MEDIA_ROOT) / ready.schema_name).exists()
    assert not any("half_made" in row for row in catalogue(ready.schema_name))


def test_a_carrier_that_refuses_the_number_leaves_nothing_half_made(monkeypatch) -> None:
    def refuse(number: str) -> None:
        raise ProviderError("twilio", "connectivity")

    refill_pool(1)
    before = everything()
    monkeypatch.setattr(numbers, "_setups", [refuse])
    with pytest.raises(ProviderError):
        create_tenant(**GOOD, number="+14155550177")
    assert everything() == before


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"slug": "alpha"}, Conflict, "slug"),
        ({"slug": "www"}, Conflict, "slug"),
        ({"name": "two\nlines"}, Invalid, "name"),
        ({"name": "turned \u202e round"}, Invalid, "name"),
        ({"slug": "Corner"}, Invalid, "slug"),
        ({"slug": "-a"}, Invalid, "slug"),
        ({"slug": "xn--caf-dma"}, Invalid, "slug"),
        ({"slug": "a.b"}, Invalid, "slug"),
        ({"slug": "a\n"}, Invalid, "slug"),
        ({"slug": ""}, Invalid, "slug"),
        ({"slug": "x" * 41}, Invalid, "slug"),
        ({"number": "+14155550111"}, Conflict, "number"),
        ({"owner_email": "nobody"}, Invalid, "email"),
        ({"password": "short"}, Invalid, "password"),
        ({"password": "rosa@bakery"}, Invalid, "password"),
        ({"name": "  "}, Invalid, "name"),
        ({"profile": {"timezone": "Mars/Olympus"}}, Invalid, "timezone"),
        ({"profile": {"timezone": "../../etc/passwd"}}, Invalid, "timezone"),
    ],
)
def test_bad_input_is_named_and_leaves_nothing_behind(change, error, field) -> None:
    refill_pool(1)
    before = everything()
    with pytest.raises(error) as caught:
        create_tenant(**{**GOOD, **change})
    assert caught.value.data["field"] == field
    assert everything() == before


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid):
        create_tenant(**GOOD, number="call me")


def test_somebody_who_is_a_user_already_keeps_their_password() -> None:
    create_tenant(**{**GOOD, "owner_email": "ALICE@alpha.example", "password": "stranger-chose-this-1"})
    alice = User.objects.get(email="alice@alpha.example")
    assert not alice.check_password("stranger-chose-this-1")
    assert alice.memberships.count() == 2


def test_two_sign_ups_at_once_never_share_a_schema() -> None:
    refill_pool(2)
    barrier, made, errors = threading.Barrier(2), [], []

    def sign_up(slug: str) -> None:
        barrier.wait(10)
        try:
            made.append(create_tenant(**{**GOOD, "slug": slug, "owner_email": f"{slug}@x.example"}))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=sign_up, args=(slug,)) for slug in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not errors
    assert len({each.schema for each in made}) == 2


def test_two_sign_ups_for_one_slug_end_with_one_business_and_a_clear_error() -> None:
    refill_pool(2)
    inside, go_on, outcome = threading.Event(), threading.Event(), []

    def wait(tenant: Tenant, profile: dict) -> None:
        inside.set()
        go_on.wait(10)

    register_step("wait", wait)

    def sign_up() -> None:
        try:
            outcome.append(create_tenant(**GOOD))
        finally:
            connection.close()

    first = threading.Thread(target=sign_up)
    first.start()
    assert inside.wait(10)

    def second() -> None:
        try:
            create_tenant(**{**GOOD, "owner_email": "other@x.example"})
        except Conflict as error:
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=second)
    thread.start()
    go_on.set()
    first.join(20)
    thread.join(20)
    assert sorted(type(each).__name__ for each in outcome) == ["Conflict", "Provisioned"]
    assert Tenant.objects.filter(slug="bakery").count() == 1
    assert Tenant.objects.filter(status=TenantStatus.POOL).count() == 1


def test_the_pool_is_filled_to_its_size_and_no_further() -> None:
    assert refill_pool(2) == 2
    assert refill_pool(2) == 0
    assert Tenant.objects.filter(status=TenantStatus.POOL, schema_version=schema_version()).count() == 2


def test_a_schema_of_another_version_is_never_handed_out_and_is_erased() -> None:
    stale = create_pool_schema()
    Tenant.objects.filter(pk=stale.pk).update(schema_version="of-last-month")
    assert create_tenant(**GOOD).schema != stale.schema_name
    assert erase_stale_pool() == 1
    assert stale.schema_name not in schemas()


def test_a_migration_that_fails_leaves_no_schema(monkeypatch) -> None:
    SchemaBlueprint.objects.all().delete()
    before = everything()

    def fail(schema: str) -> None:
        migrate_schema(schema)
        raise RuntimeError("power cut")

    monkeypatch.setattr("tenants.schemas.migrate_schema", fail)
    with pytest.raises(RuntimeError):
        create_pool_schema()
    assert everything() == before


def test_every_schema_that_lags_behind_is_migrated(tenant) -> None:
    connection.set_schema_to_public()
    pooled = create_pool_schema()
    Tenant.objects.filter(pk=tenant.id).update(schema_version="old")
    assert stale_schemas() == [tenant.schema]
    call_command("migrate_tenants", stdout=StringIO())
    assert stale_schemas() == []
    assert pooled.schema_name in schemas()


def test_a_profile_is_applied_whole_or_not_at_all() -> None:
    create_tenant(**GOOD)
    seen = []
    register_step("note", lambda tenant, profile: seen.append(profile["greeting"]))
    apply_profile("bakery", {"greeting": "Hi", "timezone": "Europe/Berlin"})
    assert seen == ["Hi"]
    assert Tenant.objects.get(slug="bakery").timezone == "Europe/Berlin"
    with pytest.raises(KeyError):
        apply_profile("bakery", {"timezone": "Asia/Tokyo"})
    assert Tenant.objects.get(slug="bakery").timezone == "Europe/Berlin"


def test_a_suspended_business_can_be_resumed() -> None:
    made = create_tenant(**GOOD, with_key=True)
    suspend_tenant("bakery")
    assert Tenant.objects.get(pk=made.id).status == TenantStatus.SUSPENDED
    assert caller_of_key(made.api_key) is None
    with pytest.raises(Conflict):
        suspend_tenant("bakery")
    resume_tenant("bakery")
    assert caller_of_key(made.api_key) is not None


def test_erasing_a_business_leaves_only_the_row_the_ledger_speaks_of() -> None:
    made = create_tenant(**GOOD, number="+14155550177", with_key=True)
    folder = Path(django_settings.MEDIA_ROOT) / made.schema
    folder.mkdir(parents=True)
    (folder / "recording").write_bytes(b"x")
    from common.kv import redis_sync

    redis_sync().set(f"presence:{made.schema}:1", "x")
    delete_tenant("bakery")
    assert not Tenant.objects.filter(pk=made.id).exists()
    row = Tenant.with_deleted.get(pk=made.id)
    assert (row.status, row.slug, row.name, row.data_key) == (TenantStatus.DELETED, None, "", None)
    assert made.schema not in schemas()
    assert not folder.exists()
    assert redis_sync().keys(f"*{made.schema}*") == []
    assert not User.objects.filter(email="rosa@bakery.example").exists()
    for model in (Domain, PhoneNumber, ApiKey, Membership):
        assert not model.objects.filter(tenant=made.id).exists()
    with pytest.raises(UnknownTenant):
        in_tenant(made.schema, require_tenant)
    assert create_tenant(**GOOD, number="+14155550177").id != made.id  # slug and number are free again


def test_migrations_go_on_after_a_business_was_erased() -> None:
    create_tenant(**GOOD)
    delete_tenant("bakery")
    call_command("migrate_schemas", verbosity=0, interactive=False)


def test_only_generated_names_are_ever_dropped() -> None:
    for name in ("public", "t_zzzzzzzzzzzz", 't_000000000000"; DROP SCHEMA public'):
        with pytest.raises(ValueError, match="not a generated"):
            in_public(drop_schema, name)


def test_the_command_says_when_the_password_was_not_used(tenant) -> None:
    said = StringIO()
    arguments = ["--name", "Second", "--slug", "second", "--owner", ALICE.email.upper(), "--password", "another one 22"]
    call_command("create_tenant", *arguments, stdout=StringIO(), stderr=said)
    assert "has an account already and keeps its password" in said.getvalue()
    assert User.objects.get(email=ALICE.email).check_password(PASSWORD)


def test_the_command_prints_one_json_object() -> None:
    out = StringIO()
    arguments = ["--name", "Bakery", "--slug", "bakery", "--owner", "r@b.example", "--password", "rye-and-wheat-77"]
    call_command("create_tenant", *arguments, "--number", "+14155550177", stdout=out)
    made = json.loads(out.getvalue())
    assert set(made) == {"id", "schema", "domain", "number", "api_key"}
    assert caller_of_key(made["api_key"]).tenant_id == made["id"]
    with pytest.raises(CommandError, match="taken"):
        call_command("create_tenant", *arguments, stdout=StringIO())


def test_a_business_can_be_configured_from_a_file(tmp_path) -> None:
    create_tenant(**GOOD)
    path = tmp_path / "business.yaml"
    path.write_text("name: Corner Bakery & Café\ntimezone: Europe/Vienna\n")
    call_command("configure_tenant", "--slug", "bakery", "--file", str(path), stdout=StringIO())
    assert Tenant.objects.get(slug="bakery").name == "Corner Bakery & Café"
    for text in ("- a\n- b\n", "a: [\n", "1: x\n"):
        path.write_text(text)
        with pytest.raises(CommandError):
            call_command("configure_tenant", "--slug", "bakery", "--file", str(path), stdout=StringIO())


def test_a_business_keeps_its_name_where_the_document_has_none_and_never_gets_an_empty_one() -> None:
    create_tenant(**GOOD)
    own = GOOD["name"]
    for profile in ({}, {"name": None}):
        assert apply_profile("bakery", profile).name == own
    for empty in ("", "   ", "x" * 121):
        with pytest.raises(Invalid, match="a name has 1 to 120 characters"):
            apply_profile("bakery", {"name": empty})
    assert Tenant.objects.get(slug="bakery").name == own


def test_the_audit_trail_only_grows() -> None:
    from django.db import IntegrityError, InternalError

    from tenants.models import AuditEvent

    create_tenant(**GOOD)
    assert AuditEvent.objects.filter(action="tenant.created").count() == 1
    for change in (lambda: AuditEvent.objects.update(action="x"), lambda: AuditEvent.objects.all().delete()):
        with pytest.raises((InternalError, IntegrityError)):
            change()


def test_provisioning_is_refused_nowhere_it_is_called_from(tenant) -> None:
    """Called inside a tenant it works on public and comes back."""
    made = create_tenant(**GOOD)
    assert current_schema() == tenant.schema != made.schema


def test_the_demo_is_seeded_once_and_only_applied_again_when_its_document_changed() -> None:
    applied = []
    register_step("note", lambda tenant, profile: applied.append(profile["name"]))
    outcomes = []
    for _ in range(2):
        out = StringIO()
        call_command("seed_demo", stdout=out)
        outcomes.append(json.loads(out.getvalue())["created"])
    assert outcomes == [True, False]
    assert applied == ["Bright Smile Dental"]
    assert tenant_for_number("+14155550100").slug == "demo"
    Tenant.objects.filter(slug="demo").update(profile_digest="of an older document")
    call_command("seed_demo", stdout=StringIO())
    assert len(applied) == 2
