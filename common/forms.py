"""What forms of every room share."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.names import plain_name


def one_line(text: str) -> None:
    """Validator of fields that hold a name (`common.names`)."""
    try:
        plain_name(text)
    except ValueError as error:
        words = str(error)
        raise ValidationError(f"{words[:1].upper()}{words[1:]}.") from None


class SeenMixin:
    """A form, or a set of forms, that replaces everything it shows; in front of the base class.

    `stored` is what is stored now, as plain data. The page draws `{{ form.seen }}`, a hidden field with its
    fingerprint. A form that was opened before somebody else saved isn't valid: what was typed is kept, and saving
    once more replaces what they saved. Whoever sends no `seen` (programs) is taken at their word.
    """

    data: Any

    def __init__(self, *args: Any, stored: object = None, **kwargs: Any) -> None:
        plain = json.dumps(stored, sort_keys=True, default=str)
        self._fingerprint = hashlib.sha256(plain.encode()).hexdigest()[:16]
        super().__init__(*args, **kwargs)

    @property
    def seen(self) -> SafeString:
        """The hidden field: always what is stored now, never what was sent."""
        return format_html('<input type="hidden" name="seen" value="{}">', self._fingerprint)

    def clean(self) -> Any:
        """Raises `ValidationError` for the form as a whole."""
        cleaned = super().clean()  # type: ignore[misc]  # of forms and of sets of forms alike
        if self.data.get("seen") not in (None, "", self._fingerprint):
            raise ValidationError(
                "This was changed in another tab or by somebody else since you opened it. "
                "Compare, then save again to replace it."
            )
        return cleaned
