"""Scalars on the wire: exact, in one form, and refused where a value would lose something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.scalars import (
    read_decimal,
    read_duration,
    read_time,
    write_decimal,
    write_duration,
    write_time,
)
from trading.errors import InvalidInput

PLAIN = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18, places=18)


@given(value=PLAIN)
def test_a_decimal_goes_out_and_comes_back_exactly_and_without_an_exponent(value: Decimal) -> None:
    text = write_decimal(value)

    assert "e" not in text.lower()
    assert read_decimal(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E-12", "0.000000000001"),
        ("1E+9", "1000000000"),
        ("0E-18", "0.000000000000000000"),
        ("-1.50", "-1.50"),
    ],
)
def test_a_decimal_with_an_exponent_is_written_out(value: str, text: str) -> None:
    assert write_decimal(Decimal(value)) == text


@pytest.mark.parametrize(
    "given",
    [
        1.5, True, None, "", "1e5", "NaN", "Infinity", "-inf", "1_000", "1,5", " 1", "1\n", "+1", ".5", "5.", "0x10",
        "١٢", "1" * 39, "0." + "1" * 39, "9" * 20 + "." + "9" * 20, [], {},
    ],
)  # fmt: skip
def test_what_is_no_plain_decimal_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput):
        read_decimal(given)


def test_a_decimal_has_at_most_38_digits() -> None:
    assert read_decimal("9" * 38) == Decimal("9" * 38)
    assert read_decimal(7) == 7


@given(
    moment=st.datetimes(datetime(1900, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds have none
    minutes=st.integers(-720, 840),
)
def test_a_time_goes_out_in_utc_with_microseconds_whatever_its_zone(moment: datetime, minutes: int) -> None:
    text = write_time(moment.astimezone(timezone(timedelta(minutes=minutes))))

    assert text.endswith("Z")
    assert len(text) == len("2026-01-31T12:00:00.000000Z")
    assert read_time(text) == moment


@pytest.mark.parametrize("given", ["2026-01-31T12:00:00", "2026-01-31", "noon", "", 5, None])
def test_a_time_without_a_zone_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput):
        read_time(given)


@given(seconds=st.integers(0, 10**7))
def test_a_duration_goes_out_and_comes_back(seconds: int) -> None:
    assert read_duration(write_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize("given", ["", "P", "PT", "1h", "P1Y", "PT1.5H", "-PT1H", "P999999D", 60, None])
def test_what_is_no_duration_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput):
        read_duration(given)
