"""Evidence: what a venue said, folded into the account; and what should rest at the venue for a position.

State is a fold of events: each carries the sequence under which it was journalled, and a sequence counts once.
"""

from __future__ import annotations

from typing import Any

from trading.engine.booking import (
    add_lots,
    book_entry,
    book_exit,
    clear_order,
    divide,
    record_fill,
    start_position,
)
from trading.engine.grid import BOUGHT_NOW, EMPTY, HELD, SOLD_NOW, cell_floor
from trading.engine.reach import Handle, account_of, dying_of, order_of, position_of
from trading.engine.records import (
    K_OPEN,
    K_PROTECT,
    K_REDUCE,
    R_ENTRY,
    R_EXTERNAL,
    R_GRID,
    R_TARGET,
    T_LIMIT,
    T_STOP,
    Records,
)
from trading.jit import helper, njit

#: Kinds of event by their integer.
EVENTS = ("fill", "ack", "reject", "canceled", "expired", "unknown", "resolved", "external", "flow")
FILLED, ACK, REJECT, CANCELED, EXPIRED, UNKNOWN, RESOLVED, EXTERNAL, FLOW = range(len(EVENTS))


@njit
def apply(handles: Records, events: Records) -> bool:
    """Fold the first event into the account; tell whether it counted (a known sequence does not count again)."""
    book, event = handles[0], events[0]
    account = account_of(book)
    if event["sequence"] <= account["event_sequence"]:
        return False
    account["event_sequence"] = event["sequence"]
    kind, i = event["kind"], event["line"]
    if kind == FLOW:
        move_cash(book, event["amount"])
    elif kind == FILLED:
        take_fill(book, i, event)
    elif kind == EXTERNAL:
        take_external(book, i, event["side"], event["lots"], event["price"], event["fee"], event["ts_ms"])
    elif kind == UNKNOWN:
        position_of(book, i)["frozen"] = 1
    elif kind == RESOLVED:
        position_of(book, i)["frozen"] = 0
    elif kind in (REJECT, CANCELED, EXPIRED):
        end_order(book, i, event["order"])
    return True


@helper
def move_cash(book: Handle, amount: float) -> None:
    """Book a deposit or a withdrawal; peak and day start move with it, so that it is neither gain nor loss."""
    account = account_of(book)
    before = account["equity"]
    account["cash"] += amount
    account["flows"] += amount
    account["equity"] += amount
    if before > 0.0 and account["equity"] > 0.0:
        scale = account["equity"] / before
        account["peak"] *= scale
        account["day_start"] *= scale


@helper
def end_order(book: Handle, i: int, sequence: int) -> None:
    """Take an order that will not fill any more off the book; an exit that did not happen is wanted again."""
    if order_of(book, i)["side"] != 0 and order_of(book, i)["sequence"] == sequence:
        clear_order(order_of(book, i))
        divide(book, i)
    if dying_of(book, i)["side"] != 0 and dying_of(book, i)["sequence"] == sequence:
        clear_order(dying_of(book, i))
        divide(book, i)
    position = position_of(book, i)
    if position["exit_reason"] > 0 and position["exit_sequence"] == sequence:
        # The next decision asks again, under a new sequence; until then the protection rests.
        position["exit_again"] = position["exit_reason"]
        position["exit_reason"] = 0
        position["exit_sequence"] = 0
    if position["leave_lots"] > 0 and position["leave_sequence"] == sequence:
        # A part that a person wanted closed is asked for by a person again; what is left of it is protected.
        position["leave_lots"] = 0
        position["stop_revision"] += 1


@helper
def take_fill(book: Handle, i: int, event: Any) -> None:
    """Book a venue's fill of an entry, a ladder leg, a stop, a close or a grid cell."""
    side, lots, price, fee = event["side"], event["lots"], event["price"], event["fee"]
    position = position_of(book, i)
    if position["grid_levels"] > 0 and event["reason"] == R_GRID:
        take_cell(book, i, event)
        return
    if position["side"] != 0 and side != position["side"] and position["lots"] > 0:
        part = min(lots, position["lots"])
        reason = event["reason"] if event["reason"] > R_ENTRY else R_EXTERNAL
        if position["leave_lots"] > 0 and event["order"] == position["leave_sequence"]:
            position["leave_lots"] = max(0, position["leave_lots"] - part)
        book_exit(
            book, i, part, price, fee * part / lots, event["maker"], reason, event["leg"], event["order"],
            event["ts_ms"],
        )  # fmt: skip
        fee -= fee * part / lots
        lots -= part
    if lots <= 0:
        return
    if order_of(book, i)["side"] == side and order_of(book, i)["sequence"] == event["order"]:
        book_entry(book, i, order_of(book, i), lots, price, fee, event["maker"], event["ts_ms"])
    elif dying_of(book, i)["side"] == side and dying_of(book, i)["sequence"] == event["order"]:
        book_entry(book, i, dying_of(book, i), lots, price, fee, event["maker"], event["ts_ms"])
    else:
        take_external(book, i, side, lots, price, fee, event["ts_ms"])


@helper
def take_external(book: Handle, i: int, side: int, lots: int, price: float, fee: float, ts_ms: int) -> None:
    """Book a trade that no intent of ours explains: somebody traded by hand at the venue."""
    position = position_of(book, i)
    if position["side"] != 0 and side != position["side"] and position["lots"] > 0:
        part = min(lots, position["lots"])
        book_exit(book, i, part, price, fee * part / lots, 0, R_EXTERNAL, 0, 0, ts_ms)
        fee -= fee * part / lots
        lots -= part
    if lots <= 0:
        return
    record_fill(book, i, side, lots, price, fee, 0, R_EXTERNAL, 0, 0, ts_ms, -1)
    if position["lots"] == 0 and position["grid_levels"] == 0:
        start_position(book, i, side, price, ts_ms)
    add_lots(book, i, lots, price, fee)
    position["stop_revision"] += 1


@helper
def take_cell(book: Handle, i: int, event: Any) -> None:
    """Book a venue's fill of a grid cell; `leg` is the cell's number, from 1."""
    position = position_of(book, i)
    cell = event["leg"] - 1
    if event["side"] > 0:
        record_fill(
            book, i, 1, event["lots"], event["price"], event["fee"], event["maker"], R_GRID, event["leg"],
            event["order"], event["ts_ms"], position["tag"],
        )  # fmt: skip
        add_lots(book, i, event["lots"], event["price"], event["fee"])
        position["grid_held"][cell] = BOUGHT_NOW
        position["stop_revision"] += 1
    else:
        lots = min(event["lots"], position["lots"])
        book_exit(
            book, i, lots, event["price"], event["fee"], event["maker"], R_GRID, event["leg"],
            event["order"], event["ts_ms"],
        )  # fmt: skip
        position["grid_held"][cell] = SOLD_NOW


@njit
def protection(handles: Records, i: int, out: Records) -> int:
    """Write the orders that should rest at the venue for a line's position; give how many.

    Nothing rests while a close is under way: its quantity must be free, and so must that of a part that leaves.

    Args:
        out: RESTING records, shape (≥ 4 + grid levels,).
    """
    book = handles[0]
    position = position_of(book, i)
    if position["side"] == 0 or position["exit_reason"] > 0:
        return 0
    count = 0
    side = position["side"]
    lots = position["lots"] - position["leave_lots"]
    if lots > 0 and position["stop"] == position["stop"]:
        rest(out, count, K_PROTECT, 0, -side, lots, position["stop"], position["stop_kind"], position)
        count += 1
    for k in range(3):
        # Nearest first: what leaves is taken off the farthest legs.
        left = min(position["leg_lots"][k] - position["leg_filled"][k], lots)
        lots -= max(0, left)
        if left > 0:
            rest(out, count, K_REDUCE, k + 1, -side, left, position["leg_price"][k], R_TARGET + k, position)
            count += 1
    for k in range(position["grid_levels"]):
        state = position["grid_held"][k]
        if state in (HELD, BOUGHT_NOW):
            rest(
                out,
                count,
                K_REDUCE,
                k + 1,
                -1,
                position["grid_lots"],
                cell_floor(position, k + 1),
                R_GRID,
                position,
            )
            count += 1
        elif state in (EMPTY, SOLD_NOW) and position["mark"] > cell_floor(position, k):
            rest(
                out, count, K_OPEN, k + 1, 1, position["grid_lots"], cell_floor(position, k), R_GRID, position
            )
            count += 1
    return count


@helper
def rest(
    out: Records, at: int, kind: int, leg: int, side: int, lots: int, price: float, reason: int, position: Any
) -> None:
    """Write one resting order."""
    row = out[at]
    row["kind"] = kind
    row["leg"] = leg
    row["side"] = side
    row["lots"] = lots
    row["price"] = price
    row["reason"] = reason
    row["revision"] = position["stop_revision"]


#: How the price of a resting order is to be read: a stop triggers, all else are limits.
TYPE_OF_KIND = {K_PROTECT: T_STOP, K_REDUCE: T_LIMIT, K_OPEN: T_LIMIT}
