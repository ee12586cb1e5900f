"""The house model's policy: a pure function from the conversation so far to the next thing to say or call.

Nothing is remembered between turns but the conversation itself, so the same model serves a live call, a call that was
resumed from its journal, a guess that is thrown away, and chat completions.
"""

from __future__ import annotations

import json
import re
from typing import Any

from engine.house import phrases as say
from engine.house.breath import gist, is_about, only_introduces, questions
from engine.house.collecting import PATIENCE, collected, values_in
from engine.house.dialogue import Call, Called, Prompt, Reply, Returned, Said, Turn
from engine.house.history import asked, ends_with, in_a_row, last_said, last_sentence, since_last_words
from engine.house.meaning import Matcher, content_words
from engine.house.outcome import Outcome, read_outcome
from engine.house.persona import Persona, read_persona, told_to_say
from engine.house.tools import Param, Tool, read_tools
from engine.house.values import find, is_question
from engine.parts.protocols import Embedder

_CORRECTION = re.compile(
    r"^(?:no|sorry|actually|wait|oh|i mean|correction|not|it's not|that's (?:wrong|not right))\b|"
    r"\b(?:my name|number|it) is\b|\bi meant\b",
    re.I,
)
_ONE_MORE = re.compile(r"^(?:and )?(?:until|till|since|from) (?:when|what time)\b|^(?:and )?how (?:long|late)\b", re.I)
_FOLLOW_UP = re.compile(r"(?:(?:ok(?:ay)?|so|then)[\s,]+)*(?:and|what about|how about|or)\b", re.I)


def ends_calls(tool: Tool) -> bool:
    """Whether a tool ends the call: nothing to fill in, and its examples say goodbye."""
    return not tool.required and any(say.small_talk(example) == "goodbye" for example in tool.examples)


class HousePolicy:
    """Fulfils `Mind`."""

    def __init__(self, embedder: Embedder) -> None:
        self._matcher = Matcher(embedder)

    def warm_up(self) -> None:
        """Embed the built-in examples."""
        self._matcher.warm_up()

    def prepare(self, prompt: Prompt) -> None:
        """Embed the examples of a session's tools before its first turn needs them."""
        named = tuple(tool for tool in read_tools(prompt.tools) if tool.examples)
        self._matcher.prepare(named)
        self._matcher.prepare(tuple(tool for tool in named if not ends_calls(tool)))

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
        self._last = last_said(prompt.turns, "assistant", asides=False)

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
        if talk == "back" or (say.is_acknowledgement(text) and self._waited()):
            return Reply(self._open_question() or say.HOW_HELP)
        if pending is not None:
            return self._answered(*pending, text, talk)
        corrected = self._corrected(text)
        if corrected is not None:
            return corrected
        offered = self._offered()
        if offered is not None:
            if talk == "yes":
                return self._begin(offered, text, accepted=True)
            if talk in ("no", "cancel"):
                return Reply(say.ALL_RIGHT)
        return self._small_talk(talk) or self._wish(text)

    def _waited(self) -> bool:
        """Whether the caller asked for a moment just before."""
        return last_said(self._turns, "assistant") == say.TAKE_TIME

    def _corrected(self, text: str) -> Reply | None:
        """ "No, my name is Meier" after the matter was done: done again, where the tool can put things right."""
        called = next((turn for turn in reversed(self._turns) if isinstance(turn, Called)), None)
        tool = next((tool for tool in self._tools if called and tool.name == called.name), None)
        if called is None or tool is None or not tool.corrects or not only_introduces(text):
            return None
        if not _CORRECTION.search(text.strip()):
            return None
        try:
            before = dict(json.loads(called.arguments))
        except (ValueError, TypeError):
            return None
        return self._call(tool, {**before, **values_in(tool, text)})

    def _running_call(self) -> bool:
        returned = {turn.call_id for turn in self._turns if isinstance(turn, Returned)}
        return any(isinstance(turn, Called) and turn.call_id not in returned for turn in self._turns)

    def _not_caught(self) -> Reply:
        times = in_a_row(self._turns, lambda said: said.startswith((say.NOT_CAUGHT, say.BAD_LINE)))
        if times > PATIENCE:
            ending = self._goodbye()
            return Reply(f"{say.WRONG_LINE} {ending.say}".strip(), ending.call)
        if times == PATIENCE and self._fallback is not None:
            return Reply(f"{say.NOT_CAUGHT} {self._fallback.offer}")
        if times:
            return Reply(say.BAD_LINE)
        question = self._open_question()
        return Reply(f"{say.NOT_CAUGHT} {question}" if question else f"{say.NOT_CAUGHT} Could you say that again?")

    def _open_question(self) -> str:
        pending = asked(self._last, self._tools)
        if pending is not None:
            return pending[1].ask
        offered = self._offered()
        return offered.offer if offered is not None and ends_with(self._last, offered.offer) else ""

    def _offered(self) -> Tool | None:
        if not self._last.rstrip().endswith("?"):
            return None
        for tool in self._tools:
            if ends_with(self._last, tool.offer):
                return tool
        # A tool may offer the way out in its own words: "I don't know that. Shall I take a message, so that …?"
        if self._fallback is not None and content_words(self._fallback.offer) <= content_words(
            last_sentence(self._last)
        ):
            return self._fallback
        outcome = self._last_outcome()
        own_words = outcome is not None and outcome.declined and outcome.say.rstrip().endswith("?")
        if self._fallback is not None and outcome is not None and own_words and ends_with(self._last, outcome.say):
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
            "back": say.HOW_HELP,
            "hear": f"{say.HEAR_YOU} {self._open_question() or say.HOW_HELP}",
            "tamper": say.TAMPER,
        }
        if talk == "person":
            return self._person()
        if talk == "language":
            return self._cannot(say.ONLY_ENGLISH)
        if talk == "rude":
            return self._cannot(say.UPSET)
        return Reply(fixed[talk]) if talk is not None else None

    def _abilities(self) -> str:
        able = ["answer your questions"] if any(tool.other for tool in self._tools) else []
        able += [tool.ability for tool in self._tools if not tool.other and not ends_calls(tool)][:2]
        listed = " and ".join([", ".join(able[:-1]), able[-1]] if len(able) > 1 else able)
        return f"I can {listed}. {say.HOW_HELP}" if listed else say.HOW_HELP

    def _person(self) -> Reply:
        # A tool made for it (a transfer) goes first; its examples say so.
        wanted = self._matcher.choose("I would like to speak to a person.", self._tools)
        if wanted is not None and not wanted.other and wanted not in (self._ending(), self._fallback):
            return self._begin(wanted, "")
        if self._fallback is not None and self._fallback.say_first:
            return self._begin(self._fallback, "", lead=self._fallback.say_first)
        return self._cannot(say.NO_PERSON)

    def _cannot(self, sentence: str) -> Reply:
        if self._fallback is None or in_a_row(self._turns, lambda said: said.startswith(sentence)) >= PATIENCE:
            return Reply(f"{sentence} {say.ANYTHING_ELSE}")
        return Reply(f"{sentence} {self._fallback.offer}")

    def _ending(self) -> Tool | None:
        return next((tool for tool in self._tools if ends_calls(tool)), None)

    def _goodbye(self) -> Reply:
        tool = self._ending()
        return self._call(tool, {}) if tool is not None else Reply(say.GOODBYE)

    def _wish(self, text: str) -> Reply:
        if say.is_acknowledgement(text):
            return Reply(say.ANYTHING_ELSE)
        again = self._follow_up(text)
        if again is not None:
            return again
        wish = self._wishes(text)[0]
        tool = self._choose(wish)
        if tool is None:
            return self._cannot(say.CANNOT)
        return self._begin(tool, wish)

    def _wishes(self, text: str) -> list[str]:
        """What is asked for in one breath."""
        return questions(gist(say.without_pleasantries(text)))

    def _choose(self, text: str) -> Tool | None:
        """The tool that is meant; never one that ends the call without a word of parting."""
        if say.is_farewell(text):
            return self._matcher.choose(text, self._tools)
        return self._matcher.choose(text, tuple(tool for tool in self._tools if not ends_calls(tool)))

    def _follow_up(self, text: str) -> Reply | None:
        """ "And on Sunday?" after the hours of Saturday: the same tool with another value; "until when?": once more."""
        called = next((turn for turn in reversed(self._turns) if isinstance(turn, Called)), None)
        tool = next((tool for tool in self._tools if called and tool.name == called.name), None)
        if called is None or tool is None or len(text.split()) > 6:
            return None
        if (
            len(text.split()) <= 4
            and _ONE_MORE.match(text.strip())
            and any(p.kind in ("day", "time") for p in tool.params)
        ):
            return Reply(call=Call(tool.name, called.arguments)) if not tool.required else None
        if not _FOLLOW_UP.match(text.strip()):
            return None
        return self._begin(tool, text) if any(find(param, text) is not None for param in tool.params) else None

    # --- collecting values -----------------------------------------------------------------------------------------

    def _begin(self, tool: Tool, text: str, *, accepted: bool = False, lead: str = "") -> Reply:
        values = values_in(tool, text)
        if not lead:
            stands_in = bool(text) and not accepted and self._matcher.stands_in(text, tool)
            lead = tool.say_first if stands_in else "Certainly."
        if tool.other and not accepted:
            question = next((param for param in tool.params if param.kind == "text"), None)
            if question is not None:
                values.setdefault(question.name, text)
        return self._ask_or_call(tool, values, lead)

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
        times = in_a_row(self._turns, lambda said: ends_with(said, param.ask))
        said = {"robot": "I am an AI assistant, not a person.", "person": tool.say_first or say.NO_PERSON}
        said |= {"hear": say.HEAR_YOU, "language": say.ONLY_ENGLISH, "tamper": say.CANNOT, "rude": say.UPSET}
        taken = talk in ("language", "rude") and param.kind == "text"
        if talk is not None and not taken and param.kind not in ("yes_no", "choice"):
            if times >= PATIENCE and talk in said:
                return Reply(f"{said[talk]} {say.ANYTHING_ELSE}")
            return Reply(f"{said.get(talk, '')} {param.ask}".strip())
        if param.kind != "text" and is_question(text):
            aside = self._choose(text)
            if aside is not None and aside is not tool:
                return self._begin(aside, text)
        values = collected(self._turns, tool)
        if param.name not in values and times < PATIENCE:
            return Reply(f"{'Thank you.' if only_introduces(text) or is_about(text) else say.NOT_GOT} {param.ask}")
        if param.name not in values:
            return self._cannot(say.CANNOT) if tool is not self._fallback else Reply(say.LEAVE_IT)
        return self._ask_or_call(tool, values, "Thank you.")

    # --- what tools answer -----------------------------------------------------------------------------------------

    def _after_tool(self) -> Reply:
        called, returned = since_last_words(self._turns)
        more = self._next_question(called)
        if more is not None:
            return more
        # What could not be answered comes last: it ends with an offer.
        fresh = sorted((read_outcome(turn.output) for turn in returned), key=lambda outcome: outcome.declined)
        text = " ".join(outcome.say for outcome in fresh if outcome.say)
        declined = any(outcome.declined for outcome in fresh)
        if declined:
            text = text or say.CANNOT
            if self._fallback is not None and text == self._last and text.endswith("?"):
                return Reply(f"{say.NEITHER} {self._fallback.offer}")
            resumed = self._interrupted_question()
            if resumed:
                known = text.removesuffix(last_sentence(text)).strip() if text.endswith("?") else text
                return Reply(f"{known or say.CANNOT} {resumed}")
            if not text.rstrip().endswith("?"):
                text += f" {self._fallback.offer if self._fallback else say.ANYTHING_ELSE}"
            return Reply(text)
        if any(ends_calls(tool) for tool in self._tools for turn in called if tool.name == turn.name):
            return Reply(text or say.GOODBYE)
        resumed = self._interrupted_question()
        return Reply(" ".join(part for part in (text, resumed) if part) or say.ALL_RIGHT)

    def _next_question(self, called: list[Called]) -> Reply | None:
        """The call for the second question of one breath, once the first one is answered."""
        latest = next((turn for turn in reversed(self._turns) if isinstance(turn, Said)), None)
        if latest is None or latest.role != "user" or asked(self._last, self._tools) is not None:
            return None
        wishes = self._wishes(latest.text)
        if not 0 < len(called) < len(wishes):
            return None
        wish = wishes[len(called)]
        tool = self._choose(wish)
        reply = self._begin(tool, wish) if tool is not None else None
        if reply is None or reply.call is None:
            return None
        known = any((turn.name, turn.arguments) == (reply.call.name, reply.call.arguments) for turn in called)
        return None if known else reply

    def _interrupted_question(self) -> str:
        """The question a caller put aside with one of their own."""
        called = next((t for t in reversed(self._turns) if isinstance(t, Called)), None)
        if called is None:
            return ""
        before = self._turns[: self._turns.index(called)]
        pending = asked(last_said(before, "assistant"), self._tools)
        if pending is None or pending[0].name == called.name:
            return ""
        times = in_a_row(self._turns, lambda said: ends_with(said, pending[1].ask))
        return pending[1].ask if times < PATIENCE else say.ANYTHING_ELSE
