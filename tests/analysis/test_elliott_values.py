"""Scores, confidence, the values of A.8 and their JSON."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from tests.support.wave_series import IMPULSE, construction, walk
from trading.analysis.elliott import (
    EventType,
    Pattern,
    Status,
    WaveCount,
    WaveDetector,
    WaveSettings,
    count_as_dict,
    event_as_dict,
    provisional_as_dict,
)
from trading.analysis.elliott.claims import MIN_CASES, isotonic_confidence
from trading.analysis.elliott.records import CLAIMS, SCORE_BINS

ONE = WaveSettings(degrees=(2.0,), floor_ratio=0.0)


def impulse_of(pivots: tuple[float, ...]) -> WaveCount:
    log = WaveDetector(ONE).run(construction(pivots)).of_type(EventType.COUNT_COMPLETED)
    return next(e.count for e in log if e.count and e.count.pattern is Pattern.IMPULSE)


def test_a_textbook_impulse_scores_higher_than_an_ugly_one() -> None:
    textbook = impulse_of((130, 100, 120, 108, 145, 130, 155, 140))
    ugly = impulse_of((110, 100, 120, 114.5, 142, 124, 200, 150))

    assert textbook.score is not None
    assert ugly.score is not None
    assert textbook.score > 0.8 > 0.3 > ugly.score


def test_one_broken_guideline_weighs_more_than_its_share() -> None:
    ugly = impulse_of((110, 100, 120, 114.5, 142, 124, 200, 150))
    parts = list(ugly.score_parts.values())

    assert ugly.score is not None
    assert all(0.0 < value <= 1.0 for value in parts)
    assert ugly.score < np.exp(np.mean(np.log(parts)))
    assert ugly.score_parts["wave_2_retrace"] < 0.1


def test_parts_that_cannot_be_judged_are_absent() -> None:
    lowest = impulse_of(IMPULSE)

    assert "sub_waves" not in lowest.score_parts
    flat = construction(IMPULSE)
    flat.volume[:] = 0.0
    log = WaveDetector(ONE).run(flat).of_type(EventType.COUNT_COMPLETED)
    silent = next(e.count for e in log if e.count and e.count.pattern is Pattern.IMPULSE)
    assert "volume" in lowest.score_parts
    assert "volume" not in silent.score_parts


def reference(table: np.ndarray[tuple[int, ...], np.dtype[np.int64]], bucket: int) -> float:
    """The same by scipy: fit the filled buckets, take the first filled one at or above, else the last."""
    cases = table.sum(axis=1)
    filled = np.flatnonzero(cases)
    fit = isotonic_regression(table[filled, 1] / cases[filled], weights=cases[filled]).x
    at = min(int(np.searchsorted(filled, bucket)), len(filled) - 1)
    return float(fit[at])


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), min_size=SCORE_BINS, max_size=SCORE_BINS))
def test_confidence_is_the_isotonic_fit_and_never_falls_with_the_score(cases: list[tuple[int, int]]) -> None:
    table = np.zeros((CLAIMS, SCORE_BINS, 2), np.int64)
    table[1] = cases
    fit = isotonic_confidence.py_func  # type: ignore[attr-defined]

    found = [fit(table, 1, bucket) for bucket in range(SCORE_BINS)]

    if table[1].sum() < MIN_CASES:
        assert np.isnan(found).all()
    else:
        assert all(a <= b for a, b in pairwise(found))
        for bucket in np.flatnonzero(table[1].sum(axis=1)):
            assert found[bucket] == pytest.approx(reference(table[1], int(bucket)))


def test_confidence_is_undefined_until_enough_cases_were_seen() -> None:
    detector = WaveDetector(WaveSettings(floor_ratio=0.0))
    early: list[WaveCount] = []
    late: list[WaveCount] = []

    for event in detector.run(walk(12_000, 3)).of_type(EventType.COUNT_OPENED):
        count = event.count
        if count and count.pattern is Pattern.IMPULSE:
            (early if event.bar_index < 1_500 else late).append(count)

    assert all(count.confidence is None and count.base_rate == pytest.approx(0.602) for count in early)
    known = [count.confidence for count in late if count.confidence is not None]
    assert len(known) > 100
    assert all(0.0 <= value <= 1.0 for value in known)
    # On a random walk the claim comes true about as often as the base rate says.
    assert np.mean(known[-100:]) == pytest.approx(0.602, abs=0.08)


def test_the_current_counts_name_their_alternatives_best_first() -> None:
    candles = walk(3_000, 4)
    detector = WaveDetector(WaveSettings(floor_ratio=0.0))
    detector.run(candles)

    counts = detector.counts()

    assert {count.degree for count in counts} == {0, 1, 2, 3}
    for degree in range(4):
        of = [count for count in counts if count.degree == degree]
        scores = [count.score or 0.0 for count in of if count.status is Status.OPEN]
        assert scores == sorted(scores, reverse=True)
        for count in of:
            assert set(count.alternatives) == {
                c.id for c in of if c.status is Status.OPEN and c.id != count.id
            }
            assert count.as_of_ms == candles.ts_ms[-1]


def test_where_nothing_fits_the_count_is_unknown() -> None:
    detector = WaveDetector(WaveSettings(degrees=(2.0, 50.0)), symbol="BTC/USDT", timeframe="1h")
    detector.run(construction(IMPULSE))

    unknown = detector.counts()[-1]

    assert (unknown.pattern, unknown.degree, unknown.waves, unknown.symbol) == (
        Pattern.UNKNOWN,
        1,
        (),
        "BTC/USDT",
    )
    assert json.loads(json.dumps(count_as_dict(unknown)))["direction"] is None


def test_a_completed_count_is_told_with_all_its_pivots() -> None:
    detector = WaveDetector(ONE, symbol="BTC/USDT", timeframe="1h")

    told = [event_as_dict(event) for event in detector.run(construction(IMPULSE))]

    done = [e for e in told if e["type"] == "COUNT_COMPLETED" and e["pattern"] == "impulse"]
    assert len(done) == 1
    impulse = done[0]
    assert (impulse["bar_index"], impulse["direction"], impulse["symbol"]) == (63, "up", "BTC/USDT")
    assert [p["extreme_index"] for p in impulse["pivots"]] == [9, 19, 29, 39, 49, 59]
    assert [p["price"] for p in impulse["pivots"]] == ["100.0", "120.0", "108.0", "145.0", "130.0", "155.0"]
    assert [p["confirmed_index"] for p in impulse["pivots"]] == [12, 24, 30, 44, 51, 63]
    assert (impulse["extreme_index"], impulse["confirmed_index"], impulse["price"]) == (59, 63, "155.0")
    assert [wave["label"] for wave in impulse["waves"]] == ["1", "2", "3", "4", "5"]
    assert impulse["time"] == "1970-01-03T15:00:00Z"


def test_every_event_is_json_without_a_number_that_is_none() -> None:
    detector = WaveDetector(WaveSettings(degrees=(2.0, 4.0), floor_ratio=0.0))
    kinds = set()

    for event in detector.run(walk(1_500, 2)):
        told = json.loads(json.dumps(event_as_dict(event), allow_nan=False))
        kinds.add(told["type"])
        assert (told["seq"], told["bar_index"], told["ts_ms"]) == (event.seq, event.bar_index, event.ts_ms)
        assert ("pivots" in told) == (told["type"] == "COUNT_COMPLETED")
        if told["type"] == "COUNT_INVALIDATED":
            assert told["rule"] == told["invalidation_rule"] != "none"
            assert float(told["price"]) > 0.0
        if told["type"] == "COUNT_SUPERSEDED":
            assert told["superseded_by"] >= 0
    for leg in detector.provisional():
        json.dumps(provisional_as_dict(leg), allow_nan=False)

    assert kinds == {kind.value for kind in EventType if kind is not EventType.DATA_GAP}


def test_events_are_equal_when_their_bytes_are() -> None:
    a, b = (list(WaveDetector(ONE).run(construction(IMPULSE))) for _ in range(2))

    assert a == b
    assert len({hash(event) for event in a}) == len(a)
