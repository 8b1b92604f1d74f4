"""What a venue said of a live account's orders, folded into its engine in the transaction in which it is written.

The rows are the truth: after every fill the engine holds as many whole steps as the position's row, and its cash moved
by exactly what the fill paid.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from desk.bots.context import Context
from desk.bots.figures import keep_figures
from desk.bots.ledger import position_id
from desk.bots.live_ledger import LiveLedger
from desk.bots.live_orders import LiveDecisions
from desk.bots.notices import tell
from desk.bots.opening import Opened
from desk.bots.plan import Line
from desk.execution.client_ids import stable_id
from desk.execution.exits import PROTECTIVE
from desk.views import FillRecord, Order, Position
from trading.engine.views import EngineEvent, EventKind
from trading.events import Phase
from trading.fills import Liquidity
from trading.orders import OrderState, Reason, Side

_KINDS = {
    OrderState.REJECTED: EventKind.REJECT,
    OrderState.NOT_PLACED: EventKind.REJECT,
    OrderState.DENIED: EventKind.REJECT,
    OrderState.EXPIRED: EventKind.EXPIRED,
}


class Folding:
    """Gives an engine the whole steps and the exact cash of executions."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def fold(
        self,
        line: Line,
        held: Decimal,
        fill: FillRecord,
        *,
        reason: Reason,
        ts_ms: int,
        intent_sequence: int = 0,
    ) -> None:
        """Fold an execution.

        Args:
            held: what the position holds after it, negative for a short.
        """
        engine, memory = self._opened.engine, self._opened.memory.line(line.key)
        there = engine.position(line.index)
        wanted = line.instrument.lots(abs(held)) * (1 if held >= 0 else -1)
        sign = 1 if fill.side is Side.BUY else -1
        lots = max(0, sign * (wanted - there.side * there.lots))
        moved = cash_of(fill)
        self._opened.memory.cash += moved
        memory.unbooked += moved
        if not lots:
            return
        worth = -sign * line.instrument.quantity_of(lots) * fill.price
        self.apply(
            line,
            kind=EventKind.FILL,
            intent_sequence=intent_sequence,
            side=fill.side,
            lots=lots,
            price=float(fill.price),
            fee=float(worth - memory.unbooked),
            ts_ms=ts_ms,
            reason=reason,
            leg=fill.leg,
            is_maker=fill.liquidity is Liquidity.MAKER,
        )
        memory.unbooked = Decimal(0)

    def apply(self, line: Line, **said: object) -> None:
        """Give the engine one more piece of evidence about a line."""
        engine = self._opened.engine
        sequence = engine.account().last_event + 1
        engine.apply(EngineEvent(sequence=sequence, line=line.index, **said))  # type: ignore[arg-type]


class LiveEvidence:
    """Folds evidence into one opened account."""

    def __init__(self, opened: Opened, ledger: LiveLedger, decisions: LiveDecisions) -> None:
        self._opened = opened
        self._ledger = ledger
        self._decisions = decisions
        self._folding = Folding(opened)
        self._lines = {line.key: line for line in opened.plan.lines}
        #: Lines whose close ended without closing; it is wanted again.
        self.unclosed: set[int] = set()

    async def filled(self, context: Context, order: Order, fill: FillRecord) -> bool:
        """Take an execution that was booked; tell whether it was about a bot."""
        if not fill.position_id:
            return False
        position = await context.tx.positions.by_id(context.workspace_id, fill.position_id)
        line = self._lines.get((position.bot_id, position.pair)) if position is not None else None
        if position is None or line is None:
            return False
        self._fold(line, position, order, fill)
        await tell(context, self._opened.engine.take_notices())
        self._opened.engine.take_trades()
        if position.closed_at is None:
            self._ledger.open[line.key] = position
            await self._opened_now(context, line, position)
            await self._ledger.stop_moved(context, self._opened.engine, line, fill.reason.value)
        else:
            self._ledger.open.pop(line.key, None)
            await self._closed_now(context, line, position)
        return True

    async def ended(self, context: Context, order: Order) -> bool:
        """Take that an order will not fill any more; tell whether it was an engine's."""
        line = self._lines.get((order.bot_id, order.pair))
        sequence = self._sequence_of(line, order) if line is not None else 0
        if line is None or not sequence:
            return False
        memory = self._opened.memory.line(line.key)
        is_part = int(self._opened.engine.book.positions[line.index]["leave_sequence"]) == sequence
        self._apply(line, kind=_KINDS.get(order.state, EventKind.CANCELED), intent_sequence=sequence)
        if order.is_reduce_only:
            memory.close_sequence = 0
            # A part that a person wanted closed is asked for by a person again, where it did not leave.
            if line.key in self._ledger.open and not is_part:
                self.unclosed.add(line.index)
        else:
            memory.entry_sequence = 0 if memory.entry_sequence == sequence else memory.entry_sequence
            if not order.filled_quantity and line.key not in self._ledger.open:
                await context.tx.execution.release(context.workspace_id, order.position_id)
                await self._decisions.lapse(context, line, reason=order.state.value.lower())
        await self._ledger.stop_moved(context, self._opened.engine, line, "entry_ended")
        return True

    async def in_doubt(self, context: Context, order: Order, *, is_over: bool) -> bool:
        """Freeze a line while the fate of one of its orders is unknown; tell whether it is a bot's."""
        line = self._lines.get((order.bot_id, order.pair))
        if line is None:
            return False
        if is_over:
            unsettled = await context.tx.orders.unsettled(context.workspace_id, context.account_id)
            if any(
                one.state is OrderState.UNKNOWN and one.id != order.id and (one.bot_id, one.pair) == line.key
                for one in unsettled
            ):
                return True
        self._apply(line, kind=EventKind.RESOLVED if is_over else EventKind.UNKNOWN)
        return True

    async def catch_up(self, context: Context, *, is_rebuilt: bool = False) -> None:
        """Bring the engine to what the rows hold, where something happened while nobody told it.

        Args:
            is_rebuilt: the engine comes from the fills: it knows no exits.
        """
        engine = self._opened.engine
        for line in self._opened.plan.lines:
            held = self._ledger.open.get(line.key)
            there = engine.position(line.index)
            wanted = _lots(line, held) if held is not None else 0
            missing = wanted - there.side * there.lots
            if missing:
                self._adopt(line, missing, held)
            if held is not None and self._opened.phases.of(line) is not Phase.POSITION_OPEN:
                await self._opened_now(context, line, held)
            elif held is None and self._opened.phases.of(line) is Phase.POSITION_OPEN:
                await self._flat_now(context, line, "flat at the venue")
            if held is not None and (is_rebuilt or (missing and not there.lots)):
                await self._ledger.adopt_exits(context, engine, line)

    def _adopt(self, line: Line, missing: int, held: Position | None) -> None:
        """Let the engine hold what the row holds."""
        engine, memory = self._opened.engine, self._opened.memory
        there = engine.position(line.index)
        price = Decimal(repr(there.mark)) if held is None else held.mark_price
        if held is not None and not there.lots:
            price = held.entry_price
        memory.cash -= missing * line.instrument.step * price
        self._apply(
            line,
            kind=EventKind.EXTERNAL,
            side=Side.BUY if missing > 0 else Side.SELL,
            lots=abs(missing),
            price=float(price),
            ts_ms=engine.account().now_ms,
        )
        engine.take_trades()
        engine.take_notices()

    def _fold(self, line: Line, position: Position, order: Order, fill: FillRecord) -> None:
        wanted = Decimal(0) if position.closed_at is not None else position.quantity
        self._folding.fold(
            line,
            wanted if position.is_long else -wanted,
            fill,
            reason=order.reason,
            ts_ms=self._opened.engine.account().now_ms,
            intent_sequence=self._sequence_of(line, order),
        )

    def _apply(self, line: Line, **said: object) -> None:
        self._folding.apply(line, **said)

    def _sequence_of(self, line: Line, order: Order) -> int:
        """Give the engine's intent behind an order, also where another order took its place; 0 for none."""
        memory = self._opened.memory.line(line.key)
        if order.reason is Reason.EXTERNAL or order.reason in PROTECTIVE:
            return 0
        if order.is_reduce_only:
            return memory.close_sequence
        book = self._opened.engine.book
        known = (
            memory.entry_sequence,
            int(book.orders[line.index]["sequence"]),
            int(book.dying[line.index]["sequence"]),
        )
        account_id = self._opened.plan.account.id
        return next((one for one in known if one and position_id(account_id, one) == order.position_id), 0)

    async def _opened_now(self, context: Context, line: Line, position: Position) -> None:
        memory = self._opened.memory.line(line.key)
        if self._opened.phases.of(line) is Phase.POSITION_OPEN:
            return
        memory.position_id = position.id
        engine = self._opened.engine
        tagged = replace(position, tag=engine.tag_name(line.index, engine.position(line.index).tag))
        await context.tx.positions.save(tagged)
        self._ledger.open[line.key] = tagged
        if memory.signal_id and position.signal_id == memory.signal_id:
            await context.tx.signals.settle(
                context.workspace_id, memory.signal_id, outcome="entered", reason=""
            )
        await self._opened.phases.wake(context, line)
        await self._opened.phases.go(
            context, line, Phase.POSITION_OPEN, cause=f"filled {position.quantity} at {position.entry_price}"
        )

    async def _closed_now(self, context: Context, line: Line, position: Position) -> None:
        trade = await context.tx.positions.trade(
            context.workspace_id, stable_id(context.account_id, "trade", position.id)
        )
        if trade is not None:
            await keep_figures(context, line, trade)
        await self._flat_now(context, line, trade.reason.value if trade is not None else "flat")

    async def _flat_now(self, context: Context, line: Line, cause: str) -> None:
        memory = self._opened.memory.line(line.key)
        memory.forget_position()
        memory.signal_id = memory.signal_id if memory.entry_sequence else ""
        self.unclosed.discard(line.index)
        await self._opened.phases.go(context, line, Phase.POSITION_CLOSED, cause=cause)
        await self._opened.phases.go(context, line, Phase.MONITORING, cause="flat")


def _lots(line: Line, position: Position) -> int:
    """Give the whole steps of a position, negative for a short."""
    return (1 if position.is_long else -1) * line.instrument.lots(position.quantity)


def cash_of(fill: FillRecord) -> Decimal:
    """Give what an execution did to the cash; a fee that was kept in the bought asset was not paid in cash."""
    sign = 1 if fill.side is Side.BUY else -1
    fee = Decimal(0) if fill.base_fee else fill.fee
    return -sign * fill.quantity * fill.price - fee
