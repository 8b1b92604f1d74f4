"""Sizing: every limit's quantity, the smallest one, and its name (trading-rules.md, B.2).

The arithmetic is written once as compiled scalar functions; the kernel and `size` call the same ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from trading.errors import InvalidInput
from trading.jit import njit

#: Out-of-sample trades below which Kelly falls back to the fixed ratio.
KELLY_TRADES = 50

#: Limits of a size in the order in which ties are settled; the word is the *binding constraint*.
LIMITS = (
    "method",
    "risk_per_trade",
    "strategy",
    "max_position",
    "allocation",
    "balance",
    "portfolio_risk",
    "gross_exposure",
    "net_exposure",
    "venue_max",
)
METHOD, RISK, STRATEGY, MAX_POSITION, ALLOCATION, BALANCE, PORTFOLIO_RISK, GROSS, NET, VENUE_MAX = range(
    len(LIMITS)
)


class SizingMethod(StrEnum):
    """How the *method* term of a size is computed."""

    FIXED = "fixed"
    KELLY = "kelly"
    ATR = "atr"


@njit
def kelly(win_rate: float, payoff: float) -> float:
    """Give the fraction of equity at risk that maximises growth; NaN where it is undefined, may be negative.

    Args:
        win_rate: share of winning trades, 0–1.
        payoff: average win / average loss, both positive, net of costs.

    Source:
        Kelly, A New Interpretation of Information Rate (1956).

    Example:
        >>> kelly(0.45, 2.0)
        0.175
    """
    if not (payoff > 0.0) or not (0.0 <= win_rate <= 1.0) or payoff == np.inf:
        return np.nan
    return (payoff * win_rate - (1.0 - win_rate)) / payoff


@njit
def unit_risk(price: float, stop: float, entry_cost: float, exit_cost: float) -> float:
    """Give what one unit loses when the stop is hit, costs included; without a stop the whole price.

    Args:
        price, stop: quote currency; a NaN stop means none.
        entry_cost, exit_cost: fee and slippage of each side as ratios of its price.
    """
    if stop != stop:
        return price * (1.0 + entry_cost)
    return abs(price - stop) + price * entry_cost + stop * exit_cost


@njit
def whole_lots(quantity: float, step: float) -> int:
    """Give a quantity as whole steps, rounded down; a float's own noise does not cost a step."""
    if not (quantity > 0.0):
        return 0
    exact = quantity / step
    if exact >= 9.0e18:
        return 9_000_000_000_000_000_000
    nearest = np.rint(exact)
    if abs(exact - nearest) <= 1e-13 * max(1.0, nearest):
        return int(nearest)
    return math.floor(exact)


@njit
def limit_quantities(
    out: NDArray[np.float64],
    price: float,
    risk_at_stop: float,
    risk_of_method: float,
    equity: float,
    own_equity: float,
    method_ratio: float,
    risk_cap: float,
    hint: float,
    max_position: float,
    asset_notional: float,
    line_notional: float,
    free: float,
    entry_cost: float,
    portfolio_risk: float,
    open_risk: float,
    gross_left: float,
    net_left: float,
    venue_max: float,
) -> None:
    """Write each limit's quantity in base units, in the order of `LIMITS`; infinite where it does not limit.

    Args:
        out: shape (10,), written.
        risk_at_stop: what one unit loses at the stop; `risk_of_method`: the same by the method's own distance.
        equity, own_equity: of the account, and the bot's allocation of it.
        method_ratio, risk_cap, hint: risk as ratios of own equity; NaN = none.
        asset_notional: exposure in the same base asset, open orders included; `line_notional`: of this bot.
        free: quote currency that may be spent; `entry_cost`: ratio paid on top of the price.
        gross_left, net_left: notional that these limits leave.
        venue_max: largest order in base units.
    """
    out[METHOD] = own_equity * method_ratio / risk_of_method if method_ratio == method_ratio else np.inf
    out[RISK] = own_equity * risk_cap / risk_at_stop if risk_cap == risk_cap else np.inf
    out[STRATEGY] = own_equity * hint / risk_at_stop if hint == hint else np.inf
    out[MAX_POSITION] = (max_position * equity - asset_notional) / price
    out[ALLOCATION] = (
        (own_equity - line_notional) / (price * (1.0 + entry_cost)) if own_equity < equity else np.inf
    )
    out[BALANCE] = free / (price * (1.0 + entry_cost))
    out[PORTFOLIO_RISK] = (portfolio_risk * equity - open_risk) / risk_at_stop
    out[GROSS] = gross_left / price
    out[NET] = net_left / price
    out[VENUE_MAX] = venue_max


@njit
def hedge_notional(side: int, beta: float, exposure: float) -> float:
    """Give the notional of a hedge on a side: −β × the signed exposure that it answers, nothing on the other side."""
    return max(0.0, -side * beta * exposure)


@njit
def smallest(out: NDArray[np.float64]) -> int:
    """Give the index of the binding limit; the first one wins a tie."""
    best = 0
    for k in range(1, len(out)):
        if out[k] < out[best]:
            best = k
    return best


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingRequest:
    """What a size depends on. Ratios are 0–1; quote currency unless said otherwise.

    Attributes:
        stop: protective stop price; None with `atr` given, or when the whole price is at risk.
        atr, multiple: the stop distance is `multiple` × `atr` (method ATR, or when no stop is given).
        win_rate, payoff, trades: of closed out-of-sample trades; below 50 trades Kelly falls back to fixed.
        free_balance: quote currency that may be spent; None = all equity.
        open_risk: what the open positions lose at their stops; `portfolio_risk` its limit (None = none).
        asset_exposure: notional already held or ordered in the same base asset.
    """

    equity: Decimal
    entry: Decimal
    stop: Decimal | None = None
    atr: Decimal | None = None
    multiple: float = 2.0
    method: SizingMethod = SizingMethod.FIXED
    risk_per_trade: float = 0.01
    max_position: float = 0.10
    kelly_fraction: float = 0.5
    win_rate: float | None = None
    payoff: float | None = None
    trades: int | None = None
    fee: float = 0.0
    slippage: float = 0.0
    spread: float = 0.0
    step: Decimal = Decimal("0.00000001")
    min_quantity: Decimal = Decimal(0)
    min_notional: Decimal = Decimal(0)
    max_quantity: Decimal | None = None
    free_balance: Decimal | None = None
    open_risk: Decimal = Decimal(0)
    portfolio_risk: float | None = None
    asset_exposure: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for name in ("equity", "entry", "step"):
            if not getattr(self, name) > 0:
                raise InvalidInput(f"{name} is {getattr(self, name)}; a positive amount is allowed.")
        if self.stop is not None and (self.stop <= 0 or self.stop == self.entry):
            raise InvalidInput(
                f"stop is {self.stop} with an entry at {self.entry}; a positive price that differs from the entry is "
                "allowed."
            )
        if self.atr is not None and not (self.atr > 0 and self.multiple > 0):
            raise InvalidInput(f"atr is {self.atr} × {self.multiple}; a positive distance is allowed.")
        if self.method is SizingMethod.ATR and self.atr is None:
            raise InvalidInput("Method atr needs the average true range.", hint="Give it with --atr.")
        for name in ("risk_per_trade", "max_position", "kelly_fraction"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise InvalidInput(f"{name} is {getattr(self, name)}; a ratio above 0 up to 1 is allowed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingAnswer:
    """A size with its reasons.

    Attributes:
        quantity: base asset, floored to the step; 0 when rejected.
        risk: quote currency lost when the stop is hit, costs included.
        binding: the limit that decided.
        limits: each limit's quantity, not rounded to the step.
        reason: why the size is 0, else empty; `note` says which fallback was taken, else empty.
    """

    quantity: Decimal
    notional: Decimal
    risk: Decimal
    binding: str
    limits: dict[str, Decimal]
    reason: str = ""
    note: str = ""


def method_ratio(
    method: SizingMethod,
    *,
    risk_per_trade: float,
    kelly_fraction: float,
    win_rate: float | None,
    payoff: float | None,
    trades: int | None,
) -> tuple[float, str]:
    """Give the risk ratio of the method, never negative, and which fallback was taken."""
    if method is not SizingMethod.KELLY:
        return risk_per_trade, ""
    if trades is not None and trades < KELLY_TRADES:
        return (
            risk_per_trade,
            f"kelly needs {KELLY_TRADES} closed trades, {trades} were given: fixed ratio used",
        )
    fraction = kelly(win_rate, payoff) if win_rate is not None and payoff is not None else math.nan
    if math.isnan(fraction):
        return risk_per_trade, "kelly is undefined without wins and losses: fixed ratio used"
    return max(0.0, kelly_fraction * fraction), ""


def size(request: SizingRequest) -> SizingAnswer:
    """Give the largest quantity that every limit allows, and the limit that binds.

    Example:
        >>> size(SizingRequest(equity=Decimal(10000), entry=Decimal(100), atr=Decimal(3),
        ...                    method=SizingMethod.ATR, step=Decimal("0.001"))).quantity
        Decimal('10.000')
    """
    price, equity = float(request.entry), float(request.equity)
    distance = float(request.atr) * request.multiple if request.atr is not None else math.nan
    stop = float(request.stop) if request.stop is not None else price - distance
    entry_cost = request.fee + request.slippage + request.spread / 2.0
    exit_cost = request.fee + request.slippage
    at_stop = unit_risk(price, stop, entry_cost, exit_cost)
    of_method = unit_risk(price, price - distance, entry_cost, exit_cost) if _by_atr(request) else at_stop
    ratio, note = method_ratio(
        request.method,
        risk_per_trade=request.risk_per_trade,
        kelly_fraction=request.kelly_fraction,
        win_rate=request.win_rate,
        payoff=request.payoff,
        trades=request.trades,
    )
    out = np.empty(len(LIMITS))
    limit_quantities(
        out, price, at_stop, of_method, equity, equity, ratio,
        request.risk_per_trade if request.method is SizingMethod.KELLY else math.nan, math.nan,
        request.max_position, float(request.asset_exposure), 0.0,
        float(request.equity if request.free_balance is None else request.free_balance), entry_cost,
        math.inf if request.portfolio_risk is None else request.portfolio_risk, float(request.open_risk),
        math.inf, math.inf, math.inf if request.max_quantity is None else float(request.max_quantity),
    )  # fmt: skip
    binding = smallest(out)
    lots = whole_lots(float(out[binding]), float(request.step))
    quantity = request.step * lots
    reason = _rejection(request, quantity, LIMITS[binding], out[METHOD] <= 0.0)
    if reason:
        quantity = request.step * 0
    return SizingAnswer(
        quantity=quantity,
        notional=quantity * request.entry,
        risk=(quantity * _decimal(at_stop)).normalize() if quantity else Decimal(0),
        binding=LIMITS[binding],
        limits={
            name: _decimal(max(0.0, v))
            for name, v in zip(LIMITS, out.tolist(), strict=True)
            if math.isfinite(v)
        },
        reason=reason,
        note=note,
    )


def _by_atr(request: SizingRequest) -> bool:
    return request.method is SizingMethod.ATR


def _rejection(request: SizingRequest, quantity: Decimal, binding: str, has_no_edge: bool) -> str:
    if has_no_edge:
        return "no_edge"
    if quantity == 0:
        return binding
    if quantity < request.min_quantity:
        return "min_quantity"
    # The protective stop is an order too.
    least = request.entry if request.stop is None else min(request.entry, request.stop)
    return "min_notional" if quantity * least < request.min_notional else ""


def _decimal(value: float) -> Decimal:
    """Name a float with ten decimals, so that noise in the last digits is not shown."""
    return (
        Decimal(repr(value))
        .quantize(Decimal("1e-10"), rounding=ROUND_FLOOR if value > 1e15 else "ROUND_HALF_EVEN")
        .normalize()
        + 0
    )
