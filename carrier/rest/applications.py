"""``Applications``: what browsers call."""

from __future__ import annotations

from aiohttp import web

from carrier.resources import Application
from carrier.rest.access import EXCHANGE
from carrier.rest.errors import not_found
from carrier.rest.numbers import apply_urls
from carrier.rest.paging import page


async def create(request: web.Request) -> web.Response:
    """A new application."""
    exchange = request.app[EXCHANGE]
    application = Application(exchange.settings.account_sid)
    apply_urls(application, await request.post())
    exchange.store.applications.put(application)
    return web.json_response(application.to_json(), status=201)


async def index(request: web.Request) -> web.Response:
    """All applications, newest first."""
    shelf = request.app[EXCHANGE].store.applications
    name = request.query.get("FriendlyName")
    equal = {"friendly_name": name} if name else {}
    return page(
        request,
        "applications",
        lambda limit, offset: [a.to_json() for a in shelf.find(limit=limit, offset=offset, **equal)],
    )


def _application(request: web.Request) -> Application:
    application = request.app[EXCHANGE].store.applications.get(request.match_info["sid"])
    if application is None:
        raise not_found(request.path)
    return application


async def fetch(request: web.Request) -> web.Response:
    """One application."""
    return web.json_response(_application(request).to_json())


async def update(request: web.Request) -> web.Response:
    """Set what happens when a browser calls."""
    application = _application(request)
    apply_urls(application, await request.post())
    request.app[EXCHANGE].store.applications.put(application)
    return web.json_response(application.to_json())


async def delete(request: web.Request) -> web.Response:
    """Forget an application."""
    request.app[EXCHANGE].store.applications.delete(_application(request).sid)
    return web.Response(status=204)


def routes() -> list[web.RouteDef]:
    """Below ``/2010-04-01/Accounts/{account}``."""
    return [
        web.post("/Applications.json", create),
        web.get("/Applications.json", index),
        web.get("/Applications/{sid}.json", fetch),
        web.post("/Applications/{sid}.json", update),
        web.delete("/Applications/{sid}.json", delete),
    ]
