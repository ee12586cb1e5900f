"""Reading the attributes of an element of TwiML."""

from __future__ import annotations

import logging
import xml.etree.ElementTree as ET

from carrier.twiml.model import KEYS, TwimlError

log = logging.getLogger(__name__)


class Attributes:
    """Typed reading of one element's attributes. Every reader raises `TwimlError` (12200) for a value it can't take."""

    def __init__(self, element: ET.Element) -> None:
        self._element = element
        self._left = dict(element.attrib)

    def text(self, name: str, default: str = "") -> str:
        """As written, without blanks around it."""
        return self._left.pop(name, default).strip()

    def _bad(self, name: str, wanted: str) -> TwimlError:
        return TwimlError(12200, f"<{self._element.tag}> {name} must be {wanted}")

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        value = self._left.pop(name, None)
        if value is None:
            return default
        try:
            number = float(value)
        except ValueError:
            raise self._bad(name, "a number") from None
        if not low <= number <= high:
            raise self._bad(name, f"between {low:g} and {high:g}")
        return number

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number between `low` and `high`."""
        number = self.number(name, default, low, high)
        if number != int(number):
            raise self._bad(name, "a whole number")
        return int(number)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """One of `allowed`."""
        value = self.text(name, default)
        if value not in allowed:
            raise self._bad(name, "one of " + ", ".join(allowed))
        return value

    def truth(self, name: str, default: bool) -> bool:
        """``true`` or ``false``."""
        return self.choice(name, str(default).lower(), ("true", "false")) == "true"

    def method(self, name: str = "method") -> str:
        """``GET`` or ``POST``."""
        return self.choice(name, "POST", ("POST", "GET", "post", "get")).upper()

    def keys(self, name: str, default: str) -> str:
        """Keys of a telephone."""
        value = self.text(name, default)
        if set(value) - set(KEYS):
            raise self._bad(name, "keys out of " + KEYS)
        return value

    def events(self, name: str) -> tuple[str, ...]:
        """Events of a recording."""
        events = tuple(self.text(name, "completed").split())
        if set(events) - {"in-progress", "completed", "absent"}:
            raise self._bad(name, "in-progress, completed or absent")
        return events

    def ignore(self, *names: str) -> None:
        """Attributes that are allowed and change nothing here."""
        for name in names:
            self._left.pop(name, None)

    def done(self) -> None:
        """Warn of attributes that nobody asked for."""
        if self._left:
            log.warning("TwiML attributes were ignored", extra={"verb": self._element.tag, "names": sorted(self._left)})
