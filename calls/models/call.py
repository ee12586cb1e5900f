"""A call, its legs, and the journal of what happened on it."""

from __future__ import annotations

import uuid

from django.db import models

from common.clock import now
from tenants.fields import SealedJSONField


class CallStatus(models.TextChoices):
    """Twilio's call states, word for word (protocols.md 4.5)."""

    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"

    @property
    def rank(self) -> int:
        """Callbacks come in any order: a state never gives way to one of a lower rank."""
        return {"queued": 0, "ringing": 1, "in-progress": 2}.get(self.value, 3)

    @property
    def final(self) -> bool:
        """Whether the call is over."""
        return self.rank == 3


class Direction(models.TextChoices):
    """As seen from the tenant."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class DecisionKind(models.TextChoices):
    """Who the routing gave the call to."""

    REJECT = "reject"
    VOICEMAIL = "voicemail"
    MENU = "menu"
    RING_STAFF = "ring_staff"
    ANSWER = "answer"


class Outcome(models.TextChoices):
    """How the call ended, in the business's words."""

    ANSWERED = "answered", "Answered"
    MESSAGE_TAKEN = "message_taken", "Message taken"
    VOICEMAIL = "voicemail", "Voicemail"
    ABANDONED = "abandoned", "Caller left"
    REJECTED = "rejected", "Rejected"
    FAILED = "failed", "Failed"


class Call(models.Model):
    """One conversation. The database never holds what was said in the open: see `CallEvent`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sid = models.CharField(max_length=64, unique=True, help_text="The carrier's CallSid")
    direction = models.CharField(max_length=10, choices=Direction.choices, default=Direction.INBOUND)
    is_test = models.BooleanField(default=False, help_text="Placed by the business itself from the test-call panel")
    caller = models.CharField(max_length=64, blank=True, help_text="As the carrier names it; empty when withheld")
    callee = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=12, choices=CallStatus.choices, default=CallStatus.RINGING)
    decision = models.CharField(max_length=12, choices=DecisionKind.choices, blank=True)
    decision_reason = models.CharField(max_length=40, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True)
    next_step = models.JSONField(null=True, blank=True, help_text="What the line does when its stream closes")
    started_at = models.DateTimeField(default=now)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    active_at = models.DateTimeField(default=now, help_text="Last sign of life: webhook or journal")
    seconds = models.PositiveIntegerField(default=0, help_text="Answered to ended, as the carrier counts it")
    stream_generation = models.PositiveSmallIntegerField(default=0, help_text="Streams lost and replaced so far")
    credits = models.PositiveIntegerField(default=0, help_text="What the call cost; written by billing")

    class Meta:
        ordering = ["-started_at"]
        indexes = [
            # The call list is read newest first.
            models.Index(fields=["-started_at"], name="call_newest"),
            # Running calls are counted on every incoming call and swept every minute; they are few among many.
            models.Index(fields=["active_at"], name="call_running", condition=models.Q(ended_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.sid

    @property
    def running(self) -> bool:
        """Whether the line is still open."""
        return self.ended_at is None


class CallLeg(models.Model):
    """One party's connection; the caller's own leg carries the call's SID."""

    class Party(models.TextChoices):
        """Who is on this leg."""

        CALLER = "caller"
        AGENT = "agent"
        OUTSIDE = "outside"

    # The unique SID is how legs are found; the index of the foreign key lists a call's legs.
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="legs")
    sid = models.CharField(max_length=64, unique=True)
    party = models.CharField(max_length=8, choices=Party.choices, default=Party.CALLER)
    number = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=12, choices=CallStatus.choices, default=CallStatus.RINGING)
    started_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["started_at"]

    def __str__(self) -> str:
        return self.sid


class CallEvent(models.Model):
    """The journal: one fact of a call. What people said is in `data`, sealed with the tenant's key."""

    # No index of its own: the unique constraint begins with the call.
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="events", db_index=False)
    source = models.CharField(max_length=40, help_text="The writer: one stream of one media process")
    seq = models.PositiveIntegerField(help_text="The writer's own count")
    kind = models.CharField(max_length=16)
    offset_ms = models.PositiveIntegerField(help_text="Milliseconds of the call")
    data = SealedJSONField()

    class Meta:
        ordering = ["offset_ms", "id"]
        constraints = [
            # A batch that is delivered twice is written once; also serves every read of one call's journal.
            models.UniqueConstraint(fields=["call", "source", "seq"], name="callevent_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.offset_ms} ms"


class DismissedQuestion(models.Model):
    """A question without an answer that somebody has taken off Home. The journal itself never changes."""

    event = models.OneToOneField(CallEvent, on_delete=models.CASCADE, primary_key=True, related_name="dismissal")
    dismissed_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-dismissed_at"]

    def __str__(self) -> str:
        return str(self.pk)
