"""Sign-in across hosts.

Cookies are host-only, so each host has its own session. A tenant's host asks the root host, where people sign in, for
a ticket: used once, good for 30 s, for one tenant, and bound to a cookie of the browser that asked, so that neither a
leaked address nor a planted link signs anybody in.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import login
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from common.crypto import random_token
from common.errors import RateLimited
from common.kv import redis_sync
from tenants.context import TenantInfo
from tenants.models import User

TICKET_SECONDS = 30
#: Cookie of the tenant's host that a ticket is bound to.
STATE_COOKIE = "handover"
#: Parameter of a form's page that asks its script to put back what was typed (`static/js/drafts.js`).
UNSENT = "unsent"

_PLACE = "place"
_ROOT_SESSION = "root_session"
_WINDOW_SECONDS = 900
#: One machine guessing one person's password is stopped early. The wider limits are for many machines or many people:
#: they are higher, so that nobody is locked out by a stranger's guesses or by sharing an office's address.
_TRIES = {"pair": 10, "address": 60, "source": 300}


@dataclass(frozen=True, slots=True)
class Ticket:
    """Permission to open a session on one tenant's host."""

    user: int
    tenant: int
    state: str
    root_session: str
    next: str


def _place(tenant: TenantInfo | None) -> str:
    return f"tenant:{tenant.id}" if tenant else "root"


def belongs_here(session: SessionBase, tenant: TenantInfo | None) -> bool:
    """Whether `session` was opened on this host."""
    return bool(session.get(_PLACE) == _place(tenant))


def open_session(request: HttpRequest, user: User, tenant: TenantInfo | None, root_session: str = "") -> None:
    """Sign `user` in on this host, under a fresh session key."""
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    mark(request, tenant)
    request.session[_ROOT_SESSION] = root_session


def mark(request: HttpRequest, tenant: TenantInfo | None) -> None:
    """Say that the session that was just opened is one of this host's."""
    request.session[_PLACE] = _place(tenant)


def close_session(request: HttpRequest) -> None:
    """Sign out here, and on the root host if this session came from there: else one click would sign in again."""
    root = request.session.get(_ROOT_SESSION)
    request.session.flush()
    if root:
        SessionStore(session_key=root).delete()


def root_of(session: Session) -> str:
    """Key of the sign-in that `session` belongs to: the session on the root host it was opened from, or its own."""
    return str(session.get_decoded().get(_ROOT_SESSION) or session.session_key)


def state_of(secret: str) -> str:
    """What the root host may know of the state cookie's value."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _ticket_key(token: str) -> str:
    return f"ticket:{hashlib.sha256(token.encode()).hexdigest()}"


def issue_ticket(ticket: Ticket) -> str:
    """Lay `ticket` down for `TICKET_SECONDS`; returns its token."""
    token = random_token()
    redis_sync().set(_ticket_key(token), json.dumps(asdict(ticket)), ex=TICKET_SECONDS)
    return token


def take_ticket(token: str, tenant: TenantInfo, secret: str) -> Ticket | None:
    """The ticket of `token`, gone from now on, if it is for this tenant and this browser."""
    data: Any = redis_sync().getdel(_ticket_key(token))
    if data is None:
        return None
    ticket = Ticket(**json.loads(data))
    if ticket.tenant != tenant.id or not hmac.compare_digest(ticket.state, state_of(secret)):
        return None
    return ticket


def local_path(wanted: str | None) -> str:
    """`wanted` if it is a path of this very host, else ``/``: no redirect ever leaves the host it was asked on."""
    path = wanted or "/"
    # Browsers read a backslash as a slash, pass over tabs and newlines, and take two slashes for the start of a host.
    local = (
        path.startswith("/")
        and not path.startswith("//")
        and "\\" not in path
        and path.isprintable()
        and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    )
    return path if local else "/"


def form_page(request: HttpRequest) -> str:
    """Path of the page whose form was sent, asking for what was typed there; empty where no page of this host did."""
    try:
        page = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return ""
    if page.netloc != request.get_host():
        return ""
    query = [pair for pair in parse_qsl(page.query, keep_blank_values=True) if pair[0] != UNSENT]
    return f"{local_path(page.path)}?{urlencode([*query, (UNSENT, '1')])}"


def is_unsent(wanted: str | None) -> bool:
    """Whether a sign-in that leads to `wanted`, by way of a handover or not, is for a form that could not be sent."""
    query = parse_qs(urlsplit(local_path(wanted)).query)
    beyond = [parse_qs(urlsplit(local_path(path)).query) for path in query.get("next", [])]
    return any(UNSENT in one for one in (query, *beyond))


def _counters(email: str, source: str) -> dict[str, str]:
    """Kind to key. Keys are hashes: neither address nor IP is stored."""
    address = email.strip().lower()
    values = {"pair": f"{address} {source}", "address": address, "source": source}
    return {kind: f"login:{kind}:{hashlib.sha256(value.encode()).hexdigest()[:32]}" for kind, value in values.items()}


def count_try(email: str, source: str) -> None:
    """Count an attempt to sign in, for 15 minutes. Raises `RateLimited`."""
    kv = redis_sync()
    for kind, key in _counters(email, source).items():
        with kv.pipeline() as pipe:
            pipe.set(key, 0, ex=_WINDOW_SECONDS, nx=True)
            pipe.incr(key)
            _, tries = pipe.execute()
        if tries > _TRIES[kind]:
            raise RateLimited("too many attempts to sign in; try again in a quarter of an hour")


def forgive_try(email: str, source: str) -> None:
    """An attempt that succeeded doesn't count. One is taken back, not all: guesses before it stay counted."""
    kv = redis_sync()
    for key in _counters(email, source).values():
        kv.eval("if redis.call('EXISTS', KEYS[1]) == 1 then return redis.call('DECR', KEYS[1]) end", 1, key)
