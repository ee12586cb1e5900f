"""Typed access to the process environment.

A name that is not set falls back to ``NAME_FILE`` (for secrets) and then to the ``"env"`` object of
``var/run.json``, which ``manage.py up`` writes, so that a side command speaks to the running product.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Every name that was asked for; a test compares it with ``.env.example``.
ASKED: set[str] = set()


class ImproperlyConfigured(RuntimeError):
    """A setting is missing or has an odd value; the message names it."""


def var_dir() -> Path:
    """Folder of everything the product keeps on this machine (``DESKBELL_VAR``, default ``var/``)."""
    ASKED.add("DESKBELL_VAR")
    return Path(os.environ.get("DESKBELL_VAR") or ROOT / "var").resolve()


@cache
def _run_env() -> dict[str, str]:
    try:
        data = json.loads((var_dir() / "run.json").read_text())
    except (OSError, ValueError):
        return {}
    env = data.get("env", {})
    return {str(k): str(v) for k, v in env.items()} if isinstance(env, dict) else {}


def _lookup(name: str) -> str | None:
    ASKED.add(name)
    value = os.environ.get(name)
    if value is not None:
        return value
    return _run_env().get(name)


def env_str(name: str, default: str = "") -> str:
    """The value of `name`; an empty value counts as unset."""
    return _lookup(name) or default


def env_int(name: str, default: int) -> int:
    """A whole number. Raises `ImproperlyConfigured` for anything else."""
    value = _lookup(name)
    if not value:
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number") from None


def env_float(name: str, default: float) -> float:
    """A number. Raises `ImproperlyConfigured` for anything else."""
    value = _lookup(name)
    if not value:
        return default
    try:
        return float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number") from None


def env_bool(name: str, default: bool = False) -> bool:
    """``1/true/yes/on`` or ``0/false/no/off``. Raises `ImproperlyConfigured` for anything else."""
    value = (_lookup(name) or "").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false")


def env_list(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """Comma-separated values, blanks dropped."""
    value = _lookup(name)
    if not value:
        return list(default)
    return [part.strip() for part in value.split(",") if part.strip()]


def env_secret(name: str, default: str | None = None) -> str:
    """A secret: ``NAME``, or the contents of the file ``NAME_FILE`` names.

    Raises `ImproperlyConfigured` when neither is set and there is no default, or the file can't be read.
    """
    value = os.environ.get(name)
    ASKED.add(name)
    if value:
        return value
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE can't be read: {error.strerror}") from None
    value = _run_env().get(name)
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} is not set; is `make up` running?")
    return default
