"""How the receptionist behaves and what the business offers; in the tenant's schema."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from common.clock import now

GOODBYE = "Thank you for calling. Goodbye!"
STILL_THERE = ("Are you still there?", "I can't hear you. Is there anything else I can help you with?")


def still_there() -> list[str]:
    """What a new receptionist asks somebody who has fallen silent."""
    return list(STILL_THERE)


class Persona(models.Model):
    """The receptionist of this business: one row."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    greeting = models.TextField(help_text="The first words a caller hears")
    goodbye = models.TextField(default=GOODBYE, help_text="The last words a caller hears")
    idle_prompts = models.JSONField(
        default=still_there, help_text="What a silent caller is asked, one after the other; then comes the goodbye"
    )
    voice = models.CharField(max_length=60, blank=True, help_text="Empty for the platform's voice")
    guidance = models.JSONField(default=list, help_text="Sentences added to the instructions")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(id=1), name="persona_only_one"),
        ]

    def __str__(self) -> str:
        return "persona"


class SpokenPrompt(models.Model):
    """A sentence rendered ahead, named by the hash of voice and text: changed words have another name."""

    digest = models.CharField(max_length=64, primary_key=True)
    text = models.TextField()
    voice = models.CharField(max_length=60, blank=True)
    ulaw = models.BinaryField(help_text="8 kHz mu-law")
    rendered_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return self.digest


class OpenInterval(models.Model):
    """An open stretch of one weekday (0 = Monday), in minutes of the local day; `closes` may pass midnight."""

    weekday = models.PositiveSmallIntegerField()
    opens = models.PositiveSmallIntegerField()
    closes = models.PositiveSmallIntegerField()

    class Meta:
        ordering: ClassVar[list[str]] = ["weekday", "opens"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(weekday__lte=6, opens__lt=1440, closes__gt=models.F("opens"), closes__lte=2880),
                name="interval_exists",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.opens}-{self.closes}"


class SpecialDay(models.Model):
    """A holiday or a day with hours of its own; every year where `year` is empty."""

    year = models.PositiveSmallIntegerField(null=True, blank=True)
    month = models.PositiveSmallIntegerField()
    day = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=80, blank=True)
    intervals = models.JSONField(default=list, help_text="[[opens, closes], …] in minutes; empty when closed")

    class Meta:
        ordering: ClassVar[list[str]] = ["month", "day"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["year", "month", "day"], nulls_distinct=False, name="special_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.year or 'every year'} {self.month}-{self.day}"


class Service(models.Model):
    """Something the business does, for a price and a time."""

    name = models.CharField(max_length=120, unique=True)
    price_cents = models.PositiveIntegerField(null=True, blank=True)
    minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar[list[str]] = ["position", "name"]

    def __str__(self) -> str:
        return self.name
