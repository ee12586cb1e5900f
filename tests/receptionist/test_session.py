"""What a call is started with."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
import time_machine

from calls.models import Call
from calls.sessions import SessionParts
from common import ai
from common.errors import ProviderError
from receptionist import prompts, session, tools
from receptionist.models import Persona, SpokenPrompt
from tenants.context import TenantInfo


@pytest.fixture
def speech(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Texts and voices that were rendered; each gets audio of its own."""
    asked: list[tuple[str, str]] = []

    def speak(text: str, *, voice: str = "", timeout: float | None = None) -> bytes:
        asked.append((text, voice))
        return f"audio of {text} by {voice}".encode()

    monkeypatch.setattr(ai, "speech", speak)
    prompts.cache.clear()
    return asked


@time_machine.travel("2026-11-23T15:00:00Z", tick=False)
def test_the_instructions_say_who_where_and_when(demo: TenantInfo, call: Call) -> None:
    text = session.build(call, demo).instructions
    assert "Business: Alpha Dental\n" in text
    assert "Monday, November 23, 2026, 10 AM (America/New_York). The business is open now." in text
    assert "Teeth cleaning" in text
    for tool in ("business_hours", "answer_question", "end_call"):
        assert tool in text
    assert "According to our" in text and "AI receptionist" in text
    assert "{" not in text


def test_the_greeting_is_ready_once_it_is_rendered(demo: TenantInfo, call: Call, speech: list[tuple[str, str]]) -> None:
    before = session.build(call, demo)
    assert before.greeting_ulaw == b"" and before.greeting_text.startswith("Thank you for calling Bright Smile Dental")
    assert prompts.missing()
    assert prompts.render_missing() == 5
    after = session.build(call, demo)
    assert after.greeting_ulaw == f"audio of {after.greeting_text} by ".encode()
    assert b"trouble" in after.sorry_ulaw and b"interrupted" in after.resume_ulaw
    assert [base64.b64decode(filler)[:8] for filler in after.fillers] == [b"audio of"] * 2
    assert prompts.render_missing() == 0 and not prompts.missing()


def test_changed_words_or_voice_are_rendered_anew(demo: TenantInfo, call: Call, speech: list[tuple[str, str]]) -> None:
    prompts.render_missing()
    Persona.objects.update(greeting="Hello.")
    assert session.build(call, demo).greeting_ulaw == b""
    speech.clear()
    prompts.render_missing()
    assert speech == [("Hello.", "")]
    Persona.objects.update(voice="cedar")
    assert prompts.render_missing() == 5
    assert SpokenPrompt.objects.count() == 5
    assert session.build(call, demo).greeting_ulaw == b"audio of Hello. by cedar"


def test_a_failed_rendering_leaves_the_greeting_to_the_engine(
    demo: TenantInfo, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(text: str, *, voice: str = "") -> bytes:
        raise ProviderError("speech", "connectivity")

    monkeypatch.setattr(ai, "speech", away)
    with pytest.raises(ProviderError):
        prompts.render_missing()
    parts = session.build(call, demo)
    assert parts.greeting_text and parts.greeting_ulaw == b""
    assert prompts.missing()


@pytest.mark.parametrize(("credits", "seconds"), [(1000, 900), (100, 600), (10, 60), (1, 60), (0, 60), (-5, 60)])
def test_a_call_lasts_no_longer_than_its_credits(demo: TenantInfo, call: Call, credits: int, seconds: int) -> None:
    assert session.build(call, replace(demo, credit_balance=credits)).max_seconds == seconds


def test_the_words_at_the_end_of_a_call_are_the_business_own(demo: TenantInfo, call: Call) -> None:
    Persona.objects.update(goodbye="Bye now.", idle_prompts=["Hello?"])
    parts = session.build(call, demo)
    assert (parts.goodbye_text, parts.idle_prompts) == ("Bye now.", ["Hello?"])
    ended = tools.run(call.pk, "end_call", "{}")
    assert (ended.output["say"], ended.action) == ("Bye now.", "hangup")


def test_a_business_without_a_persona_still_has_a_session(tenant: TenantInfo, call: Call) -> None:
    parts = session.build(call, tenant)
    assert isinstance(parts, SessionParts)
    assert parts.greeting_text.startswith("Thank you for calling Alpha Dental.")
    assert parts.tools and parts.goodbye_text and parts.idle_prompts
