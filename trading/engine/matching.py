"""Matching: what a venue would do with one bar, pessimistically where a bar does not tell (trading-rules.md, B.3).

Within one bar: cancelled entries leave; market exits, gapped stops and gapped targets at the open; entries due at
the open in the order of their decision; then inside the bar resting entries, stops, and targets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trading.engine.booking import book_entry, book_exit, clear_order, notice
from trading.engine.grid import grid_buys, grid_end, grid_reserved, grid_sells, grid_start
from trading.engine.reach import (
    Handle,
    account_of,
    dying_of,
    line_of,
    market_bar,
    order_of,
    position_of,
    rules_of,
)
from trading.engine.records import (
    D_BALANCE,
    D_STALE,
    N_LAPSED,
    R_FORCE,
    R_LIQUIDATION,
    R_TARGET,
    R_TRAIL,
    T_LIMIT,
    T_MARKET,
)
from trading.jit import helper, skeleton
from trading.risk.exits import least_price, liquidation_price, venue_trailing_stop
from trading.risk.sizing import whole_lots


@skeleton
def bar_of(book: Handle, i: int) -> Any:
    """Give a line's bar at hand."""
    return market_bar(book, line_of(book, i)["market"])


@skeleton
def is_traded(bar: Any) -> bool:
    """Tell whether a bar can fill anything: real, trusted, and with volume."""
    return bool(bar["flags"] == 0 and bar["volume"] > 0.0)


@helper
def market_price(rules: Any, price: float, side: int) -> float:
    """Give what a market order pays or gets: slippage and half the spread against it."""
    return float(price * (1.0 + side * (rules["slippage"] + rules["half_spread"])))


@helper
def stop_price(rules: Any, price: float, side: int) -> float:
    """Give what a triggered stop pays or gets: slippage against it."""
    return float(price * (1.0 + side * rules["slippage"]))


@helper
def reached(touch: int, side: int, bar: Any, price: float) -> bool:
    """Tell whether a bar fills a resting limit order that buys (+1) or sells (-1)."""
    if side > 0:
        return bool(bar["low"] < price or (touch > 0 and bar["low"] == price))
    return bool(bar["high"] > price or (touch > 0 and bar["high"] == price))


@helper
def free_cash(book: Handle, before: int) -> float:
    """Give the cash that is neither collateral of a short nor reserved by entries decided before a sequence."""
    free = account_of(book)["cash"]
    for j in range(book["n"]):
        position = position_of(book, j)
        if position["side"] < 0:
            # A short's proceeds and as much of own money stay locked.
            free -= 2.0 * position["price"] * position["lots"] * line_of(book, j)["step"]
        if order_of(book, j)["sequence"] < before:
            free -= order_of(book, j)["reserved"]
        free -= dying_of(book, j)["reserved"]
        if position["grid_levels"] > 0:
            free -= grid_reserved(book, j)
    return float(free)


@helper
def exit_rest(book: Handle, i: int, price: float, reason: int, sequence: int, ts_ms: int) -> None:
    """Close what a position still holds, as a taker."""
    lots = position_of(book, i)["lots"]
    fee = price * lots * line_of(book, i)["step"] * rules_of(book)["taker_fee"]
    book_exit(book, i, lots, price, fee, 0, reason, 0, sequence, ts_ms)


@helper
def fill_entry(book: Handle, i: int, price: float, maker: int, ts_ms: int) -> None:
    """Fill a line's pending entry as far as cash allows; drop it when too little is left."""
    order = order_of(book, i)
    line = line_of(book, i)
    rate = rules_of(book)["maker_fee"] if maker > 0 else rules_of(book)["taker_fee"]
    lots = order["lots"] - order["filled"]
    affordable = whole_lots(free_cash(book, order["sequence"]) / (price * (1.0 + rate)), line["step"])
    if affordable < lots:
        lots = affordable
        order["binding"] = 5
        floor = least_price(price, order["stop"])
        if lots < line["min_lots"] or lots == 0 or lots * line["step"] * floor < line["min_notional"]:
            clear_order(order)
            account_of(book)["denied"][D_BALANCE] += 1
            notice(book, N_LAPSED, i, D_BALANCE, price, 0)
            return
        order["lots"] = order["filled"] + lots
    book_entry(book, i, order, lots, price, price * lots * line["step"] * rate, maker, ts_ms)


@helper
def exits_at_open(book: Handle, i: int, bar: Any, ts_ms: int) -> None:
    """Apply what the open decides for a position: market exit, liquidation, gapped stop, gapped targets."""
    rules = rules_of(book)
    position = position_of(book, i)
    side = position["side"]
    if position["leave_lots"] > 0:
        leave_part(book, i, market_price(rules, bar["open"], -side), ts_ms)
        if position["lots"] == 0:
            return
    if position["exit_reason"] > 0:
        price = market_price(rules, bar["open"], -side)
        exit_rest(book, i, price, position["exit_reason"], position["exit_sequence"], ts_ms)
        return
    if side < 0 and bar["open"] >= liquidation_price(position["price"], rules["maintenance"]):
        exit_rest(book, i, stop_price(rules, bar["open"], 1), R_LIQUIDATION, position["sequence"], ts_ms)
        return
    if side * (bar["open"] - position["stop"]) <= 0.0:
        price = stop_price(rules, bar["open"], -side)
        exit_rest(book, i, price, position["stop_kind"], position["sequence"], ts_ms)
        return
    for k in range(3):
        left = position["leg_lots"][k] - position["leg_filled"][k]
        if left > 0 and side * (bar["open"] - position["leg_price"][k]) >= 0.0:
            fill_target(book, i, k, left, ts_ms)


@helper
def leave_part(book: Handle, i: int, price: float, ts_ms: int) -> None:
    """Close the part of a position that is to leave, as a taker."""
    position = position_of(book, i)
    lots = min(position["leave_lots"], position["lots"])
    sequence = position["leave_sequence"]
    position["leave_lots"] = 0
    position["leave_sequence"] = 0
    fee = price * lots * line_of(book, i)["step"] * rules_of(book)["taker_fee"]
    book_exit(book, i, lots, price, fee, 0, R_FORCE, 0, sequence, ts_ms)


@helper
def fill_target(book: Handle, i: int, k: int, lots: int, ts_ms: int) -> None:
    """Fill a ladder leg at its own price, without improvement, as a maker."""
    position = position_of(book, i)
    price = position["leg_price"][k]
    fee = price * lots * line_of(book, i)["step"] * rules_of(book)["maker_fee"]
    book_exit(book, i, lots, price, fee, 1, R_TARGET + k, k + 1, position["sequence"], ts_ms)


@helper
def exits_inside(book: Handle, i: int, bar: Any, ts_ms: int) -> None:
    """Apply the stop and, if it did not trigger, the targets inside a bar."""
    rules = rules_of(book)
    position = position_of(book, i)
    side = position["side"]
    stop, kind = position["stop"], position["stop_kind"]
    if side < 0:
        edge = liquidation_price(position["price"], rules["maintenance"])
        if not stop <= edge:
            stop, kind = edge, R_LIQUIDATION
    adverse = bar["low"] if side > 0 else bar["high"]
    if side * (adverse - stop) <= 0.0:
        price = stop_price(rules, stop, -side)
        exit_rest(book, i, price, kind, position["sequence"], ts_ms)
        return
    if position["late"] > 0:
        # The extreme may lie before the entry: it proves nothing.
        return
    trailed = np.nan
    if rules["trail_inside"] > 0 and position["trail"] == position["trail"]:
        trailed = trailed_inside(position, bar, adverse)
    for k in range(3):
        left = position["leg_lots"][k] - position["leg_filled"][k]
        price = position["leg_price"][k]
        # Of a trailed stop and a target beyond it the stop is taken first; a nearer target was certainly passed before.
        if side * (price - trailed) > 0.0:
            continue
        if left > 0 and reached(rules["touch"], -side, bar, price):
            fill_target(book, i, k, left, ts_ms)
    if trailed == trailed and position["lots"] > 0:
        position["stop"] = trailed
        position["stop_kind"] = R_TRAIL
        exit_rest(book, i, stop_price(rules, trailed, -side), R_TRAIL, position["sequence"], ts_ms)


@helper
def trailed_inside(position: Any, bar: Any, adverse: float) -> float:
    """Give the stop that a trailing venue triggers inside a bar; NaN when it triggers none."""
    side = position["side"]
    best, extreme = (position["high"], bar["high"]) if side > 0 else (position["low"], bar["low"])
    moved = venue_trailing_stop(
        side, position["price"], best, extreme, position["trail_after"], position["trail"], position["stop"]
    )
    return moved if side * (adverse - moved) <= 0.0 else np.nan


@helper
def entry_at_open(book: Handle, i: int, bar: Any, ts_ms: int) -> None:
    """Fill a pending entry that the open decides."""
    rules = rules_of(book)
    order = order_of(book, i)
    side = order["side"]
    if order["grid_levels"] > 0:
        grid_start(book, i, bar["open"], ts_ms)
    elif order["type"] == T_MARKET:
        fill_entry(book, i, market_price(rules, bar["open"], side), 0, ts_ms)
    elif order["type"] == T_LIMIT:
        if side * (bar["open"] - order["price"]) <= 0.0:
            fill_entry(book, i, order["price"], 1, ts_ms)
    elif side * (bar["open"] - order["price"]) >= 0.0:
        fill_entry(book, i, stop_price(rules, bar["open"], side), 0, ts_ms)


@helper
def entry_inside(book: Handle, i: int, bar: Any, ts_ms: int) -> None:
    """Fill a resting entry inside a bar."""
    rules = rules_of(book)
    order = order_of(book, i)
    side = order["side"]
    if order["type"] == T_LIMIT:
        if reached(rules["touch"], side, bar, order["price"]):
            was_flat = position_of(book, i)["lots"] == 0
            fill_entry(book, i, order["price"], 1, ts_ms)
            if was_flat and position_of(book, i)["lots"] > 0:
                position_of(book, i)["late"] = 1
    elif order["type"] != T_MARKET:
        extreme = bar["high"] if side > 0 else bar["low"]
        if side * (extreme - order["price"]) >= 0.0:
            fill_entry(book, i, stop_price(rules, order["price"], side), 0, ts_ms)


@skeleton
def next_entry(book: Handle, after: int) -> int:
    """Give the line whose pending entry was decided first after a sequence; -1 when none is left."""
    found = -1
    for i in range(book["n"]):
        order = order_of(book, i)
        is_later = order["side"] != 0 and order["sequence"] > after
        if is_later and (found < 0 or order["sequence"] < order_of(book, found)["sequence"]):
            found = i
    return found


@skeleton
def match_row(book: Handle, ts_ms: int) -> None:
    """Apply one bar of every market to positions and pending entries."""
    n = book["n"]
    waiting = 0
    for i in range(n):
        if order_of(book, i)["side"] != 0:
            waiting += 1
        if position_of(book, i)["side"] != 0:
            bar = bar_of(book, i)
            if is_traded(bar):
                is_grid = position_of(book, i)["grid_levels"] > 0
                if is_grid:
                    grid_buys(book, i, bar, True, ts_ms)
                if position_of(book, i)["lots"] > 0:
                    exits_at_open(book, i, bar, ts_ms)
                if is_grid:
                    grid_sells(book, i, bar, True, ts_ms)
                    grid_end(book, i, ts_ms)
    if waiting > 0:
        after = 0
        while True:
            i = next_entry(book, after)
            if i < 0:
                break
            after = order_of(book, i)["sequence"]
            bar = bar_of(book, i)
            if is_traded(bar) and position_of(book, i)["exit_reason"] == 0:
                had = position_of(book, i)["lots"]
                entry_at_open(book, i, bar, ts_ms)
                if had == 0 and position_of(book, i)["lots"] > 0:
                    exits_at_open(book, i, bar, ts_ms)
    for i in range(n):
        if order_of(book, i)["side"] == 0 and position_of(book, i)["side"] == 0:
            continue
        bar = bar_of(book, i)
        if not is_traded(bar):
            continue
        if order_of(book, i)["side"] != 0:
            entry_inside(book, i, bar, ts_ms)
        is_grid = position_of(book, i)["grid_levels"] > 0
        if is_grid:
            grid_buys(book, i, bar, False, ts_ms)
        if position_of(book, i)["lots"] > 0:
            exits_inside(book, i, bar, ts_ms)
        if is_grid:
            grid_sells(book, i, bar, False, ts_ms)


@skeleton
def end_of_match(book: Handle) -> None:
    """Let market entries that found no trade in their bar lapse: they are never filled late."""
    for i in range(book["n"]):
        order = order_of(book, i)
        if order["side"] != 0 and order["type"] == T_MARKET:
            clear_order(order)
            account_of(book)["denied"][D_STALE] += 1
            notice(book, N_LAPSED, i, D_STALE, 0.0, 0)


@skeleton
def forget_cancelled(book: Handle) -> None:
    """Take cancelled entries off the book: the venue has had a whole bar to do so."""
    for i in range(book["n"]):
        if dying_of(book, i)["side"] != 0:
            clear_order(dying_of(book, i))
