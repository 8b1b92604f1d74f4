"""The money ledger: cash, fees and positions in exact decimals, derived from fills and cash flows only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from trading.errors import InvariantBroken
from trading.fills import Fill
from trading.orders import Side
from trading.positions import Position, after_fill
from trading.risk.limits import is_daily_loss_reached, is_drawdown_reached

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A deposit (> 0) or withdrawal (< 0), in quote currency; `flow_id` counts once."""

    flow_id: str
    amount: Decimal
    moved_at_ms: int


@dataclass(slots=True, kw_only=True)
class Ledger:
    """One account's books. A fill or flow that was booked before changes nothing.

    Attributes:
        capital: cash at the start, quote currency.
        cash: capital + flows - purchases + sales - fees, always.
        fees: paid in all; `realised`: profit of closed quantity before fees.
    """

    capital: Decimal
    cash: Decimal = ZERO
    fees: Decimal = ZERO
    realised: Decimal = ZERO
    flows: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    positions: dict[tuple[str, str], Position] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.cash == ZERO:
            self.cash = self.capital

    def book(self, fill: Fill) -> bool:
        """Book a fill; tell whether it was new.

        Raises:
            InvariantBroken: quantity or price is not positive.
        """
        if fill.venue_trade_id in self._seen:
            return False
        if fill.quantity <= 0 or fill.price <= 0:
            raise InvariantBroken(
                f"Fill {fill.venue_trade_id} has quantity {fill.quantity} at {fill.price}; positive ones are needed."
            )
        self._seen.add(fill.venue_trade_id)
        key = (fill.bot_id, fill.pair)
        position, realised = after_fill(self.positions.get(key) or Position.flat(*key), fill)
        self.positions[key] = position
        self.realised += realised
        self.fees += fill.fee
        if fill.side is Side.BUY:
            self.bought += fill.notional
            self.cash -= fill.notional + fill.fee
        else:
            self.sold += fill.notional
            self.cash += fill.notional - fill.fee
        return True

    def book_all(self, fills: Iterable[Fill]) -> int:
        """Book fills in order; give how many were new."""
        return sum(self.book(fill) for fill in fills)

    def move(self, flow: Flow) -> bool:
        """Book a cash flow; tell whether it was new."""
        key = f"flow:{flow.flow_id}"
        if key in self._seen:
            return False
        self._seen.add(key)
        self.flows += flow.amount
        self.cash += flow.amount
        return True

    def equity(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Give cash plus the worth of the positions at the given prices by pair.

        Raises:
            InvariantBroken: a held pair has no price.
        """
        total = self.cash
        for position in self.positions.values():
            if position.quantity:
                if position.pair not in marks:
                    raise InvariantBroken(f"{position.pair} is held and has no price; the equity is unknown.")
                total += position.quantity * marks[position.pair]
        return total

    def unrealised(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Give what the open positions gained since their entries, before fees."""
        return sum(
            (
                position.quantity * marks[position.pair] - position.cost
                for position in self.positions.values()
                if position.quantity
            ),
            ZERO,
        )

    def check(self, marks: Mapping[str, Decimal]) -> None:
        """Assert that nothing was lost or made: both ways of counting give the same money.

        Raises:
            InvariantBroken: the books do not balance.
        """
        by_cash = self.capital + self.flows - self.bought + self.sold - self.fees
        by_profit = self.capital + self.flows + self.realised + self.unrealised(marks) - self.fees
        if by_cash != self.cash or abs(by_profit - self.equity(marks)) > Decimal("1e-12"):
            raise InvariantBroken(
                f"The ledger does not balance: cash {self.cash} against {by_cash}, equity {self.equity(marks)} against "
                f"{by_profit}."
            )


@dataclass(slots=True, kw_only=True)
class Breaker:
    """The drawdown breaker and the daily loss limit in exact decimals, fed with each valuation."""

    max_drawdown: Decimal
    daily_loss: Decimal
    peak: Decimal
    day_start: Decimal

    def drawdown_tripped(self, equity: Decimal) -> bool:
        """Take a valuation; tell whether the fall from the peak has reached the limit."""
        self.peak = max(self.peak, equity)
        return is_drawdown_reached(equity=equity, peak=self.peak, max_drawdown=self.max_drawdown)

    def day_tripped(self, equity: Decimal) -> bool:
        """Tell whether the day's loss has reached the limit."""
        return is_daily_loss_reached(equity=equity, day_start=self.day_start, daily_loss=self.daily_loss)

    def new_day(self, equity: Decimal) -> None:
        """Begin a UTC day at its 00:00 valuation."""
        self.day_start = equity

    def flow(self, equity_before: Decimal, amount: Decimal) -> None:
        """Move peak and day start with a cash flow, so that it is neither gain nor loss."""
        if equity_before > 0:
            scale = (equity_before + amount) / equity_before
            self.peak *= scale
            self.day_start *= scale
