"""Sound files at rest: sealed with the tenant's key, in pieces, so that a part can be opened without the rest.

A file is a row of records, each a 4-byte big-endian length and a sealed piece of `PIECE` plain bytes (the last one may
be shorter). Each piece is bound to its file, its place and whether it is the last: a file that was cut short, or whose
pieces were moved, can't be opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from calls.models import Recording
from common.crypto import Unreadable
from common.errors import NotFound
from tenants import keys
from tenants.context import require_tenant

PIECE = 256 * 1024
_LENGTH_BYTES = 4


def recording_path(recording: Recording) -> Path:
    """Where the sealed file of a recording of the current tenant is, or would be."""
    return Path(settings.MEDIA_ROOT) / require_tenant().schema / "recordings" / f"{recording.pk}.sealed"


def _purpose(recording: Recording, index: int, last: bool) -> str:
    return f"recording:{recording.pk}:{index}:{'last' if last else 'more'}"


def _pieces(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Pieces of `PIECE` bytes, each with whether it is the last; an empty file is one empty last piece."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        # One byte must remain, so that the last piece is known to be the last.
        while len(buffer) > PIECE:
            yield bytes(buffer[:PIECE]), False
            del buffer[:PIECE]
    yield bytes(buffer), True


def store_recording(recording: Recording, chunks: Iterable[bytes]) -> int:
    """Seal `chunks` into the recording's file, replacing one that is there; returns the number of plain bytes."""
    path = recording_path(recording)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    size = 0
    try:
        with unfinished.open("wb") as file:
            for index, (piece, last) in enumerate(_pieces(chunks)):
                sealed = keys.seal(piece, _purpose(recording, index, last))
                file.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
                size += len(piece)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return size


def _sealed(file: BinaryIO, skip: int) -> Iterator[bytes]:
    """Sealed pieces from number `skip` on; those before are passed over unread."""
    index = 0
    while header := file.read(_LENGTH_BYTES):
        length = int.from_bytes(header, "big")
        if index < skip:
            file.seek(length, os.SEEK_CUR)
        else:
            yield file.read(length)
        index += 1


def read_recording(recording: Recording, start: int = 0, end: int | None = None) -> bytes:
    """Plain bytes `start` to `end` (not included) of a kept recording; without bounds the whole WAV file.

    Raises `NotFound` when there is no file, `Unreadable` when it was damaged or belongs to another tenant.
    """
    size = recording.size
    end = size if end is None else min(end, size)
    last = max(0, size - 1) // PIECE
    first = start // PIECE
    plain = bytearray()
    try:
        with recording_path(recording).open("rb") as file:
            for index, sealed in enumerate(_sealed(file, first), first):
                plain += keys.unseal(sealed, _purpose(recording, index, index == last))
                if first * PIECE + len(plain) >= end:
                    break
    except FileNotFoundError:
        raise NotFound("this recording is not here any more") from None
    wanted = bytes(plain[start - first * PIECE : end - first * PIECE])
    if len(wanted) != max(0, end - start):
        raise Unreadable("this data can't be read")
    return wanted


def remove_recording(recording: Recording) -> None:
    """Delete the file, if there is one."""
    recording_path(recording).unlink(missing_ok=True)
