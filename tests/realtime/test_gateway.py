"""The door to the product, on the real database."""

from __future__ import annotations

import json
from typing import Any

import pytest

from calls.facts import JournalEvent
from realtime.gateway import DjangoGateway
from tests.realtime.world import snapshot


@pytest.fixture
def call(live_tenant: Any) -> Any:
    from calls.models import Call

    return Call.objects.create(sid="CA77", caller="+14155550199", callee="+14155550111")


@pytest.fixture
def snap(live_tenant: Any, call: Any) -> Any:
    return snapshot(schema=live_tenant.schema, call_id=str(call.pk), call_sid="CA77", source="media-0-x")


async def test_a_batch_of_facts_is_in_the_journal_once(snap: Any, call: Any, live_tenant: Any) -> None:
    from calls import journal
    from tenants.context import run_in_tenant

    turn = {"role": "caller", "text": "Hello?", "start_ms": 0, "end_ms": 500, "interrupted": False, "item_id": "u1"}
    events = [JournalEvent("turn", turn, 500, 1)]
    gateway = DjangoGateway()
    await gateway.journal(snap, events)
    await gateway.journal(snap, events)
    turns = await run_in_tenant(live_tenant.schema, journal.transcript, str(call.pk))
    assert [(t.role, t.text) for t in turns] == [("caller", "Hello?")]


async def test_a_greeting_that_was_cut_short_is_one_turn(snap: Any, call: Any, live_tenant: Any) -> None:
    from calls import journal
    from tenants.context import run_in_tenant
    from tests.realtime.world import World

    world = World(snap).start().run(1000)
    world.say("input_audio_buffer.speech_started", audio_start_ms=0, item_id="u1").stop()
    await DjangoGateway().journal(
        snap, [JournalEvent(e.kind, e.data, e.offset_ms, i) for i, e in enumerate(world.facts)]
    )
    turns = await run_in_tenant(live_tenant.schema, journal.transcript, str(call.pk))
    assert len(turns) == 1
    assert turns[0].interrupted
    assert 0 < len(turns[0].text) < len(snap.greeting_text)


async def test_the_next_step_is_on_the_call(snap: Any, call: Any, live_tenant: Any) -> None:
    from calls.models import Call
    from tenants.context import run_in_tenant

    await DjangoGateway().set_next_step(snap, {"do": "hangup"})
    assert await run_in_tenant(live_tenant.schema, lambda: Call.objects.get(pk=call.pk).next_step) == {"do": "hangup"}


async def test_a_tool_answers_with_something_to_say(snap: Any) -> None:
    outcome = await DjangoGateway().run_tool(snap, "no_such_tool", "{}")
    assert outcome.ok is False
    assert isinstance(json.loads(outcome.output), dict)
