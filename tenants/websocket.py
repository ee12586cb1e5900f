"""Browser sockets: Host → tenant and cookie → member, in one hop to a database thread.

Django's middleware never sees a websocket, and Channels' own auth middleware would load the user before any tenant is
known, on a thread that all sockets share.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore

from tenants.access import role_of
from tenants.context import TenantInfo, UnknownTenant, run_in_public
from tenants.hosts import ROOT, origin_is_host, resolve_host
from tenants.models import Role, User
from tenants.sessions import belongs_here

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

#: Close codes browsers see: not signed in or no longer allowed, unknown host or path.
CLOSE_FORBIDDEN = 4403
CLOSE_NOT_FOUND = 4404


@dataclass(frozen=True, slots=True)
class Member:
    """Who is on the other end of a socket."""

    user_id: int
    role: Role
    session_key: str
    host: str


def identify(host: str, session_key: str) -> tuple[TenantInfo, Member] | None:
    """Tenant of `host` and the member whose session this is, read now; None where either is missing."""
    try:
        found = resolve_host(host)
    except UnknownTenant:
        return None
    if found == ROOT or found.info.status != "active" or not session_key:
        return None
    session = SessionStore(session_key=session_key)
    if not belongs_here(session, found.info):
        return None
    user = get_user(SimpleNamespace(session=session))  # type: ignore[arg-type]  # it reads the session alone
    role = role_of(user.pk, found.info.id) if isinstance(user, User) else None
    return (found.info, Member(int(user.pk or 0), role, session_key, host)) if role else None


async def still_allowed(tenant: TenantInfo, member: Member) -> bool:
    """Whether session, membership and role are what they were when the socket opened."""
    now = await run_in_public(identify, member.host, member.session_key)
    return now is not None and now[0].id == tenant.id and now[1] == member


def _headers(scope: dict[str, Any]) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _session_key(cookie: str) -> str:
    try:
        morsel = SimpleCookie(cookie).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


class TenantWebsocketMiddleware:
    """Put ``scope["tenant"]`` and ``scope["member"]`` in place, or refuse the socket.

    The Origin header must name the host itself: browsers send cookies along with sockets of any page.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Identify, then hand over."""
        headers = _headers(scope)
        host = headers.get("host", "")
        found = None
        if origin_is_host(headers.get("origin", ""), host):
            found = await run_in_public(identify, host, _session_key(headers.get("cookie", "")))
        if found is None:
            return await refuse(scope, receive, send, CLOSE_FORBIDDEN)
        tenant, member = found
        await self.app({**scope, "tenant": tenant, "member": member}, receive, send)


async def refuse(scope: dict[str, Any], receive: Receive, send: Send, code: int = CLOSE_NOT_FOUND) -> None:
    """Close a socket that was never accepted."""
    await receive()
    await send({"type": "websocket.close", "code": code})
