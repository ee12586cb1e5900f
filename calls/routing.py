"""Who answers a call: one pure decision, taken before any AI second is spent.

Order of the rules: what must never be answered, what can't be paid for, what there is no room for, then the tenant's
choice of who answers first. A choice that nobody can serve falls to the next rung: staff and menu to the
receptionist, the receptionist to the menu, and whatever is left to voicemail. No rule leads to a dead line.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoutingInput:
    """Everything the decision depends on."""

    front_door: str = "ai_first"
    """`ai_first`, `staff_first`, `menu` or `after_hours` (staff while open, the receptionist otherwise)."""
    credits_ok: bool = True
    running_calls: int = 0
    """Calls the receptionist holds just now, this one not counted."""
    max_concurrent_calls: int = 10
    suspended: bool = False
    """The tenant's account is suspended."""
    blocked: bool = False
    """The caller is on the tenant's block list."""
    open_now: bool | None = None
    """Whether the business is open; None where its hours are not known."""
    staff_reachable: bool = False
    """Somebody could take the call now."""
    menu_ready: bool = False
    """The tenant has a keypad menu."""
    receptionist_reachable: bool = True


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse the call without answering it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Voicemail:
    """Take a recorded message."""

    reason: str


@dataclass(frozen=True, slots=True)
class Menu:
    """Offer the keypad menu."""

    reason: str


@dataclass(frozen=True, slots=True)
class RingStaff:
    """Ring the people of the business."""

    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The receptionist answers."""

    reason: str


Decision = Reject | Voicemail | Menu | RingStaff | Answer


def decide(given: RoutingInput) -> Decision:
    """The first rung that can take this call, with the reason."""
    if given.blocked:
        return Reject("blocked")
    if given.suspended:
        return Voicemail("suspended")
    if not given.credits_ok:
        return Voicemail("no_credits")
    if given.running_calls >= given.max_concurrent_calls:
        return Voicemail("too_many_calls")
    if _staff_first(given) and given.staff_reachable:
        return RingStaff("staff_first")
    if given.front_door == "menu" and given.menu_ready:
        return Menu("menu_first")
    if given.receptionist_reachable:
        return Answer(_why_receptionist(given))
    return Menu("no_receptionist") if given.menu_ready else Voicemail("no_receptionist")


def _staff_first(given: RoutingInput) -> bool:
    return given.front_door == "staff_first" or (given.front_door == "after_hours" and given.open_now is True)


def _why_receptionist(given: RoutingInput) -> str:
    if _staff_first(given):
        return "no_staff"
    reasons = {"ai_first": "receptionist_first", "after_hours": "after_hours", "menu": "no_menu"}
    return reasons.get(given.front_door, "unknown_front_door")
