"""When a business is open, in its own time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receptionist.days import days_meant
from receptionist.hours import Schedule, SpecialDay, spoken_intervals, spoken_time, spoken_week
from receptionist.tools.business_hours import hours_answer

NEW_YORK = ZoneInfo("America/New_York")
WEEK = {day: [(9 * 60, 17 * 60)] for day in range(5)}
CHRISTMAS = SpecialDay(12, 25, None, "Christmas Day")
EVE = SpecialDay(12, 24, None, "Christmas Eve", ((540, 720),))
OFFICE = Schedule(NEW_YORK, WEEK, [CHRISTMAS, EVE])


def at(text: str, zone: ZoneInfo = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-23T08:59", False),
        ("2026-11-23T09:00", True),
        ("2026-11-23T16:59", True),
        ("2026-11-23T17:00", False),
        ("2026-11-22T12:00", False),
        ("2026-12-25T12:00", False),
        ("2026-12-24T11:59", True),
        ("2026-12-24T12:00", False),
    ],
)
def test_open_from_the_first_minute_to_before_the_last(moment: str, is_open: bool) -> None:
    assert OFFICE.is_open(at(moment)) is is_open


def test_a_night_shift_reaches_into_the_next_day() -> None:
    bar = Schedule(NEW_YORK, {4: [(18 * 60, 26 * 60)]})
    assert bar.is_open(at("2026-11-28T01:59"))  # a Saturday
    assert not bar.is_open(at("2026-11-28T02:00"))
    assert bar.open_until(at("2026-11-27T23:00")) == at("2026-11-28T02:00")


def test_days_without_a_gap_count_as_one_stretch() -> None:
    always = Schedule(NEW_YORK, {day: [(0, 1440)] for day in range(7)})
    until = always.open_until(at("2026-11-23T12:00"))
    assert until is not None and until - at("2026-11-23T12:00") > timedelta(days=6)


@pytest.mark.parametrize(
    ("on", "hours"),
    [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 6, 1), 24)],
)
def test_a_day_is_as_long_as_it_really_is_when_the_clocks_change(on: date, hours: int) -> None:
    always = Schedule(NEW_YORK, {day: [(0, 1440)] for day in range(7)})
    [span] = always.spans(on, 1)
    assert span.ends.timestamp() - span.starts.timestamp() == hours * 3600


def test_a_business_closes_at_the_second_of_two_equal_hours() -> None:
    bar = Schedule(NEW_YORK, {6: [(0, 90)]})  # Sunday, midnight to 1:30
    [span] = bar.spans(date(2026, 11, 1), 1)
    assert span.ends.astimezone(UTC) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


def test_next_opening_skips_weekend_and_holiday() -> None:
    assert OFFICE.next_opening(at("2026-12-24T13:00")) == at("2026-12-28T09:00")
    assert Schedule(NEW_YORK).next_opening(at("2026-12-24T13:00")) is None


def test_hours_of_that_very_year_come_before_yearly_ones() -> None:
    schedule = Schedule(NEW_YORK, WEEK, [CHRISTMAS, SpecialDay(12, 25, 2026, "Christmas Day", ((600, 660),))])
    assert schedule.is_open(at("2026-12-25T10:30"))
    assert not schedule.is_open(at("2025-12-25T10:30"))


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0, "midnight"),
        (540, "9 AM"),
        (570, "9:30 AM"),
        (720, "noon"),
        (750, "12:30 PM"),
        (1020, "5 PM"),
        (1440, "midnight"),
    ],
)
def test_times_as_people_say_them(minutes: int, text: str) -> None:
    assert spoken_time(minutes) == text


def test_intervals_and_weeks_as_people_say_them() -> None:
    assert spoken_intervals([(540, 720), (780, 1020)]) == "9 AM to noon and 1 PM to 5 PM"
    assert spoken_intervals([(0, 1440)]) == "24 hours"
    assert spoken_week(OFFICE) == ("We are open Monday to Friday, 9 AM to 5 PM. We are closed on Saturday and Sunday.")
    assert spoken_week(Schedule(NEW_YORK)) == "We have no regular opening hours."


MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("", []),
        ("whenever", []),
        ("today", [MONDAY]),
        ("tonight", [MONDAY]),
        ("are you open right now", [MONDAY]),
        ("tomorrow morning", [date(2026, 11, 24)]),
        ("the day after tomorrow", [date(2026, 11, 25)]),
        ("Friday", [date(2026, 11, 27)]),
        ("on Fridays", [date(2026, 11, 27)]),
        ("monday", [MONDAY]),
        ("next Monday", [date(2026, 11, 30)]),
        ("next friday", [date(2026, 11, 27)]),
        ("the weekend", [date(2026, 11, 28), date(2026, 11, 29)]),
        ("Saturday or Sunday", [date(2026, 11, 28), date(2026, 11, 29)]),
        ("2026-12-31", [date(2026, 12, 31)]),
        ("December 31st", [date(2026, 12, 31)]),
        ("the 4th of July", [date(2027, 7, 4)]),
        ("July 4th, 2028", [date(2028, 7, 4)]),
        ("the 2nd", [date(2026, 12, 2)]),
        ("Christmas", [date(2026, 12, 25)]),
        ("on Christmas Eve", [date(2026, 12, 24)]),
        ("February 30th", []),
        ("2026-13-45", []),
    ],
)
def test_the_day_a_caller_means(text: str, days: list[date]) -> None:
    assert days_meant(text, MONDAY, OFFICE) == days


@pytest.mark.parametrize(
    ("moment", "asked", "say"),
    [
        (
            "2026-11-23T10:00",
            "",
            "We are open Monday to Friday, 9 AM to 5 PM. We are closed on Saturday and Sunday. "
            "We are open right now, until 5 PM.",
        ),
        ("2026-11-23T10:00", "Friday", "On Friday we are open from 9 AM to 5 PM."),
        (
            "2026-11-23T10:00",
            "today",
            "Today, Monday, we are open from 9 AM to 5 PM. We are open right now, until 5 PM.",
        ),
        (
            "2026-11-23T18:00",
            "today",
            "Today, Monday, we are open from 9 AM to 5 PM. We are closed right now and open again tomorrow at 9 AM.",
        ),
        ("2026-11-27T18:00", "tomorrow", "Tomorrow, Saturday, we are closed."),
        ("2026-11-23T10:00", "christmas", "On Friday, December 25, we are closed for Christmas Day."),
        (
            "2026-11-23T10:00",
            "2026-12-24",
            "On Thursday, December 24, we are open from 9 AM to noon because of Christmas Eve.",
        ),
        (
            "2026-11-23T07:00",
            "blah",
            "We are open Monday to Friday, 9 AM to 5 PM. We are closed on Saturday and Sunday. "
            "We are closed right now and open again today at 9 AM.",
        ),
    ],
)
def test_what_is_said_about_hours(moment: str, asked: str, say: str) -> None:
    assert hours_answer(OFFICE, at(moment), asked)["say"] == say


intervals = st.lists(
    st.tuples(st.integers(0, 1439), st.integers(1, 1440)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=3
)
schedules = st.builds(
    Schedule,
    st.sampled_from([NEW_YORK, ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")]),
    st.dictionaries(st.integers(0, 6), intervals),
    st.lists(
        st.builds(SpecialDay, st.integers(1, 12), st.integers(1, 28), st.none(), st.just(""), intervals.map(tuple)),
        max_size=3,
    ),
)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


@settings(max_examples=200, deadline=None)
@given(schedules, moments)
def test_open_now_and_next_opening_agree(schedule: Schedule, moment: datetime) -> None:
    until = schedule.open_until(moment)
    if until is not None:
        # A stretch without end is only followed for some days.
        assert until > moment
        assert schedule.is_open(until - timedelta(seconds=1))
        if until - moment < timedelta(days=6):
            assert not schedule.is_open(until.astimezone(UTC))
    opening = schedule.next_opening(moment)
    if opening is not None:
        assert opening > moment and schedule.is_open(opening)
        if until is None:
            before = opening.astimezone(UTC) - timedelta(seconds=1)
            assert before < moment or not schedule.is_open(before)
