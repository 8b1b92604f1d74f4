"""Performance figures as trading-rules.md B.5 defines them, from an equity curve, daily returns or trades.

Every figure is always present. What cannot be computed is None, and `reasons` holds a code from REASONS for it:
never 0, never infinity, never NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from trading.backtest.drawdowns import deepest_and_longest
from trading.backtest.probabilistic import (
    DAYS_PER_YEAR,
    deflated_sharpe_ratio,
    probabilistic_sharpe_ratio,
)
from trading.backtest.returns import DAY_MS, Curve, FloatArray, compounded, curve_of, daily_returns, net_flows
from trading.backtest.scan import (
    AUTOCORRELATION,
    BEST,
    CVAR_95,
    DEVIATION,
    DOWNSIDE,
    GAINED,
    KURTOSIS,
    LOST,
    MEAN,
    ROBUST_DEVIATION,
    SKEW,
    VAR_95,
    WINNING,
    WORST,
    daily_summary,
)
from trading.backtest.trade_statistics import TRADE_FIGURES, TradeColumns, trade_figures
from trading.errors import InvalidInput

Figure = float | int | None

#: Why a figure is None, by code.
REASONS: Mapping[str, str] = {
    "not_given": "It needs more than the input holds.",
    "no_trades": "No trade was closed.",
    "no_wins": "No trade was won.",
    "no_losses": "No trade was lost, so there is nothing to divide by.",
    "no_days": "No full day (00:00 to 00:00 UTC) was seen.",
    "too_few_days": "At least two daily returns are needed.",
    "no_variance": "The daily returns do not vary.",
    "no_losing_days": "No day was lost, so there is nothing to divide by.",
    "no_drawdown": "The value never fell below a peak.",
    "ruined": "The value reached zero or less; what follows has no return.",
    "extreme_skew": "The returns are so skewed that the estimator has no variance.",
    "no_time": "No time passed between the first and the last point.",
    "overflow": "The figure is too large for a number.",
}

#: Names in the order in which they are shown.
RETURN_FIGURES = (
    "roi",
    "profit",
    "cagr",
    "volatility",
    "sharpe",
    "sharpe_robust",
    "sortino",
    "calmar",
    "omega",
    "max_drawdown",
    "max_drawdown_days",
    "var_95",
    "cvar_95",
    "sharpe_daily",
    "skew",
    "kurtosis",
    "autocorrelation",
    "psr",
    "dsr",
    "best_day",
    "worst_day",
    "winning_days",
    "days",
)

NAMES = RETURN_FIGURES + TRADE_FIGURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """All figures by name, and the reason for each that is undefined."""

    values: dict[str, Figure]
    reasons: dict[str, str]

    def __getitem__(self, name: str) -> Figure:
        return self.values[name]

    def as_json(self) -> dict[str, Any]:
        """Give `{"metrics": …, "reasons": …}` of plain numbers and None."""
        return {"metrics": dict(self.values), "reasons": dict(self.reasons)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """How many parameter sets were tried before this one was picked, and how their daily Sharpe ratios spread."""

    count: int
    sharpe_daily_sd: float


def performance(
    equity_ts_ms: ArrayLike,
    equity: ArrayLike,
    *,
    trades: TradeColumns | Sequence[float] | None = None,
    initial: float | None = None,
    start_ms: int | None = None,
    flows: Sequence[tuple[int, float]] = (),
    trials: Trials | None = None,
    days_per_year: float = DAYS_PER_YEAR,
) -> Metrics:
    """Compute every figure of an account from its mark-to-market equity and its closed trades.

    Daily figures use the marks at 00:00 UTC, idle days included; ROI and drawdown use every point. With cash
    flows, `roi` is time-weighted and `profit` is final - initial - net deposits.

    Args:
        equity_ts_ms: when each value was known: the close of a bar, not its open.
        initial: equity before the first point; None: the first point is the start.
        start_ms: time of `initial`.
        flows: (time, amount), deposits positive.
        trials: of the search that picked these parameters; gives `dsr`.
        days_per_year: other than 365 only to compare with figures of markets that close.

    Raises:
        InvalidInput: a value is not finite, times do not increase, or the start is not positive.
    """
    if not 0.0 < days_per_year < math.inf:
        raise InvalidInput(f"{days_per_year:g} days per year were given; a positive number is needed.")
    curve = curve_of(equity_ts_ms, equity, initial=initial, start_ms=start_ms, flows=flows)
    final = float(np.asarray(equity, dtype=np.float64)[-1])
    profit = final - curve.start - net_flows(curve, flows)
    return metrics_of_curve(curve, profit=profit, trades=trades, trials=trials, days_per_year=days_per_year)


def metrics_of_curve(
    curve: Curve,
    *,
    profit: float,
    trades: TradeColumns | Sequence[float] | None = None,
    trials: Trials | None = None,
    days_per_year: float = DAYS_PER_YEAR,
) -> Metrics:
    """Compute every figure from a curve that is known to be sound (the engine's own).

    Args:
        profit: in the account's currency; a unitised curve does not tell it.
    """
    values, reasons = _curve_figures(curve, daily_returns(curve), trials, days_per_year)
    values["profit"] = profit
    return _with_trades(values, reasons, trades, (curve.start_ms, curve.end_ms))


def metrics_from_returns(
    ts_ms: ArrayLike | None,
    returns: ArrayLike,
    *,
    trades: TradeColumns | Sequence[float] | None = None,
    trials: Trials | None = None,
    days_per_year: float = DAYS_PER_YEAR,
) -> Metrics:
    """Compute every figure from simple returns, each stamped with the time at which it was complete.

    Returns closer than a day are compounded to days first; days that are left out are idle. Without times, one
    return a day is assumed.
    """
    if not 0.0 < days_per_year < math.inf:
        raise InvalidInput(f"{days_per_year:g} days per year were given; a positive number is needed.")
    curve = compounded(ts_ms, returns)
    daily = daily_returns(curve)
    values, reasons = _curve_figures(curve, daily, trials, days_per_year)
    values["profit"], reasons["profit"] = None, "not_given"
    return _with_trades(values, reasons, trades, (curve.start_ms, curve.end_ms))


def metrics_from_trades(
    pnl: TradeColumns | Sequence[float] | FloatArray, *, initial: float | None = None
) -> Metrics:
    """Compute the figures of closed trades; figures of daily returns are None.

    Args:
        initial: equity before the first trade; gives `roi`.
    """
    values: dict[str, Figure] = dict.fromkeys(RETURN_FIGURES)
    reasons = dict.fromkeys(RETURN_FIGURES, "not_given")
    trades = pnl if isinstance(pnl, TradeColumns) else TradeColumns.of(pnl)
    profit = float(trades.pnl.sum())
    values["profit"] = profit
    del reasons["profit"]
    if initial is not None:
        if not initial > 0.0:
            raise InvalidInput(f"An initial equity of {initial:g} was given; a positive amount is needed.")
        values["roi"] = profit / initial
        del reasons["roi"]
    return _with_trades(values, reasons, trades, None)


def _with_trades(
    values: dict[str, Figure],
    reasons: dict[str, str],
    trades: TradeColumns | Sequence[float] | None,
    span_ms: tuple[int, int] | None,
) -> Metrics:
    if trades is None:
        values.update(dict.fromkeys(TRADE_FIGURES))
        reasons.update(dict.fromkeys(TRADE_FIGURES, "not_given"))
    else:
        columns = trades if isinstance(trades, TradeColumns) else TradeColumns.of(trades)
        more_values, more_reasons = trade_figures(columns, span_ms=span_ms)
        values.update(more_values)
        reasons.update(more_reasons)
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            values[name] = None
            reasons[name] = "overflow"
    return Metrics(values=values, reasons=reasons)


def _curve_figures(
    curve: Curve, daily: FloatArray, trials: Trials | None, days_per_year: float
) -> tuple[dict[str, Figure], dict[str, str]]:
    values: dict[str, Figure] = dict.fromkeys(RETURN_FIGURES)
    reasons: dict[str, str] = {}
    roi = curve.end / curve.start - 1.0
    values["days"] = len(daily)
    if len(curve.value):
        values["roi"] = roi
        values["max_drawdown"], values["max_drawdown_days"] = deepest_and_longest(curve)
    else:
        reasons.update(dict.fromkeys(("roi", "max_drawdown", "max_drawdown_days"), "no_time"))
    # A value of zero or less is a fall by everything; no further pass over the curve is needed to see it.
    if (values["max_drawdown"] or 0.0) <= -1.0:
        undefined = [name for name in RETURN_FIGURES if values[name] is None and name != "profit"]
        reasons.update(dict.fromkeys(undefined, "ruined"))
        return values, reasons
    _growth(curve, roi, days_per_year, values, reasons)
    _daily_figures(daily, days_per_year, values, reasons)
    _confidence(daily, trials, values, reasons)
    return values, reasons


def _growth(
    curve: Curve, roi: float, days_per_year: float, values: dict[str, Figure], reasons: dict[str, str]
) -> None:
    years = (curve.end_ms - curve.start_ms) / (days_per_year * DAY_MS)
    if years <= 0.0:
        reasons.update(cagr="no_time", calmar="no_time")
        return
    exponent = math.log1p(roi) / years
    if exponent > 700.0:  # e^700 is near the largest float: a month's doubling every hour
        reasons.update(cagr="overflow", calmar="overflow")
        return
    cagr = math.expm1(exponent)
    values["cagr"] = cagr
    deepest = values["max_drawdown"]
    if deepest:
        values["calmar"] = cagr / abs(deepest)
    else:
        reasons["calmar"] = "no_drawdown"


def _daily_figures(
    daily: FloatArray, days_per_year: float, values: dict[str, Figure], reasons: dict[str, str]
) -> None:
    needs_one = ("omega", "var_95", "cvar_95", "best_day", "worst_day", "winning_days", "sortino")
    needs_two = (
        "volatility",
        "sharpe",
        "sharpe_robust",
        "sharpe_daily",
        "skew",
        "kurtosis",
        "autocorrelation",
    )
    if len(daily) == 0:
        reasons.update(dict.fromkeys(needs_one + needs_two, "no_days"))
        return
    found = daily_summary(daily, np.sort(daily))
    best, worst = float(found[BEST]), float(found[WORST])
    values["best_day"], values["worst_day"] = best, worst
    values["winning_days"] = float(found[WINNING])
    values["var_95"], values["cvar_95"] = float(found[VAR_95]), float(found[CVAR_95])
    mean, lost, annual = float(found[MEAN]), float(found[LOST]), math.sqrt(days_per_year)
    if lost > 0.0:
        values["omega"] = float(found[GAINED]) / lost
        values["sortino"] = mean / float(found[DOWNSIDE]) * annual
    else:
        reasons.update(omega="no_losing_days", sortino="no_losing_days")
    if len(daily) < 2:
        reasons.update(dict.fromkeys(needs_two, "too_few_days"))
        return
    sd = float(found[DEVIATION])
    # Equal returns do not give a standard deviation of exactly zero: below this it is only rounding.
    if sd <= 1e-12 * max(abs(best), abs(worst)):
        values["volatility"] = 0.0
        reasons.update(dict.fromkeys(needs_two[1:], "no_variance"))
        return
    values.update(
        volatility=sd * annual,
        sharpe_daily=mean / sd,
        sharpe=mean / sd * annual,
        sharpe_robust=mean / float(found[ROBUST_DEVIATION]) * annual,
        autocorrelation=float(found[AUTOCORRELATION]),
        skew=float(found[SKEW]),
        kurtosis=float(found[KURTOSIS]),
    )


def _confidence(
    daily: FloatArray, trials: Trials | None, values: dict[str, Figure], reasons: dict[str, str]
) -> None:
    sharpe, skew, kurt = values["sharpe_daily"], values["skew"], values["kurtosis"]
    if sharpe is None or skew is None or kurt is None:
        reasons["psr"] = reasons["dsr"] = reasons["sharpe_daily"]
        return
    psr = probabilistic_sharpe_ratio(sharpe, len(daily), skew=skew, kurt=kurt)
    if math.isnan(psr):
        reasons["psr"] = reasons["dsr"] = "extreme_skew"
        return
    values["psr"] = psr
    if trials is None:
        reasons["dsr"] = "not_given"
        return
    values["dsr"] = deflated_sharpe_ratio(
        sharpe, len(daily), skew=skew, kurt=kurt, trials=trials.count, trial_sharpe_sd=trials.sharpe_daily_sd
    )
