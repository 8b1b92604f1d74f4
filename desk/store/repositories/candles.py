"""Candle series: many rows at a time, by COPY on PostgreSQL and executemany on SQLite."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from desk.clock import from_ms
from desk.store.connection import Connection, Row
from desk.store.postgres import PostgresConnection
from desk.store.table import insert_new
from desk.views import SeriesInfo
from trading.candles import Candles, check
from trading.errors import BadCandles
from trading.timeframes import Timeframe

_COLUMNS = ("ts_ms", "open", "high", "low", "close", "volume", "flags")

_INSERT = (
    "INSERT INTO candles (series_id, ts_ms, open, high, low, close, volume, flags) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (series_id, ts_ms) DO NOTHING"
)
_SELECT = "SELECT ts_ms, open, high, low, close, volume, flags FROM candles WHERE series_id = ?"

#: Up to so many bars are inserted one by one; more go by COPY into a staging table.
_COPY_FROM = 50

_STAGING = (
    "CREATE TEMP TABLE IF NOT EXISTS candle_staging (series_id BIGINT, ts_ms BIGINT, "
    "open DOUBLE PRECISION, high DOUBLE PRECISION, low DOUBLE PRECISION, close DOUBLE PRECISION, "
    "volume DOUBLE PRECISION, flags SMALLINT) ON COMMIT DROP"
)
_FROM_STAGING = (
    "INSERT INTO candles (series_id, ts_ms, open, high, low, close, volume, flags) "
    "SELECT series_id, ts_ms, open, high, low, close, volume, flags FROM candle_staging "
    "ON CONFLICT (series_id, ts_ms) DO NOTHING"
)


class SqlCandles:
    """Candle series; prices are float64 market data, not money."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def add(self, candles: Candles) -> tuple[int, int]:
        """Store bars idempotently; give (new, already known).

        Raises:
            BadCandles: the series breaks the laws of candles, or a bar differs from the stored one.
        """
        if len(candles) == 0:
            return 0, 0
        check(candles)
        series_id = await self._series_id(candles)
        first, last = int(candles.ts_ms[0]), int(candles.ts_ms[-1])
        stored = _candles(
            await self._tx.rows(
                _SELECT + " AND ts_ms BETWEEN ? AND ? ORDER BY ts_ms", series_id, first, last
            ),
            candles.venue,
            candles.pair,
            candles.timeframe,
        )
        is_known = np.isin(candles.ts_ms, stored.ts_ms)
        _refuse_differences(candles, is_known, stored)
        fresh = np.flatnonzero(~is_known)
        await self._insert(series_id, candles, fresh)
        return len(fresh), len(candles) - len(fresh)

    async def load(
        self, venue: str, pair: str, timeframe: str, *, from_ms: int | None = None, to_ms: int | None = None
    ) -> Candles:
        """Give the bars that open in [from_ms, to_ms), oldest first; none where there is no such series."""
        series_id = await self._known_series(venue, pair, timeframe)
        sql, values = _SELECT, [series_id]
        if from_ms is not None:
            sql += " AND ts_ms >= ?"
            values.append(from_ms)
        if to_ms is not None:
            sql += " AND ts_ms < ?"
            values.append(to_ms)
        rows = await self._tx.rows(sql + " ORDER BY ts_ms", *values)
        return _candles(rows, venue, pair, Timeframe.parse(timeframe))

    async def last(self, venue: str, pair: str, timeframe: str, bars: int) -> Candles:
        """Give the newest bars, oldest first."""
        series_id = await self._known_series(venue, pair, timeframe)
        rows = await self._tx.rows(_SELECT + " ORDER BY ts_ms DESC LIMIT ?", series_id, bars)
        return _candles(rows[::-1], venue, pair, Timeframe.parse(timeframe))

    async def forget(self, venue: str, pair: str, timeframe: str, before_ms: int, *, most: int) -> int:
        """Remove the oldest bars that open before a time, at most so many; give how many."""
        series_id = await self._known_series(venue, pair, timeframe)
        edge = await self._tx.row(
            "SELECT MAX(ts_ms), COUNT(*) FROM (SELECT ts_ms FROM candles WHERE series_id = ? AND ts_ms < ? "
            "ORDER BY ts_ms LIMIT ?) AS oldest",
            series_id,
            before_ms,
            most,
        )
        if edge is None or not edge[1]:
            return 0
        await self._tx.change("DELETE FROM candles WHERE series_id = ? AND ts_ms <= ?", series_id, edge[0])
        return int(edge[1])

    async def series(self) -> Sequence[SeriesInfo]:
        """Give every stored series, by venue, pair and timeframe."""
        rows = await self._tx.rows(
            "SELECT s.venue, s.pair, s.timeframe, COUNT(*), MIN(c.ts_ms), MAX(c.ts_ms) "
            "FROM candle_series s JOIN candles c ON c.series_id = s.id "
            "GROUP BY s.venue, s.pair, s.timeframe ORDER BY s.venue, s.pair, s.timeframe"
        )
        return [
            SeriesInfo(
                venue=row[0],
                pair=row[1],
                timeframe=row[2],
                bars=int(row[3]),
                first=from_ms(int(row[4])),
                last=from_ms(int(row[5])),
            )
            for row in rows
        ]

    async def _series_id(self, candles: Candles) -> int:
        row = {"venue": candles.venue, "pair": candles.pair, "timeframe": str(candles.timeframe)}
        await insert_new(self._tx, "candle_series", row)
        return await self._known_series(candles.venue, candles.pair, str(candles.timeframe))

    async def _known_series(self, venue: str, pair: str, timeframe: str) -> int:
        """Give the id of a series; 0, which no series has, where there is none."""
        row = await self._tx.row(
            "SELECT id FROM candle_series WHERE venue = ? AND pair = ? AND timeframe = ?",
            venue,
            pair,
            timeframe,
        )
        return 0 if row is None else int(row[0])

    async def _insert(
        self, series_id: int, candles: Candles, rows: np.ndarray[tuple[int], np.dtype[np.intp]]
    ) -> None:
        if len(rows) == 0:
            return
        columns = [getattr(candles, name)[rows].tolist() for name in _COLUMNS]
        records = list(zip([series_id] * len(rows), *columns, strict=True))
        if isinstance(self._tx, PostgresConnection) and len(records) > _COPY_FROM:
            await self._tx.change(_STAGING)
            await self._tx.change("TRUNCATE candle_staging")
            await self._tx.copy("candle_staging", ("series_id", *_COLUMNS), records)
            await self._tx.change(_FROM_STAGING)
        else:
            await self._tx.write_many(_INSERT, records, are_plain=True)


def _refuse_differences(
    candles: Candles, is_known: np.ndarray[tuple[int], np.dtype[np.bool_]], stored: Candles
) -> None:
    given = np.flatnonzero(is_known)
    if len(given) == 0:
        return
    differs = np.zeros(len(given), np.bool_)
    for name in _COLUMNS[1:]:
        differs |= getattr(candles, name)[given] != getattr(stored, name)
    if not differs.any():
        return
    row = int(np.argmax(differs))
    at = int(given[row])
    raise BadCandles(
        f"{candles.pair} {candles.timeframe} at {from_ms(int(candles.ts_ms[at])).isoformat()}: close "
        f"{candles.close[at]:g} and volume {candles.volume[at]:g} were given; close {stored.close[row]:g} and volume "
        f"{stored.volume[row]:g} are stored, and a stored bar is never changed.",
        hint="Import the other source under another venue name.",
    )


def _candles(rows: Sequence[Row], venue: str, pair: str, timeframe: Timeframe) -> Candles:
    columns = list(zip(*rows, strict=True)) or [()] * len(_COLUMNS)
    floats = [np.array(column, np.float64) for column in columns[1:6]]
    return Candles(
        ts_ms=np.array(columns[0], np.int64),
        open=floats[0],
        high=floats[1],
        low=floats[2],
        close=floats[3],
        volume=floats[4],
        flags=np.array(columns[6], np.uint8),
        timeframe=timeframe,
        pair=pair,
        venue=venue,
    )
