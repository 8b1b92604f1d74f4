"""The arithmetic of a held position in exact money, and the row that shows it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from desk.bots.context import Context, shown_price
from desk.bots.memory import LineMemory
from desk.bots.plan import Line
from desk.views import Leg, Position
from trading.engine.views import PositionView
from trading.fills import Fill
from trading.orders import Side

#: Averages are shown this much finer than the tick.
_AVERAGE_TICKS = Decimal("1e-4")


def book(memory: LineMemory, fill: Fill, *, is_opening: bool) -> Decimal:
    """Add a fill to a position's sums; give the change of cash."""
    if is_opening:
        memory.entry_value += fill.notional
        memory.entry_quantity += fill.quantity
    else:
        memory.exit_value += fill.notional
        memory.exit_quantity += fill.quantity
    memory.fees += fill.fee
    sign = -1 if fill.side is Side.BUY else 1
    return sign * fill.notional - fill.fee


def held_quantity(memory: LineMemory) -> Decimal:
    """Give what is held."""
    return memory.entry_quantity - memory.exit_quantity


def average_entry(memory: LineMemory, tick: Decimal) -> Decimal:
    """Give the average entry price."""
    return _average(memory.entry_value, memory.entry_quantity, tick)


def average_exit(memory: LineMemory, tick: Decimal) -> Decimal:
    """Give the average exit price."""
    return _average(memory.exit_value, memory.exit_quantity, tick)


def cash_flow(memory: LineMemory, *, is_long: bool) -> Decimal:
    """Give what the position's fills did to the cash, all fees included."""
    sign = 1 if is_long else -1
    return sign * (memory.exit_value - memory.entry_value) - memory.fees


def realized_pnl(memory: LineMemory, *, is_long: bool) -> Decimal:
    """Give the profit of what was closed, less every fee paid so far; at the end it is the trade's profit.

    Average cost is exact: what is held counts at its share of the entry value.
    """
    if memory.entry_quantity == 0:
        return Decimal(0)
    held_cost = memory.entry_value * held_quantity(memory) / memory.entry_quantity
    sign = 1 if is_long else -1
    return cash_flow(memory, is_long=is_long) + sign * held_cost


def position_row(
    context: Context,
    line: Line,
    memory: LineMemory,
    view: PositionView,
    *,
    tag: str,
    is_long: bool,
    opened_at: datetime,
    closed_at: datetime | None = None,
) -> Position:
    """Give the row of a position as it stands at the close of the bar."""
    quantity = held_quantity(memory)
    entry = average_entry(memory, line.instrument.tick)
    mark = shown_price(line.instrument, view.mark) or entry
    sign = 1 if is_long else -1
    is_held = closed_at is None
    return Position(
        id=memory.position_id,
        workspace_id=context.workspace_id,
        account_id=context.account_id,
        bot_id=line.bot.id,
        pair=line.pair,
        is_long=is_long,
        quantity=quantity,
        entry_quantity=memory.entry_quantity,
        entry_price=entry,
        mark_price=mark if is_held else average_exit(memory, line.instrument.tick),
        stop=shown_price(line.instrument, view.stop) if is_held else None,
        initial_stop=Decimal(memory.initial_stop) if memory.initial_stop else None,
        legs=legs_of(line, view) if is_held else (),
        trail_ratio=memory.trail_ratio,
        realized_pnl=_money(realized_pnl(memory, is_long=is_long)),
        unrealized_pnl=_money(sign * (mark - entry) * quantity) if is_held else Decimal(0),
        fees=memory.fees,
        signal_id=memory.signal_id,
        tag=tag,
        opened_at=opened_at,
        closed_at=closed_at,
        as_of=context.at,
    )


def legs_of(line: Line, view: PositionView) -> tuple[Leg, ...]:
    """Give the take-profit ladder."""
    legs = []
    for one in view.legs:
        price = shown_price(line.instrument, one.price)
        if price is not None:
            legs.append(Leg(price=price, quantity=one.quantity, is_filled=one.filled >= one.quantity))
    return tuple(legs)


def _average(value: Decimal, quantity: Decimal, tick: Decimal) -> Decimal:
    if quantity == 0:
        return Decimal(0)
    step = tick * _AVERAGE_TICKS
    return (value / quantity / step).to_integral_value() * step


def _money(value: Decimal) -> Decimal:
    return value.quantize(Decimal("1e-8"))
