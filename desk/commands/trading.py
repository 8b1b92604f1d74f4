"""Commands about positions, orders, halts and locks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from desk.commands.table import Command, Danger, asks
from desk.identity import Role
from trading.events import (
    AccountReconciled,
    ApprovalRequested,
    ApprovalSettled,
    BotStateChanged,
    IncidentClosed,
    LimitChanged,
    OrderChanged,
    OrderFilled,
    OrderPlaced,
    PairLocked,
    PairUnlocked,
    PositionChanged,
    PositionClosed,
    PositionOpened,
    TradingHalted,
    TradingResumed,
)
from trading.orders import OrderType, Side


@asks(
    role=Role.TRADER, danger=Danger.TAP, causes=(OrderPlaced, OrderFilled, PositionClosed), reduces_risk=True
)
@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePosition(Command):
    """Close an open position at the market, whole or in part.

    Attributes:
        share: of what is held when it is done, above 0 to 1: floored to the step, refused below the venue's smallest
            order; where what would stay is dust, all of it leaves. Below 1 on paper accounts only.
    """

    position_id: str
    share: Decimal = Decimal(1)


@asks(
    role=Role.TRADER, danger=Danger.TYPE, causes=(OrderPlaced, OrderFilled, PositionClosed), reduces_risk=True
)
@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePositions(Command):
    """Close several open positions at the market: all, the winners or the losers, of one pair or bot or of every one."""

    which: str = "all"
    pair: str = ""
    bot_id: str = ""
    share: Decimal = Decimal(1)


@asks(
    role=Role.OPERATOR,
    danger=Danger.TAP,
    causes=(TradingHalted, BotStateChanged, OrderPlaced, OrderFilled, PositionClosed),
    reduces_risk=True,
)
@dataclass(frozen=True, slots=True, kw_only=True)
class PanicStop(Command):
    """Halt an account, cancel its entries and close its positions; latched until released."""

    account_id: str = ""
    keep_positions: bool = False
    reason: str = ""


@asks(role=Role.ADMIN, danger=Danger.TWO, causes=(TradingResumed, ApprovalRequested, ApprovalSettled))
@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePanic(Command):
    """Let a halted account trade again; the drawdown peak starts anew."""

    account_id: str = ""
    reason: str = ""


@asks(
    role=Role.ADMIN,
    danger=Danger.TWO,
    causes=(LimitChanged, ApprovalRequested, ApprovalSettled),
    needs_step_up_for_two=True,
)
@dataclass(frozen=True, slots=True, kw_only=True)
class SetLimit(Command):
    """Lower or raise a limit of an account; raising one of a live account needs a second person.

    Attributes:
        limit: a name of `desk.limits.LIMITS`.
        value: a ratio of equity (0.05 is 5 %) or a count; None = off, which is the largest raise.
        account_id: empty = the only one.
        expected_version: of the account, as the asker saw it; None = whatever it is.
    """

    limit: str
    value: Decimal | None
    account_id: str = ""
    reason: str = ""
    expected_version: int | None = None


@asks(role=Role.OPERATOR, causes=(PairLocked,), reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class LockPair(Command):
    """Refuse entries for a pair (empty: all pairs) for a while."""

    pair: str = ""
    duration: timedelta = timedelta(hours=1)
    reason: str = ""
    account_id: str = ""


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(PairUnlocked,))
@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockPair(Command):
    """Release a lock before its time."""

    pair: str = ""
    account_id: str = ""


@asks(role=Role.TRADER, danger=Danger.TAP, causes=(OrderPlaced, OrderChanged, OrderFilled, PositionOpened))
@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder(Command):
    """Place an order by hand on a live account, with the exits of the position that it opens.

    Attributes:
        rest_for: a resting order that is not filled by then is cancelled, and up to `reprices` times placed anew.
    """

    pair: str
    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    price: Decimal | None = None
    stop_price: Decimal | None = None
    reduce_only: bool = False
    stop_loss: Decimal | None = None
    take_profits: tuple[Decimal, ...] = ()
    rest_for: timedelta | None = None
    reprices: int = 0
    account_id: str = ""


@asks(role=Role.TRADER, danger=Danger.TAP, causes=(OrderChanged,), reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(Command):
    """Cancel one of our orders on a live account; what filled before stays."""

    order_id: str


@asks(role=Role.TRADER, danger=Danger.TAP, causes=(OrderChanged,), reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAllOrders(Command):
    """Cancel every entry of a live account, or of one pair; protection stays."""

    account_id: str = ""
    pair: str = ""


@asks(role=Role.TRADER, danger=Danger.TAP, causes=(PositionChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class SetStop(Command):
    """Move the stop of an open position."""

    position_id: str
    stop: Decimal


@asks(role=Role.TRADER, danger=Danger.TAP, causes=(PositionChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class SetTargets(Command):
    """Give an open position up to three new targets; what was taken before stays taken."""

    position_id: str
    targets: tuple[Decimal, ...]


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(AccountReconciled, OrderChanged, OrderFilled))
@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileAccount(Command):
    """Compare a live account with its venue now; if asked, accept what the venue holds less as gone."""

    account_id: str = ""
    accept_differences: bool = False
    reason: str = ""


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(IncidentClosed,))
@dataclass(frozen=True, slots=True, kw_only=True)
class ResetBreaker(Command):
    """Say that a venue is well again: its breaker closes before its own probe."""

    account_id: str = ""
