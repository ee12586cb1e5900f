"""Run a tool for a call. Whatever happens, the caller gets a sentence."""

from __future__ import annotations

import logging
import time
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from pydantic import ValidationError
from redis.exceptions import RedisError

from calls.models import Call
from common import metrics
from common.errors import AppError
from common.kv import redis_sync
from receptionist.tools import answer_question, business_hours, end_call, take_message
from receptionist.tools.base import Arguments, Context, Tool, ToolResult
from tenants.context import require_tenant

log = logging.getLogger(__name__)

TOOLS: dict[str, Tool] = {
    tool.name: tool for tool in (business_hours.TOOL, answer_question.TOOL, take_message.TOOL, end_call.TOOL)
}
MAX_ARGUMENT_CHARS = 20_000
#: The caller of `run` waits this long; the database is told to give up with it.
TIME_LIMIT_MS = 5000
_COUNT_SECONDS = 2 * 3600

FAILED = "I am sorry, that did not work. Would you like to leave a message?"
BUSY = "I am sorry, I can't look up any more on this call. Would you like to leave a message?"
UNCLEAR = "Sorry, I did not get that. Could you say it again?"


def definitions() -> list[dict[str, Any]]:
    """The tools as a session lists them."""
    return [tool.definition() for tool in TOOLS.values()]


def run(call_id: UUID | str, name: str, arguments_json: str) -> ToolResult:
    """Run the tool `name` with arguments in JSON, inside the tenant. Never raises: a failure has a `say` too."""
    tool = TOOLS.get(name)
    started = time.monotonic()
    try:
        result = _run(call_id, tool, arguments_json) if tool else _failure("unknown_tool", FAILED)
    except AppError as error:
        log.warning("a tool was refused", extra={"tool": name[:40], "code": error.code})
        result = _failure(error.code, FAILED)
    except Exception:
        log.exception("a tool failed", extra={"tool": name[:40]})
        result = _failure("failed", FAILED)
    label = name if tool else "unknown"
    metrics.TOOLS.labels(tool=label, ok=str(result.ok).lower()).inc()
    metrics.TOOL_SECONDS.labels(tool=label).observe(time.monotonic() - started)
    return result


def _failure(error: str, say: str) -> ToolResult:
    return ToolResult(False, {"ok": False, "error": error, "say": say})


def _run(call_id: UUID | str, tool: Tool, arguments_json: str) -> ToolResult:
    arguments = _arguments(tool, arguments_json)
    if arguments is None:
        return _failure("bad_arguments", UNCLEAR)
    if not _allowed(call_id, tool):
        return _failure("rate_limited", BUSY)
    call = Call.objects.filter(pk=call_id).first()
    if call is None:
        return _failure("unknown_call", FAILED)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {TIME_LIMIT_MS}")
        return tool.run(Context(call, require_tenant()), arguments)


def _arguments(tool: Tool, text: str) -> Arguments | None:
    """Checked arguments; None for what is not JSON, not an object, or does not fit."""
    if len(text) > MAX_ARGUMENT_CHARS:
        return None
    try:
        return tool.arguments.model_validate_json(text.strip() or "{}")
    except ValidationError:
        return None


def _allowed(call_id: UUID | str, tool: Tool) -> bool:
    """Count the use; a Redis that is away limits nobody."""
    key = f"tool-uses:{require_tenant().schema}:{call_id}:{tool.name}"
    try:
        with redis_sync().pipeline(transaction=True) as pipe:
            pipe.incr(key)
            pipe.expire(key, _COUNT_SECONDS)
            used = pipe.execute()[0]
    except RedisError:
        log.warning("tool uses could not be counted")
        return True
    return int(used) <= tool.per_call
