"""Encryption at rest: AES-256-GCM under a data key, data keys wrapped by `MASTER_KEY`."""

from __future__ import annotations

import base64
import secrets
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.env import ImproperlyConfigured, env_secret
from common.errors import AppError

#: First byte of everything sealed: the format's version, so that it can change later.
_VERSION = b"\x01"
_NONCE_BYTES = 12
KEY_BYTES = 32


class Unreadable(AppError):
    """Sealed data can't be opened: wrong key, wrong purpose, or damaged."""

    code = "unreadable"
    http_status = 410


def new_key() -> bytes:
    """A fresh 32-byte key."""
    return secrets.token_bytes(KEY_BYTES)


def random_token() -> str:
    """An unguessable URL-safe token of 256 bits."""
    return secrets.token_urlsafe(32)


def seal(key: bytes, data: bytes, aad: bytes) -> bytes:
    """Encrypt `data`; `aad` names its purpose and must be given again to open it."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, data, aad)


def open_sealed(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    """Decrypt what `seal` made. Raises `Unreadable` when key or purpose differ or a bit was changed."""
    if sealed[:1] != _VERSION or len(sealed) < 1 + _NONCE_BYTES + 16:
        raise Unreadable("this data can't be read")
    nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, body, aad)
    except InvalidTag:
        raise Unreadable("this data can't be read") from None


@cache
def _master_key() -> bytes:
    try:
        key = base64.b64decode(env_secret("MASTER_KEY"), validate=True)
    except ValueError:
        raise ImproperlyConfigured("MASTER_KEY must be base64") from None
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured(f"MASTER_KEY must be {KEY_BYTES} bytes in base64")
    return key


def seal_for_platform(data: bytes, purpose: str) -> bytes:
    """Encrypt what belongs to no tenant's key, or must be opened without the database, under `MASTER_KEY`."""
    return seal(_master_key(), data, purpose.encode())


def open_for_platform(sealed: bytes, purpose: str) -> bytes:
    """What `seal_for_platform` made. Raises `Unreadable`."""
    return open_sealed(_master_key(), sealed, purpose.encode())


def wrap_key(key: bytes, owner: str) -> bytes:
    """Encrypt a data key for storage, bound to its owner's id."""
    return seal_for_platform(key, f"data-key:{owner}")


def unwrap_key(wrapped: bytes, owner: str) -> bytes:
    """The data key that `wrap_key` stored. Raises `Unreadable`."""
    return open_for_platform(wrapped, f"data-key:{owner}")
