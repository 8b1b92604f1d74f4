"""Orders that a person gives to `simulate`: values and what is wrong with them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from trading.engine.records import GRID_LEVELS
from trading.errors import InvalidInput
from trading.signals import LEGS, EntryType, Signal

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
class Range:
    """A grid instead of one entry: cells between two prices, each bought at its floor and sold a cell above."""

    low: float
    high: float
    levels: int

    def __post_init__(self) -> None:
        if not 0.0 < self.low < self.high < math.inf or not 1 <= self.levels <= GRID_LEVELS:
            raise InvalidInput(
                f"A grid from {self.low} to {self.high} with {self.levels} levels was given; 0 < low < high and 1 … "
                f"{GRID_LEVELS} levels are allowed."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SimOrder:
    """One order, decided at the close of `bar`; it can fill from the next bar on.

    Attributes:
        bar: row of its bars.
        quantity: base asset; None = as much as the account's limits allow.
        market: which of the given bars, from 0.
        price: of a limit or stop order.
        take_profits: up to three (fraction, price), nearest first.
        exit_bar: closed at the open of the bar after this one; None = never.
        expiry_bars: bars that a limit or stop order rests; 0 = until the end.
        break_even_after_leg: 1 = the stop moves to break-even after the first target; 0 = never.
        max_bars: bars after which the position is closed at the next open; 0 = never.
        score: of orders of one bar the higher is admitted first.
        bot: orders of one bot on several markets; "" = a bot of its own.
        hedge_beta: makes it a hedge of what its bot holds on the other markets: β × theirs, against them.
        grid: makes it a grid.
    """

    bar: int
    side: Literal["long", "short"]
    quantity: Decimal | None = None
    market: int = 0
    type: Literal["market", "limit", "stop"] = "market"
    price: float | None = None
    stop_loss: float | None = None
    take_profits: tuple[tuple[float, float], ...] = ()
    trailing: Trailing | None = None
    exit_bar: int | None = None
    expiry_bars: int = 0
    break_even_after_leg: int = 0
    max_bars: int = 0
    score: float = 0.0
    bot: str = ""
    hedge_beta: float | None = None
    grid: Range | None = None

    def __post_init__(self) -> None:
        if self.side not in ("long", "short"):
            raise InvalidInput(f"Order side '{self.side}' was given; long or short is allowed.")
        if self.type not in _TYPES:
            raise InvalidInput(f"Order type '{self.type}' was given; market, limit or stop is allowed.")
        if self.quantity is not None and not self.quantity > 0:
            raise InvalidInput(f"Order quantity {self.quantity} was given; a positive amount is allowed.")
        if self.quantity is not None and (self.hedge_beta is not None or self.grid is not None):
            raise InvalidInput(
                f"Order quantity {self.quantity} was given; hedges and grids are sized by the account, so none is allowed."
            )
        if (self.price is None) != (self.type == "market"):
            raise InvalidInput(
                f"A {self.type} order with price {self.price} was given; limit and stop orders have a price, market "
                "orders have none."
            )
        for name in ("price", "stop_loss"):
            value = getattr(self, name)
            if value is not None and not (value > 0.0 and math.isfinite(value)):
                raise InvalidInput(f"Order {name} is {value}; a positive price is allowed.")
        for name in ("expiry_bars", "break_even_after_leg", "max_bars"):
            if getattr(self, name) < 0:
                raise InvalidInput(f"Order {name} is {getattr(self, name)}; 0 or more is allowed.")
        self._check_targets()
        if self.exit_bar is not None and self.exit_bar <= self.bar:
            raise InvalidInput(
                f"exit_bar {self.exit_bar} was given for an order of bar {self.bar}; a later bar is allowed."
            )

    def _check_targets(self) -> None:
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
            max_bars=self.max_bars,
            score=self.score,
            hedge_beta=math.nan if self.hedge_beta is None else self.hedge_beta,
            grid_low=math.nan if self.grid is None else self.grid.low,
            grid_high=math.nan if self.grid is None else self.grid.high,
            grid_levels=0 if self.grid is None else self.grid.levels,
        )
