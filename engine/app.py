"""The aiohttp application: routes, start-up, health."""

from __future__ import annotations

import asyncio
import logging
import statistics
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from common.env import env_secret
from engine.house.policy import HousePolicy
from engine.http.errors import authentication, problems
from engine.http.speech import speech, transcriptions
from engine.http.text import chat, embeddings, models
from engine.parts import hub as parts
from engine.parts.hub import Hub
from engine.socket import realtime
from engine.state import STATE, State

log = logging.getLogger(__name__)

MAX_BODY = 26 * 1024 * 1024


async def healthz(request: web.Request) -> web.Response:
    """200 once the models are warm, with how long their last jobs took; 503 before."""
    state = request.app[STATE]
    hub = state.hub
    if hub is None:
        return web.json_response({"status": "loading"}, status=503)
    stages = {"recognition": hub.hearing, "policy": hub.thinking, "synthesis": hub.speaking}
    times = {name: workers.milliseconds() for name, workers in stages.items()}
    p50 = {name: round(statistics.median(values), 1) for name, values in times.items() if values}
    return web.json_response({"status": "ok", "calls": len(state.calls), "p50_ms": p50})


def create_app(load: Callable[[], Hub] = parts.load) -> web.Application:
    """The server. `load` gives the models; it runs in a thread while ``/healthz`` already answers."""
    app = web.Application(middlewares=[problems, authentication], client_max_size=MAX_BODY)
    state = app[STATE] = State(api_key=env_secret("ENGINE_API_KEY", ""))

    async def models_ready() -> None:
        hub = await asyncio.get_running_loop().run_in_executor(None, load)
        mind = HousePolicy(hub.embedder)
        await hub.thinking.run(mind.warm_up)
        state.mind, state.hub = mind, hub

    def loaded(task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # Without models there is nothing to serve: end, so that the supervisor shows it and tries again.
            log.critical("the models could not be loaded", exc_info=error)
            state.failed = True
            raise web.GracefulExit

    async def hang_up(app: web.Application) -> None:
        await asyncio.gather(*(call.close() for call in list(state.calls)), return_exceptions=True)

    async def lifecycle(app: web.Application) -> AsyncIterator[None]:
        loading = asyncio.create_task(models_ready())
        loading.add_done_callback(loaded)
        yield
        loading.cancel()
        if state.hub is not None:
            state.hub.close()

    app.on_shutdown.append(hang_up)
    app.cleanup_ctx.append(lifecycle)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/v1/models", models)
    app.router.add_post("/v1/audio/speech", speech)
    app.router.add_post("/v1/audio/transcriptions", transcriptions)
    app.router.add_post("/v1/embeddings", embeddings)
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/v1/realtime", realtime)
    return app
