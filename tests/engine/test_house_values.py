"""Values in what callers say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.house import phrases
from engine.house.outcome import read_outcome
from engine.house.tools import Param, read_tools
from engine.house.values import answer, find, message_in, name_in, phone, spoken_digits


def param(kind: str, name: str = "x", **more: Any) -> Param:
    return Param(name, kind, True, "?", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("five five five, one two three four", "5551234"),
        ("double five, triple oh", "55000"),
        ("It's 555-0199", "5550199"),
        ("plus four four twenty seven", "4427"),
        ("twenty, thirty one", "2031"),
        ("nine one one four", "9114"),
        ("no digits at all", ""),
    ],
)
def test_spoken_numbers_become_digits(text: str, digits: str) -> None:
    assert spoken_digits(text) == digits


@given(st.text(alphabet="0123456789", min_size=7, max_size=15))
def test_a_number_read_digit_by_digit_is_understood(number: str) -> None:
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    assert phone(" ".join(names[int(digit)] for digit in number)) == number
    assert phone(f"my number is {number}") == number


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("This is John from accounting", "John"),
        ("It's about the bill", None),
        ("I'm calling about my tooth", None),
        ("Maria Lopez speaking", "Maria Lopez"),
        ("The name is de Vries", "De Vries"),
        ("My name is John John", "John"),
        ("Could someone call me back?", None),
    ],
)
def test_names_given_in_passing_are_seen(text: str, name: str | None) -> None:
    found = name_in(text)
    assert (found or "").lower() == (name or "").lower()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Please tell Dr. Lee that my crown came off.", "my crown came off."),
        ("Let him know I will be late", "I will be late"),
        ("Can you ask her to call me?", "ask her to call me?"),
        ("My message is: bring the keys", "bring the keys"),
        ("Tell me more", None),
    ],
)
def test_messages_are_cut_out_of_the_wish_to_leave_one(text: str, message: str | None) -> None:
    assert message_in(text) == message


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("day", "On Saturday please", "saturday"),
        ("day", "the day after tomorrow", "the day after tomorrow"),
        ("time", "half past nine", "half past nine"),
        ("time", "around 5 pm.", "5 pm"),
        ("number", "We are four", 4),
        ("number", "12 of us", 12),
        ("number", "no idea", None),
        ("yes_no", "Yes, please", True),
        ("yes_no", "No thanks", False),
        ("yes_no", "perhaps", None),
        ("name", "What do you mean?", None),
        ("phone", "I'd rather not say", None),
        ("text", "well, please tell her I said hello", "I said hello"),
    ],
)
def test_answers_are_read_by_kind(kind: str, text: str, value: Any) -> None:
    assert answer(param(kind), text) == value


def test_choices_are_matched_by_their_words() -> None:
    colours = param("choice", choices=("red", "dark_red", "blue"))
    assert find(colours, "The dark red one, please") == "dark_red"
    assert find(colours, "green") is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading(text: str) -> None:
    for kind in ("name", "phone", "day", "time", "number", "yes_no", "text"):
        answer(param(kind), text)
        find(param(kind, "message"), text)
    phrases.small_talk(text)
    phrases.without_pleasantries(text)
    read_outcome(text)


@pytest.mark.parametrize(
    ("text", "talk"),
    [
        ("Goodbye.", "goodbye"),
        ("Okay, that's all, thank you. Bye!", "goodbye"),
        ("No, thanks.", "no"),
        ("No, I'm fine, thank you.", "no"),
        ("Yes, that would be great.", "yes"),
        ("Hello? Is anybody there?", "greeting"),
        ("Pardon?", "repeat"),
        ("I didn't catch that.", "repeat"),
        ("Who am I speaking to?", "robot"),
        ("Is this a recording?", "robot"),
        ("I want to talk to a real person!", "person"),
        ("Never mind.", "cancel"),
        ("Yes, how much is a cleaning?", None),
        ("Goodbye is a strange word, what does it mean?", None),
        ("Do you have real orange juice?", None),
    ],
)
def test_small_talk_is_the_whole_of_what_was_said(text: str, talk: str | None) -> None:
    assert phrases.small_talk(text) == talk


@pytest.mark.parametrize(
    ("output", "say", "declined"),
    [
        ('{"say": "At nine."}', "At nine.", False),
        ('{"say": "No idea.", "decision": "decline"}', "No idea.", True),
        ('{"ok": false}', "I am sorry, that did not work.", True),
        ('{"table": 4, "confirmed": true}', "Table: 4. Confirmed: yes.", False),
        ("Plain words.", "Plain words.", False),
        ("[1, 2]", "1, 2", False),
        ("", "", False),
    ],
)
def test_tool_outputs_are_read(output: str, say: str, declined: bool) -> None:
    outcome = read_outcome(output)
    assert (outcome.say, outcome.declined) == (say, declined)


def test_a_tool_without_conventions_is_usable() -> None:
    [tool] = read_tools(
        (
            {
                "type": "function",
                "name": "orderPizza",
                "description": "Orders a pizza, with extras.",
                "parameters": {"properties": {"pizza_size": {"type": "string"}}, "required": ["pizza_size"]},
            },
        )
    )
    assert tool.examples == ("order pizza", "Orders a pizza, with extras.")
    assert tool.offer == "Would you like me to order a pizza?"
    assert tool.params[0].ask == "What is the pizza size?"
