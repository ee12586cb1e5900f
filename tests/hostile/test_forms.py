"""Hostile input to every form ends in a clear message, and nothing is lost; no form is forgotten."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from tenants.models import Tenant
from tests.cast import ALPHA
from tests.hostile import cases, discovery
from tests.hostile.attacks import KINDS, Attack
from tests.hostile.registry import CASES, Closed, Form
from tests.isolation.test_isolation import _clear_urls

for module in pkgutil.iter_modules(cases.__path__):
    importlib.import_module(f"{cases.__name__}.{module.name}")

pytestmark = pytest.mark.django_db
FORMS = [case for case in CASES if isinstance(case, Form)]


def applies(case: Form, kind: str) -> bool:
    """Kinds that have nothing to do at a form are no tests of it."""
    return {
        "strangers": not case.public and case.url != "tenant:logout",
        "lesser_roles": case.url.startswith("tenant:") and len(case.by) < 5,
        "odd_ids": "<" in case.url and not case.url.startswith("root:^"),
        "files": case.url == "tenant:knowledge/add",
        "too_long": bool(case.data),
        "odd_values": bool(case.data),
        "odd_bodies": bool(case.data),
        "scripts": bool(case.data),
    }.get(kind, True)


def test_every_form_has_a_case() -> None:
    missing = discovery.every_writer() - {case.url for case in CASES}
    assert not missing, "register a case in tests/hostile/cases/ for each of these"


def test_no_case_speaks_of_something_that_is_gone() -> None:
    assert not {case.url for case in CASES} - discovery.every_writer()


def test_no_case_is_registered_twice_by_mistake() -> None:
    assert not [name for name, times in Counter(case.id for case in CASES).items() if times > 1]


@pytest.mark.parametrize(
    ("case", "kind"),
    [pytest.param(case, kind, id=f"{case.id}-{kind}") for case in FORMS for kind in KINDS if applies(case, kind)],
)
def test_hostile_input_ends_in_words_and_changes_nothing(case: Form, kind: str, stage: Any) -> None:
    KINDS[kind](Attack(case, stage).ready())


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES if isinstance(case, Closed)])
def test_what_can_only_be_read_takes_nothing(case: Closed, stage: Any) -> None:
    before = stage.fingerprint()
    read = stage.client("alice").get(case.path)
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(stage.client("alice"), method)(case.path, {"a": "b"}, content_type="application/json")
        assert answer.status_code == read.status_code or answer.status_code == 405
    assert stage.fingerprint() == before


# -- the harness itself ------------------------------------------------------------------------------------------------


def view(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("everything")


def test_a_new_form_without_a_case_is_found_and_a_page_is_none() -> None:
    patterns = [
        path("new/", include([path("<int:pk>", require_http_methods(["GET", "POST"])(view))])),
        path("open", view),
        path("read", require_safe(view)),
    ]
    assert discovery.writers("tenant", patterns) == {"tenant:new/<int:pk>", "tenant:open"}


@csrf_exempt
def careless(request: HttpRequest) -> HttpResponse:
    """Asks nobody who they are, checks nothing, and repeats what it was told."""
    Tenant.objects.filter(slug=ALPHA.slug).update(name=request.POST.get("name", ""))
    return HttpResponse(request.POST.get("name", ""))


@pytest.mark.parametrize("kind", ["without_token", "strangers", "lesser_roles", "too_long", "odd_values", "scripts"])
def test_a_careless_form_is_caught(kind: str, stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tenants import urls

    monkeypatch.setattr(urls, "urlpatterns", [path("careless", careless)])
    _clear_urls()
    try:
        case = Form("tenant:careless", lambda stage: "/careless", {"name": "New"})
        KINDS["accepted"](Attack(case, stage).ready())
        with pytest.raises(AssertionError):
            KINDS[kind](Attack(case, stage).ready())
    finally:
        monkeypatch.undo()
        _clear_urls()


def test_a_case_whose_form_refuses_everything_is_caught(stage: Any) -> None:
    case = Form("tenant:settings", lambda stage: "/settings", {"name": ""}, drawn=lambda stage: "/settings")
    with pytest.raises(AssertionError, match="required"):
        KINDS["accepted"](Attack(case, stage).ready())
