"""What the suite of hostile input knows of each form. A room registers its own in ``tests/hostile/cases/<room>.py``.

- `Form(url, path)`: an address that takes POST. The suite reads the form from the page it is `drawn` on, fills it as a
  browser would, puts `data` over that, and spoils it in every way there is.
- `Hook(url, fields)`: a webhook of the carrier, whose door is a signature instead of a session.
- `Closed(url, path)`: takes no method that changes anything, though nothing but asking tells so.

Operations of the API are described by their OpenAPI document; ``cases/api.py`` holds a usable body for those that take
one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from tenants.models import Role
from tests.hostile.stage import Stage

MANAGERS = frozenset({Role.OWNER, Role.ADMIN})
EDITORS = MANAGERS | {Role.SUPERVISOR}
WORKERS = EDITORS | {Role.AGENT}
EVERYBODY = frozenset(Role)


@dataclass(frozen=True)
class Form:
    url: str
    path: Callable[[Stage], str]
    #: Put over what the drawn form holds; may need the page that was prepared.
    data: dict[str, Any] | Callable[[Stage, Client], dict[str, Any]] = field(default_factory=dict)
    #: The page it is on; None for a button of a list, or where a script asks.
    drawn: Callable[[Stage], str] | None = None
    #: Roles that may send it on a tenant's host.
    by: frozenset[Role] = MANAGERS
    #: On the root host: anybody may send it; else somebody who is signed in.
    public: bool = False
    #: Who sends it on the root host.
    person: str = "alice"
    #: Makes the client ready: a question deleted before, a password confirmed.
    prepare: Callable[[Stage, Client], None] | None = None
    #: Whether rows change when it is accepted; sessions and mails are no rows here.
    changes: bool = True
    #: Fields whose text no page shows afterwards.
    unseen: frozenset[str] = frozenset()
    #: Fields that take any text and quietly keep what is usable of it.
    lenient: frozenset[str] = frozenset()
    variant: str = ""

    @property
    def id(self) -> str:
        return f"{self.url} {self.variant}".strip()


@dataclass(frozen=True)
class Hook:
    url: str
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.url


@dataclass(frozen=True)
class Closed:
    url: str
    path: str

    @property
    def id(self) -> str:
        return self.url


CASES: list[Form | Hook | Closed] = []


def register(*cases: Form | Hook | Closed) -> None:
    """Add cases."""
    CASES.extend(cases)
