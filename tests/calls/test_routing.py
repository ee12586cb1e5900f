from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.routing import Answer, Menu, Reject, RingStaff, RoutingInput, Voicemail, decide

BUSY = {"running_calls": 3, "max_concurrent_calls": 3}


@pytest.mark.parametrize(
    ("given_", "decision"),
    [
        ({}, Answer("receptionist_first")),
        ({"open_now": True}, Answer("receptionist_first")),
        ({"open_now": False}, Answer("receptionist_first")),
        ({"staff_reachable": True}, Answer("receptionist_first")),
        # What can't be answered, paid for or carried comes before the tenant's choice, in this order.
        ({"blocked": True}, Reject("blocked")),
        ({"blocked": True, "credits_ok": False, "suspended": True, **BUSY}, Reject("blocked")),
        ({"suspended": True, "credits_ok": False}, Voicemail("suspended")),
        ({"credits_ok": False}, Voicemail("no_credits")),
        ({"credits_ok": False, **BUSY}, Voicemail("no_credits")),
        ({"front_door": "staff_first", "staff_reachable": True, "credits_ok": False}, Voicemail("no_credits")),
        (BUSY, Voicemail("too_many_calls")),
        ({"running_calls": 4, "max_concurrent_calls": 3}, Voicemail("too_many_calls")),
        ({"running_calls": 2, "max_concurrent_calls": 3}, Answer("receptionist_first")),
        ({"running_calls": 0, "max_concurrent_calls": 0}, Voicemail("too_many_calls")),
        # Staff first, while there is any.
        ({"front_door": "staff_first", "staff_reachable": True}, RingStaff("staff_first")),
        ({"front_door": "staff_first"}, Answer("no_staff")),
        ({"front_door": "after_hours", "open_now": True, "staff_reachable": True}, RingStaff("staff_first")),
        ({"front_door": "after_hours", "open_now": True}, Answer("no_staff")),
        ({"front_door": "after_hours", "open_now": False, "staff_reachable": True}, Answer("after_hours")),
        ({"front_door": "after_hours", "open_now": None, "staff_reachable": True}, Answer("after_hours")),
        # The menu, while there is one.
        ({"front_door": "menu", "menu_ready": True}, Menu("menu_first")),
        ({"front_door": "menu"}, Answer("no_menu")),
        # Without a receptionist.
        ({"receptionist_reachable": False, "menu_ready": True}, Menu("no_receptionist")),
        ({"receptionist_reachable": False}, Voicemail("no_receptionist")),
        ({"front_door": "staff_first", "receptionist_reachable": False}, Voicemail("no_receptionist")),
        ({"front_door": "something else"}, Answer("unknown_front_door")),
    ],
)
def test_each_case_goes_to_the_first_rung_that_can_take_it(given_, decision):
    assert decide(RoutingInput(**given_)) == decision


@given(
    st.builds(
        RoutingInput,
        front_door=st.sampled_from(["ai_first", "staff_first", "menu", "after_hours", ""]),
        running_calls=st.integers(0, 20),
        max_concurrent_calls=st.integers(0, 10),
    )
)
def test_only_a_blocked_caller_is_ever_refused_and_nothing_unpaid_is_answered(given_):
    decision = decide(given_)
    assert isinstance(decision, Reject) == given_.blocked
    if not given_.credits_ok or given_.suspended:
        assert isinstance(decision, Voicemail | Reject)
    if isinstance(decision, RingStaff):
        assert given_.staff_reachable
    if isinstance(decision, Menu):
        assert given_.menu_ready
