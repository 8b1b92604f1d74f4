"""A live account's engine from the rows alone, where its saved state is gone: a saved state only makes a start faster.

Every fill is folded into a fresh engine, oldest first, exactly as it was when it was booked: so cash, positions, what
strategies learned of their own trades, and the locks that follow from trades come out as they were. Peak, day start
and the last bar are read from the rows of the last close. What no row holds begins anew: confirmations that were being
counted, and the profit from which a trailing stop begins (it trails at once).
"""

from __future__ import annotations

from decimal import Decimal

from desk.bots.live_evidence import Folding, cash_of
from desk.bots.opening import Opened
from desk.bots.plan import Line
from desk.clock import to_ms
from desk.cursors import cursor_of
from desk.execution.client_ids import Origin, read_client_order_id
from desk.execution.drafts import wish_to_cancel
from desk.execution.moves import Step
from desk.views import FillRecord, Filter, Page, Position
from trading.candles import Candles
from trading.engine.views import EngineEvent, EventKind
from trading.orders import Side

_PAGE_ROWS = 10_000
_DAY_MS = 86_400_000


async def rebuild(step: Step, opened: Opened) -> None:
    """Bring a fresh engine and memory to what the rows say."""
    _fold_all(opened, await _oldest_first(step, opened))
    await _number(step, opened)
    await _go_on(step, opened)
    for line in opened.plan.lines:
        held = opened.positions.get(line.key)
        if held is not None:
            await _hold_on(step, opened, line, held)
    await _end_entries(step, opened)


async def _oldest_first(step: Step, opened: Opened) -> list[FillRecord]:
    account, found, after = opened.plan.account, list[FillRecord](), ""
    while True:
        page = await step.tx.fills.page(
            account.workspace_id, Filter(account_id=account.id), Page(first=_PAGE_ROWS, after=after)
        )
        found += page
        if len(page) < _PAGE_ROWS:
            return found[::-1]
        after = cursor_of(page[-1])


def _fold_all(opened: Opened, fills: list[FillRecord]) -> None:
    """Fold the fills of every bot: those at work by their lines, what others earned as cash."""
    folding = Folding(opened)
    lines = {line.key: line for line in opened.plan.lines}
    held: dict[str, Decimal] = {}
    for fill in fills:
        if not fill.bot_id or not fill.position_id:
            continue
        line = lines.get((fill.bot_id, fill.pair))
        if line is None:
            opened.memory.cash += cash_of(fill)
            continue
        sign = 1 if fill.side is Side.BUY else -1
        after = held.get(fill.position_id, Decimal(0)) + sign * fill.quantity - (fill.base_fee or Decimal(0))
        held[fill.position_id] = after
        # What is left of a fee below one step was no position any more.
        folding.fold(line, after, fill, reason=fill.reason, ts_ms=to_ms(fill.filled_at))
    engine = opened.engine
    engine.take_trades()
    engine.take_notices()
    missing = float(opened.memory.cash) - engine.account().cash
    if missing:
        sequence = engine.account().last_event + 1
        engine.apply(EngineEvent(kind=EventKind.FLOW, sequence=sequence, amount=missing))


async def _number(step: Step, opened: Opened) -> None:
    """Let the next intent have a number that none had before: the ids of its rows follow from it."""
    account, most, after = opened.plan.account, 0, ""
    while True:
        page = await step.tx.orders.page(
            account.workspace_id, Filter(account_id=account.id), Page(first=_PAGE_ROWS, after=after)
        )
        parts = [read_client_order_id(one.client_order_id) for one in page]
        most = max([most, *(one.number for one in parts if one and one.origin is Origin.INTENT)])
        if len(page) < _PAGE_ROWS:
            break
        after = cursor_of(page[-1])
    opened.engine.book.account[0]["sequence"] = most


async def _go_on(step: Step, opened: Opened) -> None:
    """Go on after the last committed bar, with its peak and its day."""
    plan = opened.plan
    account = plan.account
    status = await step.tx.accounts.status(account.workspace_id, account.id)
    if status is None:
        return
    record = opened.engine.book.account[0]
    record["peak"] = float(status.peak_equity)
    record["day_start"] = float(status.day_start_equity)
    record["day"] = to_ms(status.as_of) // _DAY_MS
    record["equity"] = float(status.equity)
    closes = []
    for pair in dict.fromkeys(line.pair for line in plan.lines):
        newest = await step.tx.candles.last(opened.memory.venue, pair, str(plan.timeframe), 1)
        if len(newest):
            closes.append(int(newest.ts_ms[-1]))
    # Bars of several pairs are committed together; the last one that all have was decided on.
    opened.last_ms = min(closes, default=None)


async def _hold_on(step: Step, opened: Opened, line: Line, held: Position) -> None:
    """Give a position that is held its place in the memory, its trail and its best price."""
    memory = opened.memory.line(line.key)
    memory.position_id = held.id
    memory.signal_id, memory.signal_side = held.signal_id, 1 if held.is_long else -1
    memory.trail_ratio = held.trail_ratio
    record = opened.engine.book.positions[line.index]
    if held.trail_ratio is not None:
        record["trail"] = held.trail_ratio
    if opened.last_ms is None:
        return
    timeframe = opened.plan.timeframe
    signal = await step.tx.signals.by_id(held.workspace_id, held.signal_id) if held.signal_id else None
    # It was opened after the close of the bar that gave the signal; by hand, within a bar.
    began_ms = to_ms(signal.bar_at) + timeframe.ms if signal else to_ms(held.opened_at)
    bars: Candles = await step.tx.candles.load(
        opened.memory.venue, line.pair, str(timeframe), from_ms=began_ms, to_ms=opened.last_ms + 1
    )
    if len(bars):
        record["high"] = max(float(record["high"]), float(bars.high.max()))
        record["low"] = min(float(record["low"]), float(bars.low.min()))
        record["entry_clock"] = opened.engine.book.account[0]["clock"] - len(bars)


async def _end_entries(step: Step, opened: Opened) -> None:
    """Wish entries gone that wait at the venue: the engine that placed them does not know them any more."""
    account = opened.plan.account
    lines = {line.key: line for line in opened.plan.lines}
    for order in await step.tx.orders.unsettled(account.workspace_id, account.id):
        line = lines.get((order.bot_id, order.pair))
        parts = read_client_order_id(order.client_order_id)
        if line is None or parts is None:
            continue
        memory = opened.memory.line(line.key)
        if not order.is_reduce_only:
            memory.entry_sequence = parts.number if parts.origin is Origin.INTENT else memory.entry_sequence
            memory.signal_id = memory.signal_id or order.signal_id
            await wish_to_cancel(step, order, reason="the saved state of the account was gone")
        elif parts.origin is Origin.INTENT:
            memory.close_sequence = parts.number
