"""What a browser sees of a page: its forms with their fields, and its text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

_TAGS = re.compile(r"<(script|style|svg|nav|title|option)\b.*?</\1>|<[^>]*>", re.DOTALL)
TEXTUAL = {"text", "email", "search", "password", "textarea", "url", "tel"}
TYPED = {*TEXTUAL, "number", "date", "time"}


@dataclass
class Field:
    name: str
    kind: str
    value: str = ""
    longest: int | None = None
    choices: list[str] = field(default_factory=list)


@dataclass
class DrawnForm:
    action: str
    multipart: bool = False
    fields: dict[str, list[Field]] = field(default_factory=dict)

    def data(self) -> dict[str, str | list[str]]:
        """What a browser sends for it as it is drawn, the token left out."""
        sent = {name: [one.value for one in found if one.kind != "file"] for name, found in self.fields.items()}
        return {n: v[0] if len(v) == 1 else v for n, v in sent.items() if v and n != "csrfmiddlewaretoken"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[DrawnForm] = []
        self._open: DrawnForm | None = None
        self._area: Field | None = None
        self._select: Field | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method", "").lower() == "post":
            self._open = DrawnForm(given.get("action", ""), "multipart" in given.get("enctype", ""))
            self.forms.append(self._open)
        elif self._open is not None and "name" in given:
            self._field(tag, given)
        elif self._select is not None and tag == "option":
            value = given.get("value", "")
            self._select.choices.append(value)
            if "selected" in given or len(self._select.choices) == 1:
                self._select.value = value

    def _field(self, tag: str, given: dict[str, str]) -> None:
        name, kind = given["name"], given.get("type", "text") if tag == "input" else tag
        if tag not in ("input", "textarea", "select") or kind in ("submit", "button"):
            return
        assert self._open is not None
        longest = int(given["maxlength"]) if "maxlength" in given else None
        found = Field(name, kind, given.get("value", ""), longest)
        if kind in ("checkbox", "radio"):
            found.choices = [given.get("value", "on")]
            if "checked" not in given:
                # It is on the page, and not sent.
                self._open.fields.setdefault(name, [])
                return
        self._open.fields.setdefault(name, []).append(found)
        if tag == "textarea":
            found.value, self._area = "", found
        elif tag == "select":
            self._select = found

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea":
            if self._area is not None:
                self._area.value = self._area.value.removeprefix("\n")
            self._area = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.value += data


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader


def words(page: str) -> str:
    """The page's text, without its navigation."""
    return " ".join(unescape(_TAGS.sub(" ", page)).split())


def form_of(page: str, path: str, here: str) -> DrawnForm | None:
    """The form of the page `here` that is sent to `path`."""
    for form in _read(page).forms:
        if urlsplit(form.action or here).path == path:
            return form
    return None
