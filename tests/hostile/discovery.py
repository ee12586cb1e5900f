"""Everything that changes something when it is sent: addresses that take POST, and operations of the API."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from tests.isolation.discovery import URLCONFS, operations, walk

WRITING = {"POST", "PUT", "PATCH", "DELETE"}


def methods_of(view: Any) -> set[str]:
    """Methods a view takes; every one where nothing says so."""
    taken = {*WRITING, "GET"}
    while view is not None:
        if (made_of := getattr(view, "view_class", None)) is not None:
            return taken & {name.upper() for name in made_of.http_method_names if hasattr(made_of, name)}
        # What `require_http_methods` closes over.
        for cell in getattr(view, "__closure__", None) or ():
            found = cell.cell_contents
            if isinstance(found, list | tuple) and found and {"GET", "HEAD", *WRITING}.issuperset(found):
                taken &= set(found)
        view = getattr(view, "__wrapped__", None)
    return taken


def writers(place: str, patterns: list[Any]) -> set[str]:
    """``tenant:team/invitations`` for every view but the API's that takes a method that may change something."""
    return {f"{place}:{route}" for route, view in walk(patterns) if not operations(view) and methods_of(view) & WRITING}


def every_writer() -> set[str]:
    """Of both urlconfs."""
    return set().union(*(writers(place, import_module(conf).urlpatterns) for place, conf in URLCONFS.items()))


def readable(place: str) -> list[str]:
    """Paths of a urlconf that need no ids and can be read."""
    return [
        f"/{route}"
        for route, view in walk(import_module(URLCONFS[place]).urlpatterns)
        if "<" not in route and not operations(view) and "GET" in methods_of(view)
    ]


def every_operation() -> Iterator[tuple[str, dict[str, Any]]]:
    """``POST /messages`` with its description, its references resolved."""
    from config.api import api

    document = api.get_openapi_schema(path_prefix="/api/v1/")
    for path, methods in document["paths"].items():
        for method, details in methods.items():
            yield f"{method.upper()} {path.removeprefix('/api/v1')}", _resolved(details, document)


def _resolved(part: Any, document: Any) -> Any:
    if isinstance(part, list):
        return [_resolved(one, document) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        found = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return _resolved(found, document)
    return {name: _resolved(one, document) for name, one in part.items()}
