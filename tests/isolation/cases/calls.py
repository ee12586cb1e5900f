"""Ways into the room of calls. One call of alpha's carries the secret in everything that is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings

from calls import followups, journal
from calls.facts import JournalEvent
from calls.models import Call, DismissedQuestion, FollowUp, Message, Recording, Voicemail
from calls.recordings import store_recording
from common.clock import now
from tests.cast import ALPHA, BETA
from tests.isolation.registry import Check, Open, Page, PublicJob, TenantJob, World, register

SID = f"CA{'a' * 32}"
RECORDING_SID = f"RE{'b' * 32}"


def _fill(world: World) -> tuple[Call, Recording]:
    call = Call.objects.create(sid=SID, caller=world.marker, callee=ALPHA.number)
    turn = {"role": "caller", "text": world.marker, "start_ms": 0, "end_ms": 1, "interrupted": False, "item_id": "1"}
    journal.append(call.pk, "test", [JournalEvent(seq=1, kind="turn", offset_ms=1, data=turn)])
    recording = Recording.objects.create(
        call=call, sid=RECORDING_SID, kind=Recording.Kind.VOICEMAIL, state=Recording.State.KEPT
    )
    recording.size = store_recording(recording, [b"RIFF" + world.marker.encode()])
    recording.save()
    Voicemail.objects.create(call=call, recording=recording, transcript=world.marker)
    Message.objects.create(call=call, name=world.marker, number="+14155550123", body=world.marker)
    return call, recording


def at(path: Callable[[Call, Recording], str]) -> Callable[[World], str]:
    """Fill alpha, then the path of one of its things."""

    def prepare(world: World) -> str:
        world.monkeypatch.setattr(settings, "MEDIA_ROOT", world.tmp)
        return path(*world.in_alpha(_fill, world))

    return prepare


def _put_away(call: Call, recording: Recording) -> str:
    return f"/inbox/voicemail/{recording.voicemail.pk}/done"


def _question(world: World) -> str:
    """Somebody asked alpha what nobody knows."""
    used = {"name": "answer_question", "arguments": {"question": world.marker}, "output": {"decision": "decline"}}

    def ask() -> int:
        call = Call.objects.create(sid=SID)
        journal.append(call.pk, "test", [JournalEvent(seq=1, kind="tool", data=used)])
        return int(call.events.get().pk)

    return f"/questions/{world.in_alpha(ask)}/done"


def _kept(world: World) -> Any:
    return world.in_alpha(_rows)


def _rows() -> list[Any]:
    """Everything alpha knows of its calls, as the database has it."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (Call, journal.CallEvent, DismissedQuestion, Recording, Voicemail, Message, FollowUp)
    ]


def webhook(path: str, **fields: str) -> Callable[[World], None]:
    """A genuine webhook for beta's number that names alpha's call: nothing of alpha's is changed or told."""

    def attack(world: World) -> None:
        from tests.calls.stage import Carrier

        world.monkeypatch.setattr(settings, "MEDIA_ROOT", world.tmp)
        world.in_alpha(_fill, world)
        before = world.in_alpha(_rows)
        carrier = Carrier(sid=SID, to=BETA.number)
        answer = carrier.post(path, **fields)
        assert answer.status == 200
        assert world.marker not in answer.text
        assert ALPHA.name not in answer.text
        assert world.in_alpha(_rows) == before
        assert carrier.post(path, sign=False, **fields).status == 403

    return attack


def _one_follow_up(world: World) -> tuple[tuple[Any, ...], Callable[[], Any]]:
    world.monkeypatch.setattr(followups, "_kinds", {})
    row = world.in_alpha(lambda: FollowUp.objects.create(kind="test", key="1"))
    return (row.pk,), _rows


def _overdue_work(world: World) -> tuple[tuple[Any, ...], Callable[[], Any]]:
    def overdue() -> None:
        long_ago = now() - timedelta(days=1)
        FollowUp.objects.create(kind="test", key="1", due_at=long_ago)
        Call.objects.create(sid=SID, started_at=long_ago, active_at=long_ago)

    world.in_alpha(overdue)
    return (), _rows


RECORDED = {"RecordingSid": RECORDING_SID, "RecordingUrl": "http://carrier.example/r", "RecordingDuration": "9"}

register(
    Page("tenant:calls", at(lambda call, recording: "/calls")),
    Page("tenant:calls/<uuid:call_id>", at(lambda call, recording: f"/calls/{call.pk}")),
    Page("tenant:calls/export.csv", at(lambda call, recording: "/calls/export.csv")),
    Page("tenant:calls/now", at(lambda call, recording: "/calls/now")),
    Page("tenant:calls/badges", at(lambda call, recording: "/calls/badges"), shows=False),
    Page("tenant:inbox", at(lambda call, recording: "/inbox")),
    Page("tenant:inbox/<slug:kind>/<uuid:item_id>/done", at(_put_away), method="post", shows=False, untouched=_kept),
    Page("tenant:questions/<int:event_id>/done", _question, method="post", shows=False, untouched=_kept),
    Page("tenant:voicemails", at(lambda call, recording: "/voicemails"), shows=False),
    Page("tenant:messages", at(lambda call, recording: "/messages"), shows=False),
    Page("tenant:recordings/<uuid:recording_id>.wav", at(lambda call, recording: f"/recordings/{recording.pk}.wav")),
    Check("root:twilio/voice", webhook("/twilio/voice")),
    Check("root:twilio/voice-fallback", webhook("/twilio/voice-fallback")),
    Check("root:twilio/after-stream", webhook("/twilio/after-stream")),
    Check("root:twilio/after-record", webhook("/twilio/after-record", **RECORDED)),
    Check("root:twilio/status", webhook("/twilio/status", CallStatus="completed", CallDuration="9")),
    Check("root:twilio/recording", webhook("/twilio/recording", **RECORDED)),
    Check("root:twilio/messages", webhook("/twilio/messages", Body="hello")),
    TenantJob("task:calls.tasks.run_follow_up", _one_follow_up),
    TenantJob("task:calls.tasks.sweep_tenant", _overdue_work),
    PublicJob("task:calls.tasks.sweep_every_tenant", "sends one task a tenant and reads nothing itself"),
    PublicJob("task:calls.tasks.render_prompts", "renders sentences that are the same for every tenant"),
    Open("root:twilio/prompts/<slug:name>.wav", f"/twilio/prompts/{'0' * 32}.wav"),
)
