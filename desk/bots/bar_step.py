"""One closed bar time: what it fills, what the strategies say, what the engine decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from desk.bots.asking import Asking
from desk.bots.context import Context
from desk.bots.decisions import Decisions
from desk.bots.ledger import Ledger
from desk.bots.notices import tell
from desk.bots.opening import Opened
from desk.bots.plan import Line
from desk.bots.wave_facts import wave_facts
from desk.clock import Clock
from desk.hook_series import Close, hear, heard_series, is_of_hooks
from desk.models.room import ModelRoom
from desk.ports import Bar, ClosedBars
from desk.series import external_series
from trading.engine.views import Bar as EngineBar
from trading.errors import StrategyFailure
from trading.market import MarketView, Series
from trading.risk.correlation import DAY_MS
from trading.signals import Signal

#: Gives those of a bar's signals that may be acted on, by line.
Sift = Callable[[Context, dict[int, Signal]], Awaitable[dict[int, Signal]]]


class BarStep:
    """Takes an account through a bar."""

    def __init__(
        self, opened: Opened, decisions: Decisions, clock: Clock, models: ModelRoom | None = None
    ) -> None:
        self._opened = opened
        self._clock = clock
        self._models = models
        self._decisions = decisions
        self._asking = Asking(opened, decisions)

    async def match(self, context: Context, group: ClosedBars, ledger: Ledger) -> None:
        """Fill what the bar fills, and write it."""
        opened = self._opened
        self.see(group)
        fills = opened.engine.match(self._rows(group))
        await ledger.book(context, opened.engine, fills)
        notices = opened.engine.take_notices()
        await self._decisions.settle_entries(context, opened.engine, notices)
        await tell(context, notices)

    def see(self, group: ClosedBars) -> None:
        """Remember the bars."""
        for bar in group.bars.values():
            self._opened.market.take(bar)

    async def decide(
        self, context: Context, group: ClosedBars, sift: Sift | None = None, *, may_enter: bool = True
    ) -> None:
        """Ask the strategies, decide, and write it.

        Args:
            sift: keeps back what must not be acted on, and writes why.
            may_enter: entries that people allowed may be made at this bar; otherwise they wait for the next.
        """
        opened = self._opened
        signals = await self._signals(context, group)
        if sift is not None:
            signals = await sift(context, signals)
        before = opened.engine.account()
        self._correlate(group)
        rows, closes = self._rows(group), opened.market.last_close
        heard = await self._asking.hear(
            context,
            rows,
            signals,
            closes=closes,
            account=before,
            explain=self._explain,
            may_enter=may_enter,
        )
        intents = opened.engine.decide(rows, heard.signals)
        await self._decisions.take(
            context,
            opened.engine,
            intents,
            heard.shown,
            closes=closes,
            account=before,
            explain=self._explain,
        )
        await self._asking.settle(context, heard, intents)
        await tell(context, opened.engine.take_notices())

    def _rows(self, group: ClosedBars) -> dict[int, EngineBar]:
        return {
            line.index: _engine_bar(group.bars[line.pair])
            for line in self._opened.plan.lines
            if line.pair in group.bars
        }

    async def _signals(self, context: Context, group: ClosedBars) -> dict[int, Signal]:
        """Step every strategy; one that breaks is set aside, and its bot goes to ERROR."""
        signals: dict[int, Signal] = {}
        for line in self._opened.plan.lines:
            bar = group.bars.get(line.pair)
            carrier = self._opened.carriers.get(line.index)
            if bar is None or carrier is None or line.bot.id in self._opened.failed:
                continue
            market = await self._view(context, line) if carrier.needs_view else None
            try:
                signal = carrier.step(bar, market)
            except StrategyFailure as failure:
                self._opened.failed[line.bot.id] = failure
                continue
            context.events += wave_facts(context, carrier)
            if signal.enter or signal.exit:
                signals[line.index] = signal
        failed = self._opened.failed
        return {i: one for i, one in signals.items() if self._opened.plan.lines[i].bot.id not in failed}

    async def _view(self, context: Context, line: Line) -> MarketView:
        """Give what a strategy may see at this close: other pairs, and series as they were known by then."""
        view = self._opened.market.view(line.pair, line.strategy.pairs_needed)
        names = line.strategy.series_needed
        if not names:
            return view

        async def forecasts(pair: str) -> Series | None:
            if self._models is None:
                return None
            candles = view.candles if pair == line.pair else view.others.get(pair)
            if candles is None:
                return None
            return await self._models.series(context.tx, context.workspace_id, candles)

        series = await external_series(context.tx, names, line.pair, view.close_ms, forecasts=forecasts)
        if any(is_of_hooks(name) for name in names):
            series |= await self._heard(context, line, view)
        return replace(view, series=series)

    async def _heard(self, context: Context, line: Line, view: MarketView) -> dict[str, Series]:
        """Give what the bot's hooks said, with what came since the last close."""
        length = timedelta(milliseconds=view.candles.timeframe.ms)
        close = Close(bar_ms=int(view.candles.ts_ms[-1]), length=length, now=self._clock.now())
        context.events += await hear(context.tx, line.bot, line.pair, close)
        return await heard_series(context.tx, line.bot, line.pair, view.close_ms, length)

    def _explain(self, line: Line) -> tuple[Mapping[str, Any], ...]:
        carrier = self._opened.carriers.get(line.index)
        try:
            return carrier.explain() if carrier is not None else ()
        except StrategyFailure as failure:
            self._opened.failed[line.bot.id] = failure
            return ()

    def _correlate(self, group: ClosedBars) -> None:
        """Give the engine the day's coefficients at the first close of a UTC day."""
        opened = self._opened
        day = (group.ts_ms + opened.plan.timeframe.ms) // DAY_MS
        if day > opened.memory.correlation_day:
            opened.engine.set_correlation(opened.market.correlation(opened.plan.lines, day))
            opened.memory.correlation_day = day


def _engine_bar(bar: Bar) -> EngineBar:
    return EngineBar(
        ts_ms=bar.ts_ms,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
        flags=bar.flags,
    )
