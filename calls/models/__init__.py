"""Models of the calls room, in the tenant's schema."""

from __future__ import annotations

from calls.models.call import (
    Call,
    CallEvent,
    CallLeg,
    CallStatus,
    DecisionKind,
    Direction,
    DismissedQuestion,
    Outcome,
)
from calls.models.kept import Message, Recording, Voicemail
from calls.models.outbox import FollowUp

__all__ = [
    "Call",
    "CallEvent",
    "CallLeg",
    "CallStatus",
    "DecisionKind",
    "Direction",
    "DismissedQuestion",
    "FollowUp",
    "Message",
    "Outcome",
    "Recording",
    "Voicemail",
]
