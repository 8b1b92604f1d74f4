"""Entries: the checks of trading-rules.md B.4 in their order, the size, and the pending order that comes of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from trading.engine.booking import clear_order
from trading.engine.grid import cell_floor, grid_reserved
from trading.engine.matching import free_cash
from trading.engine.reach import (
    Handle,
    account_of,
    all_dying,
    all_links,
    dying_of,
    intent_at,
    line_of,
    order_of,
    position_of,
    recent_of,
    rules_of,
)
from trading.engine.records import (
    B_GIVEN,
    D_ALLOCATION,
    D_BAD_SIGNAL,
    D_BALANCE,
    D_CORRELATION,
    D_DAILY,
    D_DUPLICATE,
    D_FROZEN,
    D_GROSS,
    D_HALTED,
    D_KILL,
    D_LOCKED,
    D_MAX_POSITION,
    D_METHOD,
    D_MIN_NOTIONAL,
    D_MIN_QUANTITY,
    D_NET,
    D_NO_EDGE,
    D_PAUSED,
    D_PORTFOLIO_RISK,
    D_REDUCING,
    D_SHORT,
    D_SLOTS,
    D_STALE,
    D_STRATEGY,
    D_UNCONFIRMED,
    GRID_LEVELS,
    HALTED,
    K_CANCEL,
    K_OPEN,
    M_ATR,
    M_KELLY,
    R_ENTRY,
    R_HEDGE,
    REDUCING,
    T_LIMIT,
    T_MARKET,
)
from trading.jit import helper
from trading.risk.edge import kelly_of_trades
from trading.risk.exits import least_price
from trading.risk.sizing import METHOD, hedge_notional, limit_quantities, smallest, unit_risk, whole_lots

#: Later than every intent.
ANY_SEQUENCE = 2**62

#: The denial that each limit of `trading.risk.sizing.LIMITS` leads to when it leaves nothing.
_DENIAL_OF_LIMIT = np.array(
    [
        D_METHOD,
        D_METHOD,
        D_STRATEGY,
        D_MAX_POSITION,
        D_ALLOCATION,
        D_BALANCE,
        D_PORTFOLIO_RISK,
        D_GROSS,
        D_NET,
        D_MIN_QUANTITY,
    ]
)


@helper
def emit(
    book: Handle,
    i: int,
    kind: int,
    side: int,
    lots: int,
    order_type: int,
    price: float,
    reason: int,
    denied: int,
    target: int,
    tag: int,
) -> int:
    """Write an intent and give its sequence."""
    account = account_of(book)
    account["sequence"] += 1
    row = intent_at(book, account["intents"])
    row["sequence"] = account["sequence"]
    row["line"] = i
    row["kind"] = kind
    row["side"] = side
    row["lots"] = lots
    row["type"] = order_type
    row["price"] = price
    row["reason"] = reason
    row["leg"] = 0
    row["denied"] = denied
    row["binding"] = 0
    row["ts_ms"] = account["now_ms"]
    row["valid_until_ms"] = (
        account["now_ms"] + rules_of(book)["timeframe_ms"] * rules_of(book)["max_signal_age_bars"]
    )
    row["target"] = target
    row["tag"] = tag
    row["stop"] = np.nan
    account["intents"] += 1
    return int(account["sequence"])


@helper
def cancel_entry(book: Handle, i: int, reason: int) -> None:
    """Ask for the cancellation of a line's pending entry; until there is evidence it may still fill."""
    order = order_of(book, i)
    left = order["lots"] - order["filled"]
    emit(
        book, i, K_CANCEL, order["side"], left, order["type"], order["price"], reason, 0,
        order["sequence"], order["tag"],
    )  # fmt: skip
    all_dying(book)[i] = order
    dying_of(book, i)["cancelled"] = account_of(book)["clock"]
    clear_order(order)


@helper
def is_taken(book: Handle, j: int) -> bool:
    """Tell whether a line holds a slot: an open position or a pending entry."""
    return bool(
        position_of(book, j)["side"] != 0 or order_of(book, j)["side"] != 0 or dying_of(book, j)["side"] != 0
    )


@helper
def held_notional(book: Handle, j: int) -> float:
    """Give the notional of a line's position at its mark."""
    position = position_of(book, j)
    total = position["lots"] * line_of(book, j)["step"] * position["mark"]
    if position["grid_levels"] > 0:
        total += grid_reserved(book, j)
    return float(total)


@helper
def ordered_notional(book: Handle, j: int) -> float:
    """Give the notional of a line's entries that may still fill."""
    return float(order_of(book, j)["reserved"] + dying_of(book, j)["reserved"])


@helper
def position_risk(book: Handle, j: int) -> float:
    """Give what a line's position loses from its entry to its stop; without a stop all of it."""
    position = position_of(book, j)
    step = line_of(book, j)["step"]
    if position["side"] == 0 or position["is_hedge"] > 0:
        # A hedge loses what the hedged wins.
        return 0.0
    stop = position["stop"]
    if stop != stop:
        stop = 0.0 if position["side"] > 0 else 2.0 * position["price"]
    risk = max(0.0, position["side"] * (position["price"] - stop)) * position["lots"] * step
    for k in range(position["grid_levels"]):
        if position["grid_held"][k] == 0 or position["grid_held"][k] == 3:
            risk += max(0.0, cell_floor(position, k) - stop) * position["grid_lots"] * step
    return float(risk)


@helper
def is_hedging(book: Handle, j: int) -> bool:
    """Tell whether what a line holds or has ordered is a hedge; the mark of an earlier one may still stand there."""
    position, order, dying = position_of(book, j), order_of(book, j), dying_of(book, j)
    return bool(
        (position["side"] != 0 and position["is_hedge"] > 0)
        or (order["side"] != 0 and order["is_hedge"] > 0)
        or (dying["side"] != 0 and dying["is_hedge"] > 0)
    )


@helper
def is_stranded(book: Handle, i: int) -> bool:
    """Tell whether a line's hedge has nothing left to hedge: its bot holds nothing else, or all of it is leaving."""
    if not is_hedging(book, i):
        return False
    for j in range(book["n"]):
        other = position_of(book, j)
        is_held = other["side"] != 0 and other["is_hedge"] == 0 and other["exit_reason"] == 0
        if is_held and j != i and line_of(book, j)["bot"] == line_of(book, i)["bot"]:
            return False
    return True


@helper
def correlated_positions(book: Handle, i: int, side: int) -> int:
    """Count the other lines, open or pending, that a new entry is correlated with; hedges do not count."""
    count = 0
    for j in range(book["n"]):
        if j == i or not is_taken(book, j):
            continue
        if is_hedging(book, j):
            continue
        other = position_of(book, j)["side"]
        if other == 0:
            other = order_of(book, j)["side"] if order_of(book, j)["side"] != 0 else dying_of(book, j)["side"]
        way = 0 if other == side else 1
        n = book["n"]
        if all_links(book)[(way * n + i) * n + j] > 0:
            count += 1
    return count


@helper
def gate(book: Handle, bar: Any, i: int, side: int, is_hedge: bool) -> int:
    """Give the first check that refuses an entry before its size is computed; 0 = none."""
    account = account_of(book)
    position = position_of(book, i)
    rules = rules_of(book)
    now = account["now_ms"]
    if account["kill"] > 0:
        return D_KILL
    if bar["flags"] != 0:
        return D_STALE
    if account["state"] == HALTED:
        return D_HALTED
    if account["state"] == REDUCING:
        return D_REDUCING
    if account["daily_blocked"] > 0:
        return D_DAILY
    if account["lock_until_ms"] > now or position["lock_until_ms"] > now:
        return D_LOCKED
    if position["paused"] > 0:
        return D_PAUSED
    dying = dying_of(book, i)
    if position["frozen"] > 0 or (dying["side"] != 0 and dying["cancelled"] < account["clock"]):
        return D_FROZEN
    if order_of(book, i)["side"] != 0 or (
        position["side"] != 0 and (position["exit_reason"] == 0 or position["side"] == side)
    ):
        return D_DUPLICATE
    if position["confirm_count"] <= line_of(book, i)["confirm_bars"]:
        return D_UNCONFIRMED
    if not is_taken(book, i):
        taken = 0
        for j in range(book["n"]):
            if is_taken(book, j):
                taken += 1
        if taken >= rules["max_positions"]:
            return D_SLOTS
    most = rules["correlation_count"]
    if most > 0 and not is_hedge and correlated_positions(book, i, side) >= most:
        return D_CORRELATION
    return 0


@helper
def is_sane(signal: Any, price: float, stop: float) -> bool:
    """Tell whether an entry's prices make sense: stop behind the price, targets before it in order."""
    side = signal["enter"]
    if not (price > 0.0) or price == np.inf:
        return False
    if stop == stop and (side * (price - stop) <= 0.0 or stop < 0.0):
        return False
    if signal["grid_levels"] > 0:
        low, high = signal["grid_low"], signal["grid_high"]
        is_range = high > low and low > 0.0 and signal["grid_levels"] <= GRID_LEVELS
        return is_range and side > 0 and not (stop >= low)
    last, total = price, 0.0
    for k in range(3):
        target = signal["targets"][k]
        if target == target:
            if side * (target - last) <= 0.0 or target <= 0.0:
                return False
            last = target
            total += signal["fractions"][k]
    return total <= 1.0 + 1e-9


@helper
def admit(book: Handle, bar: Any, i: int, signal: Any) -> None:
    """Turn an entry signal into a pending order, or into a denial with the first failing reason."""
    rules = rules_of(book)
    line = line_of(book, i)
    account = account_of(book)
    side = signal["enter"]
    kind = signal["entry_type"]
    price = bar["close"] if kind == T_MARKET else signal["entry_price"]
    stop = signal["stop"]
    is_hedge = signal["hedge_beta"] == signal["hedge_beta"]
    reason = R_HEDGE if is_hedge else R_ENTRY
    denied = gate(book, bar, i, side, is_hedge)
    # Every limit is written where the intent to come will show it.
    limits = intent_at(book, account["intents"])["limits"]
    for k in range(len(limits)):
        limits[k] = np.nan
    distance = rules["atr_multiple"] * bar["atr"]
    if stop != stop and line["method"] == M_ATR:
        stop = price - side * distance
    lots, binding = signal["lots"], B_GIVEN
    exit_cost = rules["taker_fee"] + rules["slippage"]
    entry_cost = rules["maker_fee"] if kind == T_LIMIT else exit_cost
    if kind == T_MARKET:
        entry_cost += rules["half_spread"]
    at_stop = unit_risk(price, stop, entry_cost, exit_cost)
    if denied == 0 and lots == 0 and not is_sane(signal, price, stop):
        denied = D_BAD_SIGNAL
    if denied == 0 and lots == 0:
        lots, binding, denied = choose_size(book, i, signal, price, at_stop, distance, entry_cost, limits)
    if denied == 0 and side < 0 and line["can_short"] == 0:
        denied = D_SHORT
    if denied == 0 and signal["lots"] == 0:
        levels = max(1, signal["grid_levels"])
        floor = signal["grid_low"] if signal["grid_levels"] > 0 else least_price(price, stop)
        if lots // levels < line["min_lots"] or lots // levels == 0:
            denied = D_MIN_QUANTITY
        elif (lots // levels) * line["step"] * floor < line["min_notional"]:
            denied = D_MIN_NOTIONAL
    if denied > 0:
        account["denied"][denied] += 1
        emit(book, i, K_OPEN, side, lots, kind, price, reason, denied, 0, signal["tag"])
        intent_at(book, account["intents"] - 1)["stop"] = stop
        return
    sequence = emit(book, i, K_OPEN, side, lots, kind, price, reason, 0, 0, signal["tag"])
    intent = intent_at(book, account["intents"] - 1)
    intent["binding"] = binding
    intent["stop"] = stop
    place(book, i, signal, sequence, lots, price, stop, binding, at_stop, entry_cost)


@helper
def place(
    book: Handle,
    i: int,
    signal: Any,
    sequence: int,
    lots: int,
    price: float,
    stop: float,
    binding: int,
    at_stop: float,
    entry_cost: float,
) -> None:
    """Write the pending order of an admitted entry and reserve what it needs."""
    order = order_of(book, i)
    step = line_of(book, i)["step"]
    order["side"] = signal["enter"]
    order["type"] = signal["entry_type"]
    order["price"] = price
    order["lots"] = lots
    order["filled"] = 0
    order["sequence"] = sequence
    order["clock"] = account_of(book)["clock"]
    order["expiry"] = signal["expiry_bars"]
    order["stop"] = stop
    order["trail"] = signal["trail_ratio"]
    order["trail_after"] = signal["trail_after_ratio"]
    order["break_even_leg"] = signal["break_even_after_leg"]
    if order["break_even_leg"] == 0:
        order["break_even_leg"] = rules_of(book)["break_even_after_leg"]
    order["max_bars"] = signal["max_bars"]
    order["tag"] = signal["tag"]
    order["binding"] = binding
    order["reserved"] = lots * step * price * (1.0 + entry_cost)
    order["is_hedge"] = 1 if signal["hedge_beta"] == signal["hedge_beta"] else 0
    order["risk"] = 0.0 if order["is_hedge"] > 0 else lots * step * at_stop
    order["cancelled"] = 0
    order["grid_levels"] = signal["grid_levels"]
    order["grid_low"] = signal["grid_low"]
    order["grid_high"] = signal["grid_high"]
    for k in range(3):
        order["targets"][k] = signal["targets"][k]
        order["fractions"][k] = signal["fractions"][k]


@helper
def choose_size(
    book: Handle,
    i: int,
    signal: Any,
    price: float,
    at_stop: float,
    distance: float,
    entry_cost: float,
    limits: Any,
) -> tuple[int, int, int]:
    """Give the lots that every limit allows, the binding limit, and the denial when nothing is left."""
    rules = rules_of(book)
    line = line_of(book, i)
    account = account_of(book)
    side = signal["enter"]
    equity = account["equity"]
    asset, own, risk, gross, net, basket = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(book["n"]):
        position = position_of(book, j)
        held = held_notional(book, j)
        ordered = ordered_notional(book, j)
        if rules["conservative"] > 0 and position["lots"] > 0:
            gain = position["side"] * (position["mark"] - position["price"])
            equity -= max(0.0, gain) * position["lots"] * line_of(book, j)["step"]
        if position["exit_reason"] > 0:
            # What leaves at the next open makes room for what enters there.
            held = 0.0
        else:
            risk += position_risk(book, j)
        risk += order_of(book, j)["risk"] + dying_of(book, j)["risk"]
        gross += held + ordered
        pending = order_of(book, j)["side"] if order_of(book, j)["side"] != 0 else dying_of(book, j)["side"]
        net += position["side"] * held + pending * ordered
        if line_of(book, j)["asset"] == line["asset"]:
            asset += held + ordered
        if line_of(book, j)["bot"] == line["bot"]:
            own += held + ordered
            if j != i:
                basket += position["side"] * held
    method_risk = at_stop
    if line["method"] == M_ATR:
        method_risk = unit_risk(price, price - side * distance, entry_cost, entry_cost)
    ratio = line["risk_ratio"]
    if line["method"] == M_KELLY:
        ratio = kelly_of_trades(recent_of(book, i), rules["kelly_fraction"], ratio, rules["risk_per_trade"])
    most, hint, at_risk = rules["max_position"], signal["size_hint"], rules["portfolio_risk"]
    cap = rules["risk_per_trade"]
    is_hedge = signal["hedge_beta"] == signal["hedge_beta"]
    if is_hedge:
        # Bound by what it hedges, by cash, and by net and gross exposure; it carries no risk of its own.
        ratio, cap, hint, most, at_risk = np.nan, np.nan, np.nan, np.inf, np.inf
    free = free_cash(book, ANY_SEQUENCE)
    leaving = position_of(book, i)
    if leaving["exit_reason"] > 0:
        worth = leaving["lots"] * line["step"]
        if leaving["side"] > 0:
            free += worth * leaving["mark"] * (1.0 - entry_cost)
        else:
            free += worth * (2.0 * leaving["price"] - leaving["mark"] * (1.0 + entry_cost))
    limit_quantities(
        limits, price, at_stop, method_risk, equity, equity * line["allocation"], ratio,
        cap, hint, most, asset, own, free, entry_cost,
        at_risk, risk, rules["gross"] * equity - gross, rules["net"] * equity - side * net,
        line["max_lots"] * line["step"],
    )  # fmt: skip
    if is_hedge:
        limits[METHOD] = hedge_notional(side, signal["hedge_beta"], basket) / price
    binding = smallest(limits)
    if ratio <= 0.0:
        return 0, binding, D_NO_EDGE
    lots = whole_lots(limits[binding], line["step"])
    if lots <= 0:
        # A limit that leaves less than one step leaves nothing; what is too small for the venue is told later.
        return 0, binding, _DENIAL_OF_LIMIT[binding]
    return lots, binding, 0
