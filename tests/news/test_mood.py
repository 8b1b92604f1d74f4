"""The mood of a pair: decays, is bounded, and never looks ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from desk.clock import to_ms
from desk.news.mood import RULE, mood_at
from desk.news.views import ScoredAt

_START = datetime(2026, 3, 1, tzinfo=UTC)
_HOUR = 3_600_000


def _said(hours: float, score: float, source: str = "coindesk") -> ScoredAt:
    return ScoredAt(known_at=_START + timedelta(hours=hours), source=source, score=score)


def _values(items: list[ScoredAt], *hours: float) -> list[float]:
    moments = np.array([to_ms(_START) + int(one * _HOUR) for one in hours], np.int64)
    return [float(one) for one in mood_at(items, moments).values]


def test_a_lone_headline_moves_the_mood_by_a_third_and_fades() -> None:
    now, later = _values([_said(0, 0.9)], 0, 6)

    assert now == 0.9 / (1 + RULE.prior)
    assert later == 0.5 * 0.9 / (0.5 + RULE.prior)


def test_before_the_first_headline_and_two_days_after_the_last_there_is_no_mood() -> None:
    values = _values([_said(0, 0.9)], -0.001, 0, 47.9, 48)

    assert np.isnan(values).tolist() == [True, False, False, True]


def test_a_source_that_repeats_itself_moves_the_mood_to_its_cap_and_no_further() -> None:
    calm = [_said(0, 0.0, "coindesk"), _said(0, 0.0, "cointelegraph")]
    flood = [_said(0, -1.0, "reddit") for _ in range(10_000)]

    (value,) = _values([*calm, *flood], 0)

    assert value == -RULE.cap / (RULE.cap + 2 + RULE.prior)


_ITEMS = st.lists(
    st.tuples(st.integers(0, 100), st.floats(-1, 1), st.sampled_from(["a", "b", "c"])), max_size=30
).map(lambda found: [_said(*one) for one in sorted(found, key=lambda one: one[0])])


@given(_ITEMS, st.integers(0, 100))
def test_what_becomes_known_later_changes_nothing_before(items: list[ScoredAt], cut: int) -> None:
    hours = [float(one) for one in range(cut)]

    until = [one for one in items if one.known_at < _START + timedelta(hours=cut)]

    # To the last bit: a backtest over a year and a bot at its bar must say the same.
    assert repr(_values(items, *hours)) == repr(_values(until, *hours))


@given(_ITEMS)
def test_a_mood_never_leaves_its_bounds(items: list[ScoredAt]) -> None:
    found = np.array(_values(items, *range(101)))

    assert (np.abs(found[np.isfinite(found)]) <= 1).all()


def test_a_score_at_one_moment_does_not_depend_on_which_others_are_asked_for() -> None:
    items = [_said(hour / 3, np.sin(hour), "ab"[hour % 2]) for hour in range(200)]

    together = _values(items, *range(60))

    assert [repr(_values(items, hour)[0]) for hour in range(60)] == [repr(one) for one in together]
