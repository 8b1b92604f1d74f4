"""Figures of closed trades: win rate, profit factor, payoff, expectancy, streaks, time in the market.

A trade is a round trip from flat to flat of one position, net of costs; partial exits belong to one trade. A win
has net profit > 0; break-even is no win and stays in the denominator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trading.backtest.returns import DAY_MS, FloatArray, IntArray
from trading.backtest.scan import (
    LARGEST,
    LOSS_STREAK,
    LOSSES,
    LOST_SUM,
    SMALLEST,
    SUM,
    WIN_STREAK,
    WINS,
    WON,
    time_covered,
    trade_summary,
)
from trading.errors import InvalidInput, ShapeMismatch

#: Names in the order in which they are shown.
TRADE_FIGURES = (
    "trades",
    "wins",
    "losses",
    "break_even",
    "win_rate",
    "profit_factor",
    "payoff",
    "expectancy",
    "average_win",
    "average_loss",
    "largest_win",
    "largest_loss",
    "longest_win_streak",
    "longest_loss_streak",
    "kelly",
    "kelly_size",
    "holding_days",
    "exposure",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeColumns:
    """Closed trades as columns, in the order in which they closed.

    Attributes:
        pnl: net profit per trade in the account's currency.
        entry_ms, exit_ms: first fill and last fill, or None where unknown.
    """

    pnl: FloatArray
    entry_ms: IntArray | None = None
    exit_ms: IntArray | None = None

    def __post_init__(self) -> None:
        bad = ~np.isfinite(self.pnl)
        if bad.any():
            row = int(np.argmax(bad))
            raise InvalidInput(f"Trade {row} has a profit of {self.pnl[row]}; a finite number is needed.")
        for name in ("entry_ms", "exit_ms"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.pnl):
                raise ShapeMismatch(
                    f"Trades have {len(self.pnl)} profits and {len(column)} values of {name}."
                )

    @classmethod
    def of(
        cls, pnl: ArrayLike, entry_ms: ArrayLike | None = None, exit_ms: ArrayLike | None = None
    ) -> TradeColumns:
        """Build the columns from any sequences."""
        return cls(
            pnl=np.asarray(pnl, dtype=np.float64),
            entry_ms=None if entry_ms is None else np.asarray(entry_ms, dtype=np.int64),
            exit_ms=None if exit_ms is None else np.asarray(exit_ms, dtype=np.int64),
        )


def trade_figures(
    trades: TradeColumns, *, span_ms: tuple[int, int] | None = None
) -> tuple[dict[str, float | int | None], dict[str, str]]:
    """Compute every figure of TRADE_FIGURES, and the reason for each that is undefined."""
    values: dict[str, float | int | None] = dict.fromkeys(TRADE_FIGURES)
    reasons: dict[str, str] = {}
    count = len(trades.pnl)
    values["trades"] = count
    if count == 0:
        values.update(wins=0, losses=0, break_even=0, longest_win_streak=0, longest_loss_streak=0)
        reasons.update({name: "no_trades" for name in TRADE_FIGURES if values[name] is None})
        _time_in_market(trades, span_ms, values, reasons)
        return values, reasons
    found = trade_summary(np.ascontiguousarray(trades.pnl))
    wins, losses, won, lost = int(found[WINS]), int(found[LOSSES]), float(found[WON]), float(found[LOST_SUM])
    values.update(
        wins=wins,
        losses=losses,
        break_even=count - wins - losses,
        win_rate=wins / count,
        expectancy=float(found[SUM]) / count,
        longest_win_streak=int(found[WIN_STREAK]),
        longest_loss_streak=int(found[LOSS_STREAK]),
    )
    if wins:
        values.update(average_win=won / wins, largest_win=float(found[LARGEST]))
    else:
        reasons.update(average_win="no_wins", largest_win="no_wins")
    if losses:
        values.update(
            average_loss=-lost / losses, largest_loss=float(found[SMALLEST]), profit_factor=won / lost
        )
    else:
        reasons.update(dict.fromkeys(("average_loss", "largest_loss", "profit_factor"), "no_losses"))
    if wins and losses:
        payoff = (won / wins) / (lost / losses)
        # q = 1 - p counts break-even trades with the losses, on the careful side.
        kelly = (payoff * wins / count - (count - wins) / count) / payoff
        values.update(payoff=payoff, kelly=kelly, kelly_size=max(kelly, 0.0))
    else:
        missing = "no_wins" if losses else "no_losses"
        reasons.update(dict.fromkeys(("payoff", "kelly", "kelly_size"), missing))
    _time_in_market(trades, span_ms, values, reasons)
    return values, reasons


def _time_in_market(
    trades: TradeColumns,
    span_ms: tuple[int, int] | None,
    values: dict[str, float | int | None],
    reasons: dict[str, str],
) -> None:
    """Fill `holding_days` (mean) and `exposure` (share of the time with at least one open trade)."""
    if trades.entry_ms is None or trades.exit_ms is None:
        reasons.update(holding_days="not_given", exposure="not_given")
        return
    if len(trades.pnl):
        values["holding_days"] = float(np.mean(trades.exit_ms - trades.entry_ms)) / DAY_MS
    if span_ms is None or span_ms[1] <= span_ms[0]:
        reasons["exposure"] = "not_given"
        return
    reasons.pop("exposure", None)
    entries = np.ascontiguousarray(trades.entry_ms)
    order = np.argsort(entries, kind="stable")
    covered = time_covered(entries, np.ascontiguousarray(trades.exit_ms), order, *span_ms)
    values["exposure"] = covered / (span_ms[1] - span_ms[0])
