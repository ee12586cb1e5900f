"""Structured logs without personal data.

A message is a constant sentence, values go to ``extra``. Keys that begin with ``pii.`` are dropped by the formatter,
and so is every key that is known to carry what a person said or who they are. Context (tenant, call) is bound to the
running task with `bind`, never read from a database connection.
"""

from __future__ import annotations

import logging
import logging.config
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from pythonjsonlogger.json import JsonFormatter

_context: ContextVar[Mapping[str, str]] = ContextVar("log_context", default=MappingProxyType({}))

#: Never written, whatever a caller of the logger puts into ``extra``.
FORBIDDEN = frozenset(
    {"caller", "callee", "number", "from", "to", "body", "text", "transcript", "digits", "arguments", "instructions"}
    | {"email", "password", "token", "prompt", "payload", "name_given", "ip", "params"}
)

_WORDY = (
    "httpx",
    "httpx2",
    "httpcore",
    "openai",
    "twilio",
    "aiohttp.access",
    "picows",
    "daphne",
    "django.channels.server",
)


@contextmanager
def bind(**values: str) -> Iterator[None]:
    """Add `values` (tenant, call_sid, …) to every log record made inside."""
    token = _context.set({**_context.get(), **values})
    try:
        yield
    finally:
        _context.reset(token)


def bind_now(**values: str) -> None:
    """Like `bind`, for the rest of the running task."""
    _context.set({**_context.get(), **values})


class _ContextFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        for key, value in _context.get().items():
            record.__dict__.setdefault(key, value)
        return True


class PrivateJsonFormatter(JsonFormatter):
    """JSON lines; personal data is left out, exceptions keep their type and place but not their text."""

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Fill one record, without forbidden keys."""
        super().add_fields(log_data, record, message_dict)
        for key in [k for k in log_data if k.startswith("pii.") or k.lower() in FORBIDDEN]:
            del log_data[key]
        request = log_data.pop("request", None)
        if request is not None and isinstance(record.args, tuple) and record.args:
            # Django's remarks end with the path, which may be a secret link; the route says where it was.
            route = getattr(getattr(request, "resolver_match", None), "route", None) or "no such page"
            log_data["message"] = str(record.msg) % (*record.args[:-1], route)
            log_data["method"] = getattr(request, "method", "")
        log_data["level"] = record.levelname
        log_data["logger"] = record.name

    def formatException(self, exc_info: Any) -> str:  # noqa: N802 - the base class's name
        """Where and what kind, not the text, which may quote a caller or a provider's payload."""
        kind, _, trace = exc_info
        places = []
        while trace is not None:
            code = trace.tb_frame.f_code
            places.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        return f"{kind.__name__ if kind else 'Exception'} at " + " > ".join(places[-12:])


def logging_config(level: str = "INFO") -> dict[str, Any]:
    """`dictConfig` of every process: one JSON line a record on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"context": {"()": _ContextFilter}},
        "formatters": {"json": {"()": PrivateJsonFormatter, "fmt": "%(asctime)s %(message)s"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": sys.stderr,
                "formatter": "json",
                "filters": ["context"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        # The wordy quote URLs, headers, bodies or addresses at INFO and below. The pool warns of every attempt to reach
        # a database that is away; whoever wanted the connection is told once, by an exception.
        "loggers": {name: {"level": "WARNING"} for name in _WORDY} | {"psycopg.pool": {"level": "ERROR"}},
    }


def configure(level: str = "INFO") -> None:
    """Set logging up in a process that is not started by Django."""
    logging.config.dictConfig(logging_config(level))
