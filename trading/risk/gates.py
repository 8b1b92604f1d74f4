"""Go-live gate and continuous thresholds (trading-rules.md B.6, decisions 3 and 16), with the doubt beside them.

Seven days and thirty trades prove little: the report therefore shows how often a strategy without any edge would
pass, and how many days such a Sharpe ratio would need.
"""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from trading.backtest.metrics import REASONS, Metrics
from trading.backtest.probabilistic import (
    DAYS_PER_YEAR,
    days_needed,
    sharpe_false_pass_rate,
    win_rate_interval,
)
from trading.errors import InvalidInput

FloatArray = NDArray[np.float64]

#: Cells of one simulation: bounds memory at a few tens of megabytes whatever the number of trades.
_MOST_CELLS = 2_000_000


class Gate(StrEnum):
    """What a gate looks at."""

    DAYS = "days"
    TRADES = "trades"
    SHARPE = "sharpe"
    WIN_RATE = "win_rate"
    PROFIT_FACTOR = "profit_factor"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateThresholds:
    """What is asked before real money.

    Attributes:
        days: time on paper, at least.
        trades: closed trades, at least.
        sharpe: annualised, from daily returns; must be exceeded.
        win_rate: share of won trades, at least (0.45 = 45 %).
        profit_factor: at least.
    """

    days: float = 7.0
    trades: int = 30
    sharpe: float = 1.0
    win_rate: float = 0.45
    profit_factor: float = 1.5

    def __post_init__(self) -> None:
        if self.days < 0 or self.trades < 0 or self.profit_factor < 0 or not 0 <= self.win_rate <= 1:
            raise InvalidInput(
                f"Gate thresholds {self} were given; days, trades and profit_factor ≥ 0 and win_rate 0…1 are allowed."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLine:
    """One line of a report.

    Attributes:
        value: what was found; None where it is undefined.
        needed: what is asked, with its sign, e.g. "> 1" or "≥ 0.45".
        reason: why it did not pass, or why it passes without a value.
    """

    gate: Gate
    value: float | None
    threshold: float
    needed: str
    has_passed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """The verdict and the doubt.

    Attributes:
        psr: probability that the true Sharpe ratio is above zero.
        sharpe_standard_error: of the annualised Sharpe ratio, √(365 / days).
        sharpe_false_pass_rate: how often a strategy without edge passes the Sharpe line alone over these days.
        false_pass_rate: how often it passes the Sharpe, win rate and profit factor lines together, simulated from
            the bot's own trades with their mean taken out; None with fewer than two trades.
        days_needed: days of record after which this Sharpe ratio is above zero at 95 %; None if it is not positive.
        win_rate_interval: exact 95 % interval; None without trades.
    """

    has_passed: bool
    lines: tuple[GateLine, ...]
    psr: float | None
    sharpe_standard_error: float | None
    sharpe_false_pass_rate: float | None
    false_pass_rate: float | None
    days_needed: float | None
    win_rate_interval: tuple[float, float] | None

    @property
    def failures(self) -> tuple[GateLine, ...]:
        """The lines that did not pass."""
        return tuple(line for line in self.lines if not line.has_passed)


def go_live_gate(
    metrics: Metrics,
    *,
    days_on_paper: float,
    trade_pnl: FloatArray,
    initial: float,
    thresholds: GateThresholds | None = None,
) -> GateReport:
    """Judge a paper run; all lines must pass.

    Args:
        metrics: of the paper run, from `performance`.
        days_on_paper: since the bot was first started on paper, pauses left out.
        trade_pnl: net profit of each closed trade, for the simulation of luck.
        initial: equity at the start of the paper run.
    """
    asked = thresholds or GateThresholds()
    trades = _number(metrics, Gate.TRADES) or 0.0
    lines = (
        _at_least(Gate.DAYS, days_on_paper, asked.days),
        _at_least(Gate.TRADES, trades, asked.trades),
        _line(metrics, Gate.SHARPE, asked.sharpe, is_strict=True),
        _line(metrics, Gate.WIN_RATE, asked.win_rate),
        _profit_factor(metrics, asked, trades),
    )
    days = int(_number(metrics, Gate.DAYS) or 0)
    sharpe = _number(metrics, Gate.SHARPE)
    needed = days_needed(sharpe) if sharpe is not None else math.inf
    wins = metrics["wins"]
    return GateReport(
        has_passed=all(line.has_passed for line in lines),
        lines=lines,
        psr=metrics["psr"],
        sharpe_standard_error=math.sqrt(DAYS_PER_YEAR / days) if days else None,
        sharpe_false_pass_rate=sharpe_false_pass_rate(days, threshold=asked.sharpe) if days >= 2 else None,
        false_pass_rate=false_pass_rate(trade_pnl, days=days, initial=initial, thresholds=asked),
        days_needed=None if math.isinf(needed) else needed,
        win_rate_interval=win_rate_interval(int(wins), int(trades)) if trades and wins is not None else None,
    )


def _number(metrics: Metrics, gate: Gate) -> float | None:
    value = metrics[gate.value]
    return None if value is None else float(value)


def _at_least(gate: Gate, value: float, threshold: float) -> GateLine:
    has_passed = value >= threshold
    return GateLine(
        gate=gate,
        value=value,
        threshold=threshold,
        needed=f"≥ {threshold:g}",
        has_passed=has_passed,
        reason="" if has_passed else f"{value:g} is below {threshold:g}.",
    )


def _line(metrics: Metrics, gate: Gate, threshold: float, *, is_strict: bool = False) -> GateLine:
    value = _number(metrics, gate)
    needed = f"{'>' if is_strict else '≥'} {threshold:g}"
    if value is None:
        reason = REASONS[metrics.reasons[gate.value]]
        return GateLine(
            gate=gate, value=None, threshold=threshold, needed=needed, has_passed=False, reason=reason
        )
    has_passed = value > threshold if is_strict else value >= threshold
    return GateLine(
        gate=gate,
        value=value,
        threshold=threshold,
        needed=needed,
        has_passed=has_passed,
        reason="" if has_passed else f"{value:.4g} is not {needed}.",
    )


def _profit_factor(metrics: Metrics, asked: GateThresholds, trades: float) -> GateLine:
    line = _line(metrics, Gate.PROFIT_FACTOR, asked.profit_factor)
    if line.value is None and metrics.reasons[Gate.PROFIT_FACTOR.value] == "no_losses":
        # Nothing to divide by is good news only once enough trades were seen.
        return GateLine(
            gate=line.gate,
            value=None,
            threshold=line.threshold,
            needed=line.needed,
            has_passed=trades >= asked.trades,
            reason=f"No trade was lost in {trades:g}; {asked.trades} trades are needed to believe it.",
        )
    return line


def false_pass_rate(
    trade_pnl: FloatArray,
    *,
    days: int,
    initial: float,
    thresholds: GateThresholds | None = None,
    draws: int = 2_000,
    seed: int = 1,
) -> float | None:
    """Simulate how often trades without edge pass the Sharpe, win rate and profit factor lines together.

    Each draw picks as many trades, with replacement, from the bot's own with their mean taken out, and puts each
    on a day at random.

    Returns:
        A share of the draws; None with fewer than two trades or days, or when all trades are equal.
    """
    asked = thresholds or GateThresholds()
    count = len(trade_pnl)
    if count < 2 or days < 2 or not float(np.ptp(trade_pnl)) > 0.0:
        return None
    draws = max(100, min(draws, _MOST_CELLS // count))
    random = np.random.default_rng(seed)
    drawn = random.choice(trade_pnl - trade_pnl.mean(), size=(draws, count))
    day = random.integers(0, days, size=(draws, count))
    cells = (np.arange(draws)[:, None] * days + day).ravel()
    daily = np.bincount(cells, weights=drawn.ravel(), minlength=draws * days).reshape(draws, days) / initial
    spread = daily.std(axis=1, ddof=1)
    sharpe = np.divide(daily.mean(axis=1), spread, out=np.zeros(draws), where=spread > 0.0)
    gained = np.where(drawn > 0.0, drawn, 0.0).sum(axis=1)
    lost = -np.where(drawn < 0.0, drawn, 0.0).sum(axis=1)
    passes = (sharpe * math.sqrt(DAYS_PER_YEAR) > asked.sharpe) & (gained >= asked.profit_factor * lost)
    passes &= (drawn > 0.0).mean(axis=1) >= asked.win_rate
    return float(passes.mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReport:
    """How a running bot stands against the thresholds.

    Attributes:
        below: lines under their threshold now.
        fallen: below now, not before: raise an alert.
        recovered: below before, not now.
        is_judged: False until enough days and trades were seen; then nothing counts as below.
    """

    lines: tuple[GateLine, ...]
    below: frozenset[Gate]
    fallen: frozenset[Gate]
    recovered: frozenset[Gate]
    is_judged: bool


def watch(
    metrics: Metrics, *, days_running: float, before: Set[Gate], thresholds: GateThresholds | None = None
) -> WatchReport:
    """Compare a running bot with Sharpe ≥ 1, win rate ≥ 45 %, profit factor ≥ 1.5; tell what changed.

    Too few days or trades judge nothing: `below` stays as it was, so that no alert is raised by noise and none is
    taken back by a fresh start of the window.
    """
    asked = thresholds or GateThresholds()
    trades = _number(metrics, Gate.TRADES) or 0.0
    lines = (
        _line(metrics, Gate.SHARPE, asked.sharpe),
        _line(metrics, Gate.WIN_RATE, asked.win_rate),
        _profit_factor(metrics, asked, trades),
    )
    if days_running < asked.days or trades < asked.trades:
        kept = frozenset(before)
        return WatchReport(
            lines=lines, below=kept, fallen=frozenset(), recovered=frozenset(), is_judged=False
        )
    below = frozenset(line.gate for line in lines if not line.has_passed)
    return WatchReport(
        lines=lines,
        below=below,
        fallen=below - before,
        recovered=frozenset(before) - below,
        is_judged=True,
    )
