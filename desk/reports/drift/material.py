"""What a replay needs: the rows and bars of a bot's window, gathered in one reading transaction and picklable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from desk.bots.memory import LoopMemory, unpack
from desk.bots.plan import strategy_of
from desk.clock import from_ms, to_ms
from desk.models.room import ModelRoom
from desk.ports import Feed, Unit
from desk.queries import all_trades
from desk.reports.drift.by_hand import HandEntry, entered_by_hand
from desk.research.runs import with_columns
from desk.series import external_series
from desk.views import Account, Bot, Filter, Page, Position, SignalRecord, Trade
from strategies.base import ColumnStrategy
from strategies.registry import StrategyRegistry
from trading.candles import Candles
from trading.errors import InvalidInput
from trading.instruments import Instrument
from trading.market import Series
from trading.timeframes import Timeframe

#: Bars of one pair in a window; more would keep the reader waiting.
MOST_BARS = 50_000

#: Bars before the window that a strategy is shown where it began earlier than that.
_LEAST_PAST = 5_000

#: Rows that are read at once.
_PAGE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Whose drift is asked for, and over which time."""

    bot: Bot
    account: Account
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The stretch that is replayed.

    Attributes:
        start_ms: open time of the first bar whose signals count.
        until_ms: bars open before it.
    """

    start_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A bot's window with everything that its replay reads.

    Attributes:
        trades: those that the bot opened and closed inside the span; `unfinished` ones were closed after it, `held`
            are open still.
        by_hand: what people had the bot enter inside the span.
        candles: by pair, from the beginning of the strategy; also pairs that it looks at.
        capital: the account's equity where the span begins.
    """

    request: Request
    span: Span
    parameters: Mapping[str, Any]
    trades: tuple[Trade, ...]
    unfinished: tuple[Trade, ...]
    held: tuple[Position, ...]
    signals: tuple[SignalRecord, ...]
    instruments: Mapping[str, Instrument]
    candles: Mapping[str, Candles]
    capital: Decimal
    series: Mapping[str, Series] = field(default_factory=dict)
    by_hand: tuple[HandEntry, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """What a bot traded in a span."""

    trades: tuple[Trade, ...]
    unfinished: tuple[Trade, ...]
    held: tuple[Position, ...]
    span: Span


async def gathered(
    tx: Unit, feed: Feed, registry: StrategyRegistry, request: Request, *, models: ModelRoom | None = None
) -> Material:
    """Gather a bot's window.

    Args:
        models: gives the forecasts that the bot was given at its bars; None = none.

    Raises:
        InvalidInput: no bar of it is stored, or there are more than can be replayed.
        UnknownStrategy, BadParameter: the bot's configuration names what is no longer there.
    """
    bot, account = request.bot, request.account
    memory = await _memory(tx, account)
    parameters = await _parameters(tx, bot, memory)
    strategy = with_columns(strategy_of(bot, parameters, registry))
    window = await _window(tx, request)
    span = window.span
    candles, notes = await _candles(tx, feed, request, strategy, memory, span)
    own = {pair: candles[pair] for pair in bot.pairs}
    notes += await _changes(tx, request)
    signals = await _signals(tx, bot, span)
    return Material(
        request=replace(request, since=from_ms(span.start_ms)),
        span=span,
        parameters=parameters,
        trades=window.trades,
        unfinished=window.unfinished,
        held=window.held,
        signals=signals,
        instruments={pair: await feed.instrument(pair) for pair in bot.pairs},
        candles=candles,
        capital=await _capital(tx, account, span),
        series=await _series(tx, strategy, own, bot.workspace_id, models),
        by_hand=await entered_by_hand(tx, bot, account, signals),
        notes=notes,
    )


def span_of(request: Request, opened: Sequence[datetime]) -> Span:
    """Give the span of a request: whole bars, and from the signal of the first position that was held at its start."""
    step = Timeframe.parse(request.bot.timeframe).ms
    start = to_ms(request.since) // step * step
    if opened:
        # A position is entered at the open after the bar that asked for it.
        start = min(start, min(to_ms(one) for one in opened) // step * step - step)
    return Span(start_ms=start, until_ms=to_ms(request.until) // step * step)


async def _memory(tx: Unit, account: Account) -> LoopMemory | None:
    saved = await tx.accounts.snapshot(account.workspace_id, account.id)
    return unpack(saved[1])[0] if saved else None


async def _parameters(tx: Unit, bot: Bot, memory: LoopMemory | None) -> Mapping[str, Any]:
    """Give the configuration that the bot was started with: a change waits for its next start."""
    version = memory.configs.get(bot.id, bot.config_version) if memory else bot.config_version
    for one in await tx.bots.configs(bot.workspace_id, bot.id):
        if one.version == version:
            return dict(one.parameters)
    return dict(bot.parameters)


async def _window(tx: Unit, request: Request) -> _Window:
    """Give what was traded inside, and the span: it begins where the bot was flat."""
    bot = request.bot
    held = tuple(
        one
        for one in await tx.positions.open(bot.workspace_id, bot.account_id)
        if one.bot_id == bot.id and one.opened_at < request.until
    )
    begin = request.since
    while True:
        found = await all_trades(tx, bot.workspace_id, bot.account_id, bot.id, begin)
        inside = tuple(one for one in found if one.opened_at < request.until)
        opened = [*(one.opened_at for one in inside), *(one.opened_at for one in held)]
        if not opened or min(opened) >= begin:
            break
        begin = min(opened)
    early = [one for one in opened if one <= request.since]
    return _Window(
        trades=tuple(one for one in inside if one.closed_at < request.until),
        unfinished=tuple(one for one in inside if one.closed_at >= request.until),
        held=held,
        span=span_of(replace(request, since=begin), early),
    )


async def _candles(
    tx: Unit,
    feed: Feed,
    request: Request,
    strategy: ColumnStrategy,
    memory: LoopMemory | None,
    span: Span,
) -> tuple[dict[str, Candles], tuple[str, ...]]:
    """Give the bars of each pair from where its strategy began, up to the span's end."""
    bot = request.bot
    step = Timeframe.parse(bot.timeframe).ms
    if (span.until_ms - span.start_ms) // step > MOST_BARS:
        raise InvalidInput(
            f"{(span.until_ms - span.start_ms) // step} bars of {bot.timeframe} lie there; up to {MOST_BARS} are "
            "replayed at once.",
            hint="Ask for fewer days.",
        )
    venue = memory.venue if memory else feed.venue
    past = max(_LEAST_PAST, 4 * strategy.warmup_bars) * step
    oldest = {
        one.pair: to_ms(one.first)
        for one in await tx.candles.series()
        if one.venue == venue and one.timeframe == bot.timeframe
    }
    cut, found = False, {}
    for pair in dict.fromkeys((*bot.pairs, *strategy.pairs_needed)):
        origin = memory.origins.get((bot.id, pair)) if memory else None
        begin = max(span.start_ms - past if origin is None else origin, oldest.get(pair, 0))
        if span.until_ms - begin > MOST_BARS * step:
            begin, cut = span.start_ms - past, True
        found[pair] = await tx.candles.load(venue, pair, bot.timeframe, from_ms=begin, to_ms=span.until_ms)
        if pair in bot.pairs and not len(found[pair].between(span.start_ms, None)):
            raise InvalidInput(
                f"No bar of {pair} {bot.timeframe} is stored between {from_ms(span.start_ms).isoformat()} and "
                f"{from_ms(span.until_ms).isoformat()}.",
                hint="Ask for more days, or let the bot see a bar first.",
            )
    notes: tuple[str, ...] = ("history_cut",) if cut else ()
    if any(_has_holes(found[pair], span, step) for pair in bot.pairs):
        notes += ("bars_missing",)
    return found, notes


def _has_holes(candles: Candles, span: Span, step: int) -> bool:
    inside = candles.between(span.start_ms, None)
    return bool(np.any(np.diff(inside.ts_ms) > step))


async def _changes(tx: Unit, request: Request) -> tuple[str, ...]:
    configs = await tx.bots.configs(request.bot.workspace_id, request.bot.id)
    is_changed = any(one.version > 1 and request.since < one.created_at <= request.until for one in configs)
    return ("config_changed",) if is_changed else ()


async def _signals(tx: Unit, bot: Bot, span: Span) -> tuple[SignalRecord, ...]:
    wanted = Filter(bot_id=bot.id, since=from_ms(span.start_ms), until=from_ms(span.until_ms))
    found: dict[str, SignalRecord] = {}
    while True:
        page = await tx.signals.page(bot.workspace_id, wanted, Page(first=_PAGE))
        fresh = {one.id: one for one in page if one.id not in found}
        found.update(fresh)
        if len(page) < _PAGE or not fresh:
            return tuple(reversed(found.values()))
        wanted = replace(wanted, until=page[-1].bar_at + timedelta(microseconds=1))


async def _capital(tx: Unit, account: Account, span: Span) -> Decimal:
    points = await tx.accounts.equity(account.workspace_id, account.id, from_ms(span.start_ms))
    return points[0].equity if points else account.capital


async def _series(
    tx: Unit,
    strategy: ColumnStrategy,
    own: Mapping[str, Candles],
    workspace_id: str,
    models: ModelRoom | None,
) -> dict[str, Series]:
    async def forecasts(pair: str) -> Series | None:
        return await models.series(tx, workspace_id, own[pair]) if models and pair in own else None

    found: dict[str, Series] = {}
    for pair, candles in own.items() if strategy.series_needed else ():
        step = candles.timeframe.ms
        closes = np.arange(
            int(candles.ts_ms[0]) + step, int(candles.ts_ms[-1]) + step + 1, step, dtype=np.int64
        )
        found |= await external_series(tx, strategy.series_needed, pair, closes, forecasts=forecasts)
    return found
