"""Where somebody is signed in: one entry a sign-in, with every host that was reached from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from common.errors import NotFound
from tenants.models import User
from tenants.sessions import root_of

#: What browsers and systems call themselves, the telling name first: Chrome says that it is Safari, too.
_BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS": "Mac"} | {
    "Linux": "Linux"
}


@dataclass(slots=True)
class SignIn:
    """A sign-in: `rows` are its sessions, the one on the root host and those of businesses; the newest first."""

    rows: list[UserSession] = field(default_factory=list)
    here: bool = False

    @property
    def newest(self) -> UserSession:
        """The session that was used last."""
        return self.rows[0]

    @property
    def browser(self) -> str:
        """The browser's own words made short, as in "Firefox on Windows"."""
        agent = self.newest.user_agent
        browser = next((name for mark, name in _BROWSERS.items() if mark in agent), "A browser")
        system = next((name for mark, name in _SYSTEMS.items() if mark in agent), "")
        return f"{browser} on {system}" if system else browser

    @property
    def businesses(self) -> list[str]:
        """Names of the businesses that were entered."""
        return sorted({str(name) for row in self.rows if (name := (row.data or {}).get("business"))})


def sign_ins(user: User, here: str) -> list[SignIn]:
    """Every sign-in of `user`, the one of the session key `here` first and then by last use."""
    rows = sorted(UserSession.objects.purge_and_list(user), key=lambda row: row.last_seen_at, reverse=True)
    stored = Session.objects.in_bulk([row.session_key for row in rows])
    found: dict[str, SignIn] = {}
    for row in rows:
        session = stored.get(row.session_key)
        if session is not None:
            entry = found.setdefault(root_of(session), SignIn())
            entry.rows.append(row)
            entry.here = entry.here or row.session_key == here
    return sorted(found.values(), key=lambda entry: not entry.here)


def _end(rows: list[UserSession]) -> int:
    keys = [row.session_key for row in rows]
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(session_key__in=keys).delete()
    return len(keys)


def end(user: User, session_id: int, here: str) -> int:
    """End the sign-in that the session of this id belongs to; how many sessions that were. Raises `NotFound`."""
    for entry in sign_ins(user, here):
        if any(row.pk == session_id for row in entry.rows):
            return _end(entry.rows)
    raise NotFound("You are signed out there already.")


def end_others(user: User, here: str) -> int:
    """End every sign-in but the one that asks; how many sessions that were."""
    return sum(_end(entry.rows) for entry in sign_ins(user, here) if not entry.here)
