"""The candles and marks behind pictures of markets and trades: for words, for alerts, for entries that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chatops.cards import Chart
from chatops.reading import reference
from desk.charts.specs import MAX_BARS, Mark, Overlay, Theme, TradeMarks, as_spec
from desk.clock import to_ms
from desk.ports import Unit
from desk.reports.pictures import candle_spec, fibonacci_levels, trade_marks
from desk.reports.waves import SeenWaves, seen_waves
from desk.views import Bot, FillRecord, Position, SeriesInfo, SignalRecord
from trading.analysis.indicators import compute
from trading.candles import Candles
from trading.candles import resample as resampled
from trading.timeframes import Timeframe

#: Bars shown before an entry and after an exit.
_BEFORE, _AFTER = 90, 25
#: Bars that the wave detector is given before the first one shown, so that its counts are warm.
WARM_BARS = 600

#: What a picture of a market may show besides its candles.
ELLIOTT, FIBONACCI = "elliott", "fib"
#: Lines over the candles, by what people call them: the indicator, its output, and the label.
LINES: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "ema": (("ema:20", "ema:20", "EMA 20"), ("ema:50", "ema:50", "EMA 50")),
    "sma": (("sma:20", "sma:20", "SMA 20"), ("sma:50", "sma:50", "SMA 50")),
    "bb": (("bb", "bb.upper", "BB +"), ("bb", "bb.lower", "BB −")),
}
LAYERS = (ELLIOTT, FIBONACCI, *LINES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A round trip to be drawn."""

    position: Position
    bot: Bot | None
    fills: Sequence[FillRecord]
    events: Sequence[Mapping[str, Any]]
    signal: SignalRecord | None
    until_ms: int

    @property
    def marks(self) -> TradeMarks:
        """The marks of it."""
        return trade_marks(self.position, self.fills, self.events, self.signal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a market is looked at.

    Attributes:
        timeframe: of the candles; empty = the bot's. Longer ones are put together from the stored ones.
        layers: of `LAYERS`.
    """

    bars: int = 150
    theme: Theme = Theme.DARK
    timeframe: str = ""
    layers: tuple[str, ...] = (ELLIOTT, FIBONACCI)


async def trade_chart(tx: Unit, sight: Sight, theme: Theme = Theme.DARK) -> Chart | None:
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
        series.venue, position.pair, timeframe, from_ms=start - WARM_BARS * bar_ms, to_ms=end
    )
    shown = candles.between(max(start, end - MAX_BARS * bar_ms), None)
    if not len(shown):
        return None
    # The count as it stood when the trade was decided: a later one would be hindsight.
    waves = await asyncio.to_thread(seen_waves, candles.between(None, opened), shown_bars=_BEFORE)
    strategy = sight.bot.strategy if sight.bot else ""
    way = "long" if position.is_long else "short"
    spec = candle_spec(
        shown,
        title=f"{position.pair} {timeframe} · {strategy} · {way}",
        subtitle=f"{series.venue} · {sight.bot.name if sight.bot else ''} · {reference(position.id)}",
        trade=sight.marks,
        waves=waves.lines,
        levels=fibonacci_levels(*waves.move) if waves.move else (),
        theme=theme,
    )
    return Chart(kind="trade", spec=as_spec(spec), name=f"trade-{reference(position.id)}")


async def market_chart(
    tx: Unit, pair: str, bot: Bot, look: Look | None = None, marks: TradeMarks | None = None
) -> Chart | None:
    """Give the picture of a pair with what is asked for over its candles; None without candles.

    Args:
        marks: a trade that is open, or one that is thought of.
    """
    look = look or Look()
    timeframe = look.timeframe or bot.timeframe
    candles, venue = await market_candles(tx, pair, bot, look.bars + WARM_BARS, timeframe)
    if candles is None or not len(candles):
        return None
    shown = candles.rows(max(0, len(candles) - look.bars), len(candles))
    is_counted = bool({ELLIOTT, FIBONACCI} & set(look.layers))
    waves = await asyncio.to_thread(seen_waves, candles, shown_bars=look.bars) if is_counted else SeenWaves()
    is_move_shown = waves.move is not None and waves.move[1].ts_ms >= int(shown.ts_ms[0])
    move: tuple[Mark, Mark] | None = waves.move if FIBONACCI in look.layers and is_move_shown else None
    spec = candle_spec(
        shown,
        title=f"{pair} {timeframe}",
        subtitle=f"{venue} · {bot.name} · {bot.strategy}",
        waves=waves.lines if ELLIOTT in look.layers else (),
        trade=marks,
        levels=fibonacci_levels(*move) if move else (),
        theme=look.theme,
    )
    spec = replace(spec, overlays=_overlays(candles, len(shown), look.layers))
    return Chart(kind="candles", spec=as_spec(spec), name=f"chart-{pair.replace('/', '-').replace(':', '-')}")


def _overlays(candles: Candles, shown: int, layers: Sequence[str]) -> tuple[Overlay, ...]:
    found: list[Overlay] = []
    for layer in layers:
        for indicator, output, label in LINES.get(layer, ()):
            values = compute(indicator, candles)[output][-shown:]
            found.append(Overlay(label=label, values=values.tolist()))
    return tuple(found)


async def market_candles(
    tx: Unit, pair: str, bot: Bot, bars: int, timeframe: str = ""
) -> tuple[Candles | None, str]:
    """Give the newest candles of a pair and where they are from; a longer timeframe is put together from the bot's."""
    wanted = timeframe or bot.timeframe
    series = await _series(tx, pair, wanted)
    if series is not None:
        return await tx.candles.last(series.venue, pair, wanted, bars), series.venue
    own, longer = Timeframe.parse(bot.timeframe), Timeframe.parse(wanted)
    series = await _series(tx, pair, bot.timeframe)
    if series is None or longer.ms % own.ms:
        return None, ""
    parts = await tx.candles.last(series.venue, pair, bot.timeframe, bars * (longer.ms // own.ms))
    return resampled(parts, longer), series.venue


async def _series(tx: Unit, pair: str, timeframe: str) -> SeriesInfo | None:
    """Give the stored series of a pair, the most recent where several venues have one."""
    fits = [one for one in await tx.candles.series() if one.pair == pair and one.timeframe == timeframe]
    return max(fits, key=lambda one: one.last, default=None)
