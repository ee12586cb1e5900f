"""Opening hours, holidays, and whether the business is open."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from pydantic import Field

from common.clock import now
from receptionist import selectors
from receptionist.days import days_meant
from receptionist.hours import Schedule, spoken_intervals, spoken_moment, spoken_week
from receptionist.tools.base import Arguments, Context, Tool, ToolResult

_NOW = re.compile(r"\b(?:now|currently|at the moment)\b", re.I)
_NAMED_DAY = re.compile(
    r"\b(?:thanksgiving|easter|christmas|new year|labor day|memorial day|veterans day|juneteenth)\b", re.I
)


class BusinessHours(Arguments):
    """`day` as the caller said it."""

    day: str | None = Field(
        default=None,
        max_length=200,
        description=(
            'The day the caller means, as they said it: "now", "today", "tomorrow", "Friday", "the weekend", "July 4th", '
            '"2026-12-24". Leave it out for the opening hours in general.'
        ),
    )


def _run(context: Context, arguments: BusinessHours) -> ToolResult:
    schedule = selectors.schedule(context.tenant)
    moment = now().astimezone(schedule.zone)
    output = hours_answer(schedule, moment, arguments.day or "")
    return ToolResult(True, output)


def hours_answer(schedule: Schedule, moment: datetime, asked: str) -> dict[str, object]:
    """The tool's output for the day in `asked`; without one, the state now and the whole week. `moment` is local."""
    today = moment.date()
    days = days_meant(asked, today, schedule)
    state = {"open_now": schedule.is_open(moment)}
    if _NOW.search(asked):
        return {"say": _now_sentence(schedule, moment), **state}
    if "holiday" in asked.lower() and not days:
        return {"say": _holidays_sentence(schedule), **state}
    if days:
        say = " ".join(_day_sentence(schedule, on, today) for on in days)
        if days == [today]:
            say = f"{say} {_now_sentence(schedule, moment)}"
        hours = {on.isoformat(): [list(interval) for interval in schedule.intervals_on(on)] for on in days}
        return {"say": say, **state, "minutes_of_day": hours}
    unknown = "I have no special hours noted for that day. " if _NAMED_DAY.search(asked) else ""
    return {"say": f"{unknown}{spoken_week(schedule)} {_now_sentence(schedule, moment)}", **state}


def _holidays_sentence(schedule: Schedule) -> str:
    named = [day for day in schedule.special if day.name]
    closed = [day.name for day in named if not day.intervals]
    changed = [f"{day.name}, {spoken_intervals(day.intervals)}" for day in named if day.intervals]
    if not named:
        return f"I have no holidays noted. {spoken_week(schedule)}"
    parts = [f"We are closed on {_and(closed)}."] if closed else []
    parts += [f"We have special hours on {'; '.join(changed)}."] if changed else []
    return " ".join(parts)


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _day_sentence(schedule: Schedule, on: date, today: date) -> str:
    intervals, special = schedule.intervals_on(on), schedule.special_on(on)
    name = _day_name(on, today)
    holiday = special.name if special else ""
    if not intervals:
        return f"{name} we are closed{f' for {holiday}' if holiday else ''}."
    spoken = spoken_intervals(intervals)
    because = f" because of {holiday}" if holiday else ""
    return f"{name} we are open {spoken if spoken == '24 hours' else f'from {spoken}'}{because}."


def _day_name(on: date, today: date) -> str:
    ahead = (on - today).days
    weekday = f"{on:%A}"
    if ahead in (0, 1):
        return f"{'Today' if ahead == 0 else 'Tomorrow'}, {weekday},"
    if 1 < ahead < 7:
        return f"On {weekday}"
    return f"On {weekday}, {on:%B} {on.day},"


def _now_sentence(schedule: Schedule, moment: datetime) -> str:
    until = schedule.open_until(moment)
    if until is not None:
        if until - moment > timedelta(days=2):
            return "We are open right now."
        return f"We are open right now, until {spoken_moment(until)}{_when(until, moment)}."
    opening = schedule.next_opening(moment)
    if opening is None:
        return "We are closed right now."
    return f"We are closed right now and open again{_when(opening, moment) or ' today'} at {spoken_moment(opening)}."


def _when(then: datetime, moment: datetime) -> str:
    ahead = (then.date() - moment.date()).days
    if ahead == 0:
        return ""
    if ahead == 1:
        return " tomorrow"
    return f" on {then:%A}" if ahead < 7 else f" on {then:%A}, {then:%B} {then.day}"


TOOL = Tool(
    name="business_hours",
    description=(
        "Tells the opening hours, in general or of one day, holidays, and whether we are open now.\n"
        'Callers say: "What are your opening hours?" | "Are you open on Saturday?" | "When do you close today?" | '
        '"What time do you open tomorrow?" | "Are you open now?" | "Are you closed on the holiday?" | '
        '"What are your hours on Friday?" | "How late are you open?" | "Are you still open?" | "When are you closed for holidays?" | '
        '"Until when are you open?"'
    ),
    arguments=BusinessHours,
    run=_run,
)
