"""One call as its page tells it: what was said and done, in order, and why. Pure functions of call and journal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from calls import journal, words
from calls.models import Call, CallEvent


@dataclass(frozen=True, slots=True)
class Entry:
    """A moment on the timeline; for `components/timeline.html`."""

    offset_ms: int
    icon: str
    title: str
    text: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """Something the receptionist did, with what it was given and what came of it."""

    name: str
    title: str
    icon: str
    arguments: list[tuple[str, str]]
    result: str
    ok: bool
    declined: bool
    offset_ms: int
    ms: int
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Source:
    """Where an answer came from; `percent` is how sure the search was."""

    question: str
    source: str
    percent: int
    offset_ms: int


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence of "Why did this happen?"; `tone` is empty, warn or bad."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the journal tells."""

    turns: list[journal.Turn] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    @property
    def markers(self) -> str:
        """The timeline's moments for the player's waveform, as JSON."""
        return json.dumps([{"at_ms": entry.offset_ms, "label": entry.title} for entry in self.entries[1:]])


#: Title and icon of each tool.
_TOOLS = {
    "business_hours": ("Looked up the opening hours", "clock"),
    "answer_question": ("Looked for an answer", "book-open"),
    "take_message": ("Took a message", "message-square"),
    "end_call": ("Ended the call", "phone-off"),
}
_ARGUMENTS = {"day": "Day", "question": "Question", "name": "Name", "message": "Message", "number": "Number"}


def tell(call: Call, events: list[CallEvent], failed_work: Iterable[str] = ()) -> Story:
    """The story of `call`; `events` in the order of time, `failed_work` the kinds of follow-ups that failed."""
    tools = [_tool(event) for event in events if event.kind == "tool"]
    return Story(
        turns=journal.turns_of(events),
        tools=tools,
        sources=[_source(event) for event in events if event.kind == "citation"],
        entries=_timeline(call, events),
        reasons=_reasons(call, events, tools, failed_work),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _output(data: dict[str, Any]) -> dict[str, Any]:
    """A tool's output as an object: the bridge passes it on as JSON text."""
    output = data.get("output", {})
    if isinstance(output, str):
        try:
            output = json.loads(output)
        except ValueError:
            return {"say": output}
    return output if isinstance(output, dict) else {"say": _text(output)}


def _tool(event: CallEvent) -> Tool:
    data, output = event.data, _output(event.data)
    name = str(data.get("name", ""))
    title, icon = _TOOLS.get(name, (f"Used the tool {name.replace('_', ' ')}", "wrench"))
    arguments = journal.arguments_of(data)
    if not isinstance(arguments, dict):
        arguments = {"input": arguments} if arguments else {}
    confidence = output.get("confidence")
    return Tool(
        name=name,
        title=title,
        icon=icon,
        arguments=[
            (_ARGUMENTS.get(key, key.replace("_", " ").capitalize()), _text(value)) for key, value in arguments.items()
        ],
        result=_text(output.get("say", "")),
        ok=bool(data.get("ok")),
        declined=output.get("decision") == "decline",
        offset_ms=event.offset_ms,
        ms=round(_number(data.get("ms"))),
        confidence=float(confidence) if isinstance(confidence, int | float) else None,
    )


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _source(event: CallEvent) -> Source:
    data = event.data
    percent = round(100 * min(1.0, max(0.0, _number(data.get("confidence")))))
    return Source(str(data.get("question", "")), str(data.get("source", "")), percent, event.offset_ms)


def unanswered(event: CallEvent) -> str:
    """The question of a tool event that the knowledge had no answer to; empty for any other."""
    if event.data.get("name") != "answer_question" or _output(event.data).get("decision") != "decline":
        return ""
    arguments = journal.arguments_of(event.data)
    return _text(arguments.get("question", "")) if isinstance(arguments, dict) else ""


def _timeline(call: Call, events: list[CallEvent]) -> list[Entry]:
    entries = [Entry(0, "phone-incoming", "The call came in")]
    engine, lost = "", False
    for event in events:
        data, at = event.data, event.offset_ms
        match event.kind:
            case "stream" if data.get("state") == "started":
                entries.append(Entry(at, "concierge-bell", "The receptionist picked up", tone="accent"))
            case "stream" if data.get("state") == "resumed":
                entries.append(Entry(at, "rotate-ccw", "Picked up again", "The connection broke for a moment.", "warn"))
            case "tool":
                entries.append(_tool_entry(_tool(event)))
            case "citation":
                found = _source(event)
                entries.append(Entry(at, "quote", f"Found in {found.source}", f"{found.percent} % sure", "good"))
            case "engine" if data.get("state") == "lost":
                lost = True
                name = words.engine_name(str(data.get("name", "")))
                why = words.engine_lost(str(data.get("reason", "")))
                entries.append(Entry(at, "triangle-alert", f"Lost {name}", f"Because {why}.", "warn"))
            case "engine" if data.get("state") == "live":
                name = words.engine_name(str(data.get("name", "")))
                if lost or (engine and engine != name):
                    entries.append(Entry(at, "refresh-cw", f"Went on with {name}", tone="good"))
                engine, lost = name, False
            case "next_step":
                if data.get("do") == "voicemail":
                    entries.append(Entry(at, "voicemail", "Handed on to voicemail", words.next_step(data)))
            case "error":
                entries.append(Entry(at, "circle-alert", "A fault", words.error(str(data.get("code", ""))), "bad"))
    if not call.running:
        end = max([call.seconds * 1000, *(entry.offset_ms for entry in entries)])
        entries.append(Entry(end, "phone-off", "The call ended", words.outcome(call.outcome)))
    return entries


def _tool_entry(tool: Tool) -> Entry:
    about = next((value for _, value in tool.arguments), "")
    if tool.declined:
        return Entry(tool.offset_ms, "circle-question-mark", "Had no answer", about, "warn")
    if not tool.ok:
        return Entry(tool.offset_ms, tool.icon, f"{tool.title}: did not work", about, "bad")
    return Entry(tool.offset_ms, tool.icon, tool.title, about, "accent")


def _reasons(call: Call, events: list[CallEvent], tools: list[Tool], failed_work: Iterable[str]) -> list[Reason]:
    reasons = [Reason(words.decision(call.decision_reason, call.outcome))]
    engine = ""
    for event in events:
        data = event.data
        if event.kind == "engine" and data.get("state") == "live":
            name = words.engine_name(str(data.get("name", "")))
            if name != engine:
                reasons.append(Reason(f"{'It went on with' if engine else 'Its voice came from'} {name}."))
            engine = name
        elif event.kind == "engine" and data.get("state") == "lost":
            name, why = words.engine_name(str(data.get("name", ""))), words.engine_lost(str(data.get("reason", "")))
            reasons.append(Reason(f"It lost {name}, because {why}.", "warn"))
        elif event.kind == "error":
            reasons.append(Reason(words.error(str(data.get("code", ""))), "bad"))
    resumed = sum(event.kind == "stream" and event.data.get("state") == "resumed" for event in events)
    if resumed:
        times = "once" if resumed == 1 else f"{resumed} times"
        reasons.append(Reason(f"The connection to the receptionist broke {times}; the conversation went on.", "warn"))
    reasons += [
        Reason(
            "It did not answer a question, because your knowledge holds nothing close enough to it."
            if tool.declined
            else f"{tool.title}: that did not work, and the caller was told so.",
            "warn",
        )
        for tool in tools
        if tool.declined or not tool.ok
    ]
    step = words.next_step(call.next_step or {})
    ending = words.outcome(call.outcome)
    reasons += [Reason(text) for text in (step, ending) if text]
    reasons += [Reason(words.WORK.get(kind, f"Work that failed: {kind}."), "bad") for kind in failed_work]
    return list(dict.fromkeys(reasons))
