"""Orders by hand, their cancellation, stops and targets, comparisons with the venue: wishes that the owner obeys."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from desk.bots.requests import ask_for_stop, ask_for_targets
from desk.commands import (
    CancelAllOrders,
    CancelOrder,
    PlaceOrder,
    ReconcileAccount,
    ResetBreaker,
    SetStop,
    SetTargets,
)
from desk.desk import Desk, Handling, Preview
from desk.execution.drafts import wish_to_cancel
from desk.execution.killing import stop_entries
from desk.execution.names import EXTERNAL
from desk.execution.placing import SHARES, Wish, place_by_hand
from desk.handlers.finding import account_of, pair_name, position_of
from desk.identity import Actor, new_id
from desk.order_views import AccountRequest, ExitLevel, IncidentKind, Protection, RequestKind
from desk.ports import Unit
from desk.views import Account, Order, Position
from trading.errors import Conflict, InvalidInput, NotFound, RiskDenied
from trading.events import Event, TradingState
from trading.orders import TERMINAL, OrderType


class _Step:
    """A command's transaction as the order path sees it."""

    def __init__(self, handling: Handling) -> None:
        self.tx: Unit = handling.tx
        self.at: datetime = handling.now
        self.events: list[Event] = handling.events


class OrderHandlers:
    """Writes what people want of a live account; nothing is sent from here."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(PlaceOrder, self.place_order, preview=preview_place)
        desk.handle(CancelOrder, self.cancel_order, preview=preview_cancel)
        desk.handle(CancelAllOrders, self.cancel_all_orders, preview=preview_cancel_all)
        desk.handle(SetStop, self.set_stop, preview=preview_stop)
        desk.handle(SetTargets, self.set_targets, preview=preview_targets)
        desk.handle(ReconcileAccount, self.reconcile_account, preview=preview_reconcile)
        desk.handle(ResetBreaker, self.reset_breaker, preview=preview_breaker)

    async def place_order(self, command: PlaceOrder, handling: Handling) -> Order:
        """Write the intent; the process that owns the account sends it."""
        account = await _live(handling.tx, handling.actor, command.account_id)
        if not command.reduce_only:
            await _may_open(handling.tx, account)
        wish = Wish(
            pair=pair_name(command.pair),
            side=command.side,
            order_type=command.order_type,
            quantity=command.quantity,
            price=command.price,
            stop_price=command.stop_price,
            is_reduce_only=command.reduce_only,
            stop_loss=command.stop_loss,
            take_profits=command.take_profits,
            rest_for=command.rest_for,
            reprices=command.reprices,
        )
        order = await place_by_hand(_Step(handling), account, wish, key=f"{account.id}:hand:{new_id()}")
        handling.after_commit.append(self._wake)
        return order

    async def cancel_order(self, command: CancelOrder, handling: Handling) -> Order:
        """Note durably that an order should go."""
        order = await _cancellable(handling.tx, handling.actor, command.order_id)
        if order.state in TERMINAL:
            raise Conflict(f"Order {order.client_order_id} is {order.state}; there is nothing to cancel.")
        if order.client_order_id.startswith(EXTERNAL):
            raise Conflict(
                f"Order {order.venue_order_id} was placed at the venue by hand; we never touch such orders.",
                hint="Cancel it where it was placed.",
            )
        await wish_to_cancel(_Step(handling), order, reason=f"by {handling.actor.label}")
        handling.after_commit.append(self._wake)
        return order

    async def cancel_all_orders(self, command: CancelAllOrders, handling: Handling) -> tuple[Order, ...]:
        """Note it for every entry."""
        account = await _live(handling.tx, handling.actor, command.account_id)
        wanted = await stop_entries(
            _Step(handling),
            account,
            reason=f"by {handling.actor.label}",
            pair=pair_name(command.pair),
        )
        handling.after_commit.append(self._wake)
        return tuple(wanted)

    async def set_stop(self, command: SetStop, handling: Handling) -> Position:
        """Move a stop: a bot's by its engine, one of a position by hand in its exits."""
        position = await position_of(handling.tx, handling.actor, command.position_id)
        sign = 1 if position.is_long else -1
        if command.stop <= 0 or sign * (position.mark_price - command.stop) <= 0:
            raise InvalidInput(
                f"Stop {command.stop} was given with the last price at {position.mark_price}; a positive price on the "
                "losing side is allowed.",
                hint="Close the position to leave at once.",
            )
        if position.bot_id:
            await ask_for_stop(handling.tx, position, stop=command.stop, by=handling)
        else:
            exits = await _exits_of(handling, position)
            await self._change(handling, position, replace(exits, stop=command.stop))
        handling.after_commit.append(self._wake)
        return position

    async def set_targets(self, command: SetTargets, handling: Handling) -> Position:
        """Give new targets."""
        position = await position_of(handling.tx, handling.actor, command.position_id)
        if not 1 <= len(command.targets) <= len(SHARES):
            raise InvalidInput(f"{len(command.targets)} targets were given; 1 to {len(SHARES)} are allowed.")
        sign = 1 if position.is_long else -1
        levels = (position.mark_price, *command.targets)
        if any(sign * (later - earlier) <= 0 for earlier, later in itertools.pairwise(levels)):
            raise InvalidInput(
                f"Targets {', '.join(map(str, command.targets))} were given with the last price at "
                f"{position.mark_price}; each has to lie further on the winning side than the one before."
            )
        if position.bot_id:
            await ask_for_targets(handling.tx, position, targets=command.targets, by=handling)
        else:
            exits = await _exits_of(handling, position)
            shares = SHARES[len(command.targets)]
            ladder = tuple(
                ExitLevel(leg=leg, price=price, quantity=position.quantity * share)
                for leg, (price, share) in enumerate(zip(command.targets, shares, strict=True), 1)
            )
            await self._change(handling, position, replace(exits, targets=ladder))
        handling.after_commit.append(self._wake)
        return position

    async def reconcile_account(self, command: ReconcileAccount, handling: Handling) -> AccountRequest:
        """Leave the request for the owner of the account."""
        account = await _live(handling.tx, handling.actor, command.account_id)
        kind = RequestKind.ACCEPT_DIFFERENCES if command.accept_differences else RequestKind.RECONCILE
        if command.accept_differences and not command.reason.strip():
            raise InvalidInput(
                "No reason was given; accepting a difference moves positions and needs one.",
                hint="Say what happened to the coins.",
            )
        return await self._ask(handling, account, kind, {"reason": command.reason})

    async def reset_breaker(self, command: ResetBreaker, handling: Handling) -> AccountRequest:
        """Leave the request for the owner of the account."""
        account = await _live(handling.tx, handling.actor, command.account_id)
        return await self._ask(handling, account, RequestKind.RESET_BREAKER, {})

    async def _ask(
        self, handling: Handling, account: Account, kind: RequestKind, params: dict[str, str]
    ) -> AccountRequest:
        request = AccountRequest(
            id=new_id(),
            workspace_id=account.workspace_id,
            account_id=account.id,
            kind=kind,
            params=params,
            actor=handling.actor.label,
            asked_at=handling.now,
        )
        await handling.tx.execution.ask(request)
        handling.after_commit.append(self._wake)
        return request

    async def _change(self, handling: Handling, position: Position, exits: Protection) -> None:
        """Write new exits, and ask the owner to make what rests follow them."""
        await handling.tx.execution.protect(
            replace(exits, revision=exits.revision + 1, updated_at=handling.now)
        )
        account = await account_of(handling.tx, handling.actor, position.account_id)
        await self._ask(handling, account, RequestKind.MEND, {"position_id": position.id})


async def _exits_of(handling: Handling, position: Position) -> Protection:
    known = await handling.tx.execution.protection_of(position.workspace_id, position.id)
    return known or Protection(
        position_id=position.id,
        workspace_id=position.workspace_id,
        account_id=position.account_id,
        bot_id=position.bot_id,
        pair=position.pair,
        is_long=position.is_long,
        quantity=position.quantity,
        stop=None,
        updated_at=handling.now,
    )


async def _live(tx: Unit, actor: Actor, account_id: str) -> Account:
    account = await account_of(tx, actor, account_id)
    if not account.is_live:
        raise InvalidInput(
            f"Account '{account.name}' is on paper; its orders come from its bots alone.",
            hint="Name a live account.",
        )
    return account


async def _may_open(tx: Unit, account: Account) -> None:
    """Refuse new risk at once where the owner of the account would not send it."""
    if account.trading_state is not TradingState.ACTIVE:
        raise RiskDenied(
            f"Account '{account.name}' is {account.trading_state}: {account.state_reason}. It opens nothing now.",
            reason="halted",
            hint="Release it, or give a reducing order.",
        )
    for incident in await tx.execution.open_incidents(account.workspace_id, account.id):
        if incident.kind in (IncidentKind.VENUE_AWAY, IncidentKind.KEY_REFUSED, IncidentKind.DIFFERENCE):
            raise RiskDenied(
                f"Account '{account.name}' opens nothing now: {incident.kind.value} since "
                f"{incident.opened_at:%H:%M:%S} UTC ({incident.subject}).",
                reason=incident.kind.value,
                hint="Exits and cancels are still carried out.",
            )


async def _order_of(tx: Unit, actor: Actor, order_id: str) -> Order:
    order = await tx.orders.by_id(actor.workspace_id, order_id)
    order = order or await tx.orders.by_client_id(actor.workspace_id, order_id)
    if order is None:
        raise NotFound(f"No order is '{order_id}'.", hint="List the open orders.")
    return order


async def _cancellable(tx: Unit, actor: Actor, order_id: str) -> Order:
    """Give an order that people may cancel: any of a live account, on paper an entry that rests."""
    order = await _order_of(tx, actor, order_id)
    account = await account_of(tx, actor, order.account_id)
    rests = order.order_type is not OrderType.MARKET and not order.is_reduce_only
    if not account.is_live and not rests:
        raise InvalidInput(
            f"Account '{account.name}' is on paper; only entries that rest are cancelled there.",
            hint="/forceexit closes a position.",
        )
    return order


async def preview_place(command: PlaceOrder, tx: Unit, actor: Actor) -> Preview:
    """Say what would be sent where."""
    account = await _live(tx, actor, command.account_id)
    return Preview(
        code="confirm.PlaceOrder",
        params={
            "account": account.name,
            "side": command.side.value,
            "quantity": command.quantity,
            "pair": command.pair,
            "price": command.price or command.stop_price or "market",
        },
    )


async def preview_cancel(command: CancelOrder, tx: Unit, actor: Actor) -> Preview:
    """Say which order would go."""
    order = await _cancellable(tx, actor, command.order_id)
    return Preview(
        code="confirm.CancelOrder",
        params={
            "pair": order.pair,
            "side": order.side.value,
            "quantity": order.quantity,
            "price": order.price or order.stop_price or "–",
        },
    )


async def preview_cancel_all(command: CancelAllOrders, tx: Unit, actor: Actor) -> Preview:
    """Say what would go."""
    account = await _live(tx, actor, command.account_id)
    return Preview(
        code="confirm.CancelAllOrders", params={"account": account.name, "pair": command.pair or "*"}
    )


async def preview_stop(command: SetStop, tx: Unit, actor: Actor) -> Preview:
    """Say from where to where."""
    position = await position_of(tx, actor, command.position_id)
    return Preview(
        code="confirm.SetStop",
        params={"pair": position.pair, "before": position.stop or "–", "after": command.stop},
    )


async def preview_targets(command: SetTargets, tx: Unit, actor: Actor) -> Preview:
    """Say which targets there would be."""
    position = await position_of(tx, actor, command.position_id)
    return Preview(
        code="confirm.SetTargets",
        params={"pair": position.pair, "targets": ", ".join(map(str, command.targets))},
    )


async def preview_reconcile(command: ReconcileAccount, tx: Unit, actor: Actor) -> Preview:
    """A comparison asks nothing; accepting a difference does."""
    account = await _live(tx, actor, command.account_id)
    return Preview(
        code="confirm.ReconcileAccount",
        params={"account": account.name},
        needed=command.accept_differences,
    )


async def preview_breaker(command: ResetBreaker, tx: Unit, actor: Actor) -> Preview:
    """Say which venue is trusted again."""
    account = await _live(tx, actor, command.account_id)
    return Preview(code="confirm.ResetBreaker", params={"account": account.name, "venue": account.venue})
