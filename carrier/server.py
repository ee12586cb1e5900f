"""The carrier's HTTP side: one aiohttp application."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from carrier.exchange import Exchange
from carrier.phones import api as phones
from carrier.phones import browser_signal
from carrier.resources import API_VERSION, rfc2822
from carrier.rest import applications, calls, numbers, recordings
from carrier.rest.access import EXCHANGE, guard
from carrier.settings import Settings

#: Room for a few minutes of speech at studio quality in one request.
_MAX_BODY = 256 * 1024 * 1024


async def _healthz(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok", "calls": len(request.app[EXCHANGE].calls)})


async def _account(request: web.Request) -> web.Response:
    sid = request.app[EXCHANGE].settings.account_sid
    return web.json_response(
        {
            "sid": sid,
            "friendly_name": "Built-in carrier",
            "status": "active",
            "type": "Full",
            "owner_account_sid": sid,
            "date_created": rfc2822(0),
            "date_updated": rfc2822(0),
            "uri": f"/{API_VERSION}/Accounts/{sid}.json",
            "subresource_uris": {},
        }
    )


def make_app(settings: Settings) -> web.Application:
    """The application; its exchange lives from start-up to clean-up."""
    app = web.Application(middlewares=[guard], client_max_size=_MAX_BODY)

    async def exchange(app: web.Application) -> AsyncIterator[None]:
        app[EXCHANGE] = Exchange(settings)
        app[EXCHANGE].end_stale_calls()
        yield
        await app[EXCHANGE].close()

    async def hang_up(app: web.Application) -> None:
        # Before the server waits for its requests: those that wait for a call's end are then answered.
        app[EXCHANGE].hang_up_all()

    app.cleanup_ctx.append(exchange)
    app.on_shutdown.append(hang_up)
    app[phones.PHONES] = {}
    root = f"/{API_VERSION}/Accounts/{{account}}"
    app.router.add_routes([web.get("/healthz", _healthz), web.get(f"{root}.json", _account), *phones.routes()])
    app.router.add_routes(browser_signal.routes())
    for route in (*numbers.routes(), *applications.routes(), *recordings.routes(), *calls.routes()):
        app.router.add_route(route.method, root + route.path, route.handler)
    return app
