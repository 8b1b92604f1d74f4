"""What a backtest report holds: everything is computed here once, so that every rendering shows the same figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.backtest.bootstrap import Confidence, TradeOrderRisk, confidence_intervals, trade_order_risk
from trading.backtest.drawdowns import Drawdown, drawdowns, under_water
from trading.backtest.metrics import Metrics, Trials, performance
from trading.backtest.monthly import YearRow, monthly_table
from trading.backtest.returns import curve_of, daily_returns
from trading.backtest.search_space import Value
from trading.backtest.trade_statistics import TradeColumns
from trading.backtest.trials import Deflated, HeatMap

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTrade:
    """One closed trade, as a row of a table.

    Attributes:
        side: +1 long, -1 short.
        pnl, fees: quote currency, net of all costs.
        pnl_ratio: of the entry's notional.
        is_open_at_end: the data ended while it was open; closed in the report only.
    """

    number: int
    pair: str
    side: int
    quantity: float
    entry_ms: int
    exit_ms: int
    entry_price: float
    exit_price: float
    pnl: float
    pnl_ratio: float
    fees: float
    reason: str
    tag: str = ""
    is_open_at_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestReport:
    """A backtest for people.

    Attributes:
        settings: capital, costs, fill rule … as shown, in order.
        ts_ms, equity: marks, the first is the start.
        water: equity / peak - 1 at each mark.
        intervals: 95 % bootstrap intervals by figure; empty with fewer than 30 days.
        order_risk: what another order of the same trades would have done.
        deflated: when the parameters were picked by a search.
        heat: objective over two parameters of that search.
        notes: what a careful reader should know: gaps, synthetic bars, trailing model, bias findings.
    """

    title: str
    strategy: str
    params: Mapping[str, Value]
    pairs: tuple[str, ...]
    timeframe: str
    bars: int
    from_ms: int
    to_ms: int
    currency: str
    settings: Mapping[str, str]
    metrics: Metrics
    ts_ms: IntArray
    equity: FloatArray
    water: FloatArray
    drawdowns: tuple[Drawdown, ...]
    months: tuple[YearRow, ...]
    trades: tuple[ReportTrade, ...]
    intervals: Mapping[str, Confidence]
    order_risk: TradeOrderRisk | None
    deflated: Deflated | None = None
    heat: HeatMap | None = None
    objective: str = ""
    notes: tuple[str, ...] = ()


def trials_of(deflated: Deflated | None) -> Trials | None:
    """Give what `performance` needs to deflate the winner of a search; None for a run that no search picked."""
    if deflated is None:
        return None
    return Trials(count=deflated.trials, sharpe_daily_sd=deflated.sharpe_daily_sd)


#: Below this many days an interval would only show that nothing is known.
_DAYS_FOR_INTERVALS = 30


def build_report(
    *,
    strategy: str,
    params: Mapping[str, Value],
    pairs: Sequence[str],
    timeframe: str,
    bars: int,
    ts_ms: IntArray,
    equity: FloatArray,
    trades: Sequence[ReportTrade],
    settings: Mapping[str, str],
    currency: str = "USDT",
    title: str = "",
    metrics: Metrics | None = None,
    deflated: Deflated | None = None,
    heat: HeatMap | None = None,
    objective: str = "",
    notes: Sequence[str] = (),
    draws: int = 2_000,
) -> BacktestReport:
    """Compute a report.

    Args:
        ts_ms, equity: marks of the account; the first is the start with the initial capital.
        metrics: where the caller already has them; else computed from equity and trades.
        draws: of the bootstrap and of the trade orders.
    """
    curve = curve_of(ts_ms, equity)
    pnl = np.array([trade.pnl for trade in trades], np.float64)
    times, values = curve.points()
    columns = TradeColumns.of(pnl, [trade.entry_ms for trade in trades], [trade.exit_ms for trade in trades])
    daily = daily_returns(curve)
    is_long_enough = len(daily) >= _DAYS_FOR_INTERVALS and not curve.is_ruined
    return BacktestReport(
        title=title or f"{strategy} on {', '.join(pairs)}",
        strategy=strategy,
        params=dict(params),
        pairs=tuple(pairs),
        timeframe=timeframe,
        bars=bars,
        from_ms=curve.start_ms,
        to_ms=curve.end_ms,
        currency=currency,
        settings=dict(settings),
        metrics=metrics or performance(ts_ms, equity, trades=columns, trials=trials_of(deflated)),
        ts_ms=times,
        equity=values,
        water=under_water(curve),
        drawdowns=drawdowns(curve, most=10),
        months=monthly_table(curve),
        trades=tuple(trades),
        intervals=confidence_intervals(daily, draws=draws) if is_long_enough else {},
        order_risk=trade_order_risk(pnl, initial=curve.start, draws=draws),
        deflated=deflated,
        heat=heat,
        objective=objective,
        notes=tuple(notes),
    )
