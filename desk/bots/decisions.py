"""What the engine decided at a close becomes signals, orders and phases, each with its reasons."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from desk.bots.checks import checks_of, sizing_of
from desk.bots.context import Context, shown_price
from desk.bots.ledger import Held, order_id, position_id
from desk.bots.memory import LoopMemory
from desk.bots.phases import Phases
from desk.bots.plan import Line
from desk.clock import from_ms
from desk.execution.client_ids import client_order_id, stable_id
from desk.views import Order, SignalRecord
from trading.engine.engine import AccountEngine
from trading.engine.views import AccountView, EngineEvent, EngineIntent, EventKind, Notice
from trading.events import EntryDenied, Phase, SignalDetected, SignalLapsed
from trading.orders import IntentKind, OrderState, OrderType, Reason
from trading.signals import Signal

#: The engine's word for an entry whose conditions have to hold at further closes first.
UNCONFIRMED = "unconfirmed"
#: Refusals that say nothing new: the line is taken already.
_SILENT = frozenset({"duplicate"})

Explain = Callable[[Line], tuple[Mapping[str, Any], ...]]


class Decisions:
    """Writes one account's decisions."""

    def __init__(self, memory: LoopMemory, phases: Phases, ledger: Held, *, restore_epoch: int = 0) -> None:
        self._memory = memory
        self._phases = phases
        self._ledger = ledger
        self._restore_epoch = restore_epoch

    async def take(
        self,
        context: Context,
        engine: AccountEngine,
        intents: Sequence[EngineIntent],
        signals: Mapping[int, Signal],
        *,
        closes: Mapping[str, float],
        account: AccountView,
        explain: Explain,
    ) -> None:
        """Write what followed from a bar's signals.

        Args:
            closes: last close by pair.
            account: the account as it stood before the decision, for the checks.
        """
        for intent in intents:
            line = context.line(intent.line)
            if intent.kind is IntentKind.OPEN:
                signal = signals.get(intent.line, Signal())
                await self._entry(context, engine, line, intent, signal, closes, account, explain)
            else:
                await self.follow(context, engine, (intent,))
        for line in context.plan.lines:
            await self._lapse_unconfirmed(context, line, signals.get(line.index, Signal()))

    async def follow(self, context: Context, engine: AccountEngine, intents: Sequence[EngineIntent]) -> None:
        """Write closes, cancellations and moved stops."""
        for intent in intents:
            line = context.line(intent.line)
            if intent.kind in (IntentKind.CLOSE, IntentKind.REDUCE):
                await self._close(context, engine, line, intent)
            elif intent.kind is IntentKind.CANCEL:
                await self._cancel(context, line, intent)
            elif intent.kind is IntentKind.SET_PROTECTION:
                await self._ledger.stop_moved(context, engine, line, intent.reason.value)

    async def settle_entries(
        self, context: Context, engine: AccountEngine, notices: Sequence[Notice]
    ) -> None:
        """End the orders of entries that the bar filled in part or let lapse."""
        lapsed = {one.line: one.reason for one in notices if one.kind == "lapsed"}
        for line in context.plan.lines:
            memory = self._memory.line(line.key)
            if not memory.entry_sequence:
                continue
            if engine.position(line.index).pending_sequence == memory.entry_sequence:
                continue
            reason = lapsed.get(line.index, "")
            await self._end_entry(context, line, after=OrderState.EXPIRED, reason=reason or "not_filled")

    async def refuse(
        self,
        context: Context,
        engine: AccountEngine,
        line: Line,
        intent: EngineIntent,
        signal: Signal,
        closes: Mapping[str, float],
        account: AccountView,
        explain: Explain,
    ) -> None:
        """Write an entry that was refused before the engine heard of it; `intent.denied` says why."""
        await self._entry(context, engine, line, intent, signal, closes, account, explain)

    async def _entry(
        self,
        context: Context,
        engine: AccountEngine,
        line: Line,
        intent: EngineIntent,
        signal: Signal,
        closes: Mapping[str, float],
        account: AccountView,
        explain: Explain,
    ) -> None:
        memory = self._memory.line(line.key)
        denial = f"{signal.enter}:{intent.denied}" if intent.denied else ""
        if intent.denied in _SILENT:
            return
        told_before = bool(denial) and denial == memory.last_denial
        memory.last_denial = denial
        if told_before and intent.denied != UNCONFIRMED:
            return
        waits = memory.signal_id if memory.signal_side == signal.enter and not memory.position_id else ""
        if intent.denied == UNCONFIRMED and waits:
            return
        signal_id = waits
        if not waits:
            seen = await self.detected(
                context, engine, line, intent, signal, closes[line.pair], account, explain
            )
            signal_id = seen.id
        if intent.denied == UNCONFIRMED:
            memory.signal_id, memory.signal_side = signal_id, signal.enter
            return
        if intent.denied:
            await self._denied(context, line, intent, signal_id, account)
            return
        await self._order_entry(context, engine, line, intent, signal, signal_id)

    async def detected(
        self,
        context: Context,
        engine: AccountEngine,
        line: Line,
        intent: EngineIntent,
        signal: Signal,
        close: float,
        account: AccountView,
        explain: Explain,
        *,
        signal_id: str = "",
    ) -> SignalRecord:
        """Write a signal with why: conditions, sizing, checks.

        Args:
            signal_id: of one that was announced before; a strategy's is named after its bar.
        """
        exact = engine.intent(intent)
        price = exact.limit_price or exact.stop_price or shown_price(line.instrument, close) or Decimal(0)
        record = SignalRecord(
            id=signal_id
            or stable_id(context.account_id, "signal", f"{line.bot.id}|{line.pair}|{context.bar_ms}"),
            workspace_id=context.workspace_id,
            bot_id=line.bot.id,
            pair=line.pair,
            bar_at=from_ms(context.bar_ms),
            direction=signal.enter,
            tag=engine.tag_name(line.index, signal.tag),
            price=price,
            stop=shown_price(line.instrument, signal.stop),
            targets=tuple(
                level for one in signal.targets if (level := shown_price(line.instrument, one)) is not None
            ),
            score=signal.score if math.isfinite(signal.score) else 0.0,
            conditions=explain(line),
            sizing=sizing_of(intent, exact.quantity, price, line),
            checks=checks_of(intent.denied, account, context.plan.config.limits),
            outcome="pending",
            reason="",
        )
        await context.tx.signals.add(record)
        context.events.append(
            SignalDetected(
                workspace_id=context.workspace_id,
                occurred_at=context.at,
                account_id=context.account_id,
                bot_id=line.bot.id,
                pair=line.pair,
                signal_id=record.id,
                direction=record.direction,
                tag=record.tag,
                price=record.price,
                score=record.score,
            )
        )
        if self._phases.of(line) is Phase.MONITORING:
            await self._phases.go(context, line, Phase.SIGNAL_DETECTED, cause=record.tag or "signal")
        return record

    async def _denied(
        self, context: Context, line: Line, intent: EngineIntent, signal_id: str, account: AccountView
    ) -> None:
        memory = self._memory.line(line.key)
        await context.tx.signals.settle(
            context.workspace_id, signal_id, outcome="denied", reason=intent.denied
        )
        await context.tx.positions.add_risk_event(
            context.workspace_id,
            context.account_id,
            line.bot.id,
            context.at,
            intent.denied,
            {"pair": line.pair, "signal_id": signal_id, "equity": f"{account.equity:.8f}"},
        )
        context.events.append(
            EntryDenied(
                workspace_id=context.workspace_id,
                occurred_at=context.at,
                account_id=context.account_id,
                bot_id=line.bot.id,
                pair=line.pair,
                signal_id=signal_id,
                reason=intent.denied,
            )
        )
        if memory.signal_id == signal_id:
            memory.signal_id, memory.signal_side = "", 0
        if self._phases.of(line) is Phase.SIGNAL_DETECTED:
            await self._phases.go(context, line, Phase.MONITORING, cause=f"denied: {intent.denied}")

    async def _order_entry(
        self,
        context: Context,
        engine: AccountEngine,
        line: Line,
        intent: EngineIntent,
        signal: Signal,
        signal_id: str,
    ) -> None:
        memory = self._memory.line(line.key)
        memory.signal_id, memory.signal_side = signal_id, signal.enter
        memory.entry_sequence = intent.sequence
        stop = shown_price(line.instrument, intent.stop)
        memory.planned_stop = "" if stop is None else str(stop)
        memory.trail_ratio = signal.trail_ratio if math.isfinite(signal.trail_ratio) else None
        order = self._order(
            context,
            engine,
            line,
            intent,
            signal_id=signal_id,
            position_id=position_id(context.account_id, intent.sequence),
        )
        placed = await context.path.place(order, key=f"{context.account_id}:{intent.sequence}")
        if placed is not None and placed.state is OrderState.REJECTED:
            # The venue's word is final; the next match finds nothing to fill.
            engine.apply(
                EngineEvent(
                    kind=EventKind.REJECT,
                    sequence=engine.account().last_event + 1,
                    line=intent.line,
                    intent_sequence=intent.sequence,
                )
            )
            await self._lapse(context, line, reason="rejected")

    async def _close(self, context: Context, engine: AccountEngine, line: Line, intent: EngineIntent) -> None:
        memory = self._memory.line(line.key)
        if intent.lots <= 0:
            return
        memory.close_sequence = intent.sequence
        order = self._order(
            context, engine, line, intent, signal_id=memory.signal_id, position_id=memory.position_id
        )
        await context.path.place(order, key=f"{context.account_id}:{intent.sequence}")

    async def _cancel(self, context: Context, line: Line, intent: EngineIntent) -> None:
        memory = self._memory.line(line.key)
        if intent.target != memory.entry_sequence:
            return
        after = OrderState.EXPIRED if intent.reason is Reason.EXPIRED else OrderState.CANCELED
        await self._end_entry(context, line, after=after, reason=intent.reason.value)

    async def _end_entry(self, context: Context, line: Line, *, after: OrderState, reason: str) -> None:
        memory = self._memory.line(line.key)
        order = await context.tx.orders.by_id(
            context.workspace_id, order_id(context.account_id, memory.entry_sequence)
        )
        was_filled = order is not None and order.filled_quantity > 0
        if order is not None and order.state in (OrderState.ACCEPTED, OrderState.PARTIAL):
            await context.path.end(order, after, detail=reason)
        memory.entry_sequence = 0
        if not was_filled:
            await self._lapse(context, line, reason=reason)

    async def _lapse(self, context: Context, line: Line, *, reason: str) -> None:
        """The signal ended without a position."""
        memory = self._memory.line(line.key)
        memory.entry_sequence = 0
        if not memory.signal_id or memory.position_id:
            return
        await context.tx.signals.settle(
            context.workspace_id, memory.signal_id, outcome="lapsed", reason=reason
        )
        context.events.append(
            SignalLapsed(
                workspace_id=context.workspace_id,
                occurred_at=context.at,
                account_id=context.account_id,
                bot_id=line.bot.id,
                pair=line.pair,
                signal_id=memory.signal_id,
                reason=reason,
            )
        )
        memory.signal_id, memory.signal_side = "", 0
        if self._phases.of(line) is Phase.SIGNAL_DETECTED:
            await self._phases.go(context, line, Phase.MONITORING, cause=f"lapsed: {reason}")

    async def make_room(self, context: Context, line: Line) -> None:
        """End a signal that still waits to be confirmed: another one takes its place."""
        await self._lapse_unconfirmed(context, line, Signal())

    async def _lapse_unconfirmed(self, context: Context, line: Line, signal: Signal) -> None:
        memory = self._memory.line(line.key)
        if signal.enter == 0:
            memory.last_denial = ""
        waits = memory.signal_id and not memory.entry_sequence and not memory.position_id
        if waits and signal.enter != memory.signal_side:
            await self._lapse(context, line, reason=UNCONFIRMED)

    def _order(
        self,
        context: Context,
        engine: AccountEngine,
        line: Line,
        intent: EngineIntent,
        *,
        signal_id: str,
        position_id: str,
    ) -> Order:
        exact = engine.intent(intent)
        return Order(
            id=order_id(context.account_id, intent.sequence),
            workspace_id=context.workspace_id,
            account_id=context.account_id,
            bot_id=line.bot.id,
            pair=line.pair,
            client_order_id=client_order_id(
                context.account_id, number=intent.sequence, restore_epoch=self._restore_epoch
            ),
            venue_order_id="",
            side=exact.side,
            order_type=exact.order_type,
            quantity=exact.quantity,
            price=exact.limit_price if exact.order_type is OrderType.LIMIT else None,
            stop_price=exact.stop_price if exact.order_type is OrderType.STOP else None,
            filled_quantity=Decimal(0),
            average_price=None,
            state=OrderState.INTENT,
            state_reason="",
            evidence="",
            reason=exact.reason,
            leg=exact.leg,
            binding=exact.binding,
            signal_id=signal_id,
            position_id=position_id,
            is_reduce_only=exact.is_reduce_only,
            attempts=0,
            created_at=context.at,
            updated_at=context.at,
        )
