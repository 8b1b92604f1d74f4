"""Booking: how a fill changes cash, the position and its ladder. Every fill passes here, wherever it came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from trading.engine.reach import (
    Handle,
    account_of,
    all_recent,
    fill_at,
    line_of,
    notice_at,
    position_of,
    recent_of,
    rules_of,
    trade_at,
)
from trading.engine.records import (
    L_COOL_DOWN,
    L_DRAWDOWN,
    L_LOW_PROFIT,
    L_STOPS,
    N_LOCKED,
    R_BREAK_EVEN,
    R_ENTRY,
    R_GRID,
    R_HEDGE,
    R_LIQUIDATION,
    R_STOP,
    R_TRAIL,
)
from trading.jit import helper
from trading.risk.exits import split_ladder
from trading.risk.protections import drawdown_since, profit_since, remember_trade, stops_since


@helper
def record_fill(
    book: Handle,
    i: int,
    side: int,
    lots: int,
    price: float,
    fee: float,
    maker: int,
    reason: int,
    leg: int,
    sequence: int,
    ts_ms: int,
    tag: int,
) -> None:
    """Write a fill on the tape and move the cash."""
    account = account_of(book)
    account["cash"] -= side * price * lots * line_of(book, i)["step"] + fee
    account["fees"] += fee
    fill = fill_at(book, account["fills"])
    fill["bar"] = account["clock"]
    fill["ts_ms"] = ts_ms
    fill["line"] = i
    fill["side"] = side
    fill["lots"] = lots
    fill["price"] = price
    fill["fee"] = fee
    fill["maker"] = maker
    fill["reason"] = reason
    fill["leg"] = leg
    fill["sequence"] = sequence
    fill["number"] = account["fill_count"]
    fill["tag"] = tag
    fill["opens"] = 1 if position_of(book, i)["lots"] == 0 else 0
    account["fills"] += 1
    account["fill_count"] += 1


@helper
def divide(book: Handle, i: int) -> None:
    """Set the lots of the ladder's legs from the entered quantity; frozen once a leg was filled."""
    position = position_of(book, i)
    for k in range(3):
        if position["leg_filled"][k] > 0:
            return
    line = line_of(book, i)
    split_ladder(
        position["lots"],
        position["leg_fraction"],
        position["leg_price"],
        line["step"],
        line["min_lots"],
        line["min_notional"],
        position["first_stop"],
        position["leg_lots"],
    )


@helper
def clear_order(order: Any) -> None:
    """Forget a pending entry; what was reserved for it is free again."""
    order["side"] = 0
    order["lots"] = 0
    order["filled"] = 0
    order["reserved"] = 0.0
    order["risk"] = 0.0
    order["sequence"] = 0


@helper
def book_entry(
    book: Handle, i: int, order: Any, lots: int, price: float, fee: float, maker: int, ts_ms: int
) -> None:
    """Book a fill of a line's entry order: open the position or add to it."""
    position = position_of(book, i)
    step = line_of(book, i)["step"]
    side = order["side"]
    reason = R_HEDGE if order["is_hedge"] > 0 else R_ENTRY
    record_fill(book, i, side, lots, price, fee, maker, reason, 0, order["sequence"], ts_ms, order["tag"])
    if position["lots"] == 0:
        start_position(book, i, side, price, ts_ms)
        position["is_hedge"] = order["is_hedge"]
        position["stop"] = order["stop"]
        position["first_stop"] = order["stop"]
        position["trail"] = order["trail"]
        position["trail_after"] = order["trail_after"]
        position["break_even_leg"] = order["break_even_leg"]
        position["max_bars"] = order["max_bars"]
        position["tag"] = order["tag"]
        position["binding"] = order["binding"]
        position["sequence"] = order["sequence"]
        for k in range(3):
            position["leg_price"][k] = order["targets"][k]
            position["leg_fraction"][k] = order["fractions"][k]
    add_lots(book, i, lots, price, fee)
    divide(book, i)
    position["stop_revision"] += 1
    order["filled"] += lots
    if order["filled"] >= order["lots"]:
        clear_order(order)
    else:
        left = (order["lots"] - order["filled"]) / order["lots"]
        order["reserved"] = (
            price * (order["lots"] - order["filled"]) * step * (1.0 + rules_of(book)["taker_fee"])
        )
        order["risk"] *= left


@helper
def start_position(book: Handle, i: int, side: int, price: float, ts_ms: int) -> None:
    """Begin an empty position at a price; nothing protects it yet."""
    position = position_of(book, i)
    account = account_of(book)
    position["side"] = side
    position["price"] = 0.0
    position["entry_lots"] = 0
    position["entry_value"] = 0.0
    position["entry_fees"] = 0.0
    position["exit_lots"] = 0
    position["exit_value"] = 0.0
    position["fees"] = 0.0
    position["realised"] = 0.0
    position["stop"] = np.nan
    position["first_stop"] = np.nan
    position["stop_kind"] = R_STOP
    position["stop_revision"] = 0
    position["trail"] = np.nan
    position["trail_after"] = 0.0
    position["break_even_leg"] = 0
    position["break_even"] = 0
    position["max_bars"] = 0
    position["entry_clock"] = account["clock"]
    position["entry_ms"] = ts_ms
    position["tag"] = -1
    position["binding"] = 0
    position["sequence"] = 0
    position["high"] = price
    position["low"] = price
    position["late"] = 0
    position["exit_reason"] = 0
    position["exit_tag"] = -1
    position["exit_sequence"] = 0
    position["exit_again"] = 0
    position["leave_lots"] = 0
    position["leave_sequence"] = 0
    position["is_hedge"] = 0
    position["mark"] = price
    position["grid_levels"] = 0
    for k in range(3):
        position["leg_price"][k] = np.nan
        position["leg_fraction"][k] = 0.0
        position["leg_lots"][k] = 0
        position["leg_filled"][k] = 0


@helper
def add_lots(book: Handle, i: int, lots: int, price: float, fee: float) -> None:
    """Add lots to a position at the average price of what it holds."""
    position = position_of(book, i)
    held = position["lots"]
    position["price"] = (position["price"] * held + price * lots) / (held + lots)
    position["lots"] = held + lots
    position["entry_lots"] += lots
    position["entry_value"] += price * lots
    position["entry_fees"] += fee
    position["fees"] += fee


@helper
def book_exit(
    book: Handle,
    i: int,
    lots: int,
    price: float,
    fee: float,
    maker: int,
    reason: int,
    leg: int,
    sequence: int,
    ts_ms: int,
) -> None:
    """Book a fill that takes lots off a position; the last one closes the trade."""
    position = position_of(book, i)
    side = position["side"]
    record_fill(book, i, -side, lots, price, fee, maker, reason, leg, sequence, ts_ms, position["exit_tag"])
    profit = side * (price - position["price"]) * lots * line_of(book, i)["step"]
    position["realised"] += profit
    position["fees"] += fee
    account_of(book)["realised"] += profit
    position["lots"] -= lots
    position["exit_lots"] += lots
    position["exit_value"] += price * lots
    if leg > 0 and reason != R_GRID:
        position["leg_filled"][leg - 1] += lots
        if (
            position["break_even_leg"] > 0
            and leg >= position["break_even_leg"]
            and position["break_even"] == 0
        ):
            position["break_even"] = 1
    position["stop_revision"] += 1
    shrink_legs(book, i)
    # A grid lives on between its round trips, until its own exit.
    if position["lots"] == 0 and (position["grid_levels"] == 0 or reason != R_GRID):
        close_trade(book, i, reason, ts_ms)


@helper
def shrink_legs(book: Handle, i: int) -> None:
    """Keep open legs within what the position still holds, the farthest first."""
    position = position_of(book, i)
    open_lots = 0
    for k in range(3):
        open_lots += position["leg_lots"][k] - position["leg_filled"][k]
    k = 2
    while open_lots > position["lots"] and k >= 0:
        spare = position["leg_lots"][k] - position["leg_filled"][k]
        cut = min(spare, open_lots - position["lots"])
        position["leg_lots"][k] -= cut
        open_lots -= cut
        k -= 1


@helper
def close_trade(book: Handle, i: int, reason: int, ts_ms: int) -> None:
    """Write the finished round trip, remember it for the protections, and empty the line."""
    account = account_of(book)
    position = position_of(book, i)
    write_trade(book, i, reason, ts_ms)
    trade = trade_at(book, account["trades"])
    account["trades"] += 1
    stopped = 1 if reason in (R_STOP, R_TRAIL, R_BREAK_EVEN, R_LIQUIDATION) else 0
    remember_trade(recent_of(book, i), ts_ms, trade["pnl_ratio"], trade["pnl"], stopped)
    position["side"] = 0
    position["lots"] = 0
    position["exit_reason"] = 0
    position["exit_sequence"] = 0
    position["leave_lots"] = 0
    position["grid_levels"] = 0
    protect_entries(book, i, ts_ms)


@helper
def write_trade(book: Handle, i: int, reason: int, ts_ms: int) -> None:
    """Write a position's round trip so far at the tape's next free row, without advancing it."""
    account = account_of(book)
    position = position_of(book, i)
    step = line_of(book, i)["step"]
    entry = position["entry_value"] / max(1, position["entry_lots"])
    trade = trade_at(book, account["trades"])
    trade["line"] = i
    trade["side"] = position["side"]
    trade["lots"] = position["entry_lots"]
    trade["entry_ms"] = position["entry_ms"]
    trade["exit_ms"] = ts_ms
    trade["entry_bar"] = position["entry_clock"]
    trade["exit_bar"] = account["clock"]
    trade["entry_price"] = entry
    trade["exit_price"] = position["exit_value"] / max(1, position["exit_lots"])
    trade["pnl"] = position["realised"] - position["fees"]
    cost = position["entry_value"] * step + position["entry_fees"]
    trade["pnl_ratio"] = trade["pnl"] / cost if cost > 0.0 else 0.0
    trade["fees"] = position["fees"]
    trade["reason"] = reason
    trade["tag"] = position["tag"]
    trade["exit_tag"] = position["exit_tag"]
    favourable = position["high"] if position["side"] > 0 else position["low"]
    adverse = position["low"] if position["side"] > 0 else position["high"]
    trade["mfe"] = position["side"] * (favourable - entry) / entry if entry > 0.0 else 0.0
    trade["mae"] = position["side"] * (adverse - entry) / entry if entry > 0.0 else 0.0
    trade["binding"] = position["binding"]
    trade["first_stop"] = position["first_stop"]


@helper
def notice(book: Handle, kind: int, i: int, reason: int, value: float, until_ms: int) -> None:
    """Write what happened to the account or to a line (line -1: the account)."""
    account = account_of(book)
    if account["notices"] >= book["notices_count"]:
        # Notices inform; what they tell of is in the records all the same.
        return
    row = notice_at(book, account["notices"])
    row["kind"] = kind
    row["ts_ms"] = account["now_ms"]
    row["line"] = i
    row["reason"] = reason
    row["value"] = value
    row["until_ms"] = until_ms
    account["notices"] += 1


@helper
def lock_line(book: Handle, i: int, reason: int, until_ms: int) -> None:
    """Lock a line's entries until a time; a longer lock stays."""
    position = position_of(book, i)
    if until_ms > position["lock_until_ms"]:
        position["lock_until_ms"] = until_ms
        position["lock_reason"] = reason
        notice(book, N_LOCKED, i, reason, 0.0, until_ms)


@helper
def lock_account(book: Handle, reason: int, until_ms: int) -> None:
    """Lock all entries until a time; a longer lock stays."""
    account = account_of(book)
    if until_ms > account["lock_until_ms"]:
        account["lock_until_ms"] = until_ms
        account["lock_reason"] = reason
        notice(book, N_LOCKED, -1, reason, 0.0, until_ms)


@helper
def protect_entries(book: Handle, i: int, ts_ms: int) -> None:
    """Set the locks that the last closed trade calls for; a lock counts from the close of its bar."""
    rules = rules_of(book)
    market = line_of(book, i)["market"]
    from_ms = ts_ms + rules["timeframe_ms"]
    if rules["cool_down_ms"] > 0:
        for j in range(book["n"]):
            if line_of(book, j)["market"] == market:
                lock_line(book, j, L_COOL_DOWN, from_ms + rules["cool_down_ms"])
    if rules["guard_stops"] > 0:
        count = 0
        for j in range(book["n"]):
            if rules["guard_global"] > 0 or line_of(book, j)["market"] == market:
                count += stops_since(recent_of(book, j), ts_ms - rules["guard_window_ms"])
        if count >= rules["guard_stops"]:
            if rules["guard_global"] > 0:
                lock_account(book, L_STOPS, from_ms + rules["guard_lock_ms"])
            else:
                for j in range(book["n"]):
                    if line_of(book, j)["market"] == market:
                        lock_line(book, j, L_STOPS, from_ms + rules["guard_lock_ms"])
    if rules["low_profit_trades"] > 0:
        count, total = 0, 0.0
        for j in range(book["n"]):
            if line_of(book, j)["market"] == market:
                trades, ratio = profit_since(recent_of(book, j), ts_ms - rules["low_profit_window_ms"])
                count += trades
                total += ratio
        if count >= rules["low_profit_trades"] and total < rules["low_profit"]:
            for j in range(book["n"]):
                if line_of(book, j)["market"] == market:
                    lock_line(book, j, L_LOW_PROFIT, from_ms + rules["low_profit_lock_ms"])
    if rules["drawdown_guard"] < 1.0:
        count, fall = drawdown_since(
            all_recent(book), ts_ms - rules["drawdown_window_ms"], account_of(book)["equity"]
        )
        if count >= rules["drawdown_trades"] and fall >= rules["drawdown_guard"]:
            lock_account(book, L_DRAWDOWN, from_ms + rules["drawdown_lock_ms"])
