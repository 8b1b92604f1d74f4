"""The venue as the desk needs it: what goes to it, what it says, how it refuses, and how its silence is read.

One contract for paper, fakes and real exchanges. Three kinds of bad news, and nothing else may come out of a venue:

- `VenueBusy` (a `Temporary`): proved unsent, a failed read, or a documented "not accepted, try later".
- `VenueRefusal` (a `Rejected`): the venue said no, and why as far as it can be told.
- `OutcomeUnknown`: bytes of a *write* went out and no answer came back. The same id is never sent again.

An answer that cannot be read (a page instead of JSON, a missing field, a number that is none) is `VenueBusy` for a
read and `OutcomeUnknown` for a write: it is never an empty list, never "no order", never flat.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from trading.errors import OutcomeUnknown, Rejected, Temporary
from trading.fills import Liquidity
from trading.instruments import Instrument
from trading.orders import OrderState, OrderType, Side

__all__ = [
    "Balance",
    "Evidence",
    "OrderRequest",
    "OutcomeUnknown",
    "Placement",
    "Refusal",
    "StreamGap",
    "Venue",
    "VenueBusy",
    "VenueOrder",
    "VenuePosition",
    "VenueRefusal",
    "VenueRules",
    "VenueTrade",
]


class VenueBusy(Temporary):
    """Proved unsent, a failed read, or an explicit "try later".

    Attributes:
        retry_after_s: what the venue asked for; None where it said nothing.
        is_ban: the venue shuts us out for that time (418): only cancels of risk may be tried.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after_s: float | None = None,
        is_ban: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s
        self.is_ban = is_ban


class Refusal(StrEnum):
    """Why a venue said no, as far as the desk acts on it."""

    BALANCE = "balance"  # not enough free balance: refresh, resize once or drop
    FILTER = "filter"  # tick, step, notional, percent price: refresh the rules, requantise once
    WOULD_TRIGGER = "would_trigger"  # a stop that would trigger at once: leave by a market order
    UNKNOWN_ORDER = "unknown_order"  # nothing to cancel: ask what became of it
    DUPLICATE_ID = "duplicate_id"  # an order with this id is there: ask for it, never send again
    HALTED = "halted"  # the pair is not traded now
    TOO_MANY = "too_many"  # the venue's limit of open or algorithmic orders
    KEY = "key"  # key revoked, no permission, or the address is shut out: SAFE mode
    CLOCK = "clock"  # the timestamp is outside the window, after one resync
    OTHER = "other"


class VenueRefusal(Rejected):
    """The venue said no; for an order: it was not accepted, and that is certain."""

    def __init__(self, message: str, *, reason: Refusal = Refusal.OTHER, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What goes to a venue; prices and quantity are already on tick and step.

    Attributes:
        side: "buy" or "sell".
        order_type: "market", "limit" or "stop" (a stop becomes a market order when `stop_price` trades).
        target_price: with a stop order at a venue with `has_oco`: the limit of the other leg of the pair. Venues
            that name the legs apart use `client_order_id` for the stop and `target_client_order_id` for the limit.
    """

    client_order_id: str
    pair: str
    side: str
    order_type: str
    quantity: Decimal
    price: Decimal | None = None
    stop_price: Decimal | None = None
    is_reduce_only: bool = False
    target_price: Decimal | None = None
    target_client_order_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A venue's explicit answer to an order: accepted (or the exception says otherwise).

    Attributes:
        accepted_at_ms: venue time.
        target_venue_order_id: of the limit leg, where the request was a pair.
    """

    venue_order_id: str
    accepted_at_ms: int
    target_venue_order_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """What a venue says of an order.

    Attributes:
        client_order_id: empty where the venue shows none: somebody else's order.
        state: ACCEPTED, PARTIAL, FILLED, CANCELED, EXPIRED or REJECTED; nothing else comes from a venue.
    """

    client_order_id: str
    venue_order_id: str
    pair: str
    side: Side
    order_type: OrderType
    state: OrderState
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    updated_at_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueTrade:
    """One execution.

    Attributes:
        venue_trade_id: unique per account at this venue; an adapter joins the pair to it where the venue counts per
            pair.
        fee: in quote currency, converted by the adapter at the trade's price where it was paid in the base asset.
        base_fee: what of the bought base asset the venue kept; 0 where the fee was paid in something else.
    """

    venue_trade_id: str
    venue_order_id: str
    client_order_id: str
    pair: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    liquidity: Liquidity
    traded_at_ms: int
    base_fee: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamGap:
    """The stream of evidence was cut: whatever happened since `since_ms` must be asked for."""

    since_ms: int
    cause: str


#: What a venue's stream carries. Repeats, disorder and restarts of the stream are normal.
Evidence = VenueOrder | VenueTrade | StreamGap


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Holdings of one asset."""

    asset: str
    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        """Free and locked."""
        return self.free + self.locked


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePosition:
    """An open position at a venue with margin; negative quantity = short. Spot venues have none."""

    pair: str
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRules:
    """How a venue's words and silence are read.

    Attributes:
        visibility_delay_s: an accepted order is in every list after this long, as published; absence is only proved
            by answers spread over at least this time.
        negative_answers: so many complete "not there" (by id, in the open list, in the history) prove absence.
        client_id_chars: longest client order id.
        has_stops: protective stops may rest at the venue; otherwise the desk watches the price itself.
        has_oco: a stop and a target may rest as one-cancels-other.
        has_reduce_only: several exits may rest beside each other without locking the balance twice.
        most_stop_orders: open stop or pair orders per pair (algorithmic orders); None = no limit.
        can_find_by_client_id: `find` works for closed orders too.
        is_spot: holdings are balances; `positions` is empty.
        dead_man_s: cancel-all-after timer; 0 = none.
    """

    visibility_delay_s: float = 30.0
    negative_answers: int = 3
    client_id_chars: int = 36
    has_stops: bool = True
    has_oco: bool = False
    has_reduce_only: bool = False
    most_stop_orders: int | None = 5
    can_find_by_client_id: bool = True
    is_spot: bool = True
    dead_man_s: float = 0.0


class Venue(Protocol):
    """Where orders go and where the truth about them comes from.

    Every call has a timeout of its own and ends with an answer or one of the three kinds of bad news. Calls may run
    side by side. Lists are complete (all pages) or an exception.
    """

    name: str
    is_live: bool
    rules: VenueRules

    async def place(self, request: OrderRequest) -> Placement:
        """Place an order, once: no retry of any kind inside.

        Raises:
            VenueBusy: proved unsent, or the venue said "not accepted, try later".
            VenueRefusal: the venue said no.
            OutcomeUnknown: bytes went out, no answer that can be read; never call again with this id.
        """
        ...

    async def cancel(self, pair: str, client_order_id: str) -> None:
        """Cancel an order; may be repeated. An order that is gone already is a success: ask what became of it.

        Raises:
            VenueBusy, VenueRefusal, OutcomeUnknown.
        """
        ...

    async def find(self, pair: str, client_order_id: str) -> VenueOrder | None:
        """Ask for one order by our id; None only when the venue explicitly says that there is none.

        Raises:
            VenueBusy, VenueRefusal.
        """
        ...

    async def open_orders(self, pair: str = "") -> Sequence[VenueOrder]:
        """Give every open order of the account (of a pair), stops included."""
        ...

    async def closed_orders(self, pair: str, since_ms: int) -> Sequence[VenueOrder]:
        """Give the orders of a pair that ended, changed since a venue time."""
        ...

    async def trades(self, pair: str, since_ms: int) -> Sequence[VenueTrade]:
        """Give the account's executions on a pair since a venue time, oldest first."""
        ...

    async def balances(self) -> Mapping[str, Balance]:
        """Give what the account holds, by asset. An empty account is an explicit answer, never a default."""
        ...

    async def positions(self) -> Sequence[VenuePosition]:
        """Give open margin positions; empty at a spot venue."""
        ...

    async def instruments(self) -> Mapping[str, Instrument]:
        """Give the trading rules by pair, fresh from the venue."""
        ...

    async def last_price(self, pair: str) -> Decimal:
        """Give the price of the last trade, for watched targets and for market orders' checks."""
        ...

    def evidence(self) -> AsyncIterator[Evidence]:
        """Follow orders and trades of the account as they happen, until closed; reconnects by itself.

        A `StreamGap` comes first after every (re)connection, so that what was missed is asked for.
        """
        ...

    async def clock_offset_ms(self) -> int:
        """Measure venue time minus our time; also the cheapest sign of life."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
