"""The checker's self-test (trading-rules.md D.10): planted offenders it must catch, clean functions it must not.

The eleven of the rules come first in OFFENDERS, then further classics. All are mistakes that were really made
somewhere; each is written the way it is usually written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.backtest.bias import BiasReport, Checkable, Outcome, Thoroughness, check_subject
from trading.backtest.bias_audits import FillColumns, audit_fills, random_walk
from trading.backtest.bias_material import Columns
from trading.backtest.bias_subjects import FunctionSubject
from trading.candles import Candles
from trading.market import MarketView

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def _windows(values: FloatArray, window: int) -> FloatArray:
    """Give trailing windows, shape (n, window), NaN before the first whole one."""
    padded = np.concatenate((np.full(window - 1, np.nan), values))
    return np.lib.stride_tricks.sliding_window_view(padded, window)


def _shifted(values: FloatArray, bars: int) -> FloatArray:
    """Give the values of `bars` ago; negative looks ahead."""
    out = np.full(len(values), np.nan)
    if bars >= 0:
        out[bars:] = values[: len(values) - bars]
    else:
        out[:bars] = values[-bars:]
    return out


def _next_close(market: MarketView) -> Columns:
    return {"value": _shifted(market.candles.close, -1)}


def _centred_mean(market: MarketView) -> Columns:
    return {"value": _shifted(_windows(market.candles.close, 21).mean(axis=1), -10)}


def _whole_sample_z_score(market: MarketView) -> Columns:
    close = market.candles.close
    return {"value": (close - np.nanmean(close)) / np.nanstd(close)}


def _relative_extrema(market: MarketView) -> Columns:
    """Mark closes above their five neighbours on either side, at the close itself: `argrelextrema(order=5)`."""
    close = market.candles.close
    rows = np.arange(len(close))
    is_peak = np.ones(len(close), np.bool_)
    for distance in range(1, 6):
        is_peak &= close > close[np.minimum(rows + distance, len(close) - 1)]
        is_peak &= close > close[np.maximum(rows - distance, 0)]
    return {"pivot": is_peak.astype(np.int64)}


def _chikou_now(market: MarketView) -> Columns:
    return {"value": _shifted(market.candles.close, -26)}


def _forming_long_bar(market: MarketView) -> Columns:
    """Use the range of the four-bar candle that row t is still inside of, as if it were complete."""
    bucket = market.candles.ts_ms // (4 * market.candles.timeframe.ms)
    starts = np.flatnonzero(np.r_[True, np.diff(bucket) != 0])
    index = np.cumsum(np.r_[True, np.diff(bucket) != 0]) - 1
    high = np.maximum.reduceat(market.candles.high, starts)[index]
    return {"enter": (market.candles.close >= high).astype(np.int64)}


def _resample_label_error(market: MarketView) -> Columns:
    """Label a long bar by its open time and fill forward: every row sees its bucket's final close."""
    bucket = market.candles.ts_ms // (6 * market.candles.timeframe.ms)
    last = np.r_[np.flatnonzero(np.diff(bucket) != 0), len(bucket) - 1]
    index = np.cumsum(np.r_[True, np.diff(bucket) != 0]) - 1
    return {"value": market.candles.close[last][index]}


def _zigzag(close: FloatArray, ratio: float) -> list[tuple[int, int, int]]:
    """Give pivots (extreme row, row of confirmation, side) of a percentage zigzag on closes."""
    pivots: list[tuple[int, int, int]] = []
    side, extreme = 0, 0
    high = low = 0
    for t, price in enumerate(close):
        if side == 0:
            high, low = (t if price > close[high] else high), (t if price < close[low] else low)
            if price >= close[low] * (1 + ratio):
                pivots.append((low, t, -1))
                side, extreme = 1, t
            elif price <= close[high] * (1 - ratio):
                pivots.append((high, t, 1))
                side, extreme = -1, t
        elif side * (price - close[extreme]) > 0:
            extreme = t
        elif side * (close[extreme] - price) >= ratio * close[extreme]:
            pivots.append((extreme, t, side))
            side, extreme = -side, t
    return pivots


def _last_zigzag_leg(market: MarketView) -> Columns:
    """Draw the running leg to the last close and use it as a pivot."""
    close = market.candles.close
    line = np.zeros(len(close))
    points = [extreme for extreme, _, _ in _zigzag(close, 0.03)]
    if not points or points[-1] != len(close) - 1:
        points.append(len(close) - 1)
    line[points] = close[points]
    return {"zigzag": line}


def _zigzag_at_its_pivot(market: MarketView) -> Columns:
    pivots = np.zeros(len(market.candles), np.int64)
    for extreme, _, side in _zigzag(market.candles.close, 0.03):
        pivots[extreme] = side
    return {"pivot": pivots}


def _scaler_fit_on_everything(market: MarketView) -> Columns:
    """Fit a robust scaler on the whole feature column before splitting it."""
    change = np.diff(np.log(market.candles.close), prepend=np.nan)
    low, middle, high = np.nanpercentile(change, (25, 50, 75))
    return {"feature": (change - middle) / (high - low)}


def _length_dependent(market: MarketView) -> Columns:
    """Pick the window by the amount of data, as `len(df) // 10` does."""
    window = max(2, len(market.candles) // 100)
    return {"value": _windows(market.candles.close, window).mean(axis=1)}


def _whole_range(market: MarketView) -> Columns:
    low, high = np.nanmin(market.candles.close), np.nanmax(market.candles.close)
    return {"value": (market.candles.close - low) / (high - low)}


def _spectrum(market: MarketView) -> Columns:
    spectrum = np.fft.rfft(market.candles.close)
    spectrum[len(spectrum) // 20 :] = 0.0
    return {"value": np.fft.irfft(spectrum, len(market.candles))}


def _percentile_rank(market: MarketView) -> Columns:
    order = np.argsort(np.argsort(market.candles.close, kind="stable"), kind="stable")
    return {"value": order / len(market.candles)}


def _back_filled(market: MarketView) -> Columns:
    """Fill the warm-up of an average with its first value."""
    value = _windows(market.candles.close, 50).mean(axis=1)
    rises = np.flatnonzero(np.diff(market.candles.close) > 0)[::37] + 1
    sparse = np.full(len(value), np.nan)
    sparse[rises] = value[rises]
    known = np.where(np.isfinite(sparse), np.arange(len(sparse)), len(sparse) - 1)
    return {"value": sparse[np.minimum.accumulate(known[::-1])[::-1]]}


@dataclass(frozen=True, slots=True)
class FormingStream:
    """A stream that already speaks while its bar is forming."""

    name: str = "speaks while the bar forms"
    warmup_bars: int = 10

    @property
    def anchored(self) -> dict[str, str]:
        return {}

    @property
    def follow_tolerance(self) -> float:
        return 0.0

    def compute(self, market: MarketView) -> Columns:
        highest = _shifted(_windows(market.candles.high, 10).max(axis=1), 1)
        return {"enter": (market.candles.close > highest).astype(np.int64)}

    def follow(self, market: MarketView, start: int, stop: int) -> Columns:
        return {name: column[start:stop] for name, column in self.compute(market.until(stop)).items()}

    def intrabar(self, market: MarketView, start: int, stop: int, updates: int) -> tuple[Columns, IntArray]:
        candles = market.candles
        highest = _shifted(_windows(candles.high, 10).max(axis=1), 1)[start:stop]
        shares = np.arange(1, updates + 1)[:, None] / (updates + 1)
        partial = candles.open[start:stop] + shares * (candles.high - candles.open)[start:stop]
        return self.follow(market, start, stop), (partial > highest).sum(axis=0).astype(np.int64)


def _sma(market: MarketView) -> Columns:
    return {"value": _windows(market.candles.close, 20).mean(axis=1)}


def _ema(market: MarketView) -> Columns:
    from trading.analysis.indicators import compute

    return compute("ema:12", market.candles)


def _rsi(market: MarketView) -> Columns:
    from trading.analysis.indicators import compute

    return compute("rsi:14", market.candles)


def _momentum(market: MarketView) -> Columns:
    return {"value": market.candles.close - _shifted(market.candles.close, 26)}


def _causal_zigzag(market: MarketView) -> Columns:
    pivots = np.zeros(len(market.candles), np.int64)
    for _, confirmed, side in _zigzag(market.candles.close, 0.03):
        pivots[confirmed] = side
    return {"pivot": pivots}


def _breakout(market: MarketView) -> Columns:
    highest = _shifted(_windows(market.candles.high, 20).max(axis=1), 1)
    return {"enter": (market.candles.close > highest).astype(np.int64)}


def _long_average(market: MarketView) -> Columns:
    """Average the last three *closed* six-bar candles."""
    longer, row = market.higher(type(market.candles.timeframe)(6 * market.candles.timeframe.ms))
    value = _windows(longer.close, 3).mean(axis=1) if len(longer) else np.empty(0)
    out = np.full(len(market.candles), np.nan)
    out[row >= 0] = value[row[row >= 0]]
    return {"value": out}


_ANCHORED = {"pivot": "the first bar decides where the zigzag starts"}

#: The eleven of trading-rules.md D.10 as far as they are columns (the eleventh, a fill at the close that decided
#: it, is a backtest result: see `same_bar_fills`), then further classics.
OFFENDERS: tuple[Checkable, ...] = (
    FunctionSubject(name="close shifted by -1", warmup_bars=1, function=_next_close),
    FunctionSubject(name="centred rolling mean", warmup_bars=21, function=_centred_mean),
    FunctionSubject(name="whole-sample z-score", warmup_bars=1, function=_whole_sample_z_score),
    FunctionSubject(name="relative extrema", warmup_bars=10, function=_relative_extrema),
    FunctionSubject(name="chikou read at t", warmup_bars=26, function=_chikou_now),
    FunctionSubject(name="forming candle", warmup_bars=10, function=_forming_long_bar),
    FunctionSubject(name="resample label error", warmup_bars=6, function=_resample_label_error),
    FunctionSubject(name="last zigzag leg", warmup_bars=10, function=_last_zigzag_leg),
    FunctionSubject(name="scaler fit on all data", warmup_bars=2, function=_scaler_fit_on_everything),
    FunctionSubject(name="length-dependent window", warmup_bars=30, function=_length_dependent),
    FunctionSubject(name="whole-sample range", warmup_bars=1, function=_whole_range),
    FunctionSubject(name="spectral smoothing", warmup_bars=1, function=_spectrum),
    FunctionSubject(name="whole-sample percentile rank", warmup_bars=1, function=_percentile_rank),
    FunctionSubject(name="back-filled holes", warmup_bars=50, function=_back_filled),
    FunctionSubject(name="zigzag written at its pivot", warmup_bars=10, function=_zigzag_at_its_pivot),
    FormingStream(),
)

CLEAN: tuple[Checkable, ...] = (
    FunctionSubject(name="simple average", warmup_bars=20, function=_sma),
    FunctionSubject(name="exponential average", warmup_bars=83, function=_ema),
    FunctionSubject(name="relative strength", warmup_bars=201, function=_rsi),
    FunctionSubject(name="momentum", warmup_bars=26, function=_momentum),
    FunctionSubject(name="breakout", warmup_bars=21, function=_breakout),
    FunctionSubject(name="average of closed longer bars", warmup_bars=24, function=_long_average),
    FunctionSubject(name="causal zigzag", warmup_bars=10, function=_causal_zigzag, anchored=_ANCHORED),
)


def same_bar_fills(candles: Candles, *, delay: int) -> FillColumns:
    """Give the fills of a momentum rule, `delay` bars after the close that decides: 0 is the offender, 1 is clean."""
    close = candles.close
    up = np.r_[False, close[1:] > close[:-1]]
    decided = np.flatnonzero(np.diff(up.astype(np.int64)) != 0) + 1
    decided = decided[decided + delay < len(close)]
    price = close[decided] if delay == 0 else candles.open[decided + delay]
    return FillColumns(
        decided=decided,
        bar=decided + delay,
        side=np.where(up[decided], 1, -1),
        quantity=np.ones(len(decided)),
        price=price,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """What the checker caught of what was planted.

    Attributes:
        caught: offender → names of the checks that caught it.
        missed: offenders that passed: the checker is broken.
        false_alarms: clean functions that did not pass.
    """

    caught: dict[str, tuple[str, ...]]
    missed: tuple[str, ...]
    false_alarms: tuple[str, ...]

    @property
    def has_passed(self) -> bool:
        """Every offender was caught and nothing clean was accused."""
        return not self.missed and not self.false_alarms


def self_test(
    candles: Candles | None = None,
    *,
    thoroughness: Thoroughness | None = None,
    check: Callable[[Checkable, MarketView, Thoroughness | None], BiasReport] = check_subject,
) -> SelfTest:
    """Run the checker against its offenders and its clean set, on given candles or on a random walk."""
    series = candles if candles is not None else random_walk(1_200, seed=7, steps_per_bar=10)
    market = MarketView(candles=series)
    caught: dict[str, tuple[str, ...]] = {}
    missed: list[str] = []

    def record(name: str, outcomes: tuple[Outcome, ...]) -> None:
        found = tuple(str(outcome.check) for outcome in outcomes if outcome.findings)
        if found:
            caught[name] = found
        else:
            missed.append(name)

    for offender in OFFENDERS:
        record(offender.name, check(offender, market, thoroughness).outcomes)
    record("fill at the close that decided it", (audit_fills(same_bar_fills(series, delay=0), series),))
    alarms = [one.name for one in CLEAN if not check(one, market, thoroughness).is_clean]
    if audit_fills(same_bar_fills(series, delay=1), series).findings:
        alarms.append("fill at the next open")
    return SelfTest(caught=caught, missed=tuple(missed), false_alarms=tuple(alarms))
