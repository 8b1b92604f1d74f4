"""Intents, orders and their append-only events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tortoise.models import Model

from desk.store.codec import as_json, moment
from desk.store.connection import Connection, Dialect
from desk.store.cursors import filtered, newest
from desk.store.models import OrderRow
from desk.store.table import Table, Where
from desk.views import Filter, Order, Page
from trading.errors import InvariantBroken, NotFound
from trading.orders import TERMINAL, OrderState, may_go

ORDERS = Table(OrderRow, Order)

_UNSETTLED = tuple(state.value for state in OrderState if state not in TERMINAL)

#: What was wanted; the rest of an order is what became of it.
_REQUEST = (
    "bot_id",
    "pair",
    "side",
    "order_type",
    "quantity",
    "price",
    "stop_price",
    "reason",
    "leg",
    "binding",
    "signal_id",
    "position_id",
    "is_reduce_only",
)

#: Columns that a page of orders may be picked by.
_PICKED_BY = ("state", "side", "order_type", "reason", "leg", "position_id", "signal_id", "is_reduce_only")

_ADD_EVENT = (
    "INSERT INTO order_events (workspace_id, order_id, sequence, at, before, after, evidence, detail) VALUES "
    "(?, ?, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM order_events WHERE order_id = ?), ?, ?, ?, ?, ?)"
)
#: Each statement of a new order goes on only where the one before it wrote its row.
_IF_WRITTEN = "WHERE changes() = 1"
_ADD_FIRST_EVENT = (
    "INSERT INTO order_events (workspace_id, order_id, sequence, at, before, after, evidence, detail) "
    f"SELECT ?, ?, 1, ?, '', ?, ?, ? {_IF_WRITTEN}"
)
_MOVE = (
    "UPDATE orders SET state = ?, state_reason = ?, evidence = ?, venue_order_id = ?, filled_quantity = ?, "
    "average_price = ?, attempts = ?, updated_at = ? WHERE workspace_id = ? AND id = ?"
)
_EVENTS = (
    "SELECT sequence, at, before, after, evidence, detail FROM order_events "
    "WHERE workspace_id = ? AND order_id = ? ORDER BY sequence"
)


class SqlOrders:
    """Intents, orders and their append-only events."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def add(self, order: Order, *, idempotency_key: str) -> bool:
        """Write a new order with its intent and first event; False when that client id or key is already there.

        Raises:
            InvariantBroken: the order does not start as an intent or as denied.
        """
        if order.state not in (OrderState.INTENT, OrderState.DENIED):
            raise InvariantBroken(
                f"Order '{order.client_order_id}' was to start as {order.state}; intent or denied is allowed."
            )
        intent = {
            "order_id": order.id,
            "workspace_id": order.workspace_id,
            "account_id": order.account_id,
            "client_order_id": order.client_order_id,
            "idempotency_key": idempotency_key,
            "request": {name: getattr(order, name) for name in _REQUEST},
            "created_at": order.created_at,
        }
        return await self._add_at_once(order, intent)

    async def adopt(self, order: Order) -> bool:
        """Write an order that somebody else placed at the venue, in the state it is found in; False when known."""
        if not await ORDERS.insert_new(self._tx, order):
            return False
        await self._add_event(order, "", order.state, order.evidence, order.state_reason, order.created_at)
        return True

    async def move(
        self,
        workspace_id: str,
        order_id: str,
        after: OrderState,
        *,
        evidence: str,
        detail: str = "",
        at: datetime,
        venue_order_id: str | None = None,
        filled_quantity: Decimal | None = None,
        average_price: Decimal | None = None,
    ) -> Order:
        """Go to a state along `trading.orders.TRANSITIONS` and append the event.

        Raises:
            InvariantBroken: the state machine has no such step.
            NotFound: no such order in this workspace.
        """
        where = Where(workspace_id=workspace_id, id=order_id)
        row = await self._tx.row(ORDERS.select(where) + self._tx.row_lock, *where.values)
        if row is None:
            raise NotFound(f"No order '{order_id}' is in this workspace.", hint="List the orders.")
        before = ORDERS.value(row, self._tx.dialect)
        if not may_go(before.state, after):
            raise InvariantBroken(
                f"Order '{before.client_order_id}' is {before.state}; it cannot become {after}."
            )
        moved = _moved(before, after, evidence, detail, at, venue_order_id, filled_quantity, average_price)
        await self._tx.write(
            _MOVE,
            moved.state,
            moved.state_reason,
            moved.evidence,
            moved.venue_order_id,
            moved.filled_quantity,
            moved.average_price,
            moved.attempts,
            moved.updated_at,
            workspace_id,
            order_id,
        )
        await self._add_event(moved, before.state, after, evidence, detail, at)
        return moved

    async def by_id(self, workspace_id: str, order_id: str) -> Order | None:
        """Give an order."""
        return await ORDERS.one(self._tx, Where(workspace_id=workspace_id, id=order_id))

    async def by_client_id(self, workspace_id: str, client_order_id: str) -> Order | None:
        """Give an order by the id that the venue knows."""
        return await ORDERS.one(self._tx, Where(workspace_id=workspace_id, client_order_id=client_order_id))

    async def by_venue_id(self, workspace_id: str, account_id: str, venue_order_id: str) -> Order | None:
        """Give an account's order by the id that the venue gave it."""
        where = Where(account_id=account_id, venue_order_id=venue_order_id, workspace_id=workspace_id)
        return await ORDERS.one(self._tx, where)

    async def at_work(
        self, workspace_id: str, account_id: str, now: datetime, *, position_id: str = ""
    ) -> Sequence[Order]:
        """Give the orders that somebody has to do something about: all but those that rest quietly."""
        where = Where(workspace_id=workspace_id, account_id=account_id).add(IS_UNSETTLED)
        where.add(_NEEDS_WORK, now)
        if position_id:
            where.add("position_id = ?", position_id)
        return await ORDERS.find(self._tx, where, order="created_at, id")

    async def unsettled(self, workspace_id: str, account_id: str) -> Sequence[Order]:
        """Give the orders of an account that may still change, oldest first."""
        where = Where(workspace_id=workspace_id, account_id=account_id).add(IS_UNSETTLED)
        return await ORDERS.find(self._tx, where, order="created_at, id")

    async def events(self, workspace_id: str, order_id: str) -> Sequence[Mapping[str, Any]]:
        """Give an order's steps with their evidence, first to last."""
        names = ("sequence", "at", "before", "after", "evidence", "detail")
        rows = await self._tx.rows(_EVENTS, workspace_id, order_id)
        return [{**dict(zip(names, row, strict=True)), "at": moment(row[1])} for row in rows]

    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Order]:
        """Give orders, newest first; `extra` may name the columns of `_PICKED_BY`."""
        where = filtered(ORDERS, workspace_id, wanted, moment="created_at", extra=_PICKED_BY)
        if wanted.is_open is not None:
            where.add(IS_UNSETTLED if wanted.is_open else f"NOT ({IS_UNSETTLED})")
        return await newest(self._tx, ORDERS, where, page, moment="created_at")

    async def _add_at_once(self, order: Order, intent: Mapping[str, Any]) -> bool:
        """Write intent, order and first event in one trip to the database."""
        row = ORDERS.row_of(order, {})
        values = [as_json(value) if name == "request" else value for name, value in intent.items()]
        first = (order.state, order.evidence, order.state_reason)
        if self._tx.dialect is Dialect.POSTGRES:
            statement = _add_statement(tuple(intent), tuple(row))
            return await self._tx.change(statement, *values, *row.values(), *first) == 1
        add_intent, add_order = _add_statements(tuple(intent), tuple(row))
        await self._tx.write(add_intent, *values)
        await self._tx.write(add_order, *row.values())
        event = (order.workspace_id, order.id, order.created_at, *first)
        return await self._tx.change(_ADD_FIRST_EVENT, *event) == 1

    async def _add_event(
        self, order: Order, before: str, after: OrderState, evidence: str, detail: str, at: datetime
    ) -> None:
        await self._tx.write(
            _ADD_EVENT, order.workspace_id, order.id, order.id, at, before, after, evidence, detail
        )


#: Literal, so that the partial index of the same words is used.
IS_UNSETTLED = "state IN ('intent', 'claimed', 'accepted', 'partial', 'unknown', 'cancel_pending')"
#: Not yet sent, in doubt, wanted gone, or resting past its time.
_NEEDS_WORK = (
    "(state IN ('intent', 'claimed', 'unknown', 'cancel_pending') OR id IN (SELECT order_id FROM order_watches "
    "WHERE order_watches.order_id = orders.id AND (cancel_reason <> '' OR rest_until <= ?)))"
)
assert set(_UNSETTLED) == set(IS_UNSETTLED.split("'")[1::2]), "the working set of orders has changed"


@lru_cache(maxsize=4)
def _add_statement(intent: tuple[str, ...], order: tuple[str, ...]) -> str:
    """Compose the insertion of an intent with its order and first event; nothing where the intent is known.

    Values of a SELECT have no type of their own on PostgreSQL: each is cast to its column's.
    """
    casts = {name: _cast(OrderRow, name) for name in order}
    listed = ", ".join(f'"{name}"' for name in order)
    given = ", ".join(f"?::{casts[name]}" for name in order)
    return (
        f"WITH intent AS (INSERT INTO order_intents ({', '.join(intent)}) VALUES ({', '.join('?' * len(intent))}) "  # noqa: S608
        f"ON CONFLICT DO NOTHING RETURNING order_id, workspace_id, created_at), "
        f"placed AS (INSERT INTO orders ({listed}) SELECT {given} FROM intent RETURNING id) "
        "INSERT INTO order_events (workspace_id, order_id, sequence, at, before, after, evidence, detail) "
        "SELECT intent.workspace_id, intent.order_id, 1, intent.created_at, '', ?::text, ?::text, ?::text "
        "FROM intent, placed"
    )


@lru_cache(maxsize=4)
def _add_statements(intent: tuple[str, ...], order: tuple[str, ...]) -> tuple[str, str]:
    """Compose the same for SQLite, which has no INSERT inside a WITH: two statements that travel with the event's."""
    listed = ", ".join(f'"{name}"' for name in order)
    add_intent = (
        f"INSERT INTO order_intents ({', '.join(intent)}) VALUES ({', '.join('?' * len(intent))}) "  # noqa: S608
        "ON CONFLICT DO NOTHING"
    )
    return add_intent, f"INSERT INTO orders ({listed}) SELECT {', '.join('?' * len(order))} {_IF_WRITTEN}"


def _cast(model: type[Model], name: str) -> str:
    field = model._meta.fields_map[name]
    return str(field.get_for_dialect("postgres", "SQL_TYPE"))


def _moved(
    order: Order,
    after: OrderState,
    evidence: str,
    detail: str,
    at: datetime,
    venue_order_id: str | None,
    filled_quantity: Decimal | None,
    average_price: Decimal | None,
) -> Order:
    return replace(
        order,
        state=after,
        state_reason=detail,
        evidence=evidence,
        venue_order_id=order.venue_order_id if venue_order_id is None else venue_order_id,
        filled_quantity=order.filled_quantity if filled_quantity is None else filled_quantity,
        average_price=order.average_price if average_price is None else average_price,
        attempts=order.attempts + (after is OrderState.CLAIMED),
        updated_at=at,
    )
