"""What the isolation suite knows how to attack. Each room registers its cases in ``tests/isolation/cases/<room>.py``.

A case names an entry point exactly as `discovery` finds it. The suite fails for an entry point without a case, and for
a case whose entry point is gone.

- `Page(url, prepare)`: a page for members. `prepare(world)` puts `world.marker` into something of **alpha**'s and
  returns the path that shows it. The suite does the rest: alice sees the marker; mallory (her own session, her session
  on alpha's host, her cookie carried over, alpha's id on beta's host) and nobody get 404, 403 or the sign-in page.
- `Open(url, path)`: shows nothing of any tenant's, whoever asks on whatever host.
- `Check(url, fn)`: anything else; ``fn(world)`` makes its own attack and asserts.
- `Socket(route, fn)`: ``await fn(world)``.
- `TenantJob(task, fn)`: a tenant's task. ``fn(world)`` makes something of alpha's, returns the arguments that name it
  and a function that reads its state; run for beta with these arguments the task must change nothing in alpha.
- `PublicJob(task, why)`: a task of no tenant; `why` says what keeps it from mixing them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from tenants.context import TenantInfo, in_tenant
from tests.cast import Business, Person


@dataclass
class World:
    """Both tenants, and the secret that only alpha's people may ever see."""

    alpha: TenantInfo
    beta: TenantInfo
    marker: str
    client: Callable[..., Client]
    monkeypatch: Any
    tmp: Any

    def in_alpha(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run `fn` inside alpha."""
        return in_tenant(self.alpha.schema, fn, *args, **kwargs)

    def in_beta(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run `fn` inside beta."""
        return in_tenant(self.beta.schema, fn, *args, **kwargs)

    def carried(self, person: Person, home: Business, to: str) -> Client:
        """A client on host `to` that brings the cookie `person` got at `home`."""
        client = Client(headers={"host": to})
        client.cookies = self.client(person, home).cookies
        return client


@dataclass(frozen=True)
class Page:
    url: str
    prepare: Callable[[World], str]
    method: str = "get"
    data: dict[str, Any] = field(default_factory=dict)
    #: Whether the owner's own answer shows the marker; False for actions, whose effect `untouched` reads.
    shows: bool = True
    untouched: Callable[[World], Any] | None = None


@dataclass(frozen=True)
class Open:
    url: str
    path: str
    method: str = "get"


@dataclass(frozen=True)
class Check:
    url: str
    fn: Callable[[World], None]


@dataclass(frozen=True)
class Socket:
    url: str
    fn: Callable[[World], Awaitable[None]]


@dataclass(frozen=True)
class TenantJob:
    url: str
    fn: Callable[[World], tuple[tuple[Any, ...], Callable[[], Any]]]


@dataclass(frozen=True)
class PublicJob:
    url: str
    why: str


Case = Page | Open | Check | Socket | TenantJob | PublicJob
CASES: list[Case] = []


def register(*cases: Case) -> None:
    """Add cases."""
    CASES.extend(cases)
