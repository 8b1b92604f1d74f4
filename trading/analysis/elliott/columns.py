"""Columns for strategies: what the published events of one degree say at the close of each bar.

A row is built from events only, so a strategy can see nothing that was not published by then; the leg that is still
running is not in them. History and live rows come from the same compiled function.

Source: trading-rules.md A.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.analysis.elliott import records
from trading.analysis.elliott.detector import WaveDetector, WaveSettings
from trading.analysis.elliott.fill import HOLD, ROW, fill_rows
from trading.candles import Candles
from trading.errors import BadParameter, InvalidInput

_INT_COLUMNS = {
    "setup": np.int8,
    "direction": np.int8,
    "pattern": np.int8,
    "current_label": np.int8,
    "pivot_kind": np.int8,
    "corrective": np.int8,
    "corrective_direction": np.int8,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveColumns:
    """One value per bar, known at its close. Prices are NaN and indices -1 where absent.

    Attributes:
        setup: what was confirmed at this bar: 2 wave 2 (wave 3 begins), 4 wave 4 (of an impulse or diagonal),
            5 a whole impulse or diagonal, 3 a whole correction (ABC, or a triangle), 6 B of a correction or D of a
            triangle; 0 nothing. Of several the first in the order 5, 4, 2, 3, 6.
        direction: +1 or -1: of the impulse for 2, 4, 5; of the move expected after the correction for 3 and 6. Held
            until the next setup or the death of its count, then 0. So are `pattern`, `invalidation`, `retrace` and
            `score`.
        pattern: code of the setup's pattern (`records.IMPULSE`…).
        p0…p5, p_index0…p_index5: pivots of the motive count in force, prices and bars of the extremes.
        current_label: wave believed in progress: 3, 4, 5, or 11, 12, 13 for A, B, C after a motive wave, 0 unknown.
        invalidation: price that kills the count; for 5 and 3 the end just confirmed.
        retrace: in linear price: W2/W1 for 2, W4/W3 for 4, W5/W1 for 5, B/A for 3 and 6.
        score: guideline score of the count.
        pivot_price, pivot_kind: pivot confirmed at this bar (+1 high, -1 low); pivot_index, its extreme's bar.
        corrective: 3 and 6 as in `setup`, whatever else happened at this bar.
        corrective_direction: move expected after the correction, held with a0…c.
        a0, a, b, c: pivots of the correction last published. Of a triangle: a0, A, D, E.
        before_a0: pivot before a0: while c stays short of it the correction only took back part of the leg before.
        range_low, range_high: of the corrective phase in progress: [min(A, C at 1.0 A), max(B, a0)] or mirrored;
            between the last two highs and lows of a triangle. NaN when none is in progress.
    """

    setup: NDArray[np.int8]
    direction: NDArray[np.int8]
    pattern: NDArray[np.int8]
    p0: NDArray[np.float64]
    p1: NDArray[np.float64]
    p2: NDArray[np.float64]
    p3: NDArray[np.float64]
    p4: NDArray[np.float64]
    p5: NDArray[np.float64]
    p_index0: NDArray[np.int64]
    p_index1: NDArray[np.int64]
    p_index2: NDArray[np.int64]
    p_index3: NDArray[np.int64]
    p_index4: NDArray[np.int64]
    p_index5: NDArray[np.int64]
    current_label: NDArray[np.int8]
    invalidation: NDArray[np.float64]
    retrace: NDArray[np.float64]
    score: NDArray[np.float64]
    pivot_price: NDArray[np.float64]
    pivot_kind: NDArray[np.int8]
    pivot_index: NDArray[np.int64]
    corrective: NDArray[np.int8]
    corrective_direction: NDArray[np.int8]
    a0: NDArray[np.float64]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    c: NDArray[np.float64]
    before_a0: NDArray[np.float64]
    range_low: NDArray[np.float64]
    range_high: NDArray[np.float64]


#: Names of the columns, in the order of a row.
COLUMN_NAMES: tuple[str, ...] = tuple(WaveColumns.__dataclass_fields__)


def _check_degree(settings: WaveSettings, degree: int) -> None:
    if not 0 <= degree < len(settings.degrees):
        raise BadParameter(
            f"Wave degree {degree} was asked for; 0 to {len(settings.degrees) - 1} is allowed with degrees "
            f"{list(settings.degrees)}."
        )


def new_hold() -> records.Records:
    """Give what is held from row to row before the first bar."""
    hold = np.zeros(1, HOLD)
    held: Any = hold[0]
    held["motive_id"] = held["corrective_id"] = held["range_id"] = held["setup_id"] = -1
    held["since_motive"] = -1
    held["prices"] = np.nan
    row = held["row"]
    for name in COLUMN_NAMES:
        kind = ROW[name].base
        row[name] = np.nan if kind == np.float64 else (-1 if "index" in name else 0)
    return hold


def _as_columns(rows: records.Records) -> WaveColumns:
    return WaveColumns(
        **{name: np.ascontiguousarray(rows[name], _INT_COLUMNS.get(name)) for name in COLUMN_NAMES}
    )


def wave_columns(candles: Candles, settings: WaveSettings, degree: int) -> WaveColumns:
    """Give the columns of one degree over a whole series, each row as it was known at its close.

    Raises:
        BadParameter: no such degree.
        BadCandles: the series is out of order or unsound.
    """
    _check_degree(settings, degree)
    detector = WaveDetector(settings)
    rows = np.zeros(len(candles), ROW)
    hold = new_hold()
    filled = 0
    for log in detector.run_chunks(candles):
        fill_rows(hold, log.rows, degree, rows, filled, detector.bars)
        filled = detector.bars
    return _as_columns(rows)


class WaveColumnStream:
    """The live twin of `wave_columns`: the same rows, bit for bit, one bar at a time."""

    def __init__(self, settings: WaveSettings, degree: int) -> None:
        _check_degree(settings, degree)
        self.degree = degree
        self.detector = WaveDetector(settings)
        self._hold = new_hold()
        self._rows = np.zeros(1, ROW)
        self._no_events = np.zeros(0, records.EVENT)

    def step(
        self, ts_ms: int, open: float, high: float, low: float, close: float, volume: float
    ) -> dict[str, float | int]:
        """Take one closed bar; give its row by column name.

        Raises:
            BadCandles: the bar is not later than the one before, or its prices break the laws of candles.
        """
        n = self.detector.take(ts_ms, open, high, low, close, volume)
        events = self.detector.latest_rows(n) if n else self._no_events
        bar = self.detector.bars - 1
        # Rows are addressed from the first bar of the call, so one row is enough.
        fill_rows(self._hold, events, self.degree, self._rows, bar, bar + 1)
        return dict(zip(ROW.names or (), self._rows[0].item(), strict=True))

    def snapshot(self) -> bytes:
        """Give the state of the engine and of the row."""
        return self._hold.tobytes() + self.detector.snapshot()

    @classmethod
    def restore(cls, data: bytes, degree: int) -> WaveColumnStream:
        """Build a stream from a snapshot.

        Raises:
            InvalidInput: the bytes are no snapshot of a stream.
        """
        if len(data) < HOLD.itemsize:
            raise InvalidInput(
                f"{len(data)} bytes were given that are no snapshot of wave columns.",
                hint="Start a new stream and replay the history.",
            )
        detector = WaveDetector.restore(data[HOLD.itemsize :])
        stream = cls(detector.settings, degree)
        stream.detector = detector
        stream._hold[:] = np.frombuffer(data[: HOLD.itemsize], HOLD)
        return stream
