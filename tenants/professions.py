"""The professions a business may name; the room that has templates for them tells this one."""

from __future__ import annotations

from collections.abc import Callable

GENERIC = "generic"

_known: list[Callable[[], list[str]]] = []


def register_professions(keys: Callable[[], list[str]]) -> None:
    """Offer `keys` at sign-up."""
    _known.append(keys)


def label(key: str) -> str:
    """The profession in words."""
    return "Something else" if key == GENERIC else key.replace("_", " ").replace("-", " ").capitalize()


def choices() -> list[tuple[str, str]]:
    """(key, words), the catch-all last."""
    keys = {key for source in _known for key in source()} - {GENERIC}
    return [(key, label(key)) for key in (*sorted(keys), GENERIC)]
