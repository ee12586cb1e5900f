"""New businesses are on the air at once, and never mix."""

from __future__ import annotations

import re
import time

import pytest

from tests.e2e.stack import DEMO, Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # calls take their time

PLUMBER = """
name: Quick Pipes
profession: generic
timezone: America/New_York
greeting: Quick Pipes, how can I help you?
hours:
  mon: ["06:00-14:00"]
  tue: ["06:00-14:00"]
  wed: ["06:00-14:00"]
  thu: ["06:00-14:00"]
  fri: ["06:00-14:00"]
faq:
  - q: Do you repair water heaters?
    a: Yes, we repair and replace water heaters of every make.
"""


@pytest.fixture(scope="module")
def plumber(stack: Stack):
    made = stack.create_tenant("Quick Pipes", "pipes")
    path = stack.var / "pipes.yaml"
    path.write_text(PLUMBER)
    stack.manage("configure_tenant", "--slug", "pipes", "--file", str(path))
    return made


def test_a_new_business_is_callable_when_the_command_returns(stack):
    begun = time.monotonic()
    made = stack.create_tenant("Fresh Start", "fresh")
    print(f"create_tenant took {time.monotonic() - begun:.2f} s as a process")
    assert set(made) == {"id", "schema", "domain", "number", "api_key"}
    assert re.fullmatch(r"t_[0-9a-f]+", made["schema"])
    heard = stack.call(made["number"], "When are you open tomorrow?")
    assert "fresh start" in heard.receptionist_said.lower()
    assert heard.tool("business_hours")["ok"]
    assert heard.report["credits"] > 0


def test_its_own_hours_and_answers_are_what_its_caller_hears(stack, plumber):
    heard = stack.call(plumber["number"], "What are your opening hours on Monday?", "Do you repair water heaters?")
    said = heard.receptionist_said.lower()
    assert "quick pipes" in said
    assert "6" in said
    assert "water heaters" in said
    assert "bright smile" not in said


def test_calls_of_two_tenants_at_once_never_mix(stack, plumber):
    soon = [
        stack.call_soon(number, "What are your opening hours on Monday?", caller=f"+1415555013{i}")
        for i, number in enumerate([DEMO, plumber["number"], DEMO, plumber["number"]])
    ]
    heard = [s.result(timeout=300) for s in soon]
    for index, call in enumerate(heard):
        own, other = ("bright smile", "quick pipes") if index % 2 == 0 else ("quick pipes", "bright smile")
        assert own in call.receptionist_said.lower()
        assert other not in call.receptionist_said.lower()
        assert call.report["tenant"] == ("demo" if index % 2 == 0 else "pipes")
    for slug, calls in (("demo", heard[::2]), ("pipes", heard[1::2])):
        sids = stack.in_tenant(
            slug, "from calls.models import Call\nanswer = list(Call.objects.values_list('sid', flat=True))"
        )
        assert {c.sid for c in calls} <= set(sids)
        assert not {c.sid for c in heard if c not in calls} & set(sids)
