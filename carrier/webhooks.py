"""Signed requests to applications.

Signature: Twilio's classic scheme, by Twilio's own `RequestValidator`: HMAC-SHA1 over the URL and the sorted form
parameters, in ``X-Twilio-Signature``. A GET carries the parameters in its query, which is part of the signed URL.
"""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from twilio.request_validator import RequestValidator
from yarl import URL

from carrier.settings import Settings
from carrier.twiml import MAX_BYTES

log = logging.getLogger(__name__)


class WebhookError(Exception):
    """A request that brought no usable answer; `code` is Twilio's.

    `retry` tells whether the same may work again, `timed_out` that its time was used up on waiting.
    """

    def __init__(self, code: int, message: str, retry: bool, timed_out: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retry = retry
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer. `url` is what the document's relative URLs refer to."""

    url: str
    content_type: str
    body: bytes


def bare(url: str) -> str:
    """`url` without its fragment: connection overrides there are neither sent nor signed."""
    return url.partition("#")[0]


class Webhooks:
    """Everything the carrier sends by HTTP, with one session and one signing key."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session
        self._validator = RequestValidator(settings.auth_token)
        self._notifications: set[asyncio.Task[None]] = set()

    def signature(self, url: str, params: dict[str, str]) -> str:
        """``X-Twilio-Signature`` of a request."""
        return str(self._validator.compute_signature(url, params))

    async def send(self, url: str, method: str, params: dict[str, str], token: str) -> Answer:
        """One request, at most `webhook_timeout` seconds. Raises `WebhookError`.

        `token` is the same for every try of one request (``I-Twilio-Idempotency-Token``).
        """
        url = bare(url)
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
            raise WebhookError(11100, "the URL is not an http(s) URL", False)
        if method == "GET":
            url += ("&" if "?" in url else "?") + urlencode(params)
            params = {}
        headers = {
            "X-Twilio-Signature": self.signature(url, params),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }
        data = None
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
            data = urlencode(params).encode()
        try:
            # `encoded`: the URL is signed as it was written and must arrive so.
            async with asyncio.timeout(self._settings.webhook_timeout):
                request = self._session.request(method, URL(url, encoded=True), data=data, headers=headers)
                async with request as response:
                    body = await response.content.read(MAX_BYTES + 1)
                    while len(body) <= MAX_BYTES and (more := await response.content.read(MAX_BYTES + 1)):
                        body += more
                    if response.status >= 300:
                        raise WebhookError(11200, f"HTTP status {response.status}", response.status >= 500)
                    return Answer(url, response.content_type, body)
        except TimeoutError:
            raise WebhookError(11200, "no answer in time", True, timed_out=True) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise WebhookError(11205, f"the connection failed ({type(error).__name__})", True) from None

    def notify(self, url: str, method: str, params: dict[str, str]) -> None:
        """Tell an application something, in the background, again with growing pauses until it answers 2xx."""
        if url:
            self.spawn(self._notify(url, method, params))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work that a stopping process waits for."""
        task = asyncio.create_task(work)
        self._notifications.add(task)
        task.add_done_callback(self._notifications.discard)

    async def _notify(self, url: str, method: str, params: dict[str, str]) -> None:
        token = str(uuid.uuid4())
        for pause in (*self._settings.notify_pauses, None):
            try:
                await self.send(url, method, params, token)
                return
            except WebhookError as error:
                if pause is None or not error.retry:
                    log.warning("A callback was not delivered", extra={"code": error.code})
                    return
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))

    async def drain(self, seconds: float) -> None:
        """Wait for what is under way, at most this long, then give it up."""
        pending = set(self._notifications)
        if pending:
            _, left = await asyncio.wait(pending, timeout=seconds)
            for task in left:
                task.cancel()
