"""Recordings and voicemails: noted by a webhook, fetched and sealed by a follow-up, written down by another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction

from calls.carriers import twilio
from calls.followups import TryAgain, add_follow_up
from calls.models import Call, DecisionKind, Recording, Voicemail
from calls.outline import outline_of
from calls.recordings import read_recording, store_recording
from calls.services.lifecycle import outcome_of, tell_pages
from common import ai
from common.errors import Invalid, ProviderError


@transaction.atomic
def note_recording(*, call: Call, sid: str, url: str, seconds: int, absent: bool, voicemail: bool | None) -> Recording:
    """Take a recording callback, or the word of `<Record>`'s action, in either order and as often as they come.

    `voicemail` is None where the callback does not say which verb recorded.
    """
    call = Call.objects.select_for_update().get(pk=call.pk)
    recording, _ = Recording.objects.get_or_create(sid=sid, defaults={"call": call})
    if recording.call_id != call.pk:
        raise Invalid("this recording belongs to another call")
    if voicemail or (voicemail is None and call.decision == DecisionKind.VOICEMAIL):
        recording.kind = Recording.Kind.VOICEMAIL
    if absent and recording.state == Recording.State.PENDING:
        recording.state = Recording.State.ABSENT
    recording.url = recording.url or url
    recording.seconds = max(recording.seconds, seconds)
    recording.save()
    if recording.state == Recording.State.ABSENT:
        return recording
    if recording.kind == Recording.Kind.VOICEMAIL:
        _keep_voicemail(call, recording)
    if recording.state == Recording.State.PENDING and recording.url:
        add_follow_up("fetch_recording", call.pk, {"recording": str(recording.pk)}, key=str(recording.pk))
    tell_pages(call)
    return recording


def _keep_voicemail(call: Call, recording: Recording) -> None:
    Voicemail.objects.get_or_create(recording=recording, defaults={"call": call})
    if not call.running:
        call.outcome = outcome_of(call)
        call.save(update_fields=["outcome"])
    if recording.state == Recording.State.KEPT:
        _transcribe_later(recording)


def _transcribe_later(recording: Recording) -> None:
    key = str(recording.pk)
    add_follow_up("transcribe_voicemail", recording.call_id, {"recording": key}, key=key)


def _checked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks of a file that begins like a WAV file. Raises `Invalid` for anything else."""
    head = b""
    for chunk in chunks:
        if len(head) >= 12:
            yield chunk
            continue
        head += chunk
        if len(head) >= 12:
            if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
                break
            yield head
    else:
        if len(head) >= 12:
            return
    raise Invalid("the carrier sent something that is not a WAV file")


def fetch_recording(call_id: str, payload: dict[str, Any]) -> None:
    """Follow-up: bring the audio home and seal it. Raises `ProviderError`, `TryAgain`, `Invalid`."""
    recording = Recording.objects.select_related("call").filter(pk=payload["recording"]).first()
    if recording is None or recording.state in (Recording.State.KEPT, Recording.State.ABSENT):
        return
    try:
        size = store_recording(recording, _checked(twilio.recording_media(recording.url)))
    except ProviderError as error:
        if error.category == "not_found":
            # The carrier tells of a recording before every one of its servers has the file.
            raise TryAgain("not there yet") from None
        raise
    with transaction.atomic():
        recording = Recording.objects.select_for_update().select_related("call").get(pk=recording.pk)
        recording.state, recording.size = Recording.State.KEPT, size
        recording.outline = outline_of(recording)
        recording.save(update_fields=["state", "size", "outline"])
        # Our copy is sealed; theirs is not.
        add_follow_up("remove_plain_recording", call_id, {"recording": str(recording.pk)}, key=str(recording.pk))
        if recording.kind == Recording.Kind.VOICEMAIL:
            _transcribe_later(recording)
        tell_pages(recording.call)


def remove_plain_recording(call_id: str, payload: dict[str, Any]) -> None:
    """Follow-up: erase the carrier's copy of a recording that is kept here. Raises `ProviderError`."""
    recording = Recording.objects.filter(pk=payload["recording"], state=Recording.State.KEPT).first()
    if recording is not None:
        twilio.delete_recording(recording.sid)


def give_up_fetching(call_id: str, payload: dict[str, Any]) -> None:
    """The audio could not be had: say so on the page."""
    Recording.objects.filter(pk=payload["recording"]).update(state=Recording.State.FAILED)
    give_up_transcribing(call_id, payload)


def transcribe_voicemail(call_id: str, payload: dict[str, Any]) -> None:
    """Follow-up: write a kept voicemail down. Raises `ProviderError`."""
    voicemail = Voicemail.objects.select_related("recording", "call").filter(recording=payload["recording"]).first()
    if voicemail is None or voicemail.transcription == Voicemail.Transcription.DONE:
        return
    recording = voicemail.recording
    heard = ai.transcribe(read_recording(recording))
    voicemail.transcript, voicemail.transcription = heard.text, Voicemail.Transcription.DONE
    with transaction.atomic():
        voicemail.save(update_fields=["transcript", "transcription"])
        tell_pages(voicemail.call)


def give_up_transcribing(call_id: str, payload: dict[str, Any]) -> None:
    """The voicemail stays without text: say so on the page."""
    failed = Voicemail.Transcription.FAILED
    Voicemail.objects.filter(recording=payload["recording"]).update(transcription=failed)
