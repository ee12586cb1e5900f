"""Browser sockets for tests, opened through the product's own ASGI application."""

from __future__ import annotations

from typing import Any

from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from tenants.models import Tenant, User
from tests.cast import Business, Person


def session_cookie(person: Person, business: Business | None) -> str:
    """A session of `person` as opened on that business's host (or the root host); returns the Cookie header."""
    connection.set_schema_to_public()
    user = User.objects.get(email=person.email)
    session = SessionStore()
    session["_auth_user_id"] = str(user.pk)
    session["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[0]
    session["_auth_user_hash"] = user.get_session_auth_hash()
    session["place"] = f"tenant:{Tenant.objects.get(slug=business.slug).pk}" if business else "root"
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def browser_socket(
    path: str, host: str, cookie: str = "", origin: str | None = None, **headers: str
) -> WebsocketCommunicator:
    """A socket as a browser on a page of `host` opens it."""
    from config.asgi import application

    given: dict[str, Any] = {"host": host, "cookie": cookie, "origin": origin or f"http://{host}", **headers}
    return WebsocketCommunicator(
        application, path, headers=[(name.encode(), value.encode()) for name, value in given.items()]
    )
