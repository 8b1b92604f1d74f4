"""The independent judge of the order path: compares what an exchange did with what the rows say.

It reads rows and the exchange's own book; it knows nothing of how orders are carried.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from desk.ports import Unit
from desk.views import FillRecord, Filter, Order, Page
from trading.orders import TERMINAL, OrderState

_ALL = Page(first=10_000)
_OPEN = ("intent", "claimed", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """What the exchange's own book says.

    Attributes:
        orders: (client id, venue id) of every order that was accepted.
        trades: per venue trade id: client id, signed quantity, fee kept in the base asset.
        open_ids: client ids that rest now.
        totals: holdings by asset.
        requests: client ids in the order in which requests arrived, refused ones too.
    """

    orders: Sequence[tuple[str, str]]
    trades: Mapping[str, tuple[str, Decimal, Decimal]]
    open_ids: frozenset[str]
    totals: Mapping[str, Decimal]
    requests: Sequence[str]


async def complaints(
    tx: Unit,
    workspace_id: str,
    account_id: str,
    seen: Witnessed,
    *,
    start: Mapping[str, Decimal],
    moved: Mapping[str, Decimal] | None = None,
) -> list[str]:
    """Give every broken promise, one sentence each.

    Args:
        start: holdings before anything was traded.
        moved: what people deposited (or withdrew, negative) by hand.
    """
    orders = list(await tx.orders.page(workspace_id, Filter(account_id=account_id), _ALL))
    fills = list(await tx.fills.page(workspace_id, Filter(account_id=account_id), _ALL))
    found = [
        *_doubled(seen),
        *_lost(orders, seen),
        *_fills(orders, fills, seen),
        *_settled(orders, seen),
        *_holdings(fills, seen, start, moved or {}),
    ]
    found += await _positions(tx, workspace_id, account_id, fills)
    found += await _events(tx, workspace_id, orders)
    return found


def _doubled(seen: Witnessed) -> list[str]:
    """I1: at most one venue order per client id, and one request per id that the venue could have accepted."""
    counts = Counter(client_id for client_id, _ in seen.orders)
    return [
        f"I1: {count} orders at the venue carry the id {one}." for one, count in counts.items() if count > 1
    ]


def _lost(orders: Sequence[Order], seen: Witnessed) -> list[str]:
    """I2: what we think was taken is there, and what is there is ours or EXTERNAL."""
    at_venue = {venue_id for _, venue_id in seen.orders}
    ids = {client_id for client_id, _ in seen.orders}
    known = {one.client_order_id.removeprefix("late-") for one in orders}
    known_venue = {one.venue_order_id for one in orders}
    taken = (
        OrderState.ACCEPTED,
        OrderState.PARTIAL,
        OrderState.FILLED,
        OrderState.CANCEL_PENDING,
    )
    found = [
        f"I2: order {one.client_order_id} is {one.state}; the venue never had it."
        for one in orders
        if one.state in taken
        and one.client_order_id.removeprefix("late-") not in ids
        and one.venue_order_id not in at_venue
    ]
    return found + [
        f"I2: the venue has {client_id}; no row knows it."
        for client_id, venue_id in seen.orders
        if client_id not in known and venue_id not in known_venue
    ]


def _fills(orders: Sequence[Order], fills: Sequence[FillRecord], seen: Witnessed) -> list[str]:
    """I3: the same executions, exactly, each once."""
    booked: dict[str, Decimal] = {}
    for one in fills:
        trade_id = one.venue_trade_id.removesuffix("/2")
        sign = 1 if one.side.value == "buy" else -1
        booked[trade_id] = booked.get(trade_id, Decimal(0)) + sign * one.quantity
    booked = {key: value for key, value in booked.items() if not key.startswith("correction:")}
    found = [f"I3: trade {one} was lost." for one in seen.trades if one not in booked]
    found += [f"I3: trade {one} was never made." for one in booked if one not in seen.trades]
    found += [
        f"I3: trade {key} is booked with {booked[key]}; it was {quantity}."
        for key, (_, quantity, _) in seen.trades.items()
        if key in booked and booked[key] != quantity
    ]
    per_order: dict[str, Decimal] = {}
    for one in fills:
        per_order[one.order_id] = per_order.get(one.order_id, Decimal(0)) + one.quantity
    return found + [
        f"I3: order {one.client_order_id} says {one.filled_quantity}; its fills say {per_order.get(one.id, 0)}."
        for one in orders
        if one.state not in (OrderState.NOT_PLACED,)
        and one.filled_quantity != per_order.get(one.id, Decimal(0))
        and one.state not in TERMINAL
    ]


def _settled(orders: Sequence[Order], seen: Witnessed) -> list[str]:
    """I5: nothing is in doubt, and nothing that ended still rests."""
    found = [
        f"I5: order {one.client_order_id} is still {one.state}."
        for one in orders
        if one.state in (OrderState.CLAIMED, OrderState.UNKNOWN)
    ]
    ended = {
        one.client_order_id
        for one in orders
        if one.state in TERMINAL
        and not any(o.client_order_id == f"late-{one.client_order_id}" for o in orders)
    }
    return found + [
        f"I5: order {one} has ended; at the venue it rests." for one in seen.open_ids if one in ended
    ]


def _holdings(
    fills: Sequence[FillRecord],
    seen: Witnessed,
    start: Mapping[str, Decimal],
    moved: Mapping[str, Decimal],
) -> list[str]:
    """I4: what fills say is what the venue holds, to the last unit, fees included."""
    expected = dict(start)
    for asset, amount in moved.items():
        expected[asset] = expected.get(asset, Decimal(0)) + amount
    for one in fills:
        if one.venue_trade_id.startswith("correction:"):
            continue
        base, quote = one.pair.split("/")
        sign = 1 if one.side.value == "buy" else -1
        kept = one.base_fee or Decimal(0)
        expected[base] = expected.get(base, Decimal(0)) + sign * one.quantity - kept
        cash = -sign * one.quantity * one.price - (Decimal(0) if kept else one.fee)
        expected[quote] = expected.get(quote, Decimal(0)) + cash
    return [
        f"I4: the venue holds {seen.totals.get(asset, Decimal(0))} {asset}; our fills say {amount}."
        for asset, amount in expected.items()
        if seen.totals.get(asset, Decimal(0)) != amount
    ]


async def _positions(tx: Unit, workspace_id: str, account_id: str, fills: Sequence[FillRecord]) -> list[str]:
    """I4: a position is the sum of its fills."""
    found = []
    for one in await tx.positions.page(workspace_id, Filter(account_id=account_id), _ALL):
        total = Decimal(0)
        for fill in fills:
            if fill.position_id == one.id:
                sign = 1 if (fill.side.value == "buy") is one.is_long else -1
                total += sign * fill.quantity - (fill.base_fee or 0)
        if one.closed_at is None and total != one.quantity:
            found.append(f"I4: position {one.pair} says {one.quantity}; its fills say {total}.")
        if one.closed_at is not None and not 0 <= total < Decimal("0.0001"):
            found.append(f"I4: position {one.pair} is closed; its fills leave {total}.")
        if total < 0:
            found.append(f"I4: position {one.pair} was sold twice: {total}.")
    return found


async def _events(tx: Unit, workspace_id: str, orders: Sequence[Order]) -> list[str]:
    """I9: every order's steps are numbered without a gap, follow each other, and end where the row is."""
    found = []
    for order in orders:
        steps = await tx.orders.events(workspace_id, order.id)
        if [one["sequence"] for one in steps] != list(range(1, len(steps) + 1)):
            found.append(f"I9: the events of {order.client_order_id} have a gap.")
        if any(later["before"] != earlier["after"] for earlier, later in itertools.pairwise(steps)):
            found.append(f"I9: the events of {order.client_order_id} do not follow each other.")
        if steps and steps[-1]["after"] != order.state.value:
            found.append(
                f"I9: {order.client_order_id} is {order.state}; its last event says {steps[-1]['after']}."
            )
    return found


def witness_of(exchange: Any) -> Witnessed:
    """Read the book of an exchange in this process."""
    return Witnessed(
        orders=[(one.client_order_id, one.venue_order_id) for one in exchange.book.orders.values()],
        trades={
            trade.venue_trade_id: (
                trade.client_order_id,
                trade.quantity if trade.side.value == "buy" else -trade.quantity,
                trade.base_fee,
            )
            for _, trade in exchange.book.trades
        },
        open_ids=frozenset(
            one.client_order_id for one in exchange.book.orders.values() if one.state not in TERMINAL
        ),
        totals=dict(exchange.book.totals),
        requests=[],
    )
