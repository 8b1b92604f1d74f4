"""The one step of the engine, and the loop over it: history and live bars take the same path.

Source: trading-rules.md A.7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading.analysis.elliott.claims import settle_claims
from trading.analysis.elliott.counts import emit, invalidate
from trading.analysis.elliott.pivots import scaled, step_pivot, update_range
from trading.analysis.elliott.records import DATA_GAP, EVENTS_PER_DEGREE, NO_PIVOTS, NOBODY, Memory, Records
from trading.analysis.elliott.windows import take_pivot
from trading.jit import helper, njit


@helper
def _note_gap(memory: Memory, ts_ms: int) -> None:
    """Report missing bars; the state goes on. The bar length is the declared or the shortest distance so far."""
    meta = memory.state["meta"]
    if meta["bar"] == 0:
        meta["step_ms"] = meta["declared_step_ms"]
        return
    distance = ts_ms - meta["ts_ms"]
    if meta["step_ms"] == 0 or (distance < meta["step_ms"] and meta["declared_step_ms"] == 0):
        meta["step_ms"] = distance
    missing = (distance + meta["step_ms"] // 2) // meta["step_ms"] - 1
    if missing > 0:
        emit(memory, NOBODY, DATA_GAP, memory.state["no_count"], NO_PIVOTS, np.nan, missing, ts_ms)


@helper
def step_memory(memory: Memory, ts_ms: int, high: float, low: float, close: float, volume: float) -> None:
    """Take one closed bar; its events are appended to the buffer, which must have room for them."""
    meta, bar = memory.state["meta"], memory.state["bar"]
    log_scale = meta["log_scale"]
    bar["high"], bar["low"], bar["close"] = high, low, close
    bar["high_x"], bar["low_x"] = scaled(high, log_scale), scaled(low, log_scale)
    bar["close_x"] = scaled(close, log_scale)
    _note_gap(memory, ts_ms)
    meta["volume"] += volume
    lower_pivots = 0
    for d in range(meta["degrees"]):
        degree = memory.state["degree"][d]
        settle_claims(memory, d)
        if degree["open"] > 0:
            invalidate(memory, d, ts_ms)
        if step_pivot(meta, degree, memory.state["ring"][d], bar, ts_ms, lower_pivots):
            take_pivot(memory, d, ts_ms)
        lower_pivots = degree["pivots"]
    update_range(meta, bar["high_x"], bar["low_x"], bar["close_x"])
    meta["high"], meta["low"] = high, low
    meta["ts_ms"] = ts_ms
    meta["bar"] += 1


@njit
def run_bars(
    states: Records,
    events: Records,
    ts_ms: NDArray[np.int64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    volume: NDArray[np.float64],
    start: int,
) -> int:
    """Take bars from `start` on until they end or the event buffer may not hold another; give where it stopped."""
    memory = Memory(states[0], events)
    meta = memory.state["meta"]
    room = EVENTS_PER_DEGREE * meta["degrees"] + 1
    meta["events"] = 0
    for i in range(start, len(ts_ms)):
        if meta["events"] + room > len(events):
            return i
        step_memory(memory, ts_ms[i], high[i], low[i], close[i], volume[i])
    return len(ts_ms)
