"""One HTTP request without a client library: for where somebody waits and loading one takes longer than the answer."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from common.errors import Invalid, ProviderError, category_of_status

#: No answer asked for here is longer: a sentence of speech, a page of a list.
LIMIT = 16 * 1024 * 1024


class _Stay(HTTPRedirectHandler):
    """An answer that leads elsewhere is a failure: credentials go to the server they are for."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def ask(
    url: str,
    *,
    provider: str,
    timeout: float,
    data: bytes | Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    neighbour: bool = False,
) -> bytes:
    """The body of a successful answer. GET, or POST with `data`: bytes as they are, a mapping as a form.

    `timeout` is in seconds for each wait on the network; `auth` is a user and a password (RFC 7617). No proxy of the
    machine's stands between us and a `neighbour`. `url` is an operator's setting, never a user's. Redirects are not
    followed. Raises `ProviderError` named after `provider`; `Invalid` when `url` is not HTTP.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise Invalid("only http and https addresses can be asked")
    body = urlencode(data).encode() if isinstance(data, Mapping) else data
    request = Request(url, body, dict(headers or {}))  # noqa: S310 - the scheme was checked above
    if auth:
        request.add_header("Authorization", "Basic " + base64.b64encode(":".join(auth).encode()).decode())
    opener = build_opener(_Stay, *([ProxyHandler({})] if neighbour else []))
    try:
        with opener.open(request, timeout=timeout) as answer:
            read = bytes(answer.read(LIMIT + 1))
    except HTTPError as error:
        error.close()
        raise ProviderError(provider, category_of_status(error.code)) from None
    except TimeoutError:
        raise ProviderError(provider, "timeout") from None
    except OSError as error:
        timed_out = isinstance(getattr(error, "reason", None), TimeoutError)
        raise ProviderError(provider, "timeout" if timed_out else "connectivity") from None
    except HTTPException:
        raise ProviderError(provider, "connectivity") from None
    if len(read) > LIMIT:
        raise ProviderError(provider, "unknown")
    return read
