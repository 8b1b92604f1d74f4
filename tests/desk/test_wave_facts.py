"""Facts about waves: told at the close that confirmed them, once, and exactly those that the whole history shows."""

from __future__ import annotations

import numpy as np

from desk.store import SqlStore
from strategies.waves import CORRECTION, MULTIPLES, WAVE_2
from tests.desk.desk_house import a_house, market, run_to_end
from trading.analysis.elliott import WaveSettings, wave_columns
from trading.events import WaveLabelled

BARS = 2_000
SERIES = market(("BTC/USDT",), bars=BARS)


async def test_a_bot_tells_each_confirmed_wave_once_as_the_whole_history_shows_it(
    sqlite_store: SqlStore,
) -> None:
    house = await a_house(sqlite_store, SERIES)
    bot = await house.start_bot(strategy="elliott_wave")
    await run_to_end(house)

    told = [one for one in await house.facts(WaveLabelled) if isinstance(one, WaveLabelled)]
    [candles] = SERIES
    columns = wave_columns(candles, WaveSettings(degrees=MULTIPLES[:1], scale="log"), 0)
    first = min(one.bar_ms for one in told)
    rows = np.flatnonzero(
        (columns.setup >= WAVE_2) & (columns.setup <= CORRECTION) & (candles.ts_ms >= first)
    )
    expected = [(int(candles.ts_ms[t]), float(columns.pivot_price[t])) for t in rows]
    assert len(expected) > 10
    assert [(one.bar_ms, one.price) for one in told] == expected
    assert {(one.bot_id, one.timeframe, one.degree) for one in told} == {(bot.id, "15m", 0)}
    assert {one.direction for one in told} == {"up", "down"}
    assert {one.wave_event for one in told} == {"WAVE_LABELLED", "COUNT_COMPLETED"}
