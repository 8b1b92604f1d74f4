"""Look-ahead checks (trading-rules.md D): the checker catches what is planted, and accuses nobody else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from trading.analysis.indicators import parse
from trading.backtest.bias import (
    QUICK,
    BiasCheck,
    BiasReport,
    Thoroughness,
    check_all,
    check_subject,
)
from trading.backtest.bias_audits import random_walk
from trading.backtest.bias_material import Columns, Poison, first_difference, poisoned, started
from trading.backtest.bias_offenders import CLEAN, OFFENDERS, self_test
from trading.backtest.bias_subjects import EventSubject, FunctionSubject, IndicatorSubject, every_indicator
from trading.candles import Candles
from trading.errors import InvalidInput
from trading.market import MarketView, Series
from trading.timeframes import Timeframe

FloatArray = NDArray[np.float64]

WALK = random_walk(1_000, seed=11, steps_per_bar=8)
MARKET = MarketView(candles=WALK)


def found_by(report: BiasReport) -> set[BiasCheck]:
    return {finding.check for finding in report.findings}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_planted_offender_is_caught_and_nothing_clean_is_accused(seed: int) -> None:
    result = self_test(random_walk(900, seed=seed, steps_per_bar=6), thoroughness=replace(QUICK, seed=seed))

    assert result.missed == ()
    assert result.false_alarms == ()
    assert len(result.caught) == len(OFFENDERS) + 1 >= 11
    assert result.has_passed


def test_whole_prefixes_and_poisoned_futures_each_catch_what_the_other_misses() -> None:
    caught = self_test(WALK, thoroughness=QUICK).caught

    assert "future_poisoning" not in caught["length-dependent window"]
    assert "prefix_consistency" in caught["length-dependent window"]
    assert caught["speaks while the bar forms"] == ("forming_bar",)


def test_a_finding_names_the_bar_the_column_and_both_values() -> None:
    report = check_subject(OFFENDERS[0], MARKET, QUICK)

    finding = report.findings[0]
    assert finding.check is BiasCheck.PREFIX
    assert finding.column == "value"
    assert f"'value' at bar {finding.bar} became nan; it was" in finding.message
    assert not report.is_clean


@pytest.mark.parametrize("subject", every_indicator(), ids=lambda subject: subject.name)
def test_every_indicator_is_clean(subject: IndicatorSubject) -> None:
    (report,) = check_all(
        [subject], MarketView(candles=random_walk(1_100, seed=5, steps_per_bar=6)), thoroughness=QUICK
    )

    assert report.findings == ()
    assert {outcome.check for outcome in report.outcomes if outcome.runs} >= {
        BiasCheck.PREFIX,
        BiasCheck.POISON,
        BiasCheck.INCREMENTAL,
        BiasCheck.TIMEFRAMES,
    }


def test_a_warm_up_that_is_declared_too_short_is_caught() -> None:
    slow = FunctionSubject(
        name="rsi", warmup_bars=15, function=lambda market: IndicatorSubject(parse("rsi:14")).compute(market)
    )

    report = check_subject(slow, MARKET, QUICK)

    assert found_by(report) == {BiasCheck.STARTUP}
    assert "declared warm-up: 15" in report.findings[0].message


def test_columns_anchored_at_the_first_bar_are_left_out_with_their_reason() -> None:
    running = FunctionSubject(
        name="running sum",
        warmup_bars=1,
        function=lambda market: {"sum": np.cumsum(market.candles.volume)},
        anchored={"sum": "a running sum"},
    )

    report = check_subject(running, MARKET, QUICK)

    (startup,) = (outcome for outcome in report.outcomes if outcome.check is BiasCheck.STARTUP)
    assert report.is_clean
    assert startup.runs == 0
    assert startup.note == "sum is not judged: a running sum"


@dataclass(frozen=True)
class Stepped:
    """A running mean whose one-at-a-time face can be given a fault."""

    fault_at: int = -1
    forgets_on_restart: bool = False
    name: str = "stepped"
    warmup_bars: int = 1
    follow_tolerance: float = 1e-12

    @property
    def anchored(self) -> dict[str, str]:
        return {"mean": "an average since the first bar"}

    def compute(self, market: MarketView) -> Columns:
        close = market.candles.close
        return {"mean": np.cumsum(close) / np.arange(1, len(close) + 1)}

    def follow(self, market: MarketView, start: int, stop: int) -> Columns:
        mean = self.compute(market)["mean"][start:stop].copy()
        if self.fault_at >= 0:
            mean[self.fault_at] += 0.001
        return {"mean": mean}

    def restart(self, market: MarketView, start: int, at: int, stop: int) -> Columns:
        mean = self.follow(market, start, stop)["mean"]
        if self.forgets_on_restart:
            mean[at - start :] = market.candles.close[at:stop]
        return {"mean": mean}


def test_a_stream_that_differs_from_its_columns_is_caught() -> None:
    assert check_subject(Stepped(), MARKET, QUICK).is_clean
    report = check_subject(Stepped(fault_at=7), MARKET, QUICK)
    assert found_by(report) == {BiasCheck.INCREMENTAL, BiasCheck.RESTART}
    assert report.findings[0].bar == len(WALK) - QUICK.follow_bars + 7


def test_a_state_that_is_lost_on_restart_is_caught() -> None:
    assert found_by(check_subject(Stepped(forgets_on_restart=True), MARKET, QUICK)) == {BiasCheck.RESTART}


def long_bars(candles: Candles, factor: int) -> Candles:
    frame = Timeframe(candles.timeframe.ms * factor)
    n = len(candles) // factor
    return Candles(
        ts_ms=candles.ts_ms[: n * factor : factor],
        open=candles.open[: n * factor : factor],
        high=candles.high[: n * factor].reshape(n, factor).max(axis=1),
        low=candles.low[: n * factor].reshape(n, factor).min(axis=1),
        close=np.ascontiguousarray(candles.close[factor - 1 : n * factor : factor]),
        volume=candles.volume[: n * factor].reshape(n, factor).sum(axis=1),
        timeframe=frame,
        pair="OTHER/USDT",
    )


def test_peeking_into_another_pairs_unfinished_bar_is_caught() -> None:
    market = MarketView(candles=WALK, others={"OTHER/USDT": long_bars(WALK, 4)})

    def careful(view: MarketView) -> Columns:
        bars, row = view.other("OTHER/USDT")
        close = np.append(bars.close, np.nan)
        return {"other": close[row]}

    def hasty(view: MarketView) -> Columns:
        bars = view.others["OTHER/USDT"]
        row = np.searchsorted(bars.ts_ms, view.candles.ts_ms, "right") - 1
        return {"other": np.append(bars.close, np.nan)[row]}

    clean = check_subject(FunctionSubject(name="careful", warmup_bars=8, function=careful), market, QUICK)
    peeking = check_subject(FunctionSubject(name="hasty", warmup_bars=8, function=hasty), market, QUICK)

    assert clean.findings == ()
    assert BiasCheck.POISON in found_by(peeking)


def test_reading_an_external_value_before_it_was_available_is_caught() -> None:
    published = WALK.ts_ms[::24] + 5_400_000
    values = np.random.default_rng(4).normal(size=len(published))
    market = MarketView(candles=WALK, series={"fear": Series(available_ms=published, values=values)})

    def careful(view: MarketView) -> Columns:
        return {"fear": view.external("fear")}

    def hasty(view: MarketView) -> Columns:
        one = view.series["fear"]
        row = np.searchsorted(one.available_ms - 5_400_000, view.close_ms, "right") - 1
        return {"fear": np.append(one.values, np.nan)[row]}

    assert (
        check_subject(FunctionSubject(name="a", warmup_bars=30, function=careful), market, QUICK).findings
        == ()
    )
    peeking = check_subject(FunctionSubject(name="b", warmup_bars=30, function=hasty), market)
    assert found_by(peeking) >= {BiasCheck.PREFIX}


def test_events_that_are_taken_back_are_caught() -> None:
    def honest(view: MarketView) -> list[tuple[int, str]]:
        close = view.candles.close
        return [(t, f"above {close[t]:.6f}") for t in range(1, len(close)) if close[t] > close[t - 1] * 1.006]

    def revised(view: MarketView) -> list[tuple[int, str]]:
        return honest(view)[:-1]

    assert check_subject(EventSubject(name="honest", warmup_bars=2, events=honest), MARKET, QUICK).is_clean
    assert BiasCheck.PREFIX in found_by(
        check_subject(EventSubject(name="revised", warmup_bars=2, events=revised), MARKET, QUICK)
    )


def test_a_subject_may_refuse_bars_that_are_not_numbers() -> None:
    def strict(view: MarketView) -> Columns:
        if not np.isfinite(view.candles.close).all():
            raise InvalidInput("not a number")
        return {"close": view.candles.close}

    report = check_subject(FunctionSubject(name="strict", warmup_bars=1, function=strict), MARKET, QUICK)

    (poison,) = (outcome for outcome in report.outcomes if outcome.check is BiasCheck.POISON)
    assert report.is_clean
    assert poison.note == "4 runs with NaN were refused by the subject"


@pytest.mark.parametrize("poison", list(Poison))
def test_poison_changes_the_future_and_nothing_else(poison: Poison) -> None:
    changed = poisoned(MARKET, 400, poison, seed=1).candles

    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(changed, name)[:400], getattr(WALK, name)[:400])
    assert not np.array_equal(changed.close[400:], WALK.close[400:])
    if poison is not Poison.NAN:
        assert (changed.high >= np.maximum(changed.open, changed.close) * (1 - 1e-12)).all()
        assert (changed.low <= np.minimum(changed.open, changed.close) * (1 + 1e-12)).all()


def test_a_late_start_drops_older_bars_of_every_series() -> None:
    market = MarketView(candles=WALK, others={"OTHER/USDT": long_bars(WALK, 4)})

    late = started(market, 100, 200)

    assert len(late.candles) == 100
    assert int(late.others["OTHER/USDT"].ts_ms[0]) >= int(WALK.ts_ms[100])
    assert int(late.others["OTHER/USDT"].ts_ms[-1]) + 4 * WALK.timeframe.ms <= late.now_ms


def test_whole_numbers_are_compared_exactly_and_floats_by_their_own_scale() -> None:
    base = {"count": np.array([1, 2, 3]), "price": np.array([100.0, np.nan, 102.0])}

    same = {"count": np.array([1, 2, 3]), "price": np.array([100.0 * (1 + 1e-13), np.nan, 102.0])}
    off = {"count": np.array([1, 2, 4]), "price": base["price"]}
    gone = {"count": base["count"], "price": np.array([100.0, 101.0, 102.0])}
    rows = slice(0, 3)

    assert first_difference(base, same, rows=rows, tolerance=1e-12) is None
    count = first_difference(base, off, rows=rows, tolerance=1e-12)
    assert count is not None
    assert (count.column, count.row) == ("count", 2)
    number = first_difference(base, gone, rows=rows, tolerance=1e-12)
    assert number is not None
    assert (number.row, number.expected) == (1, "nan")
    assert first_difference(base, {"count": base["count"]}, rows=rows, tolerance=1.0) is not None


def test_too_few_bars_are_refused() -> None:
    with pytest.raises(InvalidInput, match="20 bars were given"):
        check_subject(CLEAN[0], MarketView(candles=WALK.rows(0, 20)))


def test_reports_are_handed_over_as_they_come() -> None:
    seen: list[str] = []

    check_all(
        CLEAN[:2],
        MARKET,
        thoroughness=Thoroughness(random_bars=2, first_bars=1, signal_bars=1, poison_bars=1, startup_bars=1),
        progress=lambda report: seen.append(report.subject),
    )

    assert seen == [CLEAN[0].name, CLEAN[1].name]
