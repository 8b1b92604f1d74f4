"""Orders: what the engine wants, and the life of an order as a table."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    """Direction of an order."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """How an order meets the market."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"


class IntentKind(StrEnum):
    """What the engine asks for."""

    OPEN = "open"
    REDUCE = "reduce"
    CLOSE = "close"
    CANCEL = "cancel"
    SET_PROTECTION = "set_protection"


class Reason(StrEnum):
    """Why an order exists or a position changed; shown on fills, trades and alerts."""

    ENTRY = "entry"
    STOP_LOSS = "stop_loss"
    TRAILING_STOP = "trailing_stop"
    BREAK_EVEN_STOP = "break_even_stop"
    TAKE_PROFIT_1 = "take_profit_1"
    TAKE_PROFIT_2 = "take_profit_2"
    TAKE_PROFIT_3 = "take_profit_3"
    EXIT_SIGNAL = "exit_signal"
    MAX_BARS = "max_bars"
    KILL_SWITCH = "kill_switch"
    FORCE_EXIT = "force_exit"
    EXPIRED = "expired"
    GRID = "grid"
    HEDGE = "hedge"
    LIQUIDATION = "liquidation"
    END_OF_DATA = "end_of_data"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An order that the engine wants, in exact money.

    Attributes:
        sequence: counts up per account; with the account it names the intent for ever.
        limit_price, stop_price: quantised; None where the type has none.
        binding: the limit that decided the size, e.g. "max_position".
        leg: 0 entry or whole position, 1…3 the take-profit leg.
        valid_until_ms: an unclaimed intent older than this is dropped.
    """

    sequence: int
    bot_id: str
    pair: str
    kind: IntentKind
    side: Side
    quantity: Decimal
    order_type: OrderType
    reason: Reason
    decided_at_ms: int
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    leg: int = 0
    binding: str = ""
    is_reduce_only: bool = False
    valid_until_ms: int = 0


class OrderState(StrEnum):
    """Durable states of an order (order-path.md, section 1)."""

    INTENT = "intent"
    DENIED = "denied"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    PARTIAL = "partial"
    FILLED = "filled"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    NOT_PLACED = "not_placed"
    CANCEL_PENDING = "cancel_pending"
    CANCELED = "canceled"
    EXPIRED = "expired"


_S = OrderState

#: The whole state machine: from each state, where it may go.
TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    _S.INTENT: frozenset({_S.CLAIMED, _S.DENIED, _S.CANCELED, _S.EXPIRED}),
    _S.CLAIMED: frozenset(
        {_S.ACCEPTED, _S.PARTIAL, _S.FILLED, _S.REJECTED, _S.UNKNOWN, _S.INTENT, _S.CANCELED, _S.EXPIRED}
    ),
    _S.ACCEPTED: frozenset({_S.PARTIAL, _S.FILLED, _S.CANCEL_PENDING, _S.CANCELED, _S.EXPIRED, _S.UNKNOWN}),
    _S.PARTIAL: frozenset({_S.PARTIAL, _S.FILLED, _S.CANCEL_PENDING, _S.CANCELED, _S.EXPIRED, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset(
        {
            _S.ACCEPTED,
            _S.PARTIAL,
            _S.FILLED,
            _S.REJECTED,
            _S.CANCELED,
            _S.EXPIRED,
            _S.NOT_PLACED,
            _S.CANCEL_PENDING,
        }
    ),
    _S.CANCEL_PENDING: frozenset({_S.CANCELED, _S.FILLED, _S.PARTIAL, _S.EXPIRED, _S.UNKNOWN}),
    _S.DENIED: frozenset(),
    _S.FILLED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.NOT_PLACED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.EXPIRED: frozenset(),
}

#: States that are never left.
TERMINAL = frozenset(state for state, after in TRANSITIONS.items() if not after)


def may_go(before: OrderState, after: OrderState) -> bool:
    """Tell whether the state machine has that step."""
    return after in TRANSITIONS[before]
