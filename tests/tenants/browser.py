"""A browser without a screen that keeps cookies per host."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.core import mail
from django.test import Client

from tests.cast import ALICE, PASSWORD

ROOT = "http://localhost:8000"


class Browser:
    """A browser that keeps cookies per host, as real ones do with host-only cookies, and follows redirects."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        self.url = ""

    def at(self, host: str) -> Client:
        return self._clients.setdefault(host, Client(headers={"host": host}))

    def get(self, url: str, *, follow: bool = True):
        return self._go("get", url, {}, follow)

    def post(self, url: str, data: dict[str, str], *, follow: bool = True):
        return self._go("post", url, data, follow)

    def _go(self, method: str, url: str, data: dict[str, str], follow: bool):
        parts = urlsplit(url)
        self.url = url
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        answer = getattr(self.at(parts.netloc), method)(target, data)
        if follow and answer.status_code == 302:
            place = answer["Location"]
            return self.get(place if "://" in place else f"{parts.scheme}://{parts.netloc}{place}")
        return answer

    def sign_in(self, person=ALICE, password=PASSWORD, **more: str):
        return self.post("http://localhost:8000/login", {"login": person.email, "password": password, **more})


def link_in_mail(number: int = -1) -> str:
    """The one link of a mail that was sent."""
    (link,) = re.findall(r"http://\S+", str(mail.outbox[number].body))
    return link
