"""Errors in OpenAI's shape: ``{"error": {"message", "type", "param", "code"}}``."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from engine.house.dialogue import Mind
from engine.parts.hub import Hub
from engine.realtime.frames import explain
from engine.state import STATE

log = logging.getLogger(__name__)

MAX_JSON = 4 * 1024 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiProblem(Exception):
    """Becomes an error answer."""

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param

    @property
    def kind(self) -> str:
        """OpenAI's ``type`` of the error."""
        known = {401: "authentication_error", 429: "rate_limit_error", 500: "server_error", 503: "server_error"}
        return known.get(self.status, "invalid_request_error")


def problem_response(problem: ApiProblem) -> web.Response:
    """The answer of a problem."""
    body = {"message": problem.message, "type": problem.kind, "param": problem.param, "code": problem.code}
    return web.json_response({"error": body}, status=problem.status)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error leaves in OpenAI's shape, whatever raised it."""
    try:
        return await handler(request)
    except ApiProblem as problem:
        return problem_response(problem)
    except web.HTTPRequestEntityTooLarge:
        return problem_response(ApiProblem(413, "The request is too large.", code="request_too_large"))
    except web.HTTPNotFound:
        return problem_response(ApiProblem(404, f"Unknown request URL: {request.method} {request.path}."))
    except web.HTTPMethodNotAllowed:
        return problem_response(ApiProblem(405, f"Not allowed: {request.method} {request.path}."))
    except web.HTTPException:
        raise
    except Exception:
        log.exception("a request failed", extra={"route": request.path})
        return problem_response(ApiProblem(500, "The server had an error while processing your request."))


@web.middleware
async def authentication(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Bearer key on everything but the health check, where a key is configured."""
    key = request.app[STATE].api_key
    if key and request.path != "/healthz":
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), key.encode()):
            raise ApiProblem(401, "Incorrect API key provided.", code="invalid_api_key")
    return await handler(request)


def models_of(request: web.Request) -> tuple[Hub, Mind]:
    """The loaded models. Raises `ApiProblem` while they are not."""
    state = request.app[STATE]
    if state.hub is None or state.mind is None:
        raise ApiProblem(503, "The models are still loading.", code="not_ready")
    return state.hub, state.mind


def hub_of(request: web.Request) -> Hub:
    """The speech and embedding models. Raises `ApiProblem` while they are loading."""
    return models_of(request)[0]


T = TypeVar("T", bound=BaseModel)


async def read_json(request: web.Request, model: type[T]) -> T:
    """The request's JSON body, checked. Raises `ApiProblem`."""
    if (request.content_length or 0) > MAX_JSON:
        raise ApiProblem(413, "The request is too large.", code="request_too_large")
    raw = await request.read()
    if len(raw) > MAX_JSON:
        raise ApiProblem(413, "The request is too large.", code="request_too_large")
    try:
        data: Any = json.loads(raw)
    except (ValueError, RecursionError):
        raise ApiProblem(400, "We could not parse the JSON body of your request.", code="invalid_json") from None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = explain(error)
        raise ApiProblem(400, found.message, code=found.code, param=found.param) from None
