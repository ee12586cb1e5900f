"""Facts on their way out of the audio process."""

from __future__ import annotations

import asyncio

import pytest

from calls.facts import JournalEvent
from realtime import writer
from realtime.writer import JournalWriter


class Store:
    """Keeps batches; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.batches: list[list[JournalEvent]] = []
        self.failures = failures
        self.asked = 0

    async def __call__(self, events: list[JournalEvent]) -> None:
        self.asked += 1
        if self.failures:
            self.failures -= 1
            raise OSError("the database is away")
        self.batches.append(events)

    @property
    def seqs(self) -> list[int]:
        return [event.seq for batch in self.batches for event in batch]


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_PAUSES", (0.001, 0.001, 0.001))
    monkeypatch.setattr(writer, "_BATCH_SECONDS", 0.05)


async def test_facts_are_numbered_and_written_in_batches() -> None:
    store = Store()
    journal = JournalWriter(store)
    for number in range(10):
        journal.put(JournalEvent("turn", {"n": number}))
    await journal.flush()
    assert store.seqs == list(range(1, 11))
    assert len(store.batches) == 1


async def test_a_batch_that_was_not_written_is_written_again_in_order() -> None:
    store = Store(failures=2)
    journal = JournalWriter(store)
    journal.put(JournalEvent("turn"))
    await asyncio.sleep(0)
    journal.put(JournalEvent("turn"))
    await journal.flush()
    journal.put(JournalEvent("turn"))
    await journal.flush()
    assert store.seqs == [1, 2, 3]


async def test_a_database_that_stays_away_does_not_hold_the_call() -> None:
    store = Store(failures=1000)
    journal = JournalWriter(store)
    journal.put(JournalEvent("turn"))
    await asyncio.wait_for(journal.flush(), 2)
    assert store.asked == 4


async def test_telemetry_is_dropped_before_turns() -> None:
    store = Store()
    journal = JournalWriter(store, most=4)
    for kind in ("turn", "latency", "turn", "engine", "turn", "turn", "turn"):
        journal.put(JournalEvent(kind))
    await journal.flush()
    kinds = [event.kind for batch in store.batches for event in batch]
    assert kinds == ["turn"] * 4


async def test_one_batch_is_under_way_at_a_time() -> None:
    running = 0
    most = 0

    async def store(_events: list[JournalEvent]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    journal = JournalWriter(store)
    for _ in range(500):
        journal.put(JournalEvent("turn"))
        await asyncio.sleep(0)
    await journal.flush()
    assert most == 1
