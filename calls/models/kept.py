"""What is kept of a call: recordings, voicemails, messages. Contents are sealed with the tenant's key."""

from __future__ import annotations

import uuid

from django.db import models

from calls.models.call import Call
from common.clock import now
from tenants.fields import SealedTextField


class Recording(models.Model):
    """A sound file of a call. The audio is in a sealed file (`calls.recordings`), never in the database."""

    class Kind(models.TextChoices):
        """What was recorded."""

        CALL = "call"
        VOICEMAIL = "voicemail"

    class State(models.TextChoices):
        """Where the audio is."""

        PENDING = "pending", "Being fetched"
        KEPT = "kept", "Kept"
        ABSENT = "absent", "Nothing was recorded"
        FAILED = "failed", "Could not be fetched"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="recordings")
    sid = models.CharField(max_length=64, unique=True, help_text="The carrier's RecordingSid")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.CALL)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    url = models.URLField(max_length=500, blank=True, help_text="Where the carrier offers it")
    seconds = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes of the audio once opened")
    outline = models.JSONField(
        null=True, blank=True, help_text="Heights of the waveform by channel; see `calls.outline`"
    )
    created_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.sid


class Voicemail(models.Model):
    """A recorded message, its text once recognised, and whether somebody has heard it."""

    class Transcription(models.TextChoices):
        """How far the text is."""

        PENDING = "pending", "Being written down"
        DONE = "done", "Done"
        FAILED = "failed", "Could not be written down"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="voicemails")
    recording = models.OneToOneField(Recording, on_delete=models.CASCADE, related_name="voicemail")
    transcript = SealedTextField(blank=True)
    transcription = models.CharField(max_length=8, choices=Transcription.choices, default=Transcription.PENDING)
    created_at = models.DateTimeField(default=now)
    heard_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        # The inbox is read newest first; what is new in it is counted on every page.
        indexes = [
            models.Index(fields=["-created_at"], name="voicemail_newest"),
            models.Index(fields=["created_at"], name="voicemail_new", condition=models.Q(heard_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Message(models.Model):
    """A message the receptionist took in words."""

    class Urgency(models.TextChoices):
        """How soon somebody should see it."""

        LOW = "low", "Low"
        NORMAL = "normal", "Normal"
        URGENT = "urgent", "Urgent"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="messages")
    name = SealedTextField(blank=True)
    number = SealedTextField(blank=True)
    body = SealedTextField()
    urgency = models.CharField(max_length=8, choices=Urgency.choices, default=Urgency.NORMAL)
    created_at = models.DateTimeField(default=now)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        # The inbox is read newest first; what is new in it is counted on every page.
        indexes = [
            models.Index(fields=["-created_at"], name="message_newest"),
            models.Index(fields=["created_at"], name="message_new", condition=models.Q(done_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return str(self.id)
