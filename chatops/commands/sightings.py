"""The candles and marks behind the pictures of /chart, /trade and /why."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatops.cards import Chart
from chatops.reading import reference
from chatops.room import Asked
from desk.charts.specs import MAX_BARS, Mark, Theme, as_spec
from desk.clock import to_ms
from desk.ports import Unit
from desk.reports.pictures import candle_spec, fibonacci_levels, trade_marks
from desk.reports.waves import seen_waves
from desk.views import Bot, FillRecord, Position, SeriesInfo, SignalRecord
from trading.candles import Candles
from trading.timeframes import Timeframe

#: Bars shown before an entry and after an exit.
_BEFORE, _AFTER = 90, 25
#: Bars that the wave detector is given before the first one shown, so that its counts are warm.
_WARM = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A round trip to be drawn."""

    position: Position
    bot: Bot | None
    fills: Sequence[FillRecord]
    events: Sequence[Mapping[str, Any]]
    signal: SignalRecord | None
    until_ms: int


async def _series(tx: Unit, pair: str, timeframe: str) -> SeriesInfo | None:
    """Give the stored series of a pair, the most recent where several venues have one."""
    fits = [one for one in await tx.candles.series() if one.pair == pair and one.timeframe == timeframe]
    return max(fits, key=lambda one: one.last, default=None)


def _theme(asked: Asked) -> Theme:
    return Theme(asked.args.get("theme") or Theme.DARK)


async def trade_chart(asked: Asked, tx: Unit, sight: Sight) -> Chart | None:
    """Give the picture of a round trip; None where its candles are not stored."""
    position = sight.position
    timeframe = sight.bot.timeframe if sight.bot else "1h"
    series = await _series(tx, position.pair, timeframe)
    if series is None:
        return None
    bar_ms = Timeframe.parse(timeframe).ms
    opened = to_ms(position.opened_at)
    end = sight.until_ms + _AFTER * bar_ms
    start = opened - _BEFORE * bar_ms
    candles = await tx.candles.load(
        series.venue, position.pair, timeframe, from_ms=start - _WARM * bar_ms, to_ms=end
    )
    shown = candles.between(max(start, end - MAX_BARS * bar_ms), None)
    if not len(shown):
        return None
    # The count as it stood when the trade was decided: a later one would be hindsight.
    waves = await asyncio.to_thread(seen_waves, candles.between(None, opened), shown_bars=_BEFORE)
    marks = trade_marks(position, sight.fills, sight.events, sight.signal)
    strategy = sight.bot.strategy if sight.bot else ""
    way = "long" if position.is_long else "short"
    spec = candle_spec(
        shown,
        title=f"{position.pair} {timeframe} · {strategy} · {way}",
        subtitle=f"{series.venue} · {sight.bot.name if sight.bot else ''} · {reference(position.id)}",
        trade=marks,
        waves=waves.lines,
        levels=fibonacci_levels(*waves.move) if waves.move else (),
        theme=_theme(asked),
    )
    return Chart(kind="trade", spec=as_spec(spec), name=f"trade-{reference(position.id)}")


async def market_chart(
    asked: Asked, tx: Unit, pair: str, bot: Bot, sight: Sight | None = None
) -> Chart | None:
    """Give the picture of a pair with its waves, and an open position in it; None without candles."""
    series = await _series(tx, pair, bot.timeframe)
    if series is None:
        return None
    bars: int = asked.args.get("bars") or 150
    candles: Candles = await tx.candles.last(series.venue, pair, bot.timeframe, bars + _WARM)
    if not len(candles):
        return None
    shown = candles.rows(max(0, len(candles) - bars), len(candles))
    waves = await asyncio.to_thread(seen_waves, candles, shown_bars=bars)
    start_ms = int(shown.ts_ms[0])
    move: tuple[Mark, Mark] | None = waves.move
    spec = candle_spec(
        shown,
        title=f"{pair} {bot.timeframe}",
        subtitle=f"{series.venue} · {bot.name} · {bot.strategy}",
        waves=waves.lines,
        trade=trade_marks(sight.position, sight.fills, sight.events, sight.signal) if sight else None,
        levels=fibonacci_levels(*move) if move and move[1].ts_ms >= start_ms else (),
        theme=_theme(asked),
    )
    return Chart(kind="candles", spec=as_spec(spec), name=f"chart-{pair.replace('/', '-').replace(':', '-')}")
