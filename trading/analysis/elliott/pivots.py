"""Pivots: the ATR zigzag of one degree, one closed bar at a time.

A pivot is published at the bar that confirms it and never touched again. The threshold is frozen with the
extreme and comes from the ATR of the bar before, so the confirmation price is known in advance.

Source: trading-rules.md A.5 (the traps) and A.7, layer 1.
"""

from __future__ import annotations

from math import log

from trading.analysis.elliott.records import RING, Record, Records
from trading.jit import helper, inlined

#: A move counts as having reached its threshold when it lacks less than this share of it: the same bars in another
#: currency (prices scaled by a constant) must give the same pivots in spite of rounding.
REACH = 1.0 - 1e-9


@inlined
def scaled(price: float, log_scale: int) -> float:
    """Give the price in the units of the scale."""
    return log(price) if log_scale else price


@helper
def update_range(meta: Record, high_x: float, low_x: float, close_x: float) -> None:
    """Fold the true range of a bar into the Wilder ATR; before a full window it is the mean so far.

    From index `window` on this is TA-Lib's ATR, which also starts with the mean of ranges 1…window.
    """
    if meta["bar"] > 0:
        true_range = max(high_x, meta["close_x"]) - min(low_x, meta["close_x"])
        n = meta["ranges"] + 1
        meta["ranges"] = n
        weight = min(n, meta["window"])
        meta["atr"] = (meta["atr"] * (weight - 1) + true_range) / weight
    meta["close_x"] = close_x


@inlined
def _threshold(meta: Record, degree: Record, x: float) -> float:
    floor = meta["floor"] if meta["log_scale"] else meta["floor"] * x
    return float(max(degree["multiple"] * meta["atr"], floor))


@inlined
def _reaches(move: float, threshold: float) -> bool:
    return threshold > 0.0 and move >= threshold * REACH


@helper
def _set_extreme(
    meta: Record, degree: Record, price: float, x: float, ts_ms: int, bar: Record, lower: int
) -> None:
    """Move the extreme of the leg to this bar; what comes after it starts at the close.

    The close is certainly later than the extreme; the far end of the bar may be earlier.
    """
    degree["ext_price"], degree["ext_x"] = price, x
    degree["ext_bar"], degree["ext_ms"] = meta["bar"], ts_ms
    degree["ext_volume"], degree["ext_lower"] = meta["volume"], lower
    degree["threshold"] = _threshold(meta, degree, x)
    degree["leg_low"], degree["leg_high"] = degree["run_low"], degree["run_high"]
    degree["since_low"], degree["since_high"] = bar["low"], bar["high"]
    _set_opposite(meta, degree, bar["close"], bar["close_x"], ts_ms, lower)


@helper
def _set_opposite(meta: Record, degree: Record, price: float, x: float, ts_ms: int, lower: int) -> None:
    degree["opp_price"], degree["opp_x"] = price, x
    degree["opp_bar"], degree["opp_ms"] = meta["bar"], ts_ms
    degree["opp_volume"], degree["opp_lower"] = meta["volume"], lower
    degree["opp_low"], degree["opp_high"] = degree["since_low"], degree["since_high"]


@helper
def _turn(meta: Record, degree: Record, bar: Record, ts_ms: int, lower: int) -> None:
    """Start the leg the other way: its extreme so far is the opposite extreme of the leg that ended."""
    rising = -degree["direction"]
    degree["direction"] = rising
    degree["run_low"], degree["run_high"] = degree["since_low"], degree["since_high"]
    degree["ext_price"], degree["ext_x"] = degree["opp_price"], degree["opp_x"]
    degree["ext_bar"], degree["ext_ms"] = degree["opp_bar"], degree["opp_ms"]
    degree["ext_volume"], degree["ext_lower"] = degree["opp_volume"], degree["opp_lower"]
    degree["leg_low"], degree["leg_high"] = degree["opp_low"], degree["opp_high"]
    degree["threshold"] = _threshold(meta, degree, degree["ext_x"])
    degree["since_low"], degree["since_high"] = bar["low"], bar["high"]
    if degree["ext_bar"] == meta["bar"]:
        _set_opposite(meta, degree, bar["close"], bar["close_x"], ts_ms, lower)
        return
    # The extreme was the close of the bar before (that bar reversed by a whole threshold after setting its own
    # extreme, and one bar confirms one pivot): this bar lies wholly after it.
    degree["since_low"] = min(degree["since_low"], meta["low"])
    degree["since_high"] = max(degree["since_high"], meta["high"])
    if rising > 0:
        _set_opposite(meta, degree, bar["low"], bar["low_x"], ts_ms, lower)
    else:
        _set_opposite(meta, degree, bar["high"], bar["high_x"], ts_ms, lower)


@helper
def _find_direction(meta: Record, degree: Record, bar: Record, ts_ms: int, lower: int) -> None:
    """Wait for the first move of a whole threshold; it sets the direction and publishes nothing.

    What came before the series is unknown, so where that first move began need not be an extreme.
    """
    now = meta["bar"]
    if degree["top_bar"] < 0 or bar["high_x"] > degree["top_x"]:
        degree["top_x"], degree["top_bar"] = bar["high_x"], now
        degree["top_threshold"] = _threshold(meta, degree, bar["high_x"])
        degree["top_against"] = bar["close_x"]
    else:
        degree["top_against"] = min(degree["top_against"], bar["low_x"])
    if degree["bottom_bar"] < 0 or bar["low_x"] < degree["bottom_x"]:
        degree["bottom_x"], degree["bottom_bar"] = bar["low_x"], now
        degree["bottom_threshold"] = _threshold(meta, degree, bar["low_x"])
        degree["bottom_against"] = bar["close_x"]
    else:
        degree["bottom_against"] = max(degree["bottom_against"], bar["high_x"])
    falls = _reaches(degree["top_x"] - degree["top_against"], degree["top_threshold"])
    rises = _reaches(degree["bottom_against"] - degree["bottom_x"], degree["bottom_threshold"])
    if falls and rises:
        # Both in one bar: the older extreme decides; of two in the same bar the order is unknown, so wait.
        if degree["top_bar"] == degree["bottom_bar"]:
            return
        falls = degree["top_bar"] < degree["bottom_bar"]
        rises = not falls
    if not (falls or rises):
        return
    degree["direction"] = 1 if rises else -1
    degree["run_low"], degree["run_high"] = bar["low"], bar["high"]
    if rises:
        _set_extreme(meta, degree, bar["high"], bar["high_x"], ts_ms, bar, lower)
    else:
        _set_extreme(meta, degree, bar["low"], bar["low_x"], ts_ms, bar, lower)


@helper
def _publish(meta: Record, degree: Record, ring: Records, ts_ms: int) -> None:
    n = degree["pivots"]
    pivot = ring[n % RING]
    pivot["id"] = meta["next_pivot"]
    pivot["price"], pivot["x"] = degree["ext_price"], degree["ext_x"]
    pivot["extreme_index"], pivot["extreme_ms"] = degree["ext_bar"], degree["ext_ms"]
    pivot["confirmed_index"], pivot["confirmed_ms"] = meta["bar"], ts_ms
    pivot["threshold"], pivot["kind"] = degree["threshold"], degree["direction"]
    pivot["volume"], pivot["lower_pivots"] = degree["ext_volume"], degree["ext_lower"]
    pivot["sub_count_id"], pivot["corrective_id"], pivot["corrective_pattern"] = -1, -1, 0
    pivot["clean"] = 0
    if n > 0:
        before = ring[(n - 1) % RING]
        inside = degree["leg_low"] >= min(before["price"], pivot["price"])
        inside = inside and degree["leg_high"] <= max(before["price"], pivot["price"])
        if inside and before["extreme_index"] < pivot["extreme_index"]:
            pivot["clean"] = 1
    meta["next_pivot"] += 1
    degree["pivots"] = n + 1


@helper
def step_pivot(meta: Record, degree: Record, ring: Records, bar: Record, ts_ms: int, lower: int) -> bool:
    """Take one closed bar; give True when it confirmed a pivot, which is then the newest in the ring.

    `lower` is the number of pivots that the next lower degree has published by now.
    """
    if meta["ranges"] < meta["warm_up"]:
        return False
    rising = degree["direction"]
    if rising == 0:
        _find_direction(meta, degree, bar, ts_ms, lower)
        return False
    degree["run_low"] = min(degree["run_low"], bar["low"])
    degree["run_high"] = max(degree["run_high"], bar["high"])
    if rising > 0 and bar["high_x"] > degree["ext_x"]:
        _set_extreme(meta, degree, bar["high"], bar["high_x"], ts_ms, bar, lower)
    elif rising < 0 and bar["low_x"] < degree["ext_x"]:
        _set_extreme(meta, degree, bar["low"], bar["low_x"], ts_ms, bar, lower)
    else:
        degree["since_low"] = min(degree["since_low"], bar["low"])
        degree["since_high"] = max(degree["since_high"], bar["high"])
        if rising > 0 and bar["low_x"] < degree["opp_x"]:
            _set_opposite(meta, degree, bar["low"], bar["low_x"], ts_ms, lower)
        elif rising < 0 and bar["high_x"] > degree["opp_x"]:
            _set_opposite(meta, degree, bar["high"], bar["high_x"], ts_ms, lower)
    if not _reaches(rising * (degree["ext_x"] - degree["opp_x"]), degree["threshold"]):
        return False
    _publish(meta, degree, ring, ts_ms)
    _turn(meta, degree, bar, ts_ms, lower)
    return True
