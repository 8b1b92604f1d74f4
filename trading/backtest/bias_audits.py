"""Audits of backtest results (trading-rules.md D.7–9): fills, the martingale test, and order of the pairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.backtest.bias import BiasCheck, Finding, Outcome
from trading.candles import Candles
from trading.errors import ShapeMismatch
from trading.timeframes import Timeframe

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Rounding of prices to the tick and of float sums, relative.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class FillColumns:
    """The fills of one pair in the order in which they happened.

    Attributes:
        decided: bar at whose close the order was decided, shape (n,).
        bar: bar inside which it filled.
        side: +1 bought, -1 sold.
        quantity: base asset, > 0.
        price: quote currency.
        is_report: the fill only marks the end of the data (trading-rules.md B.3.11) and is not judged.
        is_limit: a resting limit filled. A bar that opens beyond it fills at the limit without improvement
            (B.3.4): worse than anything that traded in that bar, which no fill may be the other way.
    """

    decided: IntArray
    bar: IntArray
    side: IntArray
    quantity: FloatArray
    price: FloatArray
    is_report: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    is_limit: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))

    def __post_init__(self) -> None:
        n = len(self.bar)
        for name in ("is_report", "is_limit"):
            if len(getattr(self, name)) == 0 and n:
                object.__setattr__(self, name, np.zeros(n, np.bool_))
        for name in ("decided", "side", "quantity", "price", "is_report", "is_limit"):
            if len(getattr(self, name)) != n:
                raise ShapeMismatch(f"Fill column '{name}' has {len(getattr(self, name))} rows; bar has {n}.")


def audit_fills(
    fills: FillColumns,
    candles: Candles,
    *,
    cost_ratio: float = 0.0,
    tick: float = 0.0,
    subject: str = "backtest",
) -> Outcome:
    """Check 7: each fill is later than its decision, inside its bar, in order, and on a bar that traded.

    Args:
        cost_ratio: slippage plus half the spread; a buy may lie that far above the high, a sell below the low.
        tick: price step to which fills are rounded.
    """
    rows = np.flatnonzero(~fills.is_report)
    findings: list[Finding] = []
    bar, price, side, is_limit = (fills.bar[rows], fills.price[rows], fills.side[rows], fills.is_limit[rows])
    slack = tick + _ROUNDING * price
    highest = candles.high[bar] * np.where(side > 0, 1.0 + cost_ratio, 1.0) + slack
    lowest = candles.low[bar] * np.where(side < 0, 1.0 - cost_ratio, 1.0) - slack
    laws: tuple[tuple[NDArray[np.bool_], str], ...] = (
        (
            bar <= fills.decided[rows],
            "it filled in bar {bar}, not after bar {decided} whose close decided it",
        ),
        (
            (price > highest) & ~(is_limit & (side > 0)),
            "its price {price:g} is above the high {high:g} of bar {bar}",
        ),
        (
            (price < lowest) & ~(is_limit & (side < 0)),
            "its price {price:g} is below the low {low:g} of bar {bar}",
        ),
        (candles.volume[bar] <= 0.0, "bar {bar} has no volume: nothing traded in it"),
        (np.diff(bar, prepend=bar[:1]) < 0, "it filled in bar {bar}, before the fill above it"),
        (fills.quantity[rows] <= 0.0, "its quantity {quantity:g} is not positive"),
    )
    for wrong, text in laws:
        if wrong.any():
            k = int(rows[int(np.argmax(wrong))])
            at = int(fills.bar[k])
            message = text.format(
                bar=at,
                decided=int(fills.decided[k]),
                price=float(fills.price[k]),
                quantity=float(fills.quantity[k]),
                high=float(candles.high[at]),
                low=float(candles.low[at]),
            )
            more = int(wrong.sum()) - 1
            findings.append(
                Finding(
                    check=BiasCheck.FILLS,
                    subject=subject,
                    bar=at,
                    message=f"Fill {k}: {message}" + (f"; {more} more like it." if more else "."),
                )
            )
    return Outcome(check=BiasCheck.FILLS, runs=len(rows), findings=tuple(findings))


def random_walk(
    bars: int,
    *,
    seed: int,
    sigma: float = 0.005,
    steps_per_bar: int = 60,
    timeframe: Timeframe | None = None,
) -> Candles:
    """Give candles of a price without drift whose bars are made of small steps; each opens at the last close.

    The price itself (not its logarithm) is a martingale, so that no rule can earn on it without costs. The steps
    are small against a bar, so that a stop is passed by little.
    """
    random = np.random.default_rng(seed)
    small = sigma / math.sqrt(steps_per_bar)
    path = 100.0 * np.cumprod(1.0 + random.choice((-small, small), size=bars * steps_per_bar))
    inside = path.reshape(bars, steps_per_bar)
    close = np.ascontiguousarray(inside[:, -1])
    opened = np.concatenate(([100.0], close[:-1]))
    frame = timeframe or Timeframe.parse("1h")
    return Candles(
        ts_ms=np.arange(bars, dtype=np.int64) * frame.ms,
        open=opened,
        high=np.maximum(opened, inside.max(axis=1)),
        low=np.minimum(opened, inside.min(axis=1)),
        close=close,
        volume=random.exponential(100.0, bars) + 1.0,
        timeframe=frame,
        pair="WALK/USDT",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkResult:
    """What a rule did on one random walk.

    Attributes:
        pnl: net profit per closed trade, as a ratio of the trade's notional.
        turnover: notional bought and sold over the notional of the entries (2 for plain round trips).
    """

    pnl: FloatArray
    turnover: float = 2.0


def audit_martingale(
    run: Callable[[Candles, float], WalkResult],
    *,
    walks: int = 20,
    bars: int = 2_000,
    cost_ratio: float = 0.001,
    seed: int = 1,
    subject: str = "backtest",
) -> Outcome:
    """Check 8: on prices without drift a rule earns nothing, and with costs loses its costs.

    Args:
        run: backtests the rule on candles with a cost per side as a ratio of notional.

    Zero costs: pooled |t| of the trades < 3. With costs: the mean trade is -turnover × cost within 3 standard
    errors. A positive t means that fills or decisions know the future.
    """
    free: list[FloatArray] = []
    charged: list[FloatArray] = []
    expected = 0.0
    for k in range(walks):
        candles = random_walk(bars, seed=seed + k)
        free.append(run(candles, 0.0).pnl)
        result = run(candles, cost_ratio)
        charged.append(result.pnl)
        expected -= result.turnover * cost_ratio * len(result.pnl)
    pooled, net = np.concatenate(free), np.concatenate(charged)
    if len(pooled) < 30 or len(net) < 30:
        note = f"{min(len(pooled), len(net))} trades on {walks} walks; 30 are needed to judge"
        return Outcome(check=BiasCheck.MARTINGALE, runs=0, note=note)
    findings = []
    t = _t_statistic(pooled, 0.0)
    if abs(t) >= 3.0:
        findings.append(
            f"Without costs the mean trade on {walks} random walks is {pooled.mean():.2e} (t = {t:.1f}, "
            f"{len(pooled)} trades); |t| < 3 is allowed. "
            + ("The rule or its fills know the future." if t > 0 else "Fills are worse than the market.")
        )
    t_costs = _t_statistic(net, expected / len(net))
    if abs(t_costs) >= 3.0:
        findings.append(
            f"With {cost_ratio:.2%} per side the mean trade is {net.mean():.2e}; {expected / len(net):.2e} "
            f"(turnover × cost) is expected (t of the difference {t_costs:.1f}); |t| < 3 is allowed."
        )
    return Outcome(
        check=BiasCheck.MARTINGALE,
        runs=walks,
        findings=tuple(
            Finding(check=BiasCheck.MARTINGALE, subject=subject, bar=-1, message=text) for text in findings
        ),
        note=f"t = {t:.2f} without costs, {t_costs:.2f} against the expected costs, {len(pooled)} trades",
    )


def _t_statistic(sample: FloatArray, mean: float) -> float:
    spread = float(sample.std(ddof=1))
    gap = float(sample.mean()) - mean
    if spread == 0.0:
        return 0.0 if abs(gap) < 1e-15 else math.copysign(math.inf, gap)
    return gap / (spread / math.sqrt(len(sample)))


def audit_order(
    run: Callable[[Sequence[Candles]], Mapping[str, Any]],
    candles: Sequence[Candles],
    *,
    permutations: int = 5,
    seed: int = 1,
    subject: str = "portfolio",
) -> Outcome:
    """Check 9: naming the pairs in another order changes nothing.

    Args:
        run: backtests a portfolio and gives, per pair, something comparable that holds all its trades. Ties
            between equal signals must be broken by a documented rule, not by place in the list.
    """
    random = np.random.default_rng(seed)
    expected = run(candles)
    findings: list[Finding] = []
    for _ in range(permutations):
        order = random.permutation(len(candles))
        found = run([candles[k] for k in order])
        for pair in sorted(set(expected) | set(found)):
            if expected.get(pair) != found.get(pair):
                names = ", ".join(candles[k].pair for k in order)
                findings.append(
                    Finding(
                        check=BiasCheck.ORDER,
                        subject=subject,
                        bar=-1,
                        message=f"With the pairs in the order {names}, the trades of {pair} differ.",
                    )
                )
                return Outcome(check=BiasCheck.ORDER, runs=permutations, findings=tuple(findings))
    return Outcome(check=BiasCheck.ORDER, runs=permutations)


def audit_alignment(
    own_close_ms: IntArray, source_close_ms: IntArray, row: IntArray, *, subject: str = "view"
) -> Outcome:
    """Check 6 for an explicit alignment: row[t] of another series must be closed by own close t (-1: none)."""
    known = np.flatnonzero(row >= 0)
    late = known[source_close_ms[row[known]] > own_close_ms[known]]
    findings: tuple[Finding, ...] = ()
    if len(late):
        t = int(late[0])
        gap = int(source_close_ms[row[t]] - own_close_ms[t])
        message = f"At bar {t} a bar was used that closes {gap} ms later; {len(late)} rows are affected."
        findings = (Finding(check=BiasCheck.TIMEFRAMES, subject=subject, bar=t, message=message),)
    return Outcome(check=BiasCheck.TIMEFRAMES, runs=len(known), findings=findings)
