"""What is encrypted with a tenant's key."""

from __future__ import annotations

import pytest
from django.core.exceptions import FieldError
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from common.crypto import Unreadable
from common.errors import NoTenant
from tenants import keys
from tenants.context import in_tenant
from tenants.fields import SealedJSONField, SealedTextField
from tenants.models import Tenant

pytestmark = pytest.mark.django_db


def test_what_one_tenant_sealed_another_can_not_read(tenant, other_tenant) -> None:
    sealed = keys.seal(b"allergic to penicillin", "note")
    assert b"penicillin" not in sealed
    assert keys.unseal(sealed, "note") == b"allergic to penicillin"
    with pytest.raises(Unreadable):
        in_tenant(other_tenant.schema, keys.unseal, sealed, "note")


def test_sealed_data_can_not_be_used_for_another_purpose(tenant) -> None:
    with pytest.raises(Unreadable):
        keys.unseal(keys.seal(b"x", "voicemail"), "recording")


def test_nothing_is_sealed_without_a_tenant(db) -> None:
    with pytest.raises(NoTenant):
        keys.seal(b"x", "note")


def test_erasing_the_key_erases_the_data(tenant) -> None:
    sealed = keys.seal(b"x", "note")
    Tenant.objects.filter(pk=tenant.id).update(data_key=None)
    with pytest.raises(Unreadable):
        in_tenant(tenant.schema, keys.unseal, sealed, "note")


def test_a_new_key_is_used_at_once_where_a_schema_changes_hands(tenant) -> None:
    sealed = keys.seal(b"x", "note")
    Tenant.objects.filter(pk=tenant.id).update(data_key=keys.new_data_key(tenant.schema))
    with pytest.raises(Unreadable):
        in_tenant(tenant.schema, keys.unseal, sealed, "note")


def test_another_tenants_wrapped_key_does_not_open(tenant, other_tenant) -> None:
    stolen = Tenant.objects.get(pk=other_tenant.id).data_key
    Tenant.objects.filter(pk=tenant.id).update(data_key=stolen)
    with pytest.raises(Unreadable):
        in_tenant(tenant.schema, keys.seal, b"x", "note")


def field(kind: type, name: str):
    made = kind()
    made.set_attributes_from_name(name)
    made.model = type("Note", (), {"_meta": type("M", (), {"app_label": "clinic"})})
    return made


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def text_field():
    return field(SealedTextField, "body")


def round_trip(sealed_field, value):
    stored = sealed_field.get_db_prep_value(value, connection)
    raw = bytes(getattr(stored, "obj", stored)) if stored is not None else None
    return raw, sealed_field.from_db_value(raw, None, connection)


def test_text_survives_the_round_trip(tenant) -> None:
    for value in ("", "Grüße \U0001f600", "x" * 10_000):
        raw, back = round_trip(field(SealedTextField, "body"), value)
        assert back == value
        assert value.encode() not in raw or value == ""


def test_json_survives_the_round_trip(tenant) -> None:
    @given(JSON)
    def check(value) -> None:
        if value is not None:
            assert round_trip(field(SealedJSONField, "data"), value)[1] == value

    check()


def test_a_value_moved_to_another_column_can_not_be_read(tenant) -> None:
    raw, _ = round_trip(field(SealedTextField, "body"), "secret")
    with pytest.raises(Unreadable):
        field(SealedTextField, "title").from_db_value(raw, None, connection)


def test_null_stays_null(tenant) -> None:
    assert round_trip(field(SealedTextField, "body"), None) == (None, None)


@pytest.mark.parametrize("lookup", ["exact", "contains", "in", "gt"])
def test_a_sealed_column_can_not_be_searched(text_field, lookup) -> None:
    with pytest.raises(FieldError):
        text_field.get_lookup(lookup)


def test_sealed_values_do_not_leave_through_serializers(text_field) -> None:
    with pytest.raises(FieldError):
        text_field.value_to_string(None)


def test_a_row_on_disk_holds_no_plain_text(tenant) -> None:
    from calls.models import Call, Message

    call = Call.objects.create(sid=f"CA{'1' * 32}")
    Message.objects.create(call=call, body="my daughter has a fever")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT row_to_json(m)::text FROM {Message._meta.db_table} m")
        (text,) = cursor.fetchone()
    assert "fever" not in text
    assert b"fever".hex() not in text
    assert Message.objects.get().body == "my daughter has a fever"
