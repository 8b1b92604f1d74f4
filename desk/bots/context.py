"""What one bar's bookkeeping works with: the transaction, the time, and the facts that go with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from desk.bots.plan import Line, Plan
from desk.execution.order_path import OrderPath
from desk.ports import Unit
from trading.errors import InvalidInput, InvariantBroken
from trading.events import Event
from trading.instruments import Instrument

#: Amounts that the engine gives as floats are shown to this fraction of the quote currency.
_AMOUNT_STEP = Decimal("1e-8")


@dataclass(slots=True)
class Context:
    """One bar time (or the moment between two) inside one transaction.

    Attributes:
        at: close of the bar, or the wall time between bars.
        bar_ms: open time of the bar.
        events: facts so far, journalled before the commit.
    """

    tx: Unit
    plan: Plan
    path: OrderPath
    at: datetime
    bar_ms: int
    events: list[Event] = field(default_factory=list)

    @property
    def workspace_id(self) -> str:
        """Whose rows these are."""
        return self.plan.account.workspace_id

    @property
    def account_id(self) -> str:
        """The account."""
        return self.plan.account.id

    def line(self, index: int) -> Line:
        """Give a line by the engine's index."""
        return self.plan.lines[index]


def amount(value: float) -> Decimal:
    """Give an amount that the engine computed, in exact money.

    Raises:
        InvariantBroken: NaN or infinite.
    """
    try:
        return Decimal(repr(float(value))).quantize(_AMOUNT_STEP, rounding=ROUND_HALF_EVEN)
    except ArithmeticError as problem:
        raise InvariantBroken(f"The engine gave {value} as an amount; a finite one is needed.") from problem


def shown_price(instrument: Instrument, value: float) -> Decimal | None:
    """Give a price level on the tick, None where the engine or a strategy set none."""
    try:
        return instrument.price(value)
    except InvalidInput:
        return None
