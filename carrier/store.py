"""What outlives the process: numbers, calls and recordings in one SQLite file, recorded audio beside it.

One row is one JSON document. Writes take well under a millisecond (write-ahead log, no fsync per commit) and happen a
few times a call, so they run on the event loop; nothing here is called from the 20 ms tick.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Generic, TypeVar

from carrier.resources import Application, CallRecord, PhoneNumber, RecordingRecord

Row = TypeVar("Row", Application, PhoneNumber, CallRecord, RecordingRecord)


class Shelf(Generic[Row]):
    """All rows of one kind, newest first, found by SID or by equal fields."""

    def __init__(self, db: sqlite3.Connection, table: str, kind: type[Row]) -> None:
        self._db = db
        self._table = table
        self._kind: type[Row] = kind
        db.execute(f"CREATE TABLE IF NOT EXISTS {table} (seq INTEGER PRIMARY KEY, sid TEXT UNIQUE, doc TEXT)")

    def put(self, row: Row) -> None:
        """Insert or replace."""
        row.updated = time.time()
        # `table` and field names come from this module, never from a request.
        self._db.execute(
            f"INSERT INTO {self._table} (sid, doc) VALUES (?, ?) ON CONFLICT (sid) DO UPDATE SET doc = excluded.doc",  # noqa: S608
            (row.sid, json.dumps(asdict(row))),
        )

    def get(self, sid: str) -> Row | None:
        """The row with this SID."""
        found = self._db.execute(f"SELECT doc FROM {self._table} WHERE sid = ?", (sid,)).fetchone()  # noqa: S608
        return self._kind(**json.loads(found[0])) if found else None

    def delete(self, sid: str) -> bool:
        """Whether there was such a row."""
        return self._db.execute(f"DELETE FROM {self._table} WHERE sid = ?", (sid,)).rowcount > 0  # noqa: S608

    def find(self, *, limit: int = -1, offset: int = 0, **equal: str) -> list[Row]:
        """Rows whose fields equal the given values, newest first."""
        conditions = " AND ".join(f"json_extract(doc, '$.{name}') = ?" for name in equal) or "1"
        query = f"SELECT doc FROM {self._table} WHERE {conditions} ORDER BY seq DESC LIMIT ? OFFSET ?"  # noqa: S608
        rows: Iterator[tuple[str]] = self._db.execute(query, (*equal.values(), limit, offset))
        return [self._kind(**json.loads(doc)) for (doc,) in rows]


class Store:
    """The carrier's memory in `folder`, which is made when absent."""

    def __init__(self, folder: Path) -> None:
        self.recordings_dir = folder / "recordings"
        self.recordings_dir.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "carrier.sqlite3", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self.applications = Shelf(self._db, "applications", Application)
        self.numbers = Shelf(self._db, "numbers", PhoneNumber)
        self.calls = Shelf(self._db, "calls", CallRecord)
        self.recordings = Shelf(self._db, "recordings", RecordingRecord)

    def number(self, phone_number: str) -> PhoneNumber | None:
        """Our number in E.164, if it is ours."""
        found = self.numbers.find(phone_number=phone_number, limit=1)
        return found[0] if found else None

    def audio_path(self, recording_sid: str) -> Path:
        """Where a recording's WAV file lies. `recording_sid` must be one of ours."""
        return self.recordings_dir / f"{recording_sid}.wav"

    def close(self) -> None:
        """Close the file."""
        self._db.close()
