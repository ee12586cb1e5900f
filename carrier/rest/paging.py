"""Twilio's pages: ``{<items>, page, page_size, start, end, uri, first_page_uri, next_page_uri, previous_page_uri}``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from carrier.rest.errors import bad_parameter

_MAX_PAGE_SIZE = 1000


def page(request: web.Request, name: str, fetch: Callable[[int, int], list[dict[str, Any]]]) -> web.Response:
    """One page of `fetch(limit, offset)` under the key `name`."""
    size = min(_whole(request, "PageSize", 50, 1), _MAX_PAGE_SIZE)
    number = _whole(request, "Page", 0, 0)
    # One more than fits tells whether there is a next page.
    found = fetch(size + 1, number * size)
    items = found[:size]

    def uri(page_number: int) -> str:
        query = [(k, v) for k, v in request.query.items() if k not in {"Page", "PageSize", "PageToken"}]
        return request.path + "?" + urlencode([*query, ("PageSize", str(size)), ("Page", str(page_number))])

    return web.json_response(
        {
            name: items,
            "page": number,
            "page_size": size,
            "start": number * size,
            "end": number * size + max(len(items) - 1, 0),
            "uri": uri(number),
            "first_page_uri": uri(0),
            "next_page_uri": uri(number + 1) if len(found) > size else None,
            "previous_page_uri": uri(number - 1) if number else None,
        }
    )


def _whole(request: web.Request, name: str, default: int, low: int) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < low:
        raise bad_parameter(20001, f"{name} must be a whole number")
    return int(text)
