"""No way in leads from one tenant to another, and no way in is forgotten."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter

import pytest
from celery import Celery
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from ninja import NinjaAPI

from tenants.tasks import TenantTask
from tests.isolation import attacks, cases, discovery
from tests.isolation.registry import CASES, Check, Open, Page, PublicJob, Socket, TenantJob

discovery.every_task()  # loads every room's tasks
for module in pkgutil.iter_modules(cases.__path__):
    importlib.import_module(f"{cases.__name__}.{module.name}")


def named(kind: type) -> list:
    return [pytest.param(case, id=case.url) for case in CASES if isinstance(case, kind)]


def missing(found: set[str]) -> set[str]:
    return found - {case.url for case in CASES}


def test_every_way_in_has_a_case() -> None:
    assert not missing(discovery.everything()), "register a case in tests/isolation/cases/ for each of these"


def test_every_page_of_a_tenant_is_guarded_by_membership() -> None:
    """Whatever the attacks miss: a page is guarded, or its case says that it shows nothing."""
    open_by_intent = {case.url for case in CASES if isinstance(case, Open | Check)}
    unguarded = {
        f"tenant:{route}"
        for route, view in discovery.walk(importlib.import_module(discovery.URLCONFS["tenant"]).urlpatterns)
        if not getattr(view, "guards_membership", False) and not discovery.operations(view)
    }
    assert unguarded <= open_by_intent


def test_no_case_speaks_of_something_that_is_gone() -> None:
    assert not {case.url for case in CASES} - discovery.everything()


def test_no_case_is_registered_twice_by_mistake() -> None:
    assert not [case for case, times in Counter((type(c), c.url) for c in CASES).items() if times > 1]


@pytest.mark.django_db
@pytest.mark.parametrize("case", named(Page))
def test_pages_show_a_tenant_to_its_own_people_only(case, world) -> None:
    attacks.attack_page(case, world)


@pytest.mark.django_db
@pytest.mark.parametrize("case", named(Open))
def test_open_pages_show_nothing_of_any_tenant(case, world) -> None:
    attacks.attack_open(case, world)


@pytest.mark.django_db
@pytest.mark.parametrize("case", named(Check))
def test_other_addresses_keep_tenants_apart(case, world) -> None:
    case.fn(world)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("case", named(Socket))
async def test_sockets_keep_tenants_apart(case, live_tenant, world) -> None:
    await case.fn(world)


@pytest.mark.django_db
@pytest.mark.parametrize("case", named(TenantJob))
def test_tasks_touch_their_own_tenant_only(case, world) -> None:
    attacks.attack_tenant_job(case, world)


@pytest.mark.parametrize("case", named(PublicJob))
def test_tasks_of_no_tenant_say_so(case) -> None:
    attacks.check_public_job(case)


# -- the harness itself ------------------------------------------------------------------------------------------------


def view(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("everything")


def test_a_new_url_without_a_case_is_found_however_deep() -> None:
    patterns = [path("new/", include([path("<int:pk>/", include([path("edit", view)]))]))]
    assert missing(discovery.urls("tenant", patterns)) == {"tenant:new/<int:pk>/edit"}


def test_each_operation_of_the_api_is_a_way_in() -> None:
    api = NinjaAPI(urls_namespace="isolation")

    @api.get("samples/{pk}")
    def read(request, pk: int) -> int:
        return pk

    @api.delete("samples/{pk}")
    def erase(request, pk: int) -> int:
        return pk

    found = missing(discovery.urls("root", [path("api/v1/", api.urls)]))
    assert {"root:GET api/v1/samples/<pk>", "root:DELETE api/v1/samples/<pk>"} <= found


def test_a_new_socket_without_a_case_is_found(monkeypatch) -> None:
    from config import routing

    monkeypatch.setattr(routing, "websocket_urlpatterns", [*routing.websocket_urlpatterns, path("ws/new", view)])
    assert "socket:ws/new" in missing(discovery.every_socket())


def test_a_new_task_without_a_case_is_found(monkeypatch) -> None:
    from config.celery import app

    assert isinstance(app, Celery)

    def work() -> None:
        """Nothing."""

    task = app.task(base=TenantTask, name="rooms.new_task")(work)
    try:
        assert task.name and "task:rooms.new_task" in missing(discovery.every_task())
    finally:
        app.tasks.unregister("rooms.new_task")


@pytest.mark.django_db
def test_a_page_that_forgets_the_tenant_is_caught(world, monkeypatch) -> None:
    """The attack itself can fail: a view that shows alpha's secret to whoever asks."""
    from tenants import urls

    def leak(request: HttpRequest) -> HttpResponse:
        return HttpResponse(world.marker)

    monkeypatch.setattr(urls, "urlpatterns", [path("leak", leak)])
    _clear_urls()
    try:
        with pytest.raises(AssertionError, match="mallory on alpha's host"):
            attacks.attack_page(Page("tenant:leak", lambda world: "/leak"), world)
    finally:
        monkeypatch.undo()
        _clear_urls()


@pytest.mark.django_db
def test_a_case_that_shows_nothing_is_caught(world) -> None:
    with pytest.raises(AssertionError, match="proves nothing"):
        attacks.attack_page(Page("tenant:", lambda world: "/"), world)


@pytest.mark.django_db
def test_a_task_that_reaches_into_another_tenant_is_caught(world) -> None:
    from config.celery import app
    from tenants.context import in_tenant
    from tenants.models import Tenant

    def reach(pk: int) -> None:
        Tenant.objects.filter(pk=pk).update(locale="xx")

    task = app.task(base=TenantTask, name="tests.reach")(reach)

    def case(world):
        return (world.alpha.id,), lambda: Tenant.objects.get(pk=world.alpha.id).locale

    try:
        assert task.name
        with pytest.raises(AssertionError, match="changed something of alpha's"):
            attacks.attack_tenant_job(TenantJob("task:tests.reach", case), world)
    finally:
        app.tasks.unregister("tests.reach")
    assert in_tenant(world.alpha.schema, lambda: True)


def _clear_urls() -> None:
    import sys

    from django.urls import clear_url_caches

    for name in discovery.URLCONFS.values():
        if name in sys.modules:
            importlib.reload(sys.modules[name])
    clear_url_caches()
