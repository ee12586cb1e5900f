"""The outbox: work that must happen after a call, written before any task is sent."""

from __future__ import annotations

from django.db import models

from calls.models.call import Call
from common.clock import now


class FollowUp(models.Model):
    """One piece of work. `due_at` is also the lease: whoever runs it moves it ahead; a killed worker's row returns."""

    class State(models.TextChoices):
        """Waiting covers running: a row leaves it only by an end."""

        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    call = models.ForeignKey(Call, null=True, blank=True, on_delete=models.CASCADE, related_name="follow_ups")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=80, help_text="The same work is never written twice")
    payload = models.JSONField(default=dict, help_text="Ids only, never what a person said")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=now)
    error = models.CharField(max_length=80, blank=True, help_text="Why the last attempt failed, in one word or two")
    created_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="followup_once")]
        # The sweeper asks for what is overdue every half minute; finished rows are many and never asked for.
        indexes = [models.Index(fields=["due_at"], name="followup_due", condition=models.Q(state="waiting"))]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
