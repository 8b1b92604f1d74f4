"""From records to values: the only place that reads the engine's memory for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import exp, isnan
from typing import Any

import numpy as np

from trading.analysis.elliott import records, scoring
from trading.analysis.elliott.base_rates import BASE_RATES
from trading.analysis.elliott.events import (
    EVENT_TYPES,
    PATTERNS,
    RULES,
    STATUSES,
    EventType,
    Pattern,
    Pivot,
    ProvisionalLeg,
    Rule,
    SeriesName,
    Status,
    Wave,
    WaveCount,
)
from trading.analysis.elliott.targets import confirmation_price, targets_of

_LETTERS = "ABCDE"


@dataclass(frozen=True, slots=True)
class WaveEvent:
    """One fact, appended once and never changed; equal events have equal bytes.

    Attributes:
        data: the engine's record.
        series: which series it is of.
    """

    data: bytes
    series: SeriesName

    @property
    def _record(self) -> Any:
        return _parse(self.data)

    @property
    def seq(self) -> int:
        """Number of the event, from 0."""
        return int(self._record["seq"])

    @property
    def bar_index(self) -> int:
        """Bar at whose close this was known."""
        return int(self._record["bar_index"])

    @property
    def ts_ms(self) -> int:
        """Open time of that bar."""
        return int(self._record["ts_ms"])

    @property
    def type(self) -> EventType:
        """What happened."""
        return EventType(EVENT_TYPES[self._record["type"]])

    @property
    def degree(self) -> int | None:
        """Degree, from 0; None for a gap."""
        degree = int(self._record["degree"])
        return None if degree < 0 else degree

    @property
    def price(self) -> float | None:
        """Price of the pivot, or where a rule was broken."""
        return _number(self._record["price"])

    @property
    def missing_bars(self) -> int:
        """Bars that a gap lacks; 0 for other events."""
        return int(self._record["other_id"]) if self.type is EventType.DATA_GAP else 0

    @property
    def superseded_by(self) -> int | None:
        """Id of the count that took over."""
        return int(self._record["other_id"]) if self.type is EventType.COUNT_SUPERSEDED else None

    @property
    def pivot(self) -> Pivot | None:
        """The pivot, of a PIVOT_CONFIRMED."""
        if self.type is not EventType.PIVOT_CONFIRMED:
            return None
        record = self._record
        return read_pivot(record["pivots"][0], int(record["degree"]))

    @property
    def count(self) -> WaveCount | None:
        """The count as it stood, of a COUNT_* or WAVE_LABELLED."""
        record = self._record
        if not records.COUNT_OPENED <= record["type"] <= records.COUNT_SUPERSEDED:
            return None
        alternatives = tuple(int(i) for i in record["alternatives"] if i >= 0)
        return read_count(
            record["count"],
            record["pivots"],
            int(record["degree"]),
            self.series,
            int(record["ts_ms"]),
            alternatives,
        )


@lru_cache(maxsize=256)
def _parse(data: bytes) -> Any:
    return np.frombuffer(data, records.EVENT)[0]


@dataclass(frozen=True, slots=True)
class WaveLog:
    """Events of a stretch of bars, as columns.

    Attributes:
        rows: EVENT records (see records.py), one per event, in order.
        series: which series they are of.
    """

    rows: records.Records
    series: SeriesName

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[WaveEvent]:
        size, data, series = records.EVENT.itemsize, self.rows.tobytes(), self.series
        return (WaveEvent(data[i : i + size], series) for i in range(0, len(data), size))

    def of_type(self, *types: EventType) -> WaveLog:
        """Keep the events of some types."""
        codes = [EVENT_TYPES.index(kind) for kind in types]
        return WaveLog(self.rows[np.isin(self.rows["type"], codes)], self.series)

    def of_degree(self, degree: int) -> WaveLog:
        """Keep the events of one degree."""
        return WaveLog(self.rows[self.rows["degree"] == degree], self.series)

    def tobytes(self) -> bytes:
        """Give the log as bytes: the same bars and settings give the same bytes."""
        return self.rows.tobytes()


def _number(value: float) -> float | None:
    return None if isnan(value) else float(value)


def read_pivot(record: Any, degree: int) -> Pivot:
    """Build a pivot from its record."""
    return Pivot(
        id=int(record["id"]),
        degree=degree,
        kind="H" if record["kind"] > 0 else "L",
        price=float(record["price"]),
        extreme_index=int(record["extreme_index"]),
        extreme_ms=int(record["extreme_ms"]),
        confirmed_index=int(record["confirmed_index"]),
        confirmed_ms=int(record["confirmed_ms"]),
        threshold=float(record["threshold"]),
    )


def _label(pattern: int, wave: int) -> str:
    return str(wave) if pattern <= records.ENDING_DIAGONAL else _LETTERS[wave - 1]


def _waves(record: Any, pivots: records.Records, n: int) -> tuple[Wave, ...]:
    pattern = int(record["pattern"])
    waves = [
        Wave(
            label=_label(pattern, i),
            start_pivot_id=int(pivots[i - 1]["id"]),
            end_pivot_id=int(pivots[i]["id"]),
            sub_count_id=int(pivots[i]["sub_count_id"]) if pivots[i]["sub_count_id"] >= 0 else None,
        )
        for i in range(1, n)
    ]
    if record["status"] == records.OPEN:
        waves.append(
            Wave(label=_label(pattern, n), start_pivot_id=int(pivots[n - 1]["id"]), end_pivot_id=None)
        )
    return tuple(waves)


def _parts(record: Any) -> dict[str, float]:
    pattern = int(record["pattern"])
    if pattern <= records.ENDING_DIAGONAL:
        names = scoring.MOTIVE_PARTS
    elif pattern == records.TRIANGLE:
        names = scoring.TRIANGLE_PARTS
    else:
        names = scoring.CORRECTION_PARTS
    return {
        name: float(value)
        for name, value in zip(names, record["parts"], strict=True)
        if name and not isnan(value)
    }


def read_count(
    record: Any,
    pivots: records.Records,
    degree: int,
    series: SeriesName,
    as_of_ms: int,
    alternatives: tuple[int, ...],
) -> WaveCount:
    """Build a count from its record and the records of its pivots."""
    n = int(record["pivots"])
    pattern = int(record["pattern"])
    is_open, is_complete = record["status"] == records.OPEN, record["status"] == records.COMPLETE
    prices = [float(pivots[i]["price"]) for i in range(n)]
    lives = is_open or is_complete
    claim = int(record["claim"])
    return WaveCount(
        id=int(record["id"]),
        symbol=series.symbol,
        timeframe=series.timeframe,
        degree=degree,
        scale=series.scale,
        pattern=PATTERNS[pattern],
        direction="up" if record["direction"] > 0 else "down",
        pivots=tuple(read_pivot(pivots[i], degree) for i in range(n)),
        waves=_waves(record, pivots, n),
        status=Status(STATUSES[record["status"]]),
        current_label=_label(pattern, n) if is_open else None,
        opened_ms=int(record["opened_ms"]),
        updated_ms=int(record["updated_ms"]),
        as_of_ms=as_of_ms,
        invalidation_price=_number(record["invalidation"]),
        invalidation_rule=RULES[record["rule"]],
        confirmation_price=confirmation_price(pattern, prices, is_complete) if lives else None,
        targets=targets_of(pattern, prices, is_complete) if lives else (),
        score=_number(record["score"]),
        score_parts=_parts(record),
        confidence=_number(record["confidence"]),
        base_rate=BASE_RATES[claim] if claim >= 0 else None,
        alternatives=alternatives,
        is_truncated=bool(record["truncated"]),
        is_expanding=bool(record["expanding"]),
    )


def unknown_count(degree: int, series: SeriesName, as_of_ms: int) -> WaveCount:
    """Give the count of a degree where no pattern fits: nothing is forced."""
    return WaveCount(
        id=-1,
        symbol=series.symbol,
        timeframe=series.timeframe,
        degree=degree,
        scale=series.scale,
        pattern=Pattern.UNKNOWN,
        direction=None,
        pivots=(),
        waves=(),
        status=Status.OPEN,
        current_label=None,
        opened_ms=as_of_ms,
        updated_ms=as_of_ms,
        as_of_ms=as_of_ms,
        invalidation_price=None,
        invalidation_rule=Rule.NONE,
        confirmation_price=None,
        targets=(),
        score=None,
        score_parts={},
        confidence=None,
        base_rate=None,
        alternatives=(),
    )


def _open_counts(state: Any, degree: int, series: SeriesName) -> list[WaveCount]:
    ring, as_of_ms = state["ring"][degree], int(state["meta"]["ts_ms"])
    rows = [state["open"][degree][i] for i in range(int(state["degree"][degree]["open"]))]
    rows.sort(key=lambda row: (-row["score"], row["opened_ms"], row["id"]))
    counts = []
    for row in rows:
        window = ring[(int(row["first"]) + np.arange(int(row["pivots"]))) % records.RING]
        others = tuple(int(other["id"]) for other in rows if other["id"] != row["id"])
        counts.append(read_count(row, window, degree, series, as_of_ms, others))
    return counts


def read_counts(state: Any, series: SeriesName) -> tuple[WaveCount, ...]:
    """Give per degree the open counts, best first, and the latest completed one; `unknown` where there is none."""
    as_of_ms = int(state["meta"]["ts_ms"])
    found: list[WaveCount] = []
    for degree in range(int(state["meta"]["degrees"])):
        counts = _open_counts(state, degree, series)
        done = state["done"][degree]
        if done["status"] == records.COMPLETE:
            others = tuple(count.id for count in counts)
            counts.append(read_count(done, state["done_pivots"][degree], degree, series, as_of_ms, others))
        found.extend(counts or [unknown_count(degree, series, as_of_ms)])
    return tuple(found)


def read_provisional(state: Any) -> tuple[ProvisionalLeg, ...]:
    """Give the running leg of each degree that knows its direction."""
    legs = []
    for degree in range(int(state["meta"]["degrees"])):
        row = state["degree"][degree]
        if row["direction"] == 0:
            continue
        confirmed_at = float(row["ext_x"] - row["direction"] * row["threshold"])
        n = int(row["pivots"])
        legs.append(
            ProvisionalLeg(
                degree=degree,
                direction="up" if row["direction"] > 0 else "down",
                start_pivot_id=int(state["ring"][degree][(n - 1) % records.RING]["id"]) if n else None,
                extreme_price=float(row["ext_price"]),
                extreme_index=int(row["ext_bar"]),
                extreme_ms=int(row["ext_ms"]),
                confirmation_price=exp(confirmed_at) if state["meta"]["log_scale"] else confirmed_at,
                threshold=float(row["threshold"]),
            )
        )
    return tuple(legs)
