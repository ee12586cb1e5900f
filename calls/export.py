"""Calls as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from django.utils import timezone

from calls.models import Call
from common.phone import national

COLUMNS = ("Started", "Caller", "Called", "Outcome", "Seconds", "Credits", "Call", "Test")
#: A cell that begins with one of these is a formula to a spreadsheet (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _written(number: str, region: str) -> str:
    # Carriers name callers in other ways, too, and letters would be read as the keys they are on.
    return national(number, region) if number.removeprefix("+").isdigit() else number


def calls_csv(calls: Iterable[Call], region: str = "US") -> str:
    """One line a call; times in the tenant's zone, numbers as people write them. Excel needs the byte-order mark."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for call in calls:
        outcome = "On the line" if call.running else call.get_outcome_display()
        caller = _written(call.caller, region) if call.caller else "Number withheld"
        started = timezone.localtime(call.started_at).isoformat(sep=" ", timespec="seconds")
        texts = [started, caller, _written(call.callee, region), outcome]
        writer.writerow([*map(cell, texts), call.seconds, call.credits, cell(call.sid), "yes" if call.is_test else ""])
    return f"\ufeff{out.getvalue()}"
