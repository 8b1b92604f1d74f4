"""Times of the clock: right over changes of the clock, named once, read as they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from desk.jobs.slots import When, read_when
from trading.errors import BadSetting

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def when(text: str) -> When:
    found = read_when("x", text)
    assert found is not None
    return found


def listed(text: str, after: str, until: str, zone: ZoneInfo = BERLIN) -> list[tuple[str, str]]:
    found = when(text).slots(at(after), at(until), zone)
    return [(one.label, f"{one.at:%d %H:%M}") for one in found]


def test_spans_are_whole_multiples_in_utc_whatever_the_zone() -> None:
    assert listed("15m", "2026-10-25 00:50", "2026-10-25 01:15") == [
        ("2026-10-25T01:00Z", "25 01:00"),
        ("2026-10-25T01:15Z", "25 01:15"),
    ]


def test_a_time_of_the_day_follows_the_zone_over_a_change_of_the_clock() -> None:
    assert listed("07:30", "2026-10-24 00:00", "2026-10-26 12:00") == [
        ("2026-10-24", "24 05:30"),
        ("2026-10-25", "25 06:30"),
        ("2026-10-26", "26 06:30"),
    ]


def test_a_time_that_the_clock_leaves_out_comes_once_and_one_that_comes_twice_too() -> None:
    assert listed("02:30", "2026-03-28 12:00", "2026-03-29 12:00") == [("2026-03-29", "29 01:30")]
    assert listed("02:30", "2026-10-24 12:00", "2026-10-25 12:00") == [("2026-10-25", "25 00:30")]


def test_weeks_and_months_begin_where_they_are_told_to() -> None:
    assert [one for one, _ in listed("mon 00:15", "2026-11-01 00:00", "2026-11-17 00:00")] == [
        "2026-11-02",
        "2026-11-09",
        "2026-11-16",
    ]
    assert [one for one, _ in listed("day 1 06:00", "2026-10-15 00:00", "2026-12-02 00:00", NEW_YORK)] == [
        "2026-11-01",
        "2026-12-01",
    ]


def test_slots_after_a_slot_do_not_hold_it_again() -> None:
    for text in ("15m", "07:30", "mon 07:30", "day 3 07:30"):
        begin = at("2026-01-01 00:00")
        whole = list(when(text).slots(begin, begin + timedelta(days=70), BERLIN))
        stepped = []
        last = begin
        while found := next(when(text).slots(last, begin + timedelta(days=70), BERLIN), None):
            stepped.append(found)
            last = found.at
        assert stepped == whole
        assert len({one.label for one in whole}) == len(whole) > 0


@pytest.mark.parametrize("text", ["15m", "6h", "1d", "07:30", "mon 07:30", "day 1 07:30"])
def test_what_is_read_is_written_the_same(text: str) -> None:
    assert when(text).text == text


@pytest.mark.parametrize("text", ["0m", "25:00", "07:60", "moon 07:00", "day 31 07:00", "often", "40d", ""])
def test_a_time_that_is_none_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(BadSetting, match="07:30"):
        read_when("x", text)


def test_off_is_no_time() -> None:
    assert read_when("x", "OFF") is None
