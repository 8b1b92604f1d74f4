"""The leak tests of trading-rules.md C.2 on the real pipeline, each with a planted leak that must be caught."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from trading.candles import Candles
from trading.errors import InvalidInput
from trading.learning.baselines import LastReturnLearner, ZeroLearner
from trading.learning.effect import paired_difference
from trading.learning.features import FEATURES, feature_columns, features
from trading.learning.following import follow
from trading.learning.judging import effective_samples, judge
from trading.learning.labels import forward_returns
from trading.learning.leaks import (
    audit_features,
    audit_fold,
    audit_parrot,
    audit_targets,
    delayed,
)
from trading.learning.linear import LinearLearner
from trading.learning.panel import Panel, make_panel
from trading.learning.predictors import Forecasts
from trading.learning.scaling import fit_scaler
from trading.learning.splits import Fold, Retraining, combinatorial_folds, walk_folds
from trading.learning.walk import Track, learnable, walk_forward
from trading.market import MarketView
from trading.timeframes import Timeframe

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
HORIZON = 24
PLAN = Retraining(train_ms=0, test_ms=20 * DAY_MS, embargo_ms=HORIZON * HOUR_MS)

FloatArray = NDArray[np.float64]


def walk_candles(seed: int, bars: int = 2_400, pair: str = "") -> Candles:
    """Make hourly candles of a random walk without drift."""
    random = np.random.default_rng(seed)
    steps = random.normal(0.0, 0.008, bars)
    close = 100.0 * np.exp(np.cumsum(steps))
    open_ = np.r_[100.0, close[:-1]]
    wick = np.abs(random.normal(0.0, 0.003, (2, bars)))
    return Candles(
        ts_ms=1_704_067_200_000 + np.arange(bars, dtype=np.int64) * HOUR_MS,
        open=open_,
        high=np.maximum(open_, close) * np.exp(wick[0]),
        low=np.minimum(open_, close) * np.exp(-wick[1]),
        close=close,
        volume=random.lognormal(3.0, 0.5, bars),
        timeframe=Timeframe.parse("1h"),
        pair=pair or f"W{seed}/USDT",
    )


@pytest.fixture(scope="module")
def series() -> list[Candles]:
    return [walk_candles(seed) for seed in range(1, 7)]


@pytest.fixture(scope="module")
def panel(series: list[Candles]) -> Panel:
    return make_panel(series, window_bars=8, horizon_bars=HORIZON)


def folds_of(panel: Panel) -> tuple[Fold, ...]:
    first, last = int(panel.decided_ms.min()), int(panel.decided_ms.max()) + HOUR_MS
    return walk_folds(first, last, PLAN, least_train_ms=30 * DAY_MS)


def linear_track(panel: Panel) -> Track:
    return walk_forward(panel, [LinearLearner()], folds_of(panel), PLAN, stride_bars=4).tracks[0]


def with_column(panel: Panel, column: FloatArray) -> Panel:
    """Put something in the place of the first feature."""
    table = panel.table.copy()
    table[panel.rows, 0] = column
    return replace(panel, table=table)


def test_shuffled_labels_leave_nothing_to_learn_and_nothing_to_earn(panel: Panel) -> None:
    shuffled = replace(panel, target=np.random.default_rng(5).permutation(panel.target))

    track = linear_track(shuffled)
    judged = judge(shuffled, track.chosen, track.forecasts)
    earned = follow(shuffled, track.chosen, track.forecasts.mean, draws=100)

    base = max(float(np.mean(shuffled.target > 0)), float(np.mean(shuffled.target < 0)))
    standard_error = np.sqrt(0.25 / effective_samples(shuffled, track.chosen))
    assert judged.hit_rate is not None
    assert judged.hit_rate <= base + 3 * standard_error
    assert earned.net <= 0.02


def test_a_random_walk_gives_no_skill_and_a_money_difference_around_zero(panel: Panel) -> None:
    track = linear_track(panel)

    judged = judge(panel, track.chosen, track.forecasts)
    earned = follow(panel, track.chosen, track.forecasts.mean, draws=100)
    difference = paired_difference(earned.daily, np.zeros(len(earned.daily)))

    assert judged.skill_low <= 0.0
    assert not judged.is_suspicious
    assert earned.trades > 0
    assert difference.contains_zero


def test_a_money_difference_that_is_real_is_seen() -> None:
    days = np.random.default_rng(2).normal(0.0, 0.01, 200)

    found = paired_difference(days + 0.004, days)

    assert not found.contains_zero
    assert found.low > 0.0


def test_features_at_a_bar_stay_bit_for_bit_when_later_bars_change(series: list[Candles]) -> None:
    candles, cut = series[0], 1_500
    other = walk_candles(99)

    def joined(name: str) -> FloatArray:
        return np.concatenate((getattr(candles, name)[:cut], 7.0 * getattr(other, name)[cut:]))

    changed = replace(
        candles,
        open=joined("open"),
        high=joined("high"),
        low=joined("low"),
        close=joined("close"),
        volume=joined("volume"),
    )

    before, after = features(candles), features(changed)

    assert before[:cut].tobytes() == after[:cut].tobytes()


def test_the_same_bars_give_the_same_features_whenever_history_begins(series: list[Candles]) -> None:
    whole = features(series[0])

    late = features(series[0].rows(1_000, 1_600))

    assert late[200:].tobytes() == whole[1_200:1_600].tobytes()


def test_the_checker_passes_the_features_and_catches_one_that_looks_ahead(series: list[Candles]) -> None:
    def ahead(market: MarketView) -> dict[str, FloatArray]:
        found = feature_columns(market)
        close = market.candles.close
        return {**found, "return_1": np.r_[np.diff(np.log(close)), np.nan]}

    candles = series[0].rows(0, 900)

    assert audit_features(candles).is_clean
    assert not audit_features(candles, ahead).is_clean


def test_a_feature_that_is_the_label_is_named_and_its_accuracy_raises_an_alarm(panel: Panel) -> None:
    leaking = with_column(panel, panel.target)

    walk = walk_forward(leaking, [LinearLearner()], folds_of(leaking), PLAN, stride_bars=4)
    judged = judge(leaking, walk.tracks[0].chosen, walk.tracks[0].forecasts)

    assert not audit_targets(panel, np.arange(len(panel)))
    assert {one.check for one in walk.findings} == {"target"}
    assert FEATURES[0] in walk.findings[0].message
    assert judged.is_suspicious


def test_features_a_bar_late_are_no_better_and_features_early_are_refused(series: list[Candles]) -> None:
    now = make_panel(series[:3], window_bars=8, horizon_bars=HORIZON)
    late = make_panel(series[:3], window_bars=8, horizon_bars=HORIZON, make=delayed(features, 1))

    skills = [
        judge(one, (track := linear_track(one)).chosen, track.forecasts, draws=50) for one in (now, late)
    ]

    assert skills[1].skill <= skills[0].skill + 0.02
    with pytest.raises(InvalidInput, match="never early"):
        delayed(features, -1)


def test_what_is_tested_does_not_move_the_scaler_by_a_bit(panel: Panel) -> None:
    fold = folds_of(panel)[0]
    learned = learnable(panel, PLAN, fold.retrain_ms)
    table = panel.table.copy()
    tested = panel.rows[panel.decided_ms >= fold.retrain_ms]
    table[tested] *= 50.0

    before, after = fit_scaler(panel, learned), fit_scaler(replace(panel, table=table), learned)

    assert before.centre.tobytes() == after.centre.tobytes()
    assert before.width.tobytes() == after.width.tobytes()


def test_a_market_run_backwards_gives_no_skill_either_but_a_leak_shows(series: list[Candles]) -> None:
    backwards = [
        replace(
            one,
            open=one.close[::-1].copy(),
            close=one.open[::-1].copy(),
            high=one.high[::-1].copy(),
            low=one.low[::-1].copy(),
            volume=one.volume[::-1].copy(),
        )
        for one in series[:3]
    ]
    reversed_panel = make_panel(backwards, window_bars=8, horizon_bars=HORIZON)

    def leaking(candles: Candles) -> FloatArray:
        table = features(candles)
        table[:, 0] = np.nan_to_num(forward_returns(candles, HORIZON).values)
        return table

    planted = make_panel(backwards, window_bars=8, horizon_bars=HORIZON, make=leaking)
    honest, leak = (
        judge(one, (track := linear_track(one)).chosen, track.forecasts, draws=50)
        for one in (reversed_panel, planted)
    )

    assert not honest.is_suspicious
    assert leak.is_suspicious


def test_rows_that_were_learned_and_are_tested_again_are_found(panel: Panel) -> None:
    fold = folds_of(panel)[0]
    learned = learnable(panel, PLAN, fold.retrain_ms)
    tested = np.flatnonzero((panel.decided_ms >= fold.retrain_ms) & (panel.decided_ms < fold.until_ms))
    table, target = panel.table.copy(), panel.target.copy()
    copied = min(len(learned), len(tested)) // 4
    table[panel.rows[tested[:copied]]] = table[panel.rows[learned[:copied]]]
    target[tested[:copied]] = target[learned[:copied]]

    clean = audit_fold(panel, learned, tested, PLAN)
    doubled = audit_fold(replace(panel, table=table, target=target), learned, tested, PLAN)

    assert clean == []
    assert [one.check for one in doubled] == ["duplicates"]


def test_samples_whose_labels_reach_into_the_test_are_found(panel: Panel) -> None:
    fold = folds_of(panel)[0]
    unpurged = np.flatnonzero(panel.decided_ms < fold.retrain_ms)
    tested = np.flatnonzero((panel.decided_ms >= fold.retrain_ms) & (panel.decided_ms < fold.until_ms))

    assert "purge" in {one.check for one in audit_fold(panel, unpurged, tested, PLAN)}


def test_purged_folds_share_no_label_with_what_they_test(panel: Panel) -> None:
    decided, known = panel.decided_ms, panel.known_ms
    groups = np.array_split(np.unique(decided), 4)
    folds = list(combinatorial_folds(decided, known, 4, 2, embargo_ms=PLAN.embargo_ms))

    assert len(folds) == 6
    for learned, tested in folds:
        assert learned.any()
        for group in groups:
            inside = tested & (decided >= group[0]) & (decided <= group[-1])
            if inside.any():
                start, end = decided[inside].min(), known[inside].max()
                assert not (learned & (known >= start) & (decided <= end + PLAN.embargo_ms)).any()
    # Every stretch is tested as often as any other.
    assert set(np.sum([tested for _, tested in folds], axis=0)) == {3}


def test_a_model_that_repeats_the_last_return_is_reported_as_such(panel: Panel) -> None:
    walk = walk_forward(
        panel, [LastReturnLearner(), LinearLearner()], folds_of(panel)[:1], PLAN, stride_bars=4
    )

    found = [audit_parrot(panel, one.chosen, one.forecasts.mean) for one in walk.tracks]

    assert [one.check for one in found[0]] == ["parrot"]
    assert found[1] == []


def test_training_twice_at_one_time_gives_the_same_model_whatever_came_later(panel: Panel) -> None:
    fold = folds_of(panel)[0]
    table = panel.table.copy()
    table[panel.rows[panel.decided_ms >= fold.retrain_ms]] = 0.0
    later = replace(panel, table=table)

    models = [
        LinearLearner().fit(one, learnable(one, PLAN, fold.retrain_ms, stride_bars=4), seed=1)
        for one in (panel, panel, later)
    ]

    assert len({one.weights.tobytes() + one.up_weights.tobytes() for one in models}) == 1


def test_the_price_level_looks_predictable_to_whoever_says_nothing(panel: Panel) -> None:
    track = walk_forward(panel, [ZeroLearner()], folds_of(panel), PLAN, stride_bars=4).tracks[0]

    judged = judge(panel, track.chosen, track.forecasts, draws=50)

    assert judged.skill == 0.0
    assert judged.price_r2 > 0.5


def test_perfect_foresight_earns_and_beats_every_random_draw(panel: Panel) -> None:
    chosen = linear_track(panel).chosen
    truth = Forecasts(
        mean=panel.target[chosen],
        up=np.where(panel.target[chosen] > 0, 0.99, 0.01),
        quantiles=np.repeat(panel.target[chosen][:, None], 5, axis=1),
    )

    judged, earned = judge(panel, chosen, truth, draws=50), follow(panel, chosen, truth.mean, draws=100)

    assert judged.skill == pytest.approx(1.0)
    assert earned.net > 0
    assert earned.better_than_random == 1.0
    assert earned.break_even_bps is not None
    assert earned.break_even_bps > 30
