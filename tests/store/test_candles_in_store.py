"""Candle series: idempotent, exact, never rewritten, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from desk.clock import from_ms
from desk.store import SqlStore
from trading.candles import Candles
from trading.errors import BadCandles
from trading.timeframes import Timeframe

_HOUR = 3_600_000
_START = 1_700_000_000_000 // _HOUR * _HOUR


def _series(bars: int, *, start: int = 0, pair: str = "BTC/USDT") -> Candles:
    """Make a random walk; the same bar is the same whatever the start."""
    close = 40_000 * np.exp(np.cumsum(np.random.default_rng(7).normal(0, 0.01, start + bars)))[start:]
    opens = close * 1.001
    return Candles(
        ts_ms=_START + _HOUR * np.arange(start, start + bars, dtype=np.int64),
        open=opens,
        high=np.maximum(opens, close) * 1.002,
        low=np.minimum(opens, close) * 0.998,
        close=close,
        volume=np.full(bars, 1 / 3),
        flags=(np.arange(start, start + bars) % 5 == 0).astype(np.uint8),
        timeframe=Timeframe.parse("1h"),
        pair=pair,
        venue="test",
    )


def _same(found: Candles, expected: Candles) -> None:
    for name in ("ts_ms", "open", "high", "low", "close", "volume", "flags"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        assert getattr(found, name).dtype == getattr(expected, name).dtype
    assert (found.venue, found.pair, found.timeframe) == ("test", expected.pair, expected.timeframe)


@pytest.mark.parametrize("bars", [3, 400])
async def test_bars_come_back_to_the_last_bit(any_store: SqlStore, bars: int) -> None:
    series = _series(bars)

    async with any_store.transaction() as tx:
        assert await tx.candles.add(series) == (bars, 0)
        assert await tx.candles.add(series) == (0, bars)

    async with any_store.reading() as tx:
        _same(await tx.candles.load("test", "BTC/USDT", "1h"), series)
        part = await tx.candles.load(
            "test", "BTC/USDT", "1h", from_ms=_START + _HOUR, to_ms=_START + 2 * _HOUR
        )
        _same(part, series.rows(1, 2))
        _same(await tx.candles.last("test", "BTC/USDT", "1h", 2), series.rows(bars - 2, bars))
        (info,) = await tx.candles.series()
    assert (info.venue, info.pair, info.timeframe, info.bars) == ("test", "BTC/USDT", "1h", bars)
    assert (info.first, info.last) == (from_ms(int(series.ts_ms[0])), from_ms(int(series.ts_ms[-1])))


async def test_overlapping_imports_add_what_is_new_only(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        assert await tx.candles.add(_series(100)) == (100, 0)
        # Two imports in one transaction, both large enough for the staging table.
        assert await tx.candles.add(_series(100, start=40)) == (40, 60)
        assert await tx.candles.add(_series(200, start=60)) == (120, 80)
        assert await tx.candles.add(_series(0)) == (0, 0)
        _same(await tx.candles.load("test", "BTC/USDT", "1h"), _series(260))


async def test_a_bar_that_differs_from_the_stored_one_is_refused(any_store: SqlStore) -> None:
    series = _series(10)
    volume = series.volume.copy()
    volume[7] *= 2
    async with any_store.transaction() as tx:
        await tx.candles.add(series)

    with pytest.raises(BadCandles, match="never changed"):
        async with any_store.transaction() as tx:
            await tx.candles.add(replace(_series(20), volume=np.r_[volume, np.full(10, 1.0)]))

    async with any_store.reading() as tx:
        _same(await tx.candles.load("test", "BTC/USDT", "1h"), series)


async def test_a_series_that_breaks_the_laws_is_refused(any_store: SqlStore) -> None:
    broken = replace(_series(5), close=np.full(5, np.nan))

    with pytest.raises(BadCandles):
        async with any_store.transaction() as tx:
            await tx.candles.add(broken)


async def test_an_unknown_series_is_empty(any_store: SqlStore) -> None:
    async with any_store.reading() as tx:
        assert len(await tx.candles.load("test", "BTC/USDT", "1h")) == 0
        assert len(await tx.candles.last("test", "BTC/USDT", "4h", 5)) == 0
        assert await tx.candles.series() == []


async def test_the_same_bars_from_two_importers_at_once_are_stored_once(any_store: SqlStore) -> None:
    async def add() -> None:
        async with any_store.transaction() as tx:
            await tx.candles.add(_series(120))

    await asyncio.gather(*(add() for _ in range(3)))

    async with any_store.reading() as tx:
        _same(await tx.candles.load("test", "BTC/USDT", "1h"), _series(120))
