"""The bridge's only door to Django: the journal, the tools, the next step. Each call is one hop into the tenant."""

from __future__ import annotations

import json
import logging
from typing import Protocol

from calls.facts import JournalEvent
from calls.snapshot import SessionSnapshot
from realtime.bridge.ports import Step, ToolOutcome

log = logging.getLogger(__name__)


class Gateway(Protocol):
    """What a live call needs of the rest of the product."""

    async def journal(self, snapshot: SessionSnapshot, events: list[JournalEvent]) -> None:
        """Write facts; writing the same ones again is harmless."""

    async def run_tool(self, snapshot: SessionSnapshot, name: str, arguments: str) -> ToolOutcome:
        """Run a tool of the receptionist."""

    async def set_next_step(self, snapshot: SessionSnapshot, step: Step) -> None:
        """Say what the line does when the stream closes."""


class DjangoGateway:
    """The product itself. Django must be set up before the first call."""

    async def journal(self, snapshot: SessionSnapshot, events: list[JournalEvent]) -> None:
        """Append to the call's journal. Raises what the database raises."""
        from calls import journal
        from tenants.context import run_in_tenant

        await run_in_tenant(snapshot.schema, journal.append, snapshot.call_id, snapshot.source, events)

    async def run_tool(self, snapshot: SessionSnapshot, name: str, arguments: str) -> ToolOutcome:
        """Run a tool; it never raises, but the hop may."""
        from receptionist import tools
        from tenants.context import run_in_tenant

        result = await run_in_tenant(snapshot.schema, tools.run, snapshot.call_id, name, arguments)
        output = json.dumps(result.output, ensure_ascii=False)
        return ToolOutcome(result.ok, output, tuple(result.events), result.action)

    async def set_next_step(self, snapshot: SessionSnapshot, step: Step) -> None:
        """Store the step on the call."""
        from calls import services
        from tenants.context import run_in_tenant

        await run_in_tenant(snapshot.schema, services.set_next_step, snapshot.call_id, step)
