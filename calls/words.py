"""What happened on a call, in the words of a small business. Django-free tables and sentences."""

from __future__ import annotations

from typing import Any

#: Why the routing chose as it did (`calls.routing`), by reason.
DECISIONS = {
    "receptionist_first": "The receptionist answered, because it answers first.",
    "after_hours": "The receptionist answered, because you were closed.",
    "no_staff": "The receptionist answered, because nobody of your team could take the call.",
    "no_menu": "The receptionist answered, because your menu is not set up yet.",
    "unknown_front_door": "The receptionist answered, as nothing else was set up.",
    "staff_first": "Your team was rung first.",
    "menu_first": "The caller was offered your menu first.",
    "blocked": "The call was refused, because this number is on your block list.",
    "suspended": "The call went to voicemail, because this account is suspended.",
    "no_credits": "The call went to voicemail, because there were no credits left.",
    "too_many_calls": "The call went to voicemail, because all your lines were busy.",
    "no_receptionist": "The call went to voicemail, because the receptionist could not be reached.",
    "error": "The call went to voicemail, because something failed on our side.",
}
UNDECIDED = "Nobody had been chosen to answer when the call ended."

#: What came after the receptionist's part, by (step, reason).
_VOICEMAIL_AFTER = {
    "receptionist": "The receptionist handed the caller on to voicemail.",
    "engine": "The receptionist lost its voice, so the caller was asked to leave a voicemail.",
    "stream_lost": "The connection broke too often, so the caller was asked to leave a voicemail.",
}

_LOST = {
    "closed": "the connection closed",
    "refused": "it refused the connection",
    "stalled": "it did not connect in time",
    "unanswered": "it stopped answering",
    "misconfigured": "it did not accept the receptionist's settings",
    "authentication": "the key was not accepted",
}
_ENGINES = {"openai": "OpenAI", "named": "your own voice engine", "house": "Deskbell's own voice engine"}

#: Names of outstanding work (`calls.followups`) that has failed for good.
WORK = {
    "settle": "The cost of this call could not be booked.",
    "fetch_recording": "The recording could not be brought home.",
    "transcribe_voicemail": "The voicemail could not be written down.",
    "keep_unfinished_message": "What the caller had begun to leave as a message could not be kept.",
    "remove_plain_recording": "The carrier's copy of the recording could not be erased.",
}

_OUTCOMES = {
    "answered": "The receptionist talked with the caller.",
    "message_taken": "The receptionist took a message.",
    "voicemail": "The caller reached your voicemail.",
    "abandoned": "The caller left before anybody spoke with them.",
    "rejected": "The call was refused.",
    "failed": "The call failed before it could be answered.",
}

#: Outcomes of calls that nobody spoke on.
_UNREACHED = ("abandoned", "failed")


def decision(reason: str, outcome: str = "") -> str:
    """Who answered, and why; or who would have, where the caller was gone before."""
    text = DECISIONS.get(reason, f"Reason: {reason.replace('_', ' ')}." if reason else UNDECIDED)
    if outcome in _UNREACHED:
        return text.replace("The receptionist answered", "The receptionist was to answer", 1)
    return text


def outcome(value: str) -> str:
    """How it ended, as a sentence; nothing while it lasts."""
    return _OUTCOMES.get(value, "")


def engine_name(name: str) -> str:
    """A voice engine as people know it."""
    return _ENGINES.get(name, name or "the voice engine")


def engine_lost(reason: str) -> str:
    """Why a voice engine was lost, to follow "because"."""
    return _LOST.get(reason, reason.replace("_", " ") or "of a fault")


def next_step(step: dict[str, Any]) -> str:
    """What the line did when the receptionist was done; nothing for what needs no words."""
    match step.get("do"):
        case "hangup":
            return "The conversation was over, and the receptionist hung up."
        case "voicemail":
            reason = str(step.get("reason", ""))
            return _VOICEMAIL_AFTER.get(reason, "The caller was asked to leave a voicemail.")
        case _:
            return ""


def error(code: str) -> str:
    """A fault that was noted on the call."""
    known = {
        "no_engine": "No voice engine could be reached.",
        "bridge": "The receptionist's line failed and was closed.",
    }
    return known.get(code, f"The voice engine reported a fault ({code.replace('_', ' ')[:60]}).")
