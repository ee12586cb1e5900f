"""Roles."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.test import RequestFactory

from tenants.access import member_required, role_of
from tenants.models import Role, User
from tests.cast import ALICE, BOB, CAROL, MALLORY

pytestmark = pytest.mark.django_db


@member_required(Role.OWNER, "supervisor")
def guarded(request) -> HttpResponse:
    return HttpResponse(request.role)


def visit(person, tenant):
    request = RequestFactory().get("/")
    request.tenant, request.user = tenant, User.objects.get(email=person.email)
    return guarded(request)


@pytest.mark.parametrize("person", [ALICE, CAROL])
def test_the_named_roles_come_in(tenant, person) -> None:
    assert visit(person, tenant).content.decode() == person.role


def test_another_role_is_refused(tenant) -> None:
    with pytest.raises(PermissionDenied):
        visit(BOB, tenant)


def test_a_stranger_finds_nothing(tenant) -> None:
    with pytest.raises(Http404):
        visit(MALLORY, tenant)


def test_there_is_nothing_without_a_tenant(tenant) -> None:
    with pytest.raises(Http404):
        visit(ALICE, None)


def test_a_role_that_does_not_exist_is_a_mistake_found_at_import() -> None:
    with pytest.raises(ValueError, match="boss"):
        member_required("boss")


def test_people_who_left_have_no_role(tenant) -> None:
    user = User.objects.get(email=ALICE.email)
    assert role_of(user.pk, tenant.id) is Role.OWNER
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert role_of(user.pk, tenant.id) is None
    assert role_of(SimpleNamespace(pk=0).pk, tenant.id) is None
