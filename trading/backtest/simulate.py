"""Given orders on given bars: what the fill rules make of them, without strategy and without sizing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np

from trading.backtest.driver import run_records
from trading.backtest.history import make_history
from trading.backtest.result import BacktestResult
from trading.candles import Candles
from trading.engine.config import AccountConfig, Costs, LineConfig, RiskLimits
from trading.engine.convert import exact_fee, exact_price, signal_rows, write_signal
from trading.engine.views import AccountView
from trading.errors import InvalidInput
from trading.instruments import Instrument
from trading.orders import Reason, Side
from trading.signals import LEGS, EntryType, Exit, Signal

#: Quantities of given orders are kept to this step.
STEP = Decimal("0.00000001")

_TYPES = {"market": EntryType.MARKET, "limit": EntryType.LIMIT, "stop": EntryType.STOP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trailing:
    """A stop that follows the best price.

    Attributes:
        distance: ratio of the best price (0.02 = 2 %).
        active_from: gain on the entry, as a ratio, that switches it on; 0 = at once.
    """

    distance: float
    active_from: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimOrder:
    """One order, decided at the close of `bar`; it can fill from the next bar on.

    Attributes:
        price: of a limit or stop order.
        take_profits: up to three (fraction, price), nearest first.
        exit_bar: closed at the open of the bar after this one; None = never.
        expiry_bars: bars that a limit or stop order rests; 0 = until the end.
        break_even_after_leg: 1 = the stop moves to break-even after the first target; 0 = never.
    """

    bar: int
    side: Literal["long", "short"]
    quantity: Decimal
    type: Literal["market", "limit", "stop"] = "market"
    price: float | None = None
    stop_loss: float | None = None
    take_profits: tuple[tuple[float, float], ...] = ()
    trailing: Trailing | None = None
    exit_bar: int | None = None
    expiry_bars: int = 0
    break_even_after_leg: int = 0

    def __post_init__(self) -> None:
        if self.side not in ("long", "short"):
            raise InvalidInput(f"Order side '{self.side}' was given; long or short is allowed.")
        if self.type not in _TYPES:
            raise InvalidInput(f"Order type '{self.type}' was given; market, limit or stop is allowed.")
        if not self.quantity > 0:
            raise InvalidInput(f"Order quantity {self.quantity} was given; a positive amount is allowed.")
        if (self.price is None) != (self.type == "market"):
            raise InvalidInput(
                f"A {self.type} order with price {self.price} was given; limit and stop orders have a price, market "
                "orders have none."
            )
        for name in ("price", "stop_loss"):
            value = getattr(self, name)
            if value is not None and not (value > 0.0 and math.isfinite(value)):
                raise InvalidInput(f"Order {name} is {value}; a positive price is allowed.")
        if len(self.take_profits) > LEGS:
            raise InvalidInput(f"{len(self.take_profits)} take-profits were given; up to {LEGS} are allowed.")
        total = 0.0
        for fraction, price in self.take_profits:
            total += fraction
            if not 0.0 < fraction <= 1.0 or not (price > 0.0 and math.isfinite(price)) or total > 1.0 + 1e-9:
                raise InvalidInput(
                    f"Take-profit [{fraction}, {price}] was given; fractions above 0 that sum up to at most 1 and "
                    "positive prices are allowed."
                )
        if self.exit_bar is not None and self.exit_bar <= self.bar:
            raise InvalidInput(
                f"exit_bar {self.exit_bar} was given for an order of bar {self.bar}; a later bar is allowed."
            )

    def signal(self) -> Signal:
        """Give the order as the signal row of its bar."""
        none = (math.nan,) * (LEGS - len(self.take_profits))
        prices = (*(price for _, price in self.take_profits), *none)
        fractions = (*(fraction for fraction, _ in self.take_profits), *(0.0 for _ in none))
        return Signal(
            enter=1 if self.side == "long" else -1,
            entry_type=_TYPES[self.type],
            entry_price=math.nan if self.price is None else self.price,
            expiry_bars=self.expiry_bars,
            stop=math.nan if self.stop_loss is None else self.stop_loss,
            targets=(prices[0], prices[1], prices[2]),
            fractions=(fractions[0], fractions[1], fractions[2]),
            trail_ratio=math.nan if self.trailing is None else self.trailing.distance,
            trail_after_ratio=0.0 if self.trailing is None else self.trailing.active_from,
            break_even_after_leg=self.break_even_after_leg,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SimFill:
    """A fill of a given order, in exact money."""

    bar: int
    order: int
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SimPosition:
    """What an order still holds at the end."""

    order: int
    side: Literal["long", "short"]
    quantity: Decimal
    entry_price: Decimal
    stop: float
    unrealised: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What happened, and what is left.

    Attributes:
        fills: in the order in which they happened.
        refused: (order, reason) of orders that never reached the book or ran out of cash, in order.
        result: the whole run, each order being a line of its own.
    """

    fills: tuple[SimFill, ...]
    positions: tuple[SimPosition, ...]
    cash: Decimal
    equity: Decimal
    account: AccountView
    refused: tuple[tuple[int, str], ...]
    result: BacktestResult


def simulate(
    bars: Candles,
    orders: Sequence[SimOrder],
    *,
    capital: Decimal,
    costs: Costs | None = None,
    min_notional: Decimal = Decimal(0),
) -> Simulation:
    """Play given orders over given bars; quantities are taken as given, as far as cash allows.

    Raises:
        InvalidInput: an order's bar or exit bar lies outside the bars.
    """
    for k, order in enumerate(orders):
        for name in ("bar", "exit_bar"):
            at = getattr(order, name)
            if at is not None and not 0 <= at < len(bars):
                raise InvalidInput(f"Order {k}: {name} is {at}; 0 … {len(bars) - 1} is allowed.")
    config = _account(bars, orders, capital, costs or Costs(), min_notional)
    history = make_history(config, (bars,))
    result = run_records(history, _rows(orders), config)
    return _answer(result)


def _account(
    bars: Candles, orders: Sequence[SimOrder], capital: Decimal, costs: Costs, min_notional: Decimal
) -> AccountConfig:
    instrument = Instrument(
        pair=bars.pair or "BASE/QUOTE", tick=STEP, step=STEP, min_notional=min_notional, can_short=True
    )
    count = max(1, len(orders))
    return AccountConfig(
        account_id="simulation",
        capital=capital,
        # Names sort in the order in which the orders were given: so ties go to the earlier one.
        lines=tuple(LineConfig(bot_id=f"order-{k:06d}", instrument=instrument) for k in range(count)),
        timeframe_ms=bars.timeframe.ms,
        costs=costs,
        limits=RiskLimits.off(),
    )


def _rows(orders: Sequence[SimOrder]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    wishes: dict[tuple[int, int], tuple[Signal, int]] = {}
    for k, order in enumerate(orders):
        lots = int(order.quantity / STEP)
        wishes[(order.bar, k)] = (order.signal(), lots)
        if order.exit_bar is not None:
            wishes[(order.exit_bar, k)] = (Signal(exit=Exit.ALL), 0)
    rows = signal_rows(len(wishes))
    for at, ((bar, line), (signal, lots)) in enumerate(sorted(wishes.items(), key=lambda item: item[0])):
        write_signal(rows, at, line, signal, lots=lots)
        rows["at"][at] = bar
    return rows


def _answer(result: BacktestResult) -> Simulation:
    instrument = result.config.lines[0].instrument
    fills = tuple(
        SimFill(
            bar=fill.bar,
            order=fill.line,
            side=fill.side,
            price=exact_price(instrument, fill.price),
            quantity=instrument.quantity_of(fill.lots),
            fee=exact_fee(fill.fee),
            reason=fill.reason,
        )
        for fill in result.fills
    )
    positions = tuple(
        SimPosition(
            order=view.line,
            side="long" if view.side > 0 else "short",
            quantity=view.quantity,
            entry_price=exact_price(instrument, view.entry_price),
            stop=view.stop,
            unrealised=exact_fee(view.unrealised),
        )
        for view in result.positions
        if view.lots > 0
    )
    filled = {fill.order for fill in fills}
    refused = tuple((notice.line, notice.reason) for notice in result.notices if notice.kind == "lapsed")
    return Simulation(
        fills=fills,
        positions=positions,
        cash=exact_fee(result.account.cash),
        equity=exact_fee(result.account.equity),
        account=result.account,
        refused=tuple(one for one in refused if one[0] not in filled),
        result=result,
    )
