"""Recorded people on the line: what they said is understood, and they get an answer."""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e.stack import DEMO, ROOT, Heard, Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # calls take their time

SPEECH = ROOT / "tests" / "fixtures" / "speech"
SAID: dict[str, str] = json.loads((SPEECH / "transcripts.json").read_text())
NUMBERS = {"10": "ten", "7": "seven", "8": "eight", "4": "four"}


def words(text: str) -> list[str]:
    return [NUMBERS.get(w, w) for w in re.findall(r"[a-z']+|\d+", text.lower().replace("-", " "))]


def errors(said: list[str], heard: list[str]) -> int:
    """Word edits between the two (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, a in enumerate(said, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(heard, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


@pytest.fixture(scope="module")
def calls(stack: Stack) -> dict[str, Heard]:
    names = ["cards-003", "austen-0880", "austen-0930", "goforward"]
    soon = {name: stack.call_soon(DEMO, SPEECH / f"{name}.wav") for name in names}
    return {name: call.result(timeout=300) for name, call in soon.items()}


def test_people_are_understood_over_the_telephone(calls):
    pairs = {name: (words(SAID[name]), words(heard.caller_said)) for name, heard in calls.items()}
    wrong = sum(errors(said, heard) for said, heard in pairs.values())
    total = sum(len(said) for said, _ in pairs.values())
    print(f"word errors {wrong} of {total}")
    assert wrong / total <= 0.2, pairs


def test_people_who_ask_for_nothing_we_know_are_offered_a_message(calls):
    for name, heard in calls.items():
        assert heard.report["outcome"] == "answered"
        assert heard.report["citations"] == [], name
        answer = heard.report["transcript"][-1]
        assert answer["role"] == "receptionist"
        assert re.search(r"message|catch|help", answer["text"].lower()), answer
