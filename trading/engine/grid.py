"""A grid: one composite long position of cells, each bought at its floor and sold one step above.

The range is cut into equal cells. A cell's buy order rests while the last price is above its floor; what was bought
in a bar is not sold in it, and what was sold is not bought again in it, because a bar does not tell the order. The
whole grid is one position: one slot, one stop, one trade from its start to its end.
"""

from __future__ import annotations

from typing import Any

from trading.engine.booking import add_lots, book_exit, clear_order, close_trade, record_fill, start_position
from trading.engine.reach import Handle, line_of, order_of, position_of, rules_of
from trading.engine.records import R_GRID
from trading.jit import helper

#: States of a cell.
EMPTY, HELD, BOUGHT_NOW, SOLD_NOW = 0, 1, 2, 3


@helper
def cell_floor(position: Any, k: int) -> float:
    """Give the price at which a cell is bought; the next cell's floor is where it is sold."""
    return float(position["grid_low"] + k * position["grid_step"])


@helper
def grid_start(book: Handle, i: int, price: float, ts_ms: int) -> None:
    """Turn a pending grid order into a live grid; nothing is bought yet."""
    order = order_of(book, i)
    levels = order["grid_levels"]
    start_position(book, i, 1, price, ts_ms)
    position = position_of(book, i)
    position["stop"] = order["stop"]
    position["first_stop"] = order["stop"]
    position["max_bars"] = order["max_bars"]
    position["tag"] = order["tag"]
    position["binding"] = order["binding"]
    position["sequence"] = order["sequence"]
    position["grid_levels"] = levels
    position["grid_low"] = order["grid_low"]
    position["grid_high"] = order["grid_high"]
    position["grid_step"] = (order["grid_high"] - order["grid_low"]) / levels
    position["grid_lots"] = order["lots"] // levels
    position["stop_revision"] += 1
    for k in range(levels):
        position["grid_held"][k] = EMPTY
    clear_order(order)


@helper
def grid_reserved(book: Handle, i: int) -> float:
    """Give the cash that a grid's resting buy orders may still need."""
    position = position_of(book, i)
    total = 0.0
    for k in range(position["grid_levels"]):
        if position["grid_held"][k] == EMPTY or position["grid_held"][k] == SOLD_NOW:
            total += cell_floor(position, k)
    return float(
        total * position["grid_lots"] * line_of(book, i)["step"] * (1.0 + rules_of(book)["maker_fee"])
    )


@helper
def buy_cell(book: Handle, i: int, k: int, lots: int, price: float, fee: float, ts_ms: int) -> None:
    """Book the purchase of a cell."""
    position = position_of(book, i)
    record_fill(book, i, 1, lots, price, fee, 1, R_GRID, k + 1, position["sequence"], ts_ms, position["tag"])
    if position["lots"] == 0:
        position["price"] = 0.0
    add_lots(book, i, lots, price, fee)
    position["grid_held"][k] = BOUGHT_NOW
    position["stop_revision"] += 1


@helper
def sell_cell(book: Handle, i: int, k: int, lots: int, price: float, fee: float, ts_ms: int) -> None:
    """Book the sale of a cell; the grid stays."""
    position = position_of(book, i)
    book_exit(book, i, lots, price, fee, 1, R_GRID, k + 1, position["sequence"], ts_ms)
    position["grid_held"][k] = SOLD_NOW


@helper
def grid_buys(book: Handle, i: int, bar: Any, at_open: bool, ts_ms: int) -> None:
    """Fill the buy orders that the open or the low of a bar reaches, from the highest cell down."""
    position = position_of(book, i)
    if position["exit_reason"] > 0:
        return
    touch = rules_of(book)["touch"]
    lots = position["grid_lots"]
    for back in range(position["grid_levels"]):
        k = position["grid_levels"] - 1 - back
        price = cell_floor(position, k)
        if position["grid_held"][k] != EMPTY or position["mark"] <= price:
            continue
        if at_open:
            hit = bar["open"] <= price
        else:
            hit = bar["low"] < price or (touch > 0 and bar["low"] == price)
        if hit:
            fee = price * lots * line_of(book, i)["step"] * rules_of(book)["maker_fee"]
            buy_cell(book, i, k, lots, price, fee, ts_ms)


@helper
def grid_sells(book: Handle, i: int, bar: Any, at_open: bool, ts_ms: int) -> None:
    """Fill the sell orders that the open or the high of a bar reaches, from the lowest cell up."""
    position = position_of(book, i)
    touch = rules_of(book)["touch"]
    lots = position["grid_lots"]
    for k in range(position["grid_levels"]):
        if position["grid_held"][k] != HELD:
            continue
        price = cell_floor(position, k + 1)
        if at_open:
            hit = bar["open"] >= price
        else:
            hit = bar["high"] > price or (touch > 0 and bar["high"] == price)
        if hit:
            fee = price * lots * line_of(book, i)["step"] * rules_of(book)["maker_fee"]
            sell_cell(book, i, k, lots, price, fee, ts_ms)


@helper
def grid_end(book: Handle, i: int, ts_ms: int) -> None:
    """End a grid that is asked to leave and holds nothing."""
    position = position_of(book, i)
    if position["grid_levels"] > 0 and position["exit_reason"] > 0 and position["lots"] == 0:
        close_trade(book, i, position["exit_reason"], ts_ms)


@helper
def settle_cells(position: Any) -> None:
    """At the close of a bar what was bought may be sold, and what was sold may be bought again."""
    for k in range(position["grid_levels"]):
        if position["grid_held"][k] == BOUGHT_NOW:
            position["grid_held"][k] = HELD
        elif position["grid_held"][k] == SOLD_NOW:
            position["grid_held"][k] = EMPTY


@helper
def grid_quiet_range(position: Any) -> tuple[float, float]:
    """Give the lows and highs between which no cell trades: (highest armed floor, lowest price to sell at)."""
    down, up = -1.0, 1e300
    for k in range(position["grid_levels"]):
        if position["grid_held"][k] == HELD:
            up = min(up, cell_floor(position, k + 1))
        else:
            down = max(down, cell_floor(position, k))
    return down, up
