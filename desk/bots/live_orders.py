"""What the engine of a live account decides becomes durable intents; the executor carries them to the venue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from desk.bots.context import Context
from desk.bots.decisions import Decisions
from desk.bots.ledger import order_id, position_id
from desk.bots.plan import Line
from desk.clock import from_ms
from desk.execution.client_ids import stable_id
from desk.execution.drafts import wish_to_cancel
from desk.execution.moves import add_intent
from desk.execution.order_path import OrderPath
from desk.execution.turns import Turn
from desk.order_views import ExitLevel, OrderWatch, Protection
from desk.views import Order, SignalRecord
from trading.engine.engine import AccountEngine
from trading.engine.views import EngineIntent
from trading.errors import InvalidInput
from trading.events import EntryDenied
from trading.orders import TERMINAL, OrderState
from trading.signals import Signal

#: An intent that was not claimed so soon after its bar is dropped; the market has gone on.
VALID_FOR = timedelta(seconds=60)


@dataclass(slots=True)
class LivePath(OrderPath):
    """Writes intents and wishes in a turn of the account's owner; nothing is sent here."""

    turn: Turn

    async def place(self, order: Order, *, key: str) -> Order | None:
        """Write an intent with its watch; None when this intent is already there."""
        if not await add_intent(self, order, key=key):
            return None
        await self.tx.execution.watch(
            OrderWatch(
                order_id=order.id,
                workspace_id=order.workspace_id,
                account_id=order.account_id,
                # An exit is wanted until it is done; an entry only while its bar is fresh.
                valid_until=None if order.is_reduce_only else self.at + VALID_FOR,
            )
        )
        return order

    async def end(self, order: Order, after: OrderState, *, detail: str) -> Order:
        """Wish an order gone; what becomes of it is for the venue to say."""
        await wish_to_cancel(self, order, reason=detail or after.value)
        return order


class LiveDecisions(Decisions):
    """Writes a live account's decisions: intents instead of fills, wishes instead of ends."""

    async def _order_entry(
        self,
        context: Context,
        engine: AccountEngine,
        line: Line,
        intent: EngineIntent,
        signal: Signal,
        signal_id: str,
    ) -> None:
        await super()._order_entry(context, engine, line, intent, signal, signal_id)
        await context.tx.execution.protect(_exits_of(context, line, intent, signal))

    async def _close(self, context: Context, engine: AccountEngine, line: Line, intent: EngineIntent) -> None:
        held = self._ledger.open.get(line.key)
        if intent.lots <= 0 or held is None:
            return
        memory = self._memory.line(line.key)
        memory.close_sequence = intent.sequence
        order = self._order(context, engine, line, intent, signal_id=memory.signal_id, position_id=held.id)
        order = replace(order, binding=engine.tag_name(line.index, intent.tag))
        await context.path.place(order, key=f"{context.account_id}:{intent.sequence}")
        touched_by(context).add(held.id)

    async def _end_entry(self, context: Context, line: Line, *, after: OrderState, reason: str) -> None:
        """Wish the entry gone; its line goes on when the venue has said what became of it."""
        sequence = self._memory.line(line.key).entry_sequence
        order = await context.tx.orders.by_id(context.workspace_id, order_id(context.account_id, sequence))
        if order is not None and order.state not in TERMINAL:
            await context.path.end(order, after, detail=reason)
            return
        # Another order took its place (nearer to the market, smaller): that one has to go.
        for one in await context.tx.orders.unsettled(context.workspace_id, context.account_id):
            if one.position_id == position_id(context.account_id, sequence) and not one.is_reduce_only:
                await context.path.end(one, after, detail=reason)

    async def lapse(self, context: Context, line: Line, *, reason: str) -> None:
        """An entry ended without a fill."""
        await self._lapse(context, line, reason=reason)

    async def keep_back(
        self,
        context: Context,
        engine: AccountEngine,
        line: Line,
        signal: Signal,
        *,
        reason: str,
        price: Decimal,
    ) -> None:
        """Write a signal that must not be acted on, with why; told once while it lasts."""
        memory = self._memory.line(line.key)
        denial = f"{signal.enter}:{reason}"
        if memory.last_denial == denial or memory.position_id or memory.entry_sequence:
            return
        memory.last_denial = denial
        record = SignalRecord(
            id=stable_id(context.account_id, "signal", f"{line.bot.id}|{line.pair}|{context.bar_ms}"),
            workspace_id=context.workspace_id,
            bot_id=line.bot.id,
            pair=line.pair,
            bar_at=from_ms(context.bar_ms),
            direction=signal.enter,
            tag=engine.tag_name(line.index, signal.tag),
            price=price,
            stop=None,
            targets=(),
            score=0.0,
            conditions=(),
            sizing={},
            checks=({"name": reason, "passed": False, "detail": reason},),
            outcome="pending",
            reason="",
        )
        await context.tx.signals.add(record)
        await context.tx.signals.settle(context.workspace_id, record.id, outcome="denied", reason=reason)
        context.events.append(
            EntryDenied(
                workspace_id=context.workspace_id,
                occurred_at=context.at,
                account_id=context.account_id,
                bot_id=line.bot.id,
                pair=line.pair,
                signal_id=record.id,
                reason=reason,
            )
        )


def touched_by(context: Context) -> set[str]:
    """Give the positions whose exits are looked at before the commit."""
    path = context.path
    return path.turn.touched if isinstance(path, LivePath) else set()


def _exits_of(context: Context, line: Line, intent: EngineIntent, signal: Signal) -> Protection:
    """Give the exits that an entry asks for; they hold for what is filled."""
    is_long = signal.enter > 0
    limit = line.instrument.sell_limit if is_long else line.instrument.buy_limit
    targets = [
        ExitLevel(leg=leg, price=limit(price), quantity=Decimal(0), share=Decimal(repr(float(share))))
        for leg, (price, share) in enumerate(zip(signal.targets, signal.fractions, strict=True), 1)
        if price == price and share > 0
    ]
    return Protection(
        position_id=position_id(context.account_id, intent.sequence),
        workspace_id=context.workspace_id,
        account_id=context.account_id,
        bot_id=line.bot.id,
        pair=line.pair,
        is_long=is_long,
        quantity=Decimal(0),
        stop=stop_of(line, intent.stop, is_long=is_long),
        targets=tuple(targets),
        trail_ratio=signal.trail_ratio if signal.trail_ratio == signal.trail_ratio else None,
        updated_at=context.at,
    )


def stop_of(line: Line, price: float, *, is_long: bool) -> Decimal | None:
    """Give a stop on the tick, towards the market, so that the planned risk is never exceeded; None for none."""
    if price != price:
        return None
    try:
        return line.instrument.stop_trigger(price, is_long=is_long)
    except InvalidInput:
        return None
