"""What the bridge asks of the world around it, and the plain data that passes between them.

The core has no clock, no socket and no Django: events come in with a time in milliseconds of any monotonic clock,
effects go out through `Effects`. Everything slow answers later by calling the bridge back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from calls.facts import JournalEvent

if TYPE_CHECKING:
    from realtime.bridge.ladder import Link

Step = dict[str, Any]
"""A call's next step: docs/seams.md, "calls"."""
Send = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Rung:
    """One engine of the ladder; `url` without the model, which is asked for as a query parameter."""

    name: str
    url: str
    model: str = ""
    key: str = field(default="", repr=False)
    voice: str = ""
    """Voice where the snapshot names none."""
    transcription_model: str = ""


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a tool answered: `output` is JSON text for the engine; `say` what may be spoken as it is."""

    ok: bool
    output: str
    events: tuple[JournalEvent, ...] = ()
    action: Literal["hangup", "voicemail"] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in milliseconds and bounds of one call."""

    start_ms: float = 10_000
    """From the socket to a valid `start`."""
    engine_open_ms: float = 3_000
    """From dialling an engine to its first event."""
    engine_answer_ms: float = 8_000
    """From the end of a turn, or the last sign of an answer, to the next."""
    retry_ms: float = 300
    filler_ms: float = 1_200
    """Silence that a running tool or a lost engine may cause before a filler is played."""
    mark_grace_ms: float = 1_500
    goodbye_ms: float = 10_000
    """For a goodbye to be produced; then the call ends without one."""
    step_ms: float = 3_000
    """For the next step to be stored; then the stream closes without it."""
    idle_ms: float = 10_000
    """Silence of both sides before the next idle prompt."""
    mute_idle_ms: float = 60_000
    """The same, where the business has no idle prompts: the call ends."""
    barge_in_ms: float = 0
    """Speech of the caller that is needed to interrupt; 0 = at once."""
    dtmf_ms: float = 1_500
    """Pause after the last key before the keys are passed on."""
    recent_frames: int = 500
    """Caller audio kept for an engine that isn't there yet, or is there no more: ten seconds."""
    frames_per_second: int = 200
    """Inbound frames a second that are believed, averaged; five seconds may come at once."""
    ahead_ms: float = 300_000
    """Audio the engine may be ahead of the caller."""
    tool_calls: int = 60
    """Tool calls in one call."""


class Effects(Protocol):
    """Everything the bridge can cause. Calls return at once; answers come by the methods named."""

    def carrier_send(self, frame: bytes) -> object:
        """Write one text frame to the carrier."""

    def carrier_close(self) -> None:
        """Close the stream; the carrier then asks for the call's next step."""

    def engine_connect(self, rung: Rung, link: Link) -> None:
        """Dial; answers: `link.opened`, then `link.frame` …, at last `link.closed`."""

    def engine_close(self) -> None:
        """Drop the present engine connection or attempt, if any."""

    def admit(self, token: str, call_sid: str) -> None:
        """Redeem the token; answer: `bridge.admitted`."""

    def run_tool(self, call_id: str, name: str, arguments: str) -> None:
        """Run a tool beside the audio; answer: `bridge.tool_done`."""

    def journal(self, event: JournalEvent) -> None:
        """Keep a fact, in order. `seq` is given by whoever writes it."""

    def finish(self, step: Step | None) -> None:
        """Store all facts and then the next step, if any; answer: `bridge.step_done`."""

    def wake_at(self, at_ms: float) -> None:
        """Call `bridge.tick` then; a later call replaces an earlier one."""

    def interrupted(self, since_ms: float) -> None:
        """The caller cut us short; `since_ms` is when the event that said so came in."""

    def ended(self) -> None:
        """Nothing will be sent any more; called once."""
