"""A stop in good order: what the account should look like while nobody here looks after it.

A stop is only a courtesy: a process that is killed in the middle of it is started again like any other, and its wishes
are rows that the next one finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from desk.execution.drafts import wish_to_cancel
from desk.execution.faults import faultpoint
from desk.execution.guarding import Guardian
from desk.execution.killing import leave
from desk.execution.names import EXTERNAL
from desk.execution.turns import Turns
from desk.ports import Unit
from desk.views import Order
from trading.orders import OrderState, Reason

_RESTS = (OrderState.ACCEPTED, OrderState.PARTIAL)


class OnStop(StrEnum):
    """What becomes of orders and positions of live accounts when the process is stopped."""

    LEAVE = "leave"  # as they are: what a crash does too
    PROTECT = "protect"  # entries that would fill without their stop go; every stop rests at the venue
    CLOSE = "close"  # entries go, positions are sold at the market


class WindingDown:
    """Brings one account to rest."""

    def __init__(self, turns: Turns, guardian: Guardian) -> None:
        self._turns = turns
        self._guardian = guardian

    async def begin(self, wish: OnStop) -> None:
        """Write durably what has to happen; the executor carries it out."""
        if wish is OnStop.LEAVE:
            return
        account = self._turns.account
        async with self._turns.turn() as turn:
            for order in await self._going(turn.tx, wish):
                await wish_to_cancel(turn, order, reason="the process stops")
            for position in await turn.tx.positions.open(account.workspace_id, account.id):
                turn.touched.add(position.id)
                if wish is OnStop.CLOSE:
                    key = f"{position.id}:stop:{self._turns.lease.epoch}"
                    await leave(turn, position, key=key, reason=Reason.FORCE_EXIT)
            faultpoint("k17")

    async def left(self, wish: OnStop) -> list[str]:
        """Say what is not done yet, a phrase each; nothing means that the process may go."""
        if wish is OnStop.LEAVE:
            return []
        account = self._turns.account
        async with self._turns.reading() as tx:
            waits = [f"entry {one.client_order_id} is {one.state}" for one in await self._going(tx, wish)]
            held = await tx.positions.open(account.workspace_id, account.id)
        if wish is OnStop.CLOSE:
            return waits + [f"{one.quantity} {one.pair} is held" for one in held]
        return waits + await self._unprotected()

    async def _going(self, tx: Unit, wish: OnStop) -> Sequence[Order]:
        """Give the entries of ours that may not stay: all of them, or those whose stop nobody would place."""
        account = self._turns.account
        guarded = {
            one.position_id
            for one in await tx.execution.protections(account.workspace_id, account.id)
            if one.stop is not None
        }
        return [
            one
            for one in await tx.orders.unsettled(account.workspace_id, account.id)
            if not one.is_reduce_only
            and not one.client_order_id.startswith(EXTERNAL)
            and (wish is OnStop.CLOSE or one.bot_id or one.position_id in guarded)
        ]

    async def _unprotected(self) -> list[str]:
        account = self._turns.account
        found = []
        async with self._turns.turn() as turn:
            for one in await turn.tx.execution.protections(account.workspace_id, account.id):
                if one.quantity <= 0 or one.stop is None:
                    continue
                orders = await self._guardian.orders_of(turn, one.position_id)
                plan = self._guardian.plan(one, orders)
                resting = [order for order in orders if order.state in _RESTS]
                if await self._guardian.watches_stop(turn, one, plan, orders):
                    found.append(f"the stop of {one.pair} at {one.stop} is watched here and rests nowhere")
                elif any(order not in resting for order in orders) or len(resting) < len(plan.resting):
                    found.append(f"the stop of {one.pair} at {one.stop} does not rest yet")
        return found
