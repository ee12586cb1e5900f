"""Secrets made up once for this machine and kept in ``var/secrets.json`` (mode 0600)."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from config.services.children import ServiceError, write_private

_MAKERS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    # The key that wraps every tenant's data key: 32 bytes, base64. Losing it loses what is sealed.
    "MASTER_KEY": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
    "TWILIO_ACCOUNT_SID": lambda: f"AC{secrets.token_hex(16)}",
    "TWILIO_AUTH_TOKEN": lambda: secrets.token_hex(16),
    # Phones in the browser, with the built-in carrier.
    "TWILIO_API_KEY_SID": lambda: f"SK{secrets.token_hex(16)}",
    "TWILIO_API_KEY_SECRET": lambda: secrets.token_hex(16),
    "TWILIO_TWIML_APP_SID": lambda: f"AP{secrets.token_hex(16)}",
    "ENGINE_API_KEY": lambda: secrets.token_hex(24),
    "METRICS_TOKEN": lambda: secrets.token_hex(24),
}

NAMES = tuple(_MAKERS)


def made_up_secrets(var: Path) -> dict[str, str]:
    """Every secret the environment does not give (as ``NAME`` or ``NAME_FILE``), the same at every start.

    Raises `ServiceError` when the file is damaged: making new ones up would lock away what the old ones sealed.
    """
    path = var / "secrets.json"
    try:
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    except ValueError:
        raise ServiceError(f"{path} is damaged: bring it back from a backup") from None
    missing = {name: make() for name, make in _MAKERS.items() if name not in kept}
    if missing:
        kept |= missing
        write_private(path, json.dumps(kept, indent=1) + "\n")
    return {name: kept[name] for name in NAMES if not os.environ.get(name) and not os.environ.get(f"{name}_FILE")}
