"""Byte ranges: a browser can't move about in a recording that is served without them."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last of a ``Range`` header (RFC 9110 14.1.2), None where it is to be ignored.

    Raises `ValueError` for a range that lies outside of `size` bytes. Several ranges at once are ignored.
    """
    found = _RANGE.fullmatch(header.strip())
    if not found or found.group(1) == found.group(2) == "":
        return None
    first, last = found.groups()
    if first == "":
        start, end = max(0, size - int(last)), size
    else:
        start = int(first)
        if last and int(last) < start:
            return None
        end = min(int(last) + 1, size) if last else size
    if start >= size or end <= start:
        raise ValueError("range outside of the file")
    return start, end
