"""Answers from what the business wrote down, with the source named; a decline where it does not know."""

from __future__ import annotations

import re

from pydantic import Field

from calls.facts import JournalEvent
from common.metrics import ANSWERS
from knowledge import selectors as knowledge
from knowledge.models import DocumentKind
from receptionist.tools.base import Arguments, Context, Tool, ToolResult
from receptionist.urgency import is_life_threatening, is_urgent

LIFE_FIRST = "If anybody is in danger, please hang up and call the emergency services at once."
URGENT_OFFER = "Would you like to leave an urgent message?"
URGENT_DECLINE = "I am sorry, I can't advise you on that myself, but I can pass it on as urgent. Would you like to leave an urgent message?"
#: Asked in place of an urgent question that has no answer of its own.
_IN_EMERGENCY = "What should I do in an emergency?"
DECLINE = "I am sorry, I don't know that. Would you like to leave a message, so that someone can call you back?"

_PLAIN_START = re.compile(r"^(?:Yes|No|We|You|Our|The|It|There|Most|Please|This|They|If|A|An|All|Call|On|Your)\b")


class AnswerQuestion(Arguments):
    """`question` as the caller asked it."""

    question: str = Field(
        min_length=1,
        max_length=500,
        description="The caller's question as a whole sentence, in their own words. Ask: What would you like to know?",
    )


def spoken_answer(question: str) -> tuple[str, knowledge.Answer]:
    """What a caller who asks `question` is told, and the answer behind it."""
    answer = knowledge.answer(question)
    urgent = is_urgent(question)
    if urgent and answer.decision == "decline":
        answer = knowledge.answer(_IN_EMERGENCY)
    first = f"{LIFE_FIRST} " if is_life_threatening(question) else ""
    if answer.decision == "decline":
        return first + (URGENT_DECLINE if urgent else DECLINE), answer
    best = answer.hits[0]
    last = f" {URGENT_OFFER}" if urgent else ""
    return first + with_source(answer.text, best.kind, best.title) + last, answer


def _run(context: Context, arguments: AnswerQuestion) -> ToolResult:
    say, answer = spoken_answer(arguments.question)
    ANSWERS.labels(decision=answer.decision).inc()
    confidence = round(answer.confidence, 3)
    if answer.decision == "decline":
        return ToolResult(True, {"say": say, "decision": "decline", "confidence": confidence})
    citation = JournalEvent(
        "citation", {"question": arguments.question, "source": answer.source, "confidence": confidence}
    )
    output = {"say": say, "decision": "answer", "source": answer.source, "confidence": confidence}
    return ToolResult(True, output, [citation])


def with_source(text: str, kind: str, title: str) -> str:
    """`text` with its source spoken before it: "According to our price list, …"."""
    name = {DocumentKind.FAQ: "frequently asked questions", DocumentKind.PRICES: "price list"}.get(
        DocumentKind(kind), title
    )
    # "Our practice's guide" or "The patient guide" already has its article.
    name = re.sub(r"^(?:our|the)\s+", "", name, flags=re.I)
    start = text[:1].lower() + text[1:] if _PLAIN_START.match(text) else text
    return f"According to our {name}, {start}"


TOOL = Tool(
    name="answer_question",
    description=(
        "Answers a question about the business, its services, prices, staff or rules from what the business wrote "
        "down, and names the source. Use this for any other question.\n"
        'Callers say: "How much does it cost?" | "Where are you located?" | "Do you take my insurance?" | '
        '"Do you take walk-ins for emergencies?" | "How do I cancel my appointment?" | "Is there parking?"'
    ),
    arguments=AnswerQuestion,
    run=_run,
)
