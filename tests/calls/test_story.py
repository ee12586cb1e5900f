"""What a call's page says about it, from its journal."""

from __future__ import annotations

import numpy as np
import pytest

from calls import routing, story, words
from calls.models import Call, CallEvent, FollowUp, Recording
from calls.outline import kept_outline, outline_of
from calls.recordings import store_recording
from calls.services import recordings
from common.audio import write_wav
from common.errors import ProviderError


def told(*events, **fields):
    rows = [
        CallEvent(source="m", seq=n, kind=kind, offset_ms=at, data=data) for n, (kind, at, data) in enumerate(events)
    ]
    return story.tell(Call(sid="x", decision_reason="after_hours", **fields), rows, ["settle"])


def test_every_reason_of_the_routing_has_words():
    reasons = {"staff_first", "menu_first", "no_receptionist", "error"}
    for door in ("ai_first", "staff_first", "menu", "after_hours", "odd"):
        for given in ({}, {"suspended": True}, {"credits_ok": False}, {"max_concurrent_calls": 0}, {"blocked": True}):
            reasons.add(routing.decide(routing.RoutingInput(front_door=door, **given)).reason)
    assert reasons <= set(words.DECISIONS)


def test_the_story_says_who_answered_what_was_lost_and_what_failed():
    lost = told(
        ("engine", 10, {"state": "live", "name": "openai"}),
        ("engine", 20, {"state": "lost", "name": "openai", "reason": "closed"}),
        ("engine", 30, {"state": "live", "name": "house"}),
        ("stream", 40, {"state": "resumed", "generation": 1}),
        ("error", 50, {"code": "no_engine"}),
    )
    sentences = [reason.text for reason in lost.reasons]
    assert sentences[0] == "The receptionist answered, because you were closed."
    assert "It lost OpenAI, because the connection closed." in sentences
    assert "It went on with Deskbell's own voice engine." in sentences
    assert "The connection to the receptionist broke once; the conversation went on." in sentences
    assert "No voice engine could be reached." in sentences
    assert sentences[-1] == "The cost of this call could not be booked."


def test_tools_are_told_with_what_they_were_given_and_gave():
    output = '{"say": "I am sorry.", "decision": "decline", "confidence": 0.2}'
    page = told(
        ("tool", 9, {"name": "answer_question", "arguments": '{"question": "Bikes?"}', "ok": True, "output": output}),
        ("citation", 9, {"question": "Hours?", "source": "Price list", "confidence": 0.934}),
    )
    tool = page.tools[0]
    assert (tool.title, tool.arguments, tool.result) == (
        "Looked for an answer",
        [("Question", "Bikes?")],
        "I am sorry.",
    )
    assert tool.declined
    assert (page.sources[0].source, page.sources[0].percent) == ("Price list", 93)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"name": "x", "arguments": "{broken", "output": "[1]"},
        {"arguments": [1], "output": 7, "ms": "x"},
        {"output": None, "confidence": "high", "source": 3},
    ],
)
def test_odd_facts_are_told_all_the_same(data):
    kinds = ("tool", "citation", "engine", "stream", "error", "next_step", "turn", "unheard_of")
    assert told(*((kind, 0, data) for kind in kinds)).entries


def test_the_outline_of_a_recording_is_kept_with_it(tenant, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    call = Call.objects.create(sid="CA1")
    kept = Recording.objects.create(call=call, sid="RE1", state="kept")
    sound = np.stack([np.full(8000, 8000), np.zeros(8000)], axis=1).astype(np.int16)
    kept.size = store_recording(kept, [write_wav(sound)])
    outline = kept_outline(kept)
    assert len(outline["caller"]) == 240
    assert min(outline["caller"]) > 40
    assert max(outline["receptionist"]) == 0
    assert Recording.objects.get().outline == outline
    kept.size = store_recording(kept, [b"not a sound"])
    assert outline_of(kept) == {"caller": [], "receptionist": []}


def test_the_carriers_copy_is_erased_once_ours_is_sealed(tenant, carrier_process, settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    call = Call.objects.create(sid="CA1")
    kept = Recording.objects.create(call=call, sid=f"RE{'c' * 32}")
    url = f"/2010-04-01/Accounts/{settings.TWILIO_ACCOUNT_SID}/Recordings/{kept.sid}"
    Recording.objects.update(url=f"{settings.CARRIER_URL}{url}")
    erased = []
    monkeypatch.setattr(recordings.twilio, "recording_media", lambda url: iter([write_wav(np.zeros(80, np.int16))]))
    recordings.fetch_recording(str(call.pk), {"recording": str(kept.pk)})
    work = FollowUp.objects.get(kind="remove_plain_recording")
    recordings.remove_plain_recording(str(call.pk), work.payload)  # the carrier does not know it: counts as done
    monkeypatch.setattr(recordings.twilio, "delete_recording", erased.append)
    recordings.remove_plain_recording(str(call.pk), work.payload)
    assert erased == [kept.sid]
    settings.TWILIO_API_BASE_URL = "http://127.0.0.1:9"
    monkeypatch.undo()
    settings.TWILIO_API_BASE_URL = "http://127.0.0.1:9"
    with pytest.raises(ProviderError):
        recordings.remove_plain_recording(str(call.pk), work.payload)
    Recording.objects.update(state="pending")
    recordings.remove_plain_recording(str(call.pk), work.payload)  # ours is not here: theirs stays
