"""When a business is open. Pure: a `Schedule` holds plain data, moments are aware datetimes.

Times of day are minutes since local midnight; an end past 1440 reaches into the next day. Wall-clock times become
moments through the zone's own rules, so a day with a clock change is as long as it really is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_MINUTES = 1440
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Interval = tuple[int, int]


def stretch(start: int, end: int) -> Interval:
    """From one time of day to another: an end before the start is on the next day, midnight to midnight a whole day.

    Raises `ValueError` where both are the same and not midnight: a slip, which callers would hear as "9 AM to 9 AM".
    """
    if start == end != 0:
        raise ValueError("opening and closing are the same; the whole day is 00:00-24:00")
    return start, end if end > start else end + DAY_MINUTES


def overlap(intervals: Sequence[Interval]) -> bool:
    """Whether two of these share a moment; an end that is the other's start is none."""
    ordered = sorted(intervals)
    return any(later[0] < earlier[1] for earlier, later in zip(ordered, ordered[1:], strict=False))


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day with hours of its own; none at all means closed. Without `year` it returns every year."""

    month: int
    day: int
    year: int | None = None
    name: str = ""
    intervals: tuple[Interval, ...] = ()

    def falls_on(self, on: date) -> bool:
        """Whether this is that day."""
        return (self.month, self.day) == (on.month, on.day) and self.year in (None, on.year)

    def next_date(self, today: date) -> date | None:
        """The next such day from `today` on; None when it has passed."""
        for year in (self.year,) if self.year else range(today.year, today.year + 9):
            try:
                found = date(year, self.month, self.day)
            except ValueError:  # 29 February
                continue
            if found >= today:
                return found
        return None


@dataclass(frozen=True, slots=True)
class Span:
    """An open stretch as two moments, on the local day it begins."""

    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """Weekly hours (0 = Monday) and special days in one time zone."""

    zone: ZoneInfo
    weekly: Mapping[int, Sequence[Interval]] = field(default_factory=dict)
    special: Sequence[SpecialDay] = ()

    def special_on(self, on: date) -> SpecialDay | None:
        """The special day that `on` is; one of that very year comes before a yearly one."""
        matching = [day for day in self.special if day.falls_on(on)]
        return min(matching, key=lambda day: day.year is None, default=None)

    def intervals_on(self, on: date) -> list[Interval]:
        """Open intervals that begin on the local day `on`, sorted, overlapping ones joined."""
        special = self.special_on(on)
        intervals = special.intervals if special else self.weekly.get(on.weekday(), ())
        joined: list[Interval] = []
        for start, end in sorted(intervals):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            elif start < end:
                joined.append((start, end))
        return joined

    def _moment(self, on: date, minutes: int, *, closing: bool) -> datetime:
        days, rest = divmod(minutes, DAY_MINUTES)
        wall = datetime.combine(on + timedelta(days=days), time(rest // 60, rest % 60), self.zone)
        # Of an hour that comes twice the business opens at the first and closes at the second.
        moment = wall.replace(fold=int(closing)).astimezone(UTC).astimezone(self.zone)
        # A time that the clocks skip counts as so much later.
        return moment if moment.replace(fold=0) == wall else wall.astimezone(UTC).astimezone(self.zone)

    def spans(self, first: date, days: int) -> Iterator[Span]:
        """Open stretches that begin within `days` local days from `first`."""
        for offset in range(days):
            on = first + timedelta(days=offset)
            for start, end in self.intervals_on(on):
                starts, ends = self._moment(on, start, closing=False), self._moment(on, end, closing=True)
                if starts.timestamp() < ends.timestamp():
                    yield Span(starts, ends)

    def local_date(self, moment: datetime) -> date:
        """The local day of `moment`."""
        return moment.astimezone(self.zone).date()

    def open_until(self, moment: datetime) -> datetime | None:
        """When it closes, if it is open at `moment`; None when closed. Stretches that touch count as one."""
        end: datetime | None = None
        for span in self.spans(self.local_date(moment) - timedelta(days=1), 9):
            if span.starts.timestamp() <= (end or moment).timestamp() < span.ends.timestamp():
                end = span.ends
        return end

    def is_open(self, moment: datetime) -> bool:
        """Whether it is open at `moment`."""
        return self.open_until(moment) is not None

    def next_opening(self, moment: datetime) -> datetime | None:
        """The next time it opens after `moment`, within two months; None when it never does."""
        now = moment.timestamp()
        for span in self.spans(self.local_date(moment), 62):
            if span.starts.timestamp() > now:
                return span.starts
        return None


def spoken_time(minutes: int) -> str:
    """``540`` as "9 AM", ``810`` as "1:30 PM", 12:00 as "noon", 24:00 as "midnight"."""
    minutes %= DAY_MINUTES
    if minutes in (0, 720):
        return "noon" if minutes else "midnight"
    hour, rest = divmod(minutes, 60)
    clock = f"{(hour - 1) % 12 + 1}" + (f":{rest:02d}" if rest else "")
    return f"{clock} {'AM' if hour < 12 else 'PM'}"


def spoken_moment(moment: datetime) -> str:
    """The time of day of a local moment."""
    return spoken_time(moment.hour * 60 + moment.minute)


def spoken_intervals(intervals: Sequence[Interval]) -> str:
    """As in "9 AM to noon and 1 PM to 5 PM"; "closed" for none; "24 hours" for a whole day."""
    if not intervals:
        return "closed"
    if list(intervals) == [(0, DAY_MINUTES)]:
        return "24 hours"
    parts = [f"{spoken_time(start)} to {spoken_time(end)}" for start, end in intervals]
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else parts[0]


def spoken_week(schedule: Schedule) -> str:
    """The regular week as sentences, equal neighbours together: "Monday to Friday, 9 AM to 5 PM. Closed on …"."""
    runs: list[tuple[int, int, list[Interval]]] = []
    plain = Schedule(schedule.zone, schedule.weekly)
    monday = date(2024, 1, 1)
    for day in range(7):
        intervals = plain.intervals_on(monday + timedelta(days=day))
        if runs and runs[-1][2] == intervals:
            runs[-1] = (runs[-1][0], day, intervals)
        else:
            runs.append((day, day, intervals))
    if all(not intervals for _, _, intervals in runs):
        return "We have no regular opening hours."
    opened = [f"{_days(first, last)}, {spoken_intervals(i)}" for first, last, i in runs if i]
    closed = [_days(first, last) for first, last, i in runs if not i]
    text = f"We are open {'; '.join(opened)}."
    return f"{text} We are closed on {' and '.join(closed)}." if closed else text


def _days(first: int, last: int) -> str:
    if first == last:
        return WEEKDAYS[first]
    return f"{WEEKDAYS[first]} {'and' if last == first + 1 else 'to'} {WEEKDAYS[last]}"
