"""The engine's Python face: settings, a detector that takes bars, its log and its snapshots."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.analysis.elliott import records
from trading.analysis.elliott.decode import WaveEvent, WaveLog, read_counts, read_provisional
from trading.analysis.elliott.events import ProvisionalLeg, SeriesName, WaveCount
from trading.analysis.elliott.kernel import run_bars
from trading.candles import Candles
from trading.errors import BadCandles, BadParameter, InvalidInput, nearest

#: Four round trips at 0.1 % per side: a swing below that is not worth a pivot.
FLOOR_RATIO = 4 * 0.002

_SCALES = ("log", "linear")
_MAGIC = b"BWEW"
_HEADER = struct.Struct("<4sIII")  # magic, layout, settings length, crc32 of what follows
#: Any change of a field gives another layout; a change of meaning is told by the version.
_LAYOUT = zlib.crc32(f"{records.LAYOUT_VERSION} {records.STATE}".encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveSettings:
    """What the engine looks for.

    Attributes:
        degrees: ATR multiples, one per degree, rising, 1 to 8 of them.
        atr_window_bars: window of the Wilder ATR.
        scale: "log" or "linear": units of thresholds, lengths and ratios.
        floor_ratio: smallest threshold as a share of the price, at least four times the round-trip cost.
        overlap_tolerance: share of wave 1 that wave 4 may enter; 0 is the rule.
        warm_up_bars: true ranges needed before the first extreme is followed.
        bar_ms: length of a bar, for gaps; 0 takes the shortest distance seen so far.
    """

    degrees: tuple[float, ...] = (3.0, 6.0, 12.0, 24.0)
    atr_window_bars: int = 14
    scale: str = "log"
    floor_ratio: float = FLOOR_RATIO
    overlap_tolerance: float = 0.0
    warm_up_bars: int = 5
    bar_ms: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "degrees", tuple(float(multiple) for multiple in self.degrees))
        rising = all(a < b for a, b in zip(self.degrees, self.degrees[1:], strict=False))
        positive = all(isfinite(multiple) and multiple > 0.0 for multiple in self.degrees)
        if not (1 <= len(self.degrees) <= records.MAX_DEGREES and rising and positive):
            raise BadParameter(
                f"Wave degrees {list(self.degrees)} were given; 1 to {records.MAX_DEGREES} rising ATR multiples "
                "above 0 are allowed, for example 3,6,12,24."
            )
        if self.scale not in _SCALES:
            raise BadParameter(
                f"Wave scale '{self.scale}' was given; log or linear is allowed.",
                hint=nearest(self.scale, _SCALES) or None,
            )
        for name, low, high in (
            ("atr_window_bars", 1, 10_000),
            ("floor_ratio", 0.0, 1.0),
            ("overlap_tolerance", 0.0, 1.0),
            ("warm_up_bars", 1, 10_000),
            ("bar_ms", 0, 2**53),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadParameter(f"Wave setting {name} is {value}; {low} to {high} is allowed.")


class WaveDetector:
    """Takes closed bars in order and tells what became known at each.

    Nothing inside grows with the number of bars: events are handed out, not kept.

    Example:
        >>> detector = WaveDetector(WaveSettings(degrees=(2.0,)))
        >>> detector.step(0, 1.0, 1.0, 1.0, 1.0, 5.0)
        ()
    """

    def __init__(
        self, settings: WaveSettings | None = None, *, symbol: str = "", timeframe: str = ""
    ) -> None:
        self.settings = settings or WaveSettings()
        self.series = SeriesName(symbol, timeframe, self.settings.scale)
        self._states = _new_state(self.settings)
        self._meta: Any = self._states["meta"]
        self._told: Any = self._meta["events"]
        room = records.EVENTS_PER_DEGREE * len(self.settings.degrees) + 1
        self._events = np.zeros(room, records.EVENT)
        self._ts = np.zeros(1, np.int64)
        self._high, self._low, self._close, self._volume = np.zeros((4, 1))
        self._last_ms: int | None = None

    @property
    def bars(self) -> int:
        """Bars taken so far."""
        return int(self._meta["bar"][0])

    def step(
        self, ts_ms: int, open: float, high: float, low: float, close: float, volume: float
    ) -> tuple[WaveEvent, ...]:
        """Take one closed bar; give what became known at its close.

        Raises:
            BadCandles: the bar is not later than the one before, or its prices break the laws of candles.
        """
        n = self.take(ts_ms, open, high, low, close, volume)
        if n == 0:
            return ()
        return tuple(WaveLog(self._events[:n], self.series))

    def latest_rows(self, n: int) -> records.Records:
        """Give the first n event records of the bar taken last; the next bar overwrites them."""
        return self._events[:n]

    def take(self, ts_ms: int, open: float, high: float, low: float, close: float, volume: float) -> int:
        """Take one closed bar; give the number of its events, which `latest_rows` shows.

        Raises:
            BadCandles: the bar is not later than the one before, or its prices break the laws of candles.
        """
        if self._last_ms is not None and ts_ms <= self._last_ms:
            raise BadCandles(
                f"Bar at ts_ms {ts_ms} came after {self._last_ms}; only later bars are allowed.",
                hint="Drop duplicates and sort the bars.",
            )
        # Written so that NaN fails too.
        if not (0.0 < low <= open <= high and low <= close <= high < np.inf and 0.0 <= volume < np.inf):
            raise BadCandles(
                f"Bar at ts_ms {ts_ms} has open {open}, high {high}, low {low}, close {close}, volume {volume}; "
                "positive prices with low ≤ open, close ≤ high and volume ≥ 0 are allowed."
            )
        self._ts[0] = ts_ms
        self._high[0], self._low[0], self._close[0], self._volume[0] = high, low, close, volume
        run_bars(self._states, self._events, self._ts, self._high, self._low, self._close, self._volume, 0)
        self._last_ms = ts_ms
        return int(self._told[0])

    def run(self, candles: Candles) -> WaveLog:
        """Take many closed bars; give their log. The same bars by `step` give the same events."""
        parts = [log.rows for log in self.run_chunks(candles, chunk_bars=max(len(candles), 1))]
        if len(parts) == 1:
            return WaveLog(parts[0], self.series)
        rows = np.concatenate(parts) if parts else np.empty(0, records.EVENT)
        return WaveLog(rows, self.series)

    def run_chunks(self, candles: Candles, *, chunk_bars: int = 50_000) -> Iterator[WaveLog]:
        """Take many closed bars and hand out the log piece by piece, so that memory stays bounded."""
        self._refuse_disorder(candles)
        ts_ms = np.ascontiguousarray(candles.ts_ms)
        high, low = np.ascontiguousarray(candles.high), np.ascontiguousarray(candles.low)
        close, volume = np.ascontiguousarray(candles.close), np.ascontiguousarray(candles.volume)
        # About one event for three bars is usual; where that is too little another buffer follows.
        size = len(self._events) + min(chunk_bars, len(candles)) // 2
        start = 0
        while start < len(candles):
            stop = min(start + chunk_bars, len(candles))
            while start < stop:
                events = np.zeros(size, records.EVENT)
                start = run_bars(self._states, events, ts_ms[:stop], high, low, close, volume, start)
                self._last_ms = int(self._meta["ts_ms"][0])
                yield WaveLog(events[: self._meta["events"][0]], self.series)

    def _refuse_disorder(self, candles: Candles) -> None:
        if len(candles) == 0:
            return
        prices = (candles.open, candles.high, candles.low, candles.close)
        sound = np.diff(candles.ts_ms, prepend=candles.ts_ms[0] - 1) > 0
        for price in prices:
            sound &= (candles.low <= price) & (price <= candles.high)
        sound &= (candles.low > 0.0) & (candles.high < np.inf)
        sound &= (candles.volume >= 0.0) & (candles.volume < np.inf)
        if self._last_ms is not None:
            sound[0] &= bool(candles.ts_ms[0] > self._last_ms)
        if not sound.all():
            row = int(np.argmin(sound))
            raise BadCandles(
                f"Candle row {row} (ts_ms {int(candles.ts_ms[row])}) is not later than the bar before or breaks the "
                "laws of candles; nothing was taken.",
                hint="Check the series with `breakwater candles verify`.",
            )

    def counts(self) -> tuple[WaveCount, ...]:
        """Give per degree the open counts, best first, then the latest completed one; `unknown` where none is."""
        return read_counts(self._states[0], self.series)

    def outcomes(self) -> NDArray[np.int64]:
        """Give how the claims of counts ended so far: int64, shape (7 claims, 2), failed and come true."""
        table: NDArray[np.int64] = self._states["table"][0]
        return np.asarray(table.sum(axis=1), np.int64)

    def provisional(self) -> tuple[ProvisionalLeg, ...]:
        """Give the running legs, for drawing only: their ends may move."""
        return read_provisional(self._states[0])

    def snapshot(self) -> bytes:
        """Give the whole state; a detector restored from it tells the same from here on."""
        names = {"symbol": self.series.symbol, "timeframe": self.series.timeframe}
        settings = json.dumps({"settings": asdict(self.settings), "series": names}).encode()
        body = settings + self._states.tobytes()
        return _HEADER.pack(_MAGIC, _LAYOUT, len(settings), zlib.crc32(body)) + body

    @classmethod
    def restore(cls, data: bytes) -> WaveDetector:
        """Build a detector from a snapshot.

        Raises:
            InvalidInput: the bytes are no snapshot, are damaged, or come from another layout.
        """
        hint = "Start a new detector and replay the history."
        if len(data) < _HEADER.size or data[:4] != _MAGIC:
            raise InvalidInput(f"{len(data)} bytes were given that are no wave snapshot.", hint=hint)
        _, layout, settings_size, crc = _HEADER.unpack_from(data)
        if layout != _LAYOUT:
            raise InvalidInput(
                f"The wave snapshot has layout {layout:08x}; {_LAYOUT:08x} is allowed: it was written by another "
                "version of the engine.",
                hint=hint,
            )
        body = data[_HEADER.size :]
        if len(body) != settings_size + records.STATE.itemsize or zlib.crc32(body) != crc:
            raise InvalidInput("The wave snapshot is damaged: its length or checksum is wrong.", hint=hint)
        described = json.loads(body[:settings_size])
        settings = WaveSettings(**described["settings"])
        detector = cls(settings, **described["series"])
        detector._states[:] = np.frombuffer(body[settings_size:], records.STATE)
        if detector.bars:
            detector._last_ms = int(detector._meta["ts_ms"][0])
        return detector


def _new_state(settings: WaveSettings) -> records.Records:
    states = np.zeros(1, records.STATE)
    meta, degree = states[0]["meta"], states[0]["degree"]
    n = len(settings.degrees)
    meta["degrees"] = n
    meta["log_scale"] = settings.scale == "log"
    meta["window"] = settings.atr_window_bars
    meta["warm_up"] = settings.warm_up_bars
    meta["floor"] = settings.floor_ratio
    meta["overlap_tolerance"] = settings.overlap_tolerance
    meta["declared_step_ms"] = settings.bar_ms
    degree["multiple"][:n] = settings.degrees
    degree["top_bar"] = degree["bottom_bar"] = -1
    degree["motive_id"] = degree["motive_start"] = degree["motive_end"] = -1
    return states
