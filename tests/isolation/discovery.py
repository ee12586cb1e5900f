"""Finds every way into the product: addresses of both urlconfs, API operations, websocket routes, tasks."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver

URLCONFS = {"tenant": settings.ROOT_URLCONF, "root": settings.PUBLIC_SCHEMA_URLCONF}


def walk(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Route and view of every pattern."""
    for entry in patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from walk(entry.url_patterns, route)
        elif isinstance(entry, URLPattern):
            yield route, entry.callback


def operations(view: Any) -> list[str]:
    """HTTP methods of a django-ninja view; none for any other view, which is one entry point."""
    from ninja.operation import PathView

    for cell in getattr(view, "__closure__", None) or ():
        if isinstance(cell.cell_contents, PathView):
            return sorted({method for op in cell.cell_contents.operations for method in op.methods})
    return []


def urls(place: str, patterns: list[Any]) -> set[str]:
    """``tenant:calls`` for a view, ``root:POST api/v1/calls`` for each operation of the API."""
    found = set()
    for route, view in walk(patterns):
        found |= {f"{place}:{method} {route}" for method in operations(view)} or {f"{place}:{route}"}
    return found


def every_url() -> set[str]:
    """Of both urlconfs."""
    return set().union(*(urls(place, import_module(conf).urlpatterns) for place, conf in URLCONFS.items()))


def every_socket() -> set[str]:
    """``socket:ws/live``."""
    from config.routing import websocket_urlpatterns

    return {f"socket:{route}" for route, _ in walk(websocket_urlpatterns)}


def every_task() -> set[str]:
    """``task:calls.tasks.run_follow_up``; Celery's own and the tests' left out."""
    from config.celery import app

    app.loader.import_default_modules()
    return {f"task:{name}" for name in app.tasks if not name.startswith(("celery.", "tests."))}


def everything() -> set[str]:
    """Every entry point there is."""
    return every_url() | every_socket() | every_task()
