"""The house model's policy: a pure function from the conversation so far to the next thing to say or call.

Nothing is remembered between turns but the conversation itself, so the same model serves a live call, a call that was
resumed from its journal, a guess that is thrown away, and chat completions.
"""

from __future__ import annotations

import json
import re
from typing import Any

from engine.house import phrases as say
from engine.house.dialogue import Call, Called, Prompt, Reply, Returned, Said, Turn
from engine.house.meaning import Matcher, content_words
from engine.house.outcome import Outcome, read_outcome
from engine.house.persona import Persona, read_persona, told_to_say
from engine.house.tools import Param, Tool, read_tools
from engine.house.values import answer, find, is_question
from engine.parts.protocols import Embedder

_FOLLOW_UP = re.compile(r"(?:(?:ok(?:ay)?|so|then)[\s,]+)*(?:and|what about|how about|or)\b", re.I)


def _last_said(turns: tuple[Turn, ...], role: str) -> str:
    for turn in reversed(turns):
        if isinstance(turn, Said) and turn.role == role and turn.text:
            return turn.text
    return ""


def _ends_with(text: str, question: str) -> bool:
    return bool(question) and text.rstrip(" \"'").lower().endswith(question.rstrip(" \"'").lower())


def _sentence(text: str) -> str:
    """The last sentence."""
    return re.split(r"(?<=[.!?])\s+", text.strip())[-1]


def asked(text: str, tools: tuple[Tool, ...]) -> tuple[Tool, Param] | None:
    """The parameter a spoken question asks for."""
    for tool in tools:
        for param in tool.required:
            if _ends_with(text, param.ask):
                return tool, param
    return None


class HousePolicy:
    """Fulfils `Mind`."""

    def __init__(self, embedder: Embedder) -> None:
        self._matcher = Matcher(embedder)

    def warm_up(self) -> None:
        """Embed the built-in examples."""
        self._matcher.warm_up()

    def prepare(self, prompt: Prompt) -> None:
        """Embed the examples of a session's tools before its first turn needs them."""
        self._matcher.prepare(tuple(tool for tool in read_tools(prompt.tools) if tool.examples))

    def reply(self, prompt: Prompt) -> Reply:
        """The next step."""
        tools = () if prompt.tool_choice == "none" else read_tools(prompt.tools)
        return _Step(prompt, tools, read_persona(prompt.instructions), self._matcher).reply()


class _Step:
    """One step of a conversation."""

    def __init__(self, prompt: Prompt, tools: tuple[Tool, ...], persona: Persona, matcher: Matcher) -> None:
        self._prompt = prompt
        self._turns = prompt.turns
        self._tools = tools
        self._persona = persona
        self._matcher = matcher
        self._fallback = next((tool for tool in tools if tool.fallback), None)
        self._last = _last_said(prompt.turns, "assistant")

    def reply(self) -> Reply:
        exact = told_to_say(self._prompt.ask)
        if exact:
            return Reply(exact)
        if self._prompt.idle:
            return Reply(say.STILL_THERE)
        turn = self._latest()
        if isinstance(turn, Returned):
            return self._after_tool()
        if isinstance(turn, Said) and turn.role == "user":
            return self._forced(turn.text) or self._heard(turn.text)
        if isinstance(turn, Said) and turn.role == "system":
            return Reply(told_to_say(turn.text) or self._opening())
        if isinstance(turn, Called):
            return Reply(say.MOMENT)
        return self._go_on() if turn is not None else Reply(self._opening())

    def _latest(self) -> Turn | None:
        return self._turns[-1] if self._turns else None

    def _opening(self) -> str:
        return self._persona.greeting or f"Hello, this is {self._persona.spoken_name}. {say.HOW_HELP}"

    def _go_on(self) -> Reply:
        """The latest word was ours: it was cut off, or the client wants more."""
        question = self._open_question()
        if question:
            return Reply(question)
        heard = next((turn for turn in reversed(self._turns) if isinstance(turn, Said) and turn.role == "user"), None)
        if heard is not None and heard.text and not self._last.rstrip().endswith((".", "!", "?")):
            # Answered anew, but nothing that the first attempt may have done already is done twice.
            again = self._heard(heard.text)
            if again.call is None or self._fallback is None or again.call.name != self._fallback.name:
                return again
        return Reply(say.ANYTHING_ELSE)

    def _forced(self, text: str) -> Reply | None:
        tool = next((tool for tool in self._tools if tool.name == self._prompt.tool_choice), None)
        if tool is None and self._prompt.tool_choice == "required" and self._tools:
            tool = self._matcher.choose(text, self._tools) or self._tools[0]
        return self._begin(tool, text) if tool is not None else None

    # --- what the caller says --------------------------------------------------------------------------------------

    def _heard(self, text: str) -> Reply:
        if self._running_call():
            return Reply(say.MOMENT)
        pending = asked(self._last, self._tools)
        talk = say.small_talk(text)
        if not text.strip() or (talk is None and say.is_noise(text)):
            return self._not_caught()
        if pending is not None:
            return self._answered(*pending, text, talk)
        offered = self._offered()
        if offered is not None:
            if talk == "yes":
                return self._begin(offered, text, accepted=True)
            if talk in ("no", "cancel"):
                return Reply(say.ALL_RIGHT)
        return self._small_talk(talk) or self._wish(text)

    def _running_call(self) -> bool:
        returned = {turn.call_id for turn in self._turns if isinstance(turn, Returned)}
        return any(isinstance(turn, Called) and turn.call_id not in returned for turn in self._turns)

    def _not_caught(self) -> Reply:
        if self._last.startswith((say.NOT_CAUGHT, say.BAD_LINE)):
            if self._last.startswith(say.BAD_LINE) and self._fallback is not None:
                return Reply(f"{say.NOT_CAUGHT} {self._fallback.offer}")
            return Reply(say.BAD_LINE)
        question = self._open_question()
        return Reply(f"{say.NOT_CAUGHT} {question}" if question else f"{say.NOT_CAUGHT} Could you say that again?")

    def _open_question(self) -> str:
        pending = asked(self._last, self._tools)
        if pending is not None:
            return pending[1].ask
        offered = self._offered()
        return offered.offer if offered is not None and _ends_with(self._last, offered.offer) else ""

    def _offered(self) -> Tool | None:
        if not self._last.rstrip().endswith("?"):
            return None
        for tool in self._tools:
            if _ends_with(self._last, tool.offer):
                return tool
        # A tool may offer the way out in its own words: "I don't know that. Shall I take a message, so that …?"
        if self._fallback is not None and content_words(self._fallback.offer) <= content_words(_sentence(self._last)):
            return self._fallback
        outcome = self._last_outcome()
        own_words = outcome is not None and outcome.declined and outcome.say.rstrip().endswith("?")
        if self._fallback is not None and outcome is not None and own_words and _ends_with(self._last, outcome.say):
            return self._fallback
        return None

    def _last_outcome(self) -> Outcome | None:
        for turn in reversed(self._turns):
            if isinstance(turn, Returned):
                return read_outcome(turn.output)
        return None

    def _small_talk(self, talk: say.Talk | None) -> Reply | None:
        closing = self._last.rstrip().endswith(say.ANYTHING_ELSE)
        if talk == "goodbye" or (talk == "no" and closing):
            return self._goodbye()
        fixed = {
            "greeting": f"Hello! {say.HOW_HELP}",
            "how_are_you": f"I am fine, thank you. {say.HOW_HELP}",
            "thanks": say.WELCOME,
            "yes": say.HOW_HELP,
            "no": say.ALL_RIGHT,
            "cancel": say.ALL_RIGHT,
            "wait": say.TAKE_TIME,
            "repeat": self._last or self._opening(),
            "robot": f"I am an AI assistant, not a person. I answer the phone {self._persona.for_whom}. {say.HOW_HELP}",
            "help": self._abilities(),
        }
        if talk == "person":
            return self._person()
        return Reply(fixed[talk]) if talk is not None else None

    def _abilities(self) -> str:
        offers = [tool.offer for tool in self._tools if not tool.other and tool is not self._ending()]
        first = "I can answer your questions." if any(tool.other for tool in self._tools) else ""
        return " ".join(part for part in (first, *offers[:2]) if part) or say.HOW_HELP

    def _person(self) -> Reply:
        # A tool made for it (a transfer) goes first; its examples say so.
        wanted = self._matcher.choose("I would like to speak to a person.", self._tools)
        if wanted is not None and not wanted.other and wanted not in (self._ending(), self._fallback):
            return self._begin(wanted, "")
        return self._cannot(say.NO_PERSON)

    def _cannot(self, sentence: str) -> Reply:
        return Reply(f"{sentence} {self._fallback.offer if self._fallback else say.ANYTHING_ELSE}")

    def _ending(self) -> Tool | None:
        for tool in self._tools:
            if not tool.required and any(say.small_talk(example) == "goodbye" for example in tool.examples):
                return tool
        return None

    def _goodbye(self) -> Reply:
        tool = self._ending()
        return self._call(tool, {}) if tool is not None else Reply(say.GOODBYE)

    def _wish(self, text: str) -> Reply:
        if say.is_acknowledgement(text):
            return Reply(say.ANYTHING_ELSE)
        again = self._follow_up(text)
        if again is not None:
            return self._begin(again, text)
        wish = say.without_pleasantries(text)
        tool = self._matcher.choose(wish, self._tools) if self._tools else None
        if tool is None:
            return self._cannot(say.CANNOT)
        return self._begin(tool, wish)

    def _follow_up(self, text: str) -> Tool | None:
        """ "And on Sunday?" after the hours of Saturday: the same tool with another value."""
        called = next((turn.name for turn in reversed(self._turns) if isinstance(turn, Called)), None)
        tool = next((tool for tool in self._tools if tool.name == called), None)
        if tool is None or len(text.split()) > 6 or not _FOLLOW_UP.match(text.strip()):
            return None
        return tool if any(find(param, text) is not None for param in tool.params) else None

    # --- collecting values -----------------------------------------------------------------------------------------

    def _begin(self, tool: Tool, text: str, *, accepted: bool = False) -> Reply:
        values = self._values(tool, [text])
        if tool.other and not accepted:
            question = next((param for param in tool.params if param.kind == "text"), None)
            if question is not None:
                values.setdefault(question.name, text)
        return self._ask_or_call(tool, values, "Certainly.")

    def _values(self, tool: Tool, texts: list[str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for text in texts:
            for param in tool.params:
                found = find(param, text)
                if found is not None:
                    values[param.name] = found
        return values

    def _ask_or_call(self, tool: Tool, values: dict[str, Any], lead: str) -> Reply:
        missing = next((param for param in tool.required if param.name not in values), None)
        if missing is not None:
            return Reply(f"{lead} {missing.ask}")
        return self._call(tool, values)

    def _call(self, tool: Tool, values: dict[str, Any]) -> Reply:
        ordered = {param.name: values[param.name] for param in tool.params if param.name in values}
        return Reply(call=Call(tool.name, json.dumps(ordered, ensure_ascii=False)))

    def _answered(self, tool: Tool, param: Param, text: str, talk: say.Talk | None) -> Reply:
        if talk in ("repeat", "wait"):
            return Reply(param.ask if talk == "repeat" else say.TAKE_TIME)
        if talk == "cancel" or (talk == "no" and param.kind not in ("yes_no", "choice")):
            return Reply(say.ALL_RIGHT)
        if talk == "goodbye":
            return self._goodbye()
        if talk == "robot":
            return Reply(f"I am an AI assistant, not a person. {param.ask}")
        if talk == "person":
            return Reply(f"{say.NO_PERSON} {param.ask}")
        if talk is not None and param.kind not in ("yes_no", "choice"):
            return Reply(param.ask)
        if param.kind != "text" and is_question(text):
            aside = self._matcher.choose(text, self._tools)
            if aside is not None and aside is not tool:
                return self._begin(aside, text)
        values = self._collected(tool, text)
        if param.name not in values:
            return Reply(f"{say.NOT_GOT} {param.ask}")
        return self._ask_or_call(tool, values, "Thank you.")

    def _collected(self, tool: Tool, latest: str) -> dict[str, Any]:
        """Values of `tool` from the turn that asked for it up to `latest`."""
        turns = self._turns[self._chain_start(tool) :]
        values: dict[str, Any] = {}
        question: Param | None = None
        for turn in turns:
            if isinstance(turn, Said) and turn.role == "assistant":
                found = asked(turn.text, (tool,))
                question = found[1] if found else None
            elif isinstance(turn, Said) and turn.role == "user" and turn.text:
                self._take(tool, question, turn.text, values)
                question = None
        return values

    def _take(self, tool: Tool, question: Param | None, text: str, values: dict[str, Any]) -> None:
        aside = question is not None and question.kind != "text" and is_question(text)
        talk = say.small_talk(text)
        small = talk is not None and (question is None or question.kind not in ("yes_no", "choice"))
        if aside or small:
            return
        if question is not None:
            value = answer(question, text)
            if value is not None:
                values[question.name] = value
        for param in tool.params:
            if param is question or (question is not None and param.name in values):
                continue
            # The answer to "what is your message?" may name people: it is no longer about the caller's own name.
            if question is not None and question.kind == "text" and param.kind != "phone":
                continue
            found = find(param, text)
            if found is not None:
                values[param.name] = found

    def _chain_start(self, tool: Tool) -> int:
        """Where the collecting of `tool`'s values began: the caller's turn before its first question."""
        start = 0
        for index, turn in enumerate(self._turns):
            ended = isinstance(turn, Called) and turn.name == tool.name
            dropped = isinstance(turn, Said) and turn.role == "assistant" and turn.text.endswith(say.ANYTHING_ELSE)
            if ended or dropped:
                start = index + 1
        for index in range(start, len(self._turns)):
            turn = self._turns[index]
            if isinstance(turn, Said) and turn.role == "assistant" and asked(turn.text, (tool,)):
                return max(start, index - 1)
        return start

    # --- what tools answer -----------------------------------------------------------------------------------------

    def _after_tool(self) -> Reply:
        fresh: list[Outcome] = []
        for turn in reversed(self._turns):
            if not isinstance(turn, Returned):
                break
            fresh.insert(0, read_outcome(turn.output))
        text = " ".join(outcome.say for outcome in fresh if outcome.say)
        declined = any(outcome.declined for outcome in fresh)
        if declined:
            text = text or say.CANNOT
            if not text.rstrip().endswith("?"):
                text += f" {self._fallback.offer if self._fallback else say.ANYTHING_ELSE}"
            return Reply(text)
        resumed = self._interrupted_question()
        return Reply(" ".join(part for part in (text, resumed) if part) or say.ALL_RIGHT)

    def _interrupted_question(self) -> str:
        """The question a caller put aside with one of their own."""
        called = next((t for t in reversed(self._turns) if isinstance(t, Called)), None)
        if called is None:
            return ""
        before = self._turns[: self._turns.index(called)]
        pending = asked(_last_said(before, "assistant"), self._tools)
        if pending is None or pending[0].name == called.name:
            return ""
        return pending[1].ask
