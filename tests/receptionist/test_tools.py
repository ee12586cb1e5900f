"""The receptionist's tools, as a model calls them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import time_machine
from jsonschema import Draft202012Validator

from calls.models import Call, Message
from receptionist import services, tools
from receptionist.profile import parse_profile
from receptionist.tools import answer_question, runner, take_message
from tenants.context import TenantInfo
from tests.cast import CALLER

MONDAY_10 = "2026-11-23T15:00:00Z"  # 10 AM in New York


def run(call: Call, name: str, /, **arguments: Any) -> tools.ToolResult:
    return tools.run(call.pk, name, json.dumps(arguments))


def test_tool_texts_follow_the_convention() -> None:
    definitions = {d["name"]: d for d in tools.definitions()}
    assert set(definitions) == {"business_hours", "answer_question", "take_message", "end_call"}
    texts = {name: d["description"] for name, d in definitions.items()}
    for name, text in texts.items():
        assert 'Callers say: "' in text and '" | "' in text, name
    assert [n for n, t in texts.items() if "Use this for any other question." in t] == ["answer_question"]
    assert [n for n, t in texts.items() if "Offer this when you cannot help." in t] == ["take_message"]
    for definition in definitions.values():
        schema = definition["parameters"]
        Draft202012Validator.check_schema(schema)
        assert set(definition) == {"type", "name", "description", "parameters"}
        for name in schema["required"]:
            assert "Ask: " in schema["properties"][name]["description"]
            assert schema["properties"][name]["description"].endswith("?")
        for spec in schema["properties"].values():
            assert spec["type"] == "string"
    assert definitions["take_message"]["parameters"]["required"] == ["name", "message"]
    assert definitions["business_hours"]["parameters"]["required"] == []


@time_machine.travel(MONDAY_10, tick=False)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            "{}",
            "Monday to Wednesday, 8 AM to 5 PM; Thursday, 8 AM to 7 PM; Friday, 8 AM to 3 PM; Saturday, 9 AM to 1 PM",
        ),
        ("", "We are open right now, until 5 PM."),
        ('{"day": null}', "We are closed on Sunday."),
        ('{"day": "Friday"}', "On Friday we are open from 8 AM to 3 PM."),
        ('{"day": "on sunday, please"}', "On Sunday we are closed."),
        ('{"day": "tomorrow", "extra": 1}', "Tomorrow, Tuesday, we are open from 8 AM to 5 PM."),
        ('{"day": "christmas eve"}', "open from 8 AM to noon because of Christmas Eve"),
        ('{"day": 7}', "Monday to Wednesday"),
    ],
)
def test_business_hours(demo: TenantInfo, call: Call, arguments: str, said: str) -> None:
    result = tools.run(call.pk, "business_hours", arguments)
    assert result.ok and said in result.output["say"]
    assert result.output["open_now"] is True
    json.dumps(result.output)


@pytest.mark.parametrize(
    ("question", "said", "source"),
    [
        (
            "Is there parking?",
            "According to our frequently asked questions, yes. There is free parking behind the building",
            "FAQ: Is there parking?",
        ),
        ("How much is a cleaning?", "According to our price list, Teeth cleaning costs 110 dollars", "Price list"),
        (
            "Can you sedate me? I'm scared.",
            "According to our Patient guide, we offer laughing gas",
            "Patient guide",
        ),
        (
            "Do you take walk in patients for emergencies?",
            "According to our frequently asked questions, call us",
            "FAQ: ",
        ),
        (
            "How much does a teeth whitening cost?",
            "According to our price list, Teeth whitening costs 350",
            "Price list",
        ),
    ],
)
def test_a_known_question_is_answered_with_its_source(
    indexed_demo: TenantInfo, call: Call, question: str, said: str, source: str
) -> None:
    result = run(call, "answer_question", question=question)
    assert result.ok and said in result.output["say"], result.output
    [citation] = result.events
    assert citation.kind == "citation"
    assert citation.data["question"] == question
    assert citation.data["source"].startswith(source)
    assert 0.5 <= citation.data["confidence"] <= 1


@pytest.mark.parametrize(
    "question", ["Which team won the football match last night?", "Do you sell cars?", "Do you offer braces?"]
)
def test_an_unknown_question_is_declined_and_a_message_offered(
    indexed_demo: TenantInfo, call: Call, question: str
) -> None:
    result = run(call, "answer_question", question=question)
    assert result.output["decision"] == "decline"
    assert result.output["say"] == answer_question.DECLINE
    assert "message" in result.output["say"]
    assert result.events == []


def test_a_message_is_kept_with_the_callers_number(demo: TenantInfo, call: Call) -> None:
    result = run(call, "take_message", name="Maria Lopez", message="Please call me about my crown.")
    assert result.output["say"] == (
        "Thank you, Maria Lopez. I have taken your message: Please call me about my crown. "
        "We will call you back at 4 1 5, 5 5 5, 0 1 9 9. Is there anything else I can help you with?"
    )
    message = Message.objects.get()
    assert (message.name, message.number, message.body) == ("Maria Lopez", CALLER, "Please call me about my crown.")


@pytest.mark.parametrize(
    ("given", "kept", "known"),
    [("(212) 555-0147", "+12125550147", True), (2125550147, "+12125550147", True), ("my cell", CALLER, True)],
)
def test_a_number_given_is_kept_and_nonsense_is_not(
    demo: TenantInfo, call: Call, given: object, kept: str, known: bool
) -> None:
    result = run(call, "take_message", name="Ann", message="Call me", number=given)
    assert result.output["number_known"] is known
    assert Message.objects.get().number == kept


def test_a_withheld_number_is_said_to_be_missing(demo: TenantInfo, call: Call) -> None:
    Call.objects.update(caller="anonymous")
    result = run(call, "take_message", name="Ann", message="Call me")
    assert result.ok and result.output["number_known"] is False
    assert "not shown" in result.output["say"]


def test_a_long_message_is_kept_whole_but_not_read_back(demo: TenantInfo, call: Call) -> None:
    result = run(call, "take_message", name="Ann", message="word " * 300)
    assert len(Message.objects.get().body) > 1000
    assert len(result.output["say"]) < 250


def test_ending_the_call_says_goodbye_and_hangs_up(demo: TenantInfo, call: Call) -> None:
    result = run(call, "end_call")
    assert (result.ok, result.action) == (True, "hangup")
    assert "Goodbye" in result.output["say"]


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("answer_question", "{}", "bad_arguments"),
        ("answer_question", "not json", "bad_arguments"),
        ("answer_question", "[1, 2]", "bad_arguments"),
        ("answer_question", '{"question": ""}', "bad_arguments"),
        ("answer_question", '{"question": {"a": 1}}', "bad_arguments"),
        ("take_message", '{"name": "Ann"}', "bad_arguments"),
        ("take_message", '{"name": "Ann", "message": "   "}', "bad_arguments"),
        ("business_hours", "x" * 30_000, "bad_arguments"),
        ("business_hours", '{"day": ["a"]}', "bad_arguments"),
        ("drop_tables", "{}", "unknown_tool"),
    ],
)
def test_bad_calls_fail_with_a_sentence(demo: TenantInfo, call: Call, name: str, arguments: str, error: str) -> None:
    result = tools.run(call.pk, name, arguments)
    assert (result.ok, result.output["error"]) == (False, error)
    assert result.output["say"]
    assert not Message.objects.exists()


def test_an_unknown_call_fails_with_a_sentence(demo: TenantInfo) -> None:
    for call_id in ("00000000-0000-0000-0000-000000000000", "not-a-uuid"):
        result = tools.run(call_id, "end_call", "{}")
        assert not result.ok and result.output["say"]


def test_a_tool_that_breaks_fails_with_a_sentence(
    demo: TenantInfo, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(take_message, "take_message", broken)
    result = run(call, "take_message", name="Ann", message="Call me")
    assert (result.ok, result.output["say"]) == (False, runner.FAILED)
    assert "fire" not in json.dumps(result.output)


def test_a_call_may_use_a_tool_only_so_often(demo: TenantInfo, call: Call) -> None:
    results = [run(call, "take_message", name="Ann", message=f"Number {n}") for n in range(7)]
    assert [r.ok for r in results] == [True] * 5 + [False] * 2
    assert results[-1].output == {"ok": False, "error": "rate_limited", "say": runner.BUSY}
    assert Message.objects.count() == 5
    assert run(call, "business_hours").ok


def test_words_answer_while_embeddings_are_away(demo: TenantInfo, call: Call, no_embeddings: None) -> None:
    assert "Oak Lane" in run(call, "answer_question", question="Is there parking?").output["say"]


def test_a_business_that_knows_nothing_declines(tenant: TenantInfo, call: Call, no_embeddings: None) -> None:
    services.apply_profile(parse_profile({"name": "Empty"}))
    assert run(call, "answer_question", question="Is there parking?").output["decision"] == "decline"
    assert run(call, "business_hours").ok
