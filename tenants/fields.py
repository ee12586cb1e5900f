"""Model fields that are encrypted at rest with the tenant's data key.

The field's label (``calls.Message.body``) is part of the encryption: a value copied to another column can't be read.
A sealed column can't be searched or ordered by.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.lookups import IsNull

from tenants import keys

if TYPE_CHECKING:
    _BinaryField = models.BinaryField[Any, Any]
else:
    _BinaryField = models.BinaryField


class _SealedField(_BinaryField):
    """Binary column; `_pack` and `_unpack` turn the value into bytes and back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", True)
        super().__init__(*args, **kwargs)

    @property
    def _purpose(self) -> str:
        return f"{self.model._meta.app_label}.{self.model.__name__}.{self.name}"

    def _pack(self, value: Any) -> bytes:
        raise NotImplementedError

    def _unpack(self, data: bytes) -> Any:
        raise NotImplementedError

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Seal on the way to the database."""
        if value is None:
            return None
        return super().get_db_prep_value(keys.seal(self._pack(value), self._purpose), connection, prepared)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Open on the way back. Raises `Unreadable`."""
        return None if value is None else self._unpack(keys.unseal(bytes(value), self._purpose))

    def to_python(self, value: Any) -> Any:
        """Values are kept as given; the base class would decode base64."""
        return value

    def value_to_string(self, obj: models.Model) -> str:
        """Sealed values never leave through Django's serializers."""
        raise FieldError(f"{self._purpose} is sealed and can't be serialized")

    def get_lookup(self, lookup_name: str) -> Any:
        """Only ``isnull`` makes sense on a sealed column."""
        if lookup_name != "isnull":
            raise FieldError(f"{self._purpose} is sealed: `{lookup_name}` can't be used on it")
        return IsNull

    def get_default(self) -> Any:
        """The declared default, or an empty value."""
        return super().get_default() if self.has_default() else self._empty()

    def _empty(self) -> Any:
        return None


class SealedTextField(_SealedField):
    """Text, encrypted at rest."""

    def _pack(self, value: Any) -> bytes:
        return str(value).encode()

    def _unpack(self, data: bytes) -> str:
        return data.decode()

    def _empty(self) -> str | None:
        return None if self.null else ""


class SealedJSONField(_SealedField):
    """A JSON value, encrypted at rest."""

    def _pack(self, value: Any) -> bytes:
        return json.dumps(value, cls=DjangoJSONEncoder, separators=(",", ":")).encode()

    def _unpack(self, data: bytes) -> Any:
        return json.loads(data)
