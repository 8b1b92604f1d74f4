"""Candle rows of a venue at the typed boundary: what breaks the laws of candles is out, what is doubtful is marked."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from desk.ports import Bar
from trading.candles import QUARANTINED, SYNTHETIC, Candles
from trading.timeframes import Timeframe

#: A close this far from the one before is doubtful, as a ratio; so is a bar that reaches this far from its body.
SPIKE = 0.30
#: A venue's clock may be this much ahead of ours.
_AHEAD_MS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What came of rows: bars in order, and what was refused and why."""

    bars: tuple[Bar, ...]
    refused: tuple[str, ...] = ()


def read_rows(rows: Iterable[Any], *, pair: str, step: Timeframe, now_ms: int) -> Read:
    """Give the closed bars among rows of [ts, open, high, low, close, volume], each time once, oldest first.

    A time that comes twice keeps the later row: venues correct a bar by sending it again.
    """
    found: dict[int, Bar] = {}
    refused: list[str] = []
    for row in rows:
        bar = bar_of(row, pair=pair, step=step, now_ms=now_ms)
        if isinstance(bar, Bar):
            found[bar.ts_ms] = bar
        elif bar:
            refused.append(bar)
    return Read(bars=tuple(found[one] for one in sorted(found)), refused=tuple(refused))


def bar_of(row: Any, *, pair: str, step: Timeframe, now_ms: int) -> Bar | str:
    """Give a row as a closed bar; a text says why not, an empty one that it is still forming."""
    if not isinstance(row, Sequence) or isinstance(row, str) or len(row) < 6:
        return "a row has fewer than six columns"
    ts_ms = row[0]
    if isinstance(ts_ms, bool) or not isinstance(ts_ms, int) or not 0 < ts_ms <= now_ms + _AHEAD_MS:
        return f"a row opens at {str(ts_ms)[:30]}"
    if (ts_ms - step.offset_ms) % step.ms:
        return f"the row at {ts_ms} is off the {step} grid"
    numbers = [_number(one) for one in row[1:6]]
    if not all(math.isfinite(one) for one in numbers):
        return f"the row at {ts_ms} holds something that is no finite number"
    opened, high, low, close, volume = numbers
    if min(opened, high, low, close) <= 0 or volume < 0:
        return f"the row at {ts_ms} holds a price that is not positive or a negative volume"
    if not low <= min(opened, close) <= max(opened, close) <= high:
        return f"the row at {ts_ms} has open or close outside high and low"
    if ts_ms + step.ms > now_ms + _AHEAD_MS:
        return ""
    return Bar(pair=pair, ts_ms=ts_ms, open=opened, high=high, low=low, close=close, volume=volume)


@dataclass(slots=True)
class Doubts:
    """One pair's memory of what is believed: a jump is marked until the next bar confirms it.

    Attributes:
        close: last close that is believed.
    """

    close: float | None = None
    _claimed: float | None = None

    def judged(self, bar: Bar) -> Bar:
        """Give a bar as it is, or marked where it jumps further than an honest one does."""
        reaches_far = bar.high > max(bar.open, bar.close) * (1 + SPIKE) or bar.low < min(
            bar.open, bar.close
        ) / (1 + SPIKE)
        is_claimed = self._claimed is not None and _is_near(bar.close, self._claimed)
        if self.close is None or is_claimed or _is_near(bar.close, self.close):
            self.close, self._claimed = bar.close, None
            return quarantined(bar) if reaches_far else bar
        self._claimed = bar.close
        return quarantined(bar)


def _is_near(price: float, reference: float) -> bool:
    return reference / (1 + SPIKE) <= price <= reference * (1 + SPIKE)


def quarantined(bar: Bar) -> Bar:
    """Give a bar marked: no entry is made on it."""
    return replace(bar, flags=bar.flags | int(QUARANTINED))


def synthetic(pair: str, ts_ms: int, close: float) -> Bar:
    """Give the bar of a time in which nothing was traded."""
    return Bar(
        pair=pair,
        ts_ms=ts_ms,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=0.0,
        flags=int(SYNTHETIC),
    )


def whole(bars: Sequence[Bar], pair: str, step: Timeframe, stop_ms: int) -> list[Bar]:
    """Fill the times without trades between bars, marked; jumps are marked too."""
    filled: list[Bar] = []
    doubts = Doubts()
    for bar in bars:
        while filled and filled[-1].ts_ms + step.ms < bar.ts_ms:
            filled.append(synthetic(pair, filled[-1].ts_ms + step.ms, filled[-1].close))
        filled.append(doubts.judged(bar))
    while filled and filled[-1].ts_ms + step.ms < stop_ms:
        filled.append(synthetic(pair, filled[-1].ts_ms + step.ms, filled[-1].close))
    return filled


def series_of(bars: Sequence[Bar], *, pair: str, step: Timeframe, venue: str) -> Candles:
    """Give bars as a series."""
    return Candles(
        ts_ms=np.array([one.ts_ms for one in bars], np.int64),
        open=np.array([one.open for one in bars], np.float64),
        high=np.array([one.high for one in bars], np.float64),
        low=np.array([one.low for one in bars], np.float64),
        close=np.array([one.close for one in bars], np.float64),
        volume=np.array([one.volume for one in bars], np.float64),
        flags=np.array([one.flags for one in bars], np.uint8),
        timeframe=step,
        pair=pair,
        venue=venue,
    )


def bars_of(series: Candles) -> list[Bar]:
    """Give a series as bars."""
    columns = (
        getattr(series, name).tolist()
        for name in ("ts_ms", "open", "high", "low", "close", "volume", "flags")
    )
    return [
        Bar(pair=series.pair, ts_ms=at, open=o, high=h, low=lo, close=c, volume=v, flags=flags)
        for at, o, h, lo, c, v, flags in zip(*columns, strict=True)
    ]


def merged(fetched: Candles, stored: Candles) -> tuple[Candles, tuple[int, ...]]:
    """Give a series with the stored bar where there is one, and the times at which the venue now says otherwise."""
    known: Mapping[int, int] = {int(ts_ms): at for at, ts_ms in enumerate(stored.ts_ms)}
    corrected: list[int] = []
    columns = {
        name: getattr(fetched, name).copy() for name in ("open", "high", "low", "close", "volume", "flags")
    }
    for row, ts_ms in enumerate(fetched.ts_ms.tolist()):
        at = known.get(ts_ms)
        if at is None:
            continue
        if any(columns[name][row] != getattr(stored, name)[at] for name in ("open", "high", "low", "close")):
            corrected.append(ts_ms)
        for name, column in columns.items():
            column[row] = getattr(stored, name)[at]
    return replace(fetched, **columns), tuple(corrected)


def checksum(series: Candles) -> str:
    """Give the SHA-256 of a series: the same bars give the same text on every machine and database."""
    digest = hashlib.sha256(f"{series.pair}|{series.timeframe}".encode())
    for name, kind in (
        ("ts_ms", "<i8"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("volume", "<f8"),
        ("flags", "<u1"),
    ):
        digest.update(np.ascontiguousarray(getattr(series, name), kind).tobytes())
    return digest.hexdigest()


def _number(found: Any) -> float:
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return math.nan
    try:
        return float(found)
    except (ValueError, OverflowError):
        return math.nan
