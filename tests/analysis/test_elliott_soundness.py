"""T14 and T15: an independent judge finds nothing unsound, and random walks hold no edge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.wave_series import real_series, walk
from tests.support.waves import unsound
from trading.analysis.elliott import (
    EventType,
    Pattern,
    WaveCount,
    WaveDetector,
    WaveLog,
    WaveSettings,
    event_as_dict,
    wave_columns,
)
from trading.analysis.elliott.base_rates import BASE_RATES, IMPULSES_PER_PIVOT
from trading.candles import Candles

SETTINGS = (
    WaveSettings(),
    WaveSettings(degrees=(2.0, 5.0), floor_ratio=0.0),
    WaveSettings(degrees=(2.0,), scale="linear", floor_ratio=0.0),
)


def faults(candles: Candles, setting: WaveSettings) -> Iterator[tuple[str, list[str]]]:
    high, low = candles.high.tolist(), candles.low.tolist()
    for event in WaveDetector(setting).run(candles).of_type(EventType.COUNT_COMPLETED):
        told = event_as_dict(event)
        yield told["pattern"], unsound(told, high, low)


def test_the_judge_finds_nothing_unsound_on_walks_and_real_candles() -> None:
    series = [walk(4_000, seed) for seed in range(2)] + [candles for _, candles in real_series(1)]
    seen: Counter[str] = Counter()

    for candles in series:
        for setting in SETTINGS:
            for pattern, found in faults(candles, setting):
                seen[pattern] += 1
                assert found == []

    assert set(seen) == {pattern.value for pattern in Pattern if pattern is not Pattern.UNKNOWN}


@settings(derandomize=True, max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), wild=st.floats(0.001, 0.2), ticks=st.integers(1, 12))
def test_the_judge_finds_nothing_unsound_on_wild_walks(seed: int, wild: float, ticks: int) -> None:
    candles = walk(400, seed, wild, ticks)

    for setting in SETTINGS[1:]:
        assert all(found == [] for _, found in faults(candles, setting))


def test_the_judge_convicts_moved_pivots() -> None:
    """The judge must be able to say no: prices and bars of a sound count are tampered with."""
    candles = walk(4_000, 1)
    high, low = candles.high.tolist(), candles.low.tolist()
    log = WaveDetector(SETTINGS[1]).run(candles).of_type(EventType.COUNT_COMPLETED)
    impulse = next(e for e in map(event_as_dict, log) if e["pattern"] == "impulse")
    p = impulse["pivots"]

    moved_bar = [p[0], p[1] | {"extreme_index": p[1]["extreme_index"] + 1}, *p[2:]]
    moved_price = [*p[:4], p[4] | {"price": p[1]["price"]}, p[5]]
    skipped = [p[0], p[1], p[4], p[5]]

    assert unsound(impulse, high, low) == []
    for pivots in (moved_bar, moved_price):
        assert unsound(impulse | {"pivots": pivots}, high, low)
    assert unsound(impulse | {"pivots": skipped, "pattern": "zigzag"}, high, low)
    assert "published at another bar than its last confirmation" in unsound(
        impulse | {"bar_index": impulse["bar_index"] - 1}, high, low
    )


def test_open_counts_stay_few_and_end_through_events_only() -> None:
    candles = walk(6_000, 2)
    setting = WaveSettings(degrees=(2.0, 4.0, 8.0), floor_ratio=0.0)
    status: dict[int, str] = {}

    for event in WaveDetector(setting).run(candles):
        count = event.count
        if count is None:
            continue
        assert len(count.alternatives) <= 5
        before = status.get(count.id)
        if event.type is EventType.COUNT_OPENED:
            assert before is None
        elif event.type is EventType.COUNT_SUPERSEDED:
            assert before in ("open", "complete")
        else:
            assert before == "open"
        status[count.id] = count.status.value

    endings = Counter(status.values())
    assert endings["open"] <= 3 * 6
    assert {"complete", "invalidated", "superseded"} <= set(endings)


def test_every_invalidation_price_was_respected_until_it_was_broken() -> None:
    candles = walk(4_000, 6)
    opened: dict[int, tuple[int, float, str]] = {}
    checked = 0

    for event in WaveDetector(SETTINGS[1]).run(candles):
        count = event.count
        if count is None:
            continue
        if event.type in (EventType.COUNT_OPENED, EventType.WAVE_LABELLED):
            assert count.invalidation_price is not None
            opened[count.id] = (event.bar_index, count.invalidation_price, count.invalidation_rule.value)
            continue
        if count.id not in opened:
            continue
        bar, level, rule = opened.pop(count.id)
        if rule in ("wave_2_stays_inside_wave_1", "wave_4_stays_out_of_wave_1"):
            span = slice(bar + 1, event.bar_index)
            if count.direction == "up":
                assert (candles.low[span] > level).all()
            else:
                assert (candles.high[span] < level).all()
            checked += 1

    assert checked > 100


def walks(n: int) -> list[Candles]:
    return [walk(5_000, 1_000 + seed) for seed in range(n)]


def test_random_walks_complete_few_impulses_per_pivot() -> None:
    setting = WaveSettings(floor_ratio=0.0)
    pivots, impulses = np.zeros(4), np.zeros(4)

    for candles in walks(20):
        rows = WaveDetector(setting).run(candles).rows
        for degree in range(4):
            of = rows[rows["degree"] == degree]
            pivots[degree] += (of["type"] == 1).sum()
            impulses[degree] += ((of["type"] == 4) & (of["count"]["pattern"] == 1)).sum()

    rates = impulses[:2] / pivots[:2]
    assert ((rates > 0.02) & (rates < 0.06)).all()
    assert 0.02 < impulses.sum() / pivots.sum() < 0.06
    assert rates == pytest.approx(IMPULSES_PER_PIVOT[:2], abs=0.01)


def pooled_t(gains: list[float]) -> float:
    values = np.array(gains)
    return float(values.mean() / (values.std(ddof=1) / np.sqrt(len(values))))


@pytest.mark.parametrize("setup", [2, 4, 5, 3, 6])
def test_trading_a_setup_at_its_confirmation_earns_nothing_on_random_walks(setup: int) -> None:
    """T15 at zero cost: enter at the next open, leave ten bars later."""
    gains: list[float] = []

    for candles in walks(24):
        columns = wave_columns(candles, WaveSettings(floor_ratio=0.0), 0)
        if setup in (3, 6):
            told, direction = columns.corrective, columns.corrective_direction
        else:
            told, direction = columns.setup, columns.direction
        rows = np.flatnonzero(told[:-12] == setup)
        moves = np.log(candles.open[rows + 11] / candles.open[rows + 1])
        gains.extend((direction[rows] * moves).tolist())

    assert len(gains) > 300
    assert abs(pooled_t(gains)) < 3.0


def test_the_same_trade_at_the_pivot_bar_would_look_brilliant() -> None:
    """What a detector that repaints would show, and why ours may not."""
    gains: list[float] = []

    for candles in walks(6):
        columns = wave_columns(candles, WaveSettings(floor_ratio=0.0), 0)
        rows = np.flatnonzero((columns.setup == 2) & (columns.p_index2 >= 0))
        extremes = columns.p_index2[rows]
        kept = extremes + 11 < len(candles)
        moves = np.log(candles.open[extremes[kept] + 11] / candles.open[extremes[kept] + 1])
        gains.extend((columns.direction[rows][kept] * moves).tolist())

    assert pooled_t(gains) > 10.0


def test_the_committed_base_rates_describe_random_walks() -> None:
    hits, cases = np.zeros(len(BASE_RATES)), np.zeros(len(BASE_RATES))

    for candles in walks(20):
        detector = WaveDetector(WaveSettings())
        detector.run(candles)
        told = detector.outcomes()
        hits += told[:, 1]
        cases += told.sum(axis=1)

    spread = np.sqrt(np.array(BASE_RATES) * (1 - np.array(BASE_RATES)) / cases)
    assert (np.abs(hits / cases - BASE_RATES) < 4 * spread + 0.01).all()


def test_a_truncated_fifth_needs_five_waves_at_the_lower_degree() -> None:
    setting = WaveSettings(degrees=(1.5, 3.0, 6.0), floor_ratio=0.0)
    truncated: list[WaveCount | None] = []

    for seed in range(12):
        log = WaveDetector(setting).run(walk(8_000, seed)).of_type(EventType.COUNT_COMPLETED)
        rows = log.rows[log.rows["count"]["truncated"] == 1]
        truncated.extend(event.count for event in WaveLog(rows, log.series))

    assert truncated
    for count in truncated:
        assert count is not None
        assert count.pattern is Pattern.IMPULSE
        assert count.degree > 0
        assert count.waves[4].sub_count_id is not None
    single = replace(setting, degrees=(3.0,))
    assert not WaveDetector(single).run(walk(8_000, 0)).rows["count"]["truncated"].any()
