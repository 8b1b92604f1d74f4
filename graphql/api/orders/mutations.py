"""Orders by hand, their cancellation, stops and targets, and comparing an account with its venue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry

from api.context import Info
from api.ids import id_or_name, own_id
from api.mutation import Payload, carry_out, kept_id, mutates
from api.orders.types import Order, order
from api.portfolio.types import Position, position
from desk.commands import (
    CancelAllOrders,
    CancelOrder,
    Command,
    PlaceOrder,
    ReconcileAccount,
    ResetBreaker,
    SetStop,
    SetTargets,
)
from trading.orders import OrderType, Side


@strawberry.input
class PlaceOrderInput:
    """An order by hand on a live account, with the exits of the position that it opens."""

    idempotency_key: UUID
    pair: str
    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    price: Decimal | None = None
    stop_price: Decimal | None = None
    reduce_only: bool = False
    stop_loss: Decimal | None = None
    take_profits: list[Decimal] = strawberry.field(default_factory=list)
    rest_for: timedelta | None = None
    reprices: int = 0
    account_id: strawberry.ID | None = None


@strawberry.input
class CancelOrderInput:
    """Which order."""

    idempotency_key: UUID
    order_id: strawberry.ID


@strawberry.input
class CancelAllOrdersInput:
    """Whose entries."""

    idempotency_key: UUID
    account_id: strawberry.ID | None = None
    pair: str = strawberry.field(default="", description="Empty means every pair.")


@strawberry.input
class SetStopInput:
    """Which position, and where its stop goes."""

    idempotency_key: UUID
    position_id: strawberry.ID
    stop: Decimal


@strawberry.input
class SetTargetsInput:
    """Which position, and its new targets, nearest first."""

    idempotency_key: UUID
    position_id: strawberry.ID
    targets: list[Decimal]


@strawberry.input
class ReconcileAccountInput:
    """Which account."""

    idempotency_key: UUID
    account_id: strawberry.ID | None = None
    accept_differences: bool = False
    reason: str = ""


@strawberry.input
class ResetBreakerInput:
    """Which account."""

    idempotency_key: UUID
    account_id: strawberry.ID | None = None


@strawberry.type
class PlaceOrderPayload(Payload):
    """The order as an intent; its next states come as events."""

    order: Order | None = None


@strawberry.type
class CancelOrderPayload(Payload):
    """The order; it ends when the venue says so."""

    order: Order | None = None


@strawberry.type
class CancelAllOrdersPayload(Payload):
    """How many orders are to go."""

    orders: int | None = None


@strawberry.type
class SetStopPayload(Payload):
    """The position; its stop moves when the account's process takes the request."""

    position: Position | None = None


@strawberry.type
class SetTargetsPayload(Payload):
    """The position; its targets change when the account's process takes the request."""

    position: Position | None = None


@strawberry.type
class ReconcileAccountPayload(Payload):
    """The account's process compares as soon as it takes the request; see accountReconciled."""

    accepted: bool = False


@strawberry.type
class ResetBreakerPayload(Payload):
    """The account's process closes the breaker as soon as it takes the request."""

    accepted: bool = False


@strawberry.type
class OrderMutations:
    """Mutations about orders and exits."""

    @mutates(PlaceOrder, moves_money=True)
    async def place_order(self, info: Info, input: PlaceOrderInput) -> PlaceOrderPayload:
        """Place an order."""

        def build() -> Command:
            return PlaceOrder(
                pair=input.pair,
                side=input.side,
                quantity=input.quantity,
                order_type=input.order_type,
                price=input.price,
                stop_price=input.stop_price,
                reduce_only=input.reduce_only,
                stop_loss=input.stop_loss,
                take_profits=tuple(input.take_profits),
                rest_for=input.rest_for,
                reprices=input.reprices,
                account_id=_account_id(input.account_id),
            )

        done = await carry_out(info, build, key=input.idempotency_key, keep=kept_id)
        return PlaceOrderPayload(
            order=await _order(info, done.kept),
            user_errors=done.errors,
            idempotent_replay=done.is_replay,
        )

    @mutates(CancelOrder, moves_money=True)
    async def cancel_order(self, info: Info, input: CancelOrderInput) -> CancelOrderPayload:
        """Cancel an order."""
        done = await carry_out(
            info,
            lambda: CancelOrder(order_id=own_id("Order", input.order_id)),
            key=input.idempotency_key,
            keep=kept_id,
        )
        return CancelOrderPayload(
            order=await _order(info, done.kept),
            user_errors=done.errors,
            idempotent_replay=done.is_replay,
        )

    @mutates(CancelAllOrders, moves_money=True)
    async def cancel_all_orders(self, info: Info, input: CancelAllOrdersInput) -> CancelAllOrdersPayload:
        """Cancel every entry."""
        done = await carry_out(
            info,
            lambda: CancelAllOrders(account_id=_account_id(input.account_id), pair=input.pair),
            key=input.idempotency_key,
            keep=lambda view: {"orders": len(view)},
        )
        found = done.kept.get("orders")
        return CancelAllOrdersPayload(
            orders=int(found) if found is not None else None,
            user_errors=done.errors,
            idempotent_replay=done.is_replay,
        )

    @mutates(SetStop, moves_money=True)
    async def set_stop(self, info: Info, input: SetStopInput) -> SetStopPayload:
        """Move a stop."""
        done = await carry_out(
            info,
            lambda: SetStop(position_id=own_id("Position", input.position_id), stop=input.stop),
            key=input.idempotency_key,
            keep=kept_id,
        )
        return SetStopPayload(
            position=await _position(info, done.kept),
            user_errors=done.errors,
            idempotent_replay=done.is_replay,
        )

    @mutates(SetTargets, moves_money=True)
    async def set_targets(self, info: Info, input: SetTargetsInput) -> SetTargetsPayload:
        """Give new targets."""

        def build() -> Command:
            return SetTargets(position_id=own_id("Position", input.position_id), targets=tuple(input.targets))

        done = await carry_out(info, build, key=input.idempotency_key, keep=kept_id)
        return SetTargetsPayload(
            position=await _position(info, done.kept),
            user_errors=done.errors,
            idempotent_replay=done.is_replay,
        )

    @mutates(ReconcileAccount)
    async def reconcile_account(self, info: Info, input: ReconcileAccountInput) -> ReconcileAccountPayload:
        """Compare an account with its venue."""

        def build() -> Command:
            return ReconcileAccount(
                account_id=_account_id(input.account_id),
                accept_differences=input.accept_differences,
                reason=input.reason,
            )

        done = await carry_out(info, build, key=input.idempotency_key, keep=kept_id)
        return ReconcileAccountPayload(
            accepted=not done.errors, user_errors=done.errors, idempotent_replay=done.is_replay
        )

    @mutates(ResetBreaker)
    async def reset_breaker(self, info: Info, input: ResetBreakerInput) -> ResetBreakerPayload:
        """Close a breaker."""
        done = await carry_out(
            info,
            lambda: ResetBreaker(account_id=_account_id(input.account_id)),
            key=input.idempotency_key,
            keep=kept_id,
        )
        return ResetBreakerPayload(
            accepted=not done.errors, user_errors=done.errors, idempotent_replay=done.is_replay
        )


def _account_id(given: str | None) -> str:
    return id_or_name("Account", given)


async def _order(info: Info, kept: Mapping[str, Any]) -> Order | None:
    if "id" not in kept:
        return None
    async with info.context.house.store.reading() as unit:
        found = await unit.orders.by_id(info.context.workspace_id, str(kept["id"]))
    return order(found) if found else None


async def _position(info: Info, kept: Mapping[str, Any]) -> Position | None:
    if "id" not in kept:
        return None
    async with info.context.house.store.reading() as unit:
        found = await unit.positions.by_id(info.context.workspace_id, str(kept["id"]))
    return position(found) if found else None
