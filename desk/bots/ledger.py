"""The ledger: what the engine filled becomes orders, fills, positions and trades, exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Protocol

from desk.bots.context import Context, shown_price
from desk.bots.figures import keep_figures
from desk.bots.memory import LoopMemory
from desk.bots.phases import Phases
from desk.bots.plan import Line
from desk.bots.positions import average_entry, average_exit, book, held_quantity, position_row, realized_pnl
from desk.clock import from_ms
from desk.execution.client_ids import Origin, client_order_id, stable_id
from desk.views import FillRecord, Order, Position, Trade
from trading.engine.engine import AccountEngine
from trading.engine.views import ClosedTrade, EngineFill
from trading.errors import InvariantBroken
from trading.events import Phase, PositionChanged, PositionClosed, PositionOpened
from trading.fills import Fill, Liquidity
from trading.orders import OrderState, OrderType, Reason, Side

_TARGETS = (Reason.TAKE_PROFIT_1, Reason.TAKE_PROFIT_2, Reason.TAKE_PROFIT_3)


class Held(Protocol):
    """What an account holds, as its rows say."""

    open: dict[tuple[str, str], Position]

    async def stop_moved(self, context: Context, engine: AccountEngine, line: Line, cause: str) -> None:
        """Write that a position's exits are other ones now."""
        ...


class Ledger:
    """Books fills of one account.

    Args:
        positions: the open ones by line.
        restore_epoch: counts restored backups; part of every client order id.
    """

    def __init__(
        self,
        memory: LoopMemory,
        phases: Phases,
        positions: dict[tuple[str, str], Position],
        *,
        restore_epoch: int = 0,
    ) -> None:
        self._memory = memory
        self._phases = phases
        self._restore_epoch = restore_epoch
        #: Open positions by line, as last written.
        self.open = positions

    async def book(self, context: Context, engine: AccountEngine, fills: Sequence[EngineFill]) -> None:
        """Write the fills of one step, and the trades that they finished."""
        finished = list(engine.take_trades())
        for engine_fill in fills:
            line = context.line(engine_fill.line)
            await self._book(context, engine, line, engine_fill, engine.fill(engine_fill), finished)
        await self._end_runs(context, engine, finished)

    async def _book(
        self,
        context: Context,
        engine: AccountEngine,
        line: Line,
        engine_fill: EngineFill,
        fill: Fill,
        finished: list[ClosedTrade],
    ) -> None:
        memory = self._memory.line(line.key)
        held = self.open.get(line.key)
        is_opening = held is None or (fill.side is Side.BUY) == held.is_long
        if held is None:
            memory.forget_position()
            memory.position_id = position_id(context.account_id, fill.intent_sequence)
        order = await self._order_of(context, line, fill, is_opening=is_opening)
        record = self._fill_record(context, line, order, fill)
        if await context.path.fill(order, record) is None:
            raise InvariantBroken(f"Fill {fill.venue_trade_id} is booked already; the engine gave it again.")
        self._memory.cash += book(memory, fill, is_opening=is_opening)
        if held is None:
            await self._opened(context, engine, line, engine_fill, fill)
        elif not is_opening and held_quantity(memory) == 0 and _take(finished, line.index, peek=True):
            trade = _take(finished, line.index)
            assert trade is not None
            await self._closed(context, engine, line, held, fill, trade)
        else:
            await self._changed(context, engine, line, held, fill)

    async def _order_of(self, context: Context, line: Line, fill: Fill, *, is_opening: bool) -> Order:
        """Find the order that a fill belongs to; protection's own executions get theirs now."""
        memory = self._memory.line(line.key)
        if fill.intent_sequence and fill.intent_sequence in (memory.entry_sequence, memory.close_sequence):
            by_close = fill.intent_sequence == memory.close_sequence
            if by_close or (is_opening and fill.reason in (Reason.ENTRY, Reason.HEDGE)):
                order = await context.tx.orders.by_id(
                    context.workspace_id, order_id(context.account_id, fill.intent_sequence)
                )
                if order is None:
                    raise InvariantBroken(f"Intent {fill.intent_sequence} was filled; it has no order.")
                return order
        if fill.intent_sequence and fill.reason is Reason.FORCE_EXIT:
            # A part that was to leave before all was: its own order is at work still.
            part = await context.tx.orders.by_id(
                context.workspace_id, order_id(context.account_id, fill.intent_sequence)
            )
            if part is not None:
                return part
        return await self._protective_order(context, line, fill)

    async def _protective_order(self, context: Context, line: Line, fill: Fill) -> Order:
        self._memory.protection_number += 1
        number = self._memory.protection_number
        is_limit = fill.reason in (*_TARGETS, Reason.GRID)
        order = Order(
            id=stable_id(context.account_id, "protection", number),
            workspace_id=context.workspace_id,
            account_id=context.account_id,
            bot_id=line.bot.id,
            pair=line.pair,
            client_order_id=client_order_id(
                context.account_id, number=number, restore_epoch=self._restore_epoch, origin=Origin.PROTECTION
            ),
            venue_order_id="",
            side=fill.side,
            order_type=OrderType.LIMIT if is_limit else OrderType.STOP,
            quantity=fill.quantity,
            price=fill.price if is_limit else None,
            stop_price=None if is_limit else fill.price,
            filled_quantity=Decimal(0),
            average_price=None,
            state=OrderState.INTENT,
            state_reason="",
            evidence="",
            reason=fill.reason,
            leg=fill.leg,
            binding="",
            signal_id=self._memory.line(line.key).signal_id,
            position_id=self._memory.line(line.key).position_id,
            is_reduce_only=fill.reason is not Reason.GRID or fill.side is Side.SELL,
            attempts=0,
            created_at=context.at,
            updated_at=context.at,
        )
        placed = await context.path.place(order, key=f"{context.account_id}:protection:{number}")
        if placed is None or placed.state is not OrderState.ACCEPTED:
            raise InvariantBroken(f"Protective order {number} of {line.pair} was not taken: {placed}.")
        return placed

    def _fill_record(self, context: Context, line: Line, order: Order, fill: Fill) -> FillRecord:
        return FillRecord(
            id=stable_id(context.account_id, "fill", fill.venue_trade_id),
            workspace_id=context.workspace_id,
            account_id=context.account_id,
            bot_id=line.bot.id,
            order_id=order.id,
            position_id=self._memory.line(line.key).position_id,
            pair=line.pair,
            venue_trade_id=fill.venue_trade_id,
            side=fill.side,
            price=fill.price,
            quantity=fill.quantity,
            fee=fill.fee,
            liquidity=fill.liquidity,
            reason=fill.reason,
            leg=fill.leg,
            source=context.path.venue.name,
            filled_at=from_ms(fill.filled_at_ms),
        )

    async def _opened(
        self, context: Context, engine: AccountEngine, line: Line, engine_fill: EngineFill, fill: Fill
    ) -> None:
        memory = self._memory.line(line.key)
        memory.initial_stop = memory.planned_stop
        is_long = fill.side is Side.BUY
        position = position_row(
            context,
            line,
            memory,
            engine.position(line.index),
            tag=engine.tag_name(line.index, engine_fill.tag),
            is_long=is_long,
            opened_at=from_ms(fill.filled_at_ms),
        )
        if position.stop is None:
            # Opened and stopped within one bar: the engine is flat again.
            position = replace(position, stop=position.initial_stop)
        await context.tx.positions.save(position)
        await self._timeline(
            context,
            position,
            "opened",
            {"quantity": str(fill.quantity), "price": str(fill.price), "stop": _text(position.stop)},
        )
        if memory.signal_id:
            await context.tx.signals.settle(
                context.workspace_id, memory.signal_id, outcome="entered", reason=""
            )
        await self._phases.go(
            context, line, Phase.POSITION_OPEN, cause=f"filled {fill.quantity} at {fill.price}"
        )
        context.events.append(
            PositionOpened(
                workspace_id=context.workspace_id,
                occurred_at=position.opened_at,
                account_id=context.account_id,
                bot_id=line.bot.id,
                pair=line.pair,
                position_id=position.id,
                is_long=is_long,
                quantity=position.quantity,
                entry_price=position.entry_price,
                stop=position.stop,
                targets=tuple(leg.price for leg in position.legs),
                tag=position.tag,
            )
        )
        self.open[line.key] = position

    async def _changed(
        self, context: Context, engine: AccountEngine, line: Line, held: Position, fill: Fill
    ) -> None:
        position = self._now(context, engine, line, held)
        await context.tx.positions.save(position)
        await self._timeline(
            context,
            position,
            fill.reason.value,
            {"quantity": str(fill.quantity), "price": str(fill.price), "left": str(position.quantity)},
        )
        context.events.append(
            PositionChanged(
                workspace_id=context.workspace_id,
                occurred_at=context.at,
                account_id=context.account_id,
                bot_id=line.bot.id,
                pair=line.pair,
                position_id=position.id,
                quantity=position.quantity,
                stop=position.stop,
                cause=fill.reason.value,
            )
        )
        self.open[line.key] = position

    async def _closed(
        self,
        context: Context,
        engine: AccountEngine,
        line: Line,
        held: Position,
        fill: Fill,
        closed: ClosedTrade,
    ) -> None:
        memory = self._memory.line(line.key)
        tick = line.instrument.tick
        trade = Trade(
            id=stable_id(context.account_id, "trade", held.id),
            number=0,
            workspace_id=context.workspace_id,
            account_id=context.account_id,
            bot_id=line.bot.id,
            position_id=held.id,
            pair=line.pair,
            is_long=held.is_long,
            quantity=memory.entry_quantity,
            entry_price=average_entry(memory, tick),
            exit_price=average_exit(memory, tick),
            pnl=realized_pnl(memory, is_long=held.is_long),
            pnl_ratio=closed.pnl_ratio,
            fees=memory.fees,
            reason=closed.reason,
            tag=held.tag,
            exit_tag=engine.tag_name(line.index, closed.exit_tag),
            bars=closed.bars,
            signal_id=held.signal_id,
            opened_at=held.opened_at,
            closed_at=from_ms(fill.filled_at_ms),
        )
        await context.tx.positions.save(
            position_row(
                context,
                line,
                memory,
                engine.position(line.index),
                tag=held.tag,
                is_long=held.is_long,
                opened_at=held.opened_at,
                closed_at=trade.closed_at,
            )
        )
        await context.tx.positions.add_trade(trade)
        await self._timeline(
            context,
            held,
            "closed",
            {
                "quantity": str(fill.quantity),
                "price": str(fill.price),
                "reason": trade.reason.value,
                "pnl": str(trade.pnl),
            },
        )
        context.events.append(
            PositionClosed(
                workspace_id=context.workspace_id,
                occurred_at=trade.closed_at,
                account_id=context.account_id,
                bot_id=line.bot.id,
                pair=line.pair,
                position_id=held.id,
                trade_id=trade.id,
                exit_price=trade.exit_price,
                pnl=trade.pnl,
                pnl_ratio=trade.pnl_ratio,
                reason=trade.reason,
                exit_tag=trade.exit_tag,
            )
        )
        del self.open[line.key]
        memory.forget_position()
        memory.signal_id = memory.signal_id if memory.entry_sequence else ""
        await self._phases.go(context, line, Phase.POSITION_CLOSED, cause=trade.reason.value)
        await self._phases.go(context, line, Phase.MONITORING, cause="flat")
        await keep_figures(context, line, trade)

    async def _end_runs(
        self, context: Context, engine: AccountEngine, finished: Sequence[ClosedTrade]
    ) -> None:
        """A grid may end without a last sale: it was flat when it was told to stop."""
        for closed in finished:
            line = context.line(closed.line)
            held = self.open.get(line.key)
            if held is None or held_quantity(self._memory.line(line.key)) != 0:
                raise InvariantBroken(
                    f"The engine finished a trade on {line.pair}; the ledger does not know it."
                )
            last = (await context.tx.positions.trade_events(context.workspace_id, held.id))[-1]
            fill = Fill(
                venue_trade_id=f"{held.id}:end",
                bot_id=line.bot.id,
                pair=line.pair,
                side=Side.SELL if held.is_long else Side.BUY,
                price=Decimal(str(last["detail"].get("price", held.mark_price))),
                quantity=Decimal(0),
                fee=Decimal(0),
                liquidity=Liquidity.MAKER,
                reason=closed.reason,
                filled_at_ms=closed.exit_ms,
            )
            await self._closed(context, engine, line, held, fill, closed)

    async def mark(self, context: Context, engine: AccountEngine) -> None:
        """Write the open positions at the last close, and moved stops."""
        for line in context.plan.lines:
            held = self.open.get(line.key)
            if held is None:
                continue
            position = self._now(context, engine, line, held)
            if replace(position, as_of=held.as_of) != held:
                await context.tx.positions.save(position)
                self.open[line.key] = position

    async def stop_moved(self, context: Context, engine: AccountEngine, line: Line, cause: str) -> None:
        """Write that a position's stop is at another price."""
        held = self.open.get(line.key)
        if held is None:
            return
        position = self._now(context, engine, line, held)
        if position.stop == held.stop:
            return
        await context.tx.positions.save(position)
        await self._timeline(
            context,
            position,
            "stop_moved",
            {"from": _text(held.stop), "to": _text(position.stop), "cause": cause},
        )
        context.events.append(
            PositionChanged(
                workspace_id=context.workspace_id,
                occurred_at=context.at,
                account_id=context.account_id,
                bot_id=line.bot.id,
                pair=line.pair,
                position_id=position.id,
                quantity=position.quantity,
                stop=position.stop,
                cause=cause,
            )
        )
        self.open[line.key] = position

    def equity(self, context: Context, engine: AccountEngine) -> Decimal:
        """Give exact cash plus what is held at the last close."""
        total = self._memory.cash
        for line in context.plan.lines:
            held = self.open.get(line.key)
            if held is not None:
                mark = shown_price(line.instrument, engine.position(line.index).mark) or held.entry_price
                total += (1 if held.is_long else -1) * held.quantity * mark
        return total

    def _now(self, context: Context, engine: AccountEngine, line: Line, held: Position) -> Position:
        return position_row(
            context,
            line,
            self._memory.line(line.key),
            engine.position(line.index),
            tag=held.tag,
            is_long=held.is_long,
            opened_at=held.opened_at,
        )

    async def _timeline(
        self, context: Context, position: Position, kind: str, detail: dict[str, str]
    ) -> None:
        await context.tx.positions.add_trade_event(
            context.workspace_id, position.id, context.at, kind, detail
        )


def order_id(account_id: str, sequence: int) -> str:
    """Give the row id of an intent's order."""
    return stable_id(account_id, "order", sequence)


def position_id(account_id: str, sequence: int) -> str:
    """Give the row id of the position that an entry opens."""
    return stable_id(account_id, "position", sequence)


def _take(finished: list[ClosedTrade], line: int, *, peek: bool = False) -> ClosedTrade | None:
    for at, one in enumerate(finished):
        if one.line == line:
            return one if peek else finished.pop(at)
    return None


def _text(price: Decimal | None) -> str:
    return "" if price is None else str(price)
