"""Which day a caller means: "tomorrow", "on Friday", "the 4th of July", "Christmas", "2026-12-24". Pure."""

from __future__ import annotations

import re
from datetime import date, timedelta

from receptionist.hours import WEEKDAYS, Schedule

_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
_MONTH = "|".join(_MONTHS)
_ISO = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_MONTH_DAY = re.compile(rf"\b({_MONTH}) (?:the )?(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (\d{{4}}))?")
_DAY_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH})\b(?:,? (\d{{4}}))?")
_DAY_ONLY = re.compile(r"\bthe (\d{1,2})(?:st|nd|rd|th)\b")
_WEEKDAY = re.compile(rf"\b(next )?({'|'.join(day.lower() for day in WEEKDAYS)})s?\b")
_WEEKEND = re.compile(r"\bweekends?\b")


def days_meant(text: str, today: date, schedule: Schedule) -> list[date]:
    """The days named in `text`, at most a week of them; empty when none is named or none such exists."""
    text = " ".join(text.lower().replace("’", "'").split())
    named = _holiday(text, today, schedule)
    if named:
        return [named]
    for pattern, order in ((_ISO, (1, 2, 3)), (_MONTH_DAY, (3, 1, 2)), (_DAY_MONTH, (3, 2, 1))):
        if match := pattern.search(text):
            year, month, day = (match[group] for group in order)
            found = _date(year, month, int(day), today)
            return [found] if found else []
    days = []
    if re.search(r"\b(?:today|tonight|now|this (?:morning|afternoon|evening))\b", text):
        days.append(today)
    if "day after tomorrow" in text:
        days.append(today + timedelta(days=2))
    elif "tomorrow" in text:
        days.append(today + timedelta(days=1))
    for match in _WEEKDAY.finditer(text):
        ahead = (_weekday(match[2]) - today.weekday()) % 7
        # "Next Monday" on a Monday is in a week; on another day it is the one that comes next.
        days.append(today + timedelta(days=7 if match[1] and ahead == 0 else ahead))
    if _WEEKEND.search(text):
        saturday = today + timedelta(days=(5 - today.weekday()) % 7 if today.weekday() != 6 else -1)
        days += [saturday, saturday + timedelta(days=1)]
    if not days and (match := _DAY_ONLY.search(text)):
        found = _next_day_of_month(int(match[1]), today)
        days += [found] if found else []
    return list(dict.fromkeys(days))[:7]


def _weekday(name: str) -> int:
    return [day.lower() for day in WEEKDAYS].index(name)


def _date(year: str | None, month: str, day: int, today: date) -> date | None:
    number = int(month) if month.isdigit() else _MONTHS.index(month) + 1
    try:
        if year:
            return date(int(year), number, day)
        found = date(today.year, number, day)
        return found if found >= today else date(today.year + 1, number, day)
    except ValueError:
        return None


def _next_day_of_month(day: int, today: date) -> date | None:
    for ahead in range(62):
        on = today + timedelta(days=ahead)
        if on.day == day:
            return on
    return None


def _holiday(text: str, today: date, schedule: Schedule) -> date | None:
    """A special day by its name; then by its short name: "Christmas" finds "Christmas Day"."""
    names = [(day.name.lower().replace("’", "'"), day) for day in schedule.special if day.name]
    short = [(re.sub(r"\s+day$", "", name), day) for name, day in names]
    for name, special in (*names, *short):
        if re.search(rf"\b{re.escape(name)}\b", text) and (found := special.next_date(today)):
            return found
    return None
