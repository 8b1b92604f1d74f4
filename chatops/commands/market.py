"""Words about the market: prices, signals, wave counts, and the pairs that may be entered."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal

from chatops import kinds
from chatops.arguments import Argument
from chatops.because import because
from chatops.book import Group, Page
from chatops.cards import Age, Button, Card, Column, Field, Press, Price, Ratio, Table, Text, Tone, Value
from chatops.problems import misheard
from chatops.reading import accounts_of, bots_of, completed_pair, known_pairs, side
from chatops.room import Asked
from chatops.sightings import WARM_BARS, Look, market_candles, market_chart
from desk.charts.specs import Theme, WaveLine
from desk.clock import from_ms
from desk.commands import LockPair, UnlockPair
from desk.ports import Unit
from desk.reports.waves import SeenWaves, seen_waves
from desk.views import Bot, Filter, SeriesInfo
from desk.views import Page as RowPage
from trading.candles import Candles
from trading.timeframes import Timeframe

PAGE = Page(Group.MARKET)

_PAIR = Argument(name="pair", read=kinds.pair, offers="pair")

#: Why a pair is on the blacklist; nothing else carries this reason.
BLACKLIST = "blacklist"
#: Data older than this are shown by their time.
_OLD = timedelta(days=2)
#: A blacklisted pair stays so until it is taken off; locks end by themselves after a year at most.
_FOR_LONG = timedelta(days=365)


async def _pair(asked: Asked, tx: Unit) -> str:
    """Give the pair that was named, or the only one that is traded.

    Raises:
        Misheard: no pair fits, or several are traded and none was named.
    """
    known = await known_pairs(asked, tx)
    typed = asked.args["pair"]
    if typed is not None:
        return completed_pair(asked, typed, known)
    if len(known) == 1:
        return known[0]
    if not known:
        raise misheard("no_bots", advice="newbot", problem="not_found")
    raise misheard("which_pair", advice="usage", allowed=", ".join(known), usage=asked.word.usage)


async def _newest(tx: Unit, pair: str) -> SeriesInfo | None:
    series = [one for one in await tx.candles.series() if one.pair == pair]
    return max(series, key=lambda one: (one.last, one.bars), default=None)


def as_price(value: float) -> Price:
    """Give a candle's price in as many digits as people read; candles are float64."""
    return Price(Decimal(f"{float(value):.7g}"))


@PAGE.word("price", example="/price BTC/USDT", aliases=("market",), arguments=(_PAIR,))
async def price(asked: Asked) -> Card:
    """Show a pair's last price, its change and range over a day, and how old the data are."""
    async with asked.store.reading() as tx:
        pair = await _pair(asked, tx)
        info = await _newest(tx, pair)
        if info is None:
            return Card(
                name="price", title=Text("price.title", {"pair": pair}), notes=(Text("chart.no_candles"),)
            )
        bar_ms = Timeframe.parse(info.timeframe).ms
        bars = min(max(86_400_000 // bar_ms + 1, 2), 3_000)
        candles = await tx.candles.last(info.venue, pair, info.timeframe, int(bars))
        held = [one for one in await tx.positions.open(asked.workspace_id) if one.pair == pair]
        locks = [
            lock
            for account in await accounts_of(asked, tx)
            for lock in await tx.accounts.locks(asked.workspace_id, account, asked.now)
            if lock.pair in ("", pair)
        ]
    last, first = float(candles.close[-1]), float(candles.close[0])
    change = last / first - 1.0 if first else None
    return Card(
        name="price",
        title=Text("price.title", {"pair": pair}),
        tone=Tone.GOOD if change and change > 0 else Tone.BAD if change and change < 0 else Tone.PLAIN,
        fields=(
            Field("price", as_price(last)),
            *_between_bars(asked, pair),
            Field("change_day", Ratio(change, is_signed=True)),
            Field("high", as_price(float(candles.high.max()))),
            Field("low", as_price(float(candles.low.min()))),
            Field("volume", float(f"{float(candles.volume.sum()):.6g}")),
            Field("timeframe", info.timeframe),
            Field("feed", info.venue),
            Field("data_age", _age(_closed_at(candles), asked.now)),
            Field("held", len(held)),
            Field("locked_until", max((one.until for one in locks), default=None)),
        ),
        buttons=(
            Button(name="chart", press=Press.SAY, line=f"/chart {pair}"),
            Button(name="refresh", press=Press.SAY, line=f"/price {pair}"),
        ),
    )


def _between_bars(asked: Asked, pair: str) -> tuple[Field, ...]:
    """Give what was told since the last bar: the last price and the spread, where the market tells them."""
    told = asked.room.prices.newest(pair) if asked.room.prices else None
    if told is None:
        return ()
    fields = [Field("last", Price(told.last))]
    if told.bid and told.ask:
        spread = (told.ask - told.bid) / ((told.ask + told.bid) / 2)
        fields.append(Field("spread", Ratio(float(spread), digits=3)))
    return tuple(fields)


def _age(closed_at: datetime, now: datetime) -> Value:
    """Give how old the data are; after two days, and on a simulated market, the day says more."""
    return closed_at if now - closed_at > _OLD else Age(closed_at, max(now, closed_at))


def _closed_at(candles: Candles) -> datetime:
    return from_ms(int(candles.ts_ms[-1]) + candles.timeframe.ms)


@PAGE.word(
    "signals",
    example="/signals BTC/USDT",
    arguments=(_PAIR, Argument(name="n", read=kinds.whole(1, 50), only_named=True, default=10)),
)
async def signals(asked: Asked) -> Card:
    """List the last signals with their confidence and what came of them."""
    async with asked.store.reading() as tx:
        typed = asked.args["pair"]
        pair = completed_pair(asked, typed, await known_pairs(asked, tx)) if typed else ""
        rows = await tx.signals.page(asked.workspace_id, Filter(pair=pair), RowPage(first=asked.args["n"]))
        bots = await bots_of(asked, tx)
    return Card(
        name="signals",
        title=Text("signals.title", {"n": len(rows)}),
        tables=(
            Table(
                name="signals",
                columns=(
                    Column("at"),
                    Column("pair"),
                    Column("side"),
                    Column("tag"),
                    Column("confidence"),
                    Column("price", 1),
                    Column("stop", 2),
                    Column("bot", 2),
                    Column("outcome"),
                    Column("reason", 1),
                ),
                rows=tuple(
                    (
                        one.bar_at,
                        one.pair,
                        side(one.direction > 0),
                        one.tag or None,
                        Ratio(one.score, digits=0),
                        Price(one.price),
                        Price(one.stop),
                        bots[one.bot_id].name if one.bot_id in bots else None,
                        Text(f"outcome.{one.outcome}"),
                        because(one.reason) if one.reason else None,
                    )
                    for one in rows
                ),
            ),
        )
        if rows
        else (),
        notes=() if rows else (Text("signals.none"),),
    )


@PAGE.word(
    "waves",
    example="/waves BTC/USDT 4h bars=150",
    arguments=(
        _PAIR,
        Argument(name="tf", read=kinds.timeframe),
        Argument(name="bars", read=kinds.whole(20, 400), only_named=True, default=150),
        Argument(name="theme", read=kinds.choice("dark", "light"), only_named=True, offers=("dark", "light")),
    ),
)
async def waves(asked: Asked) -> Card:
    """Show the Elliott count that stands now, its alternate, and the price that kills it."""
    async with asked.store.reading() as tx:
        pair = await _pair(asked, tx)
        bot = next(one for one in (await bots_of(asked, tx)).values() if pair in one.pairs)
        look = Look(
            bars=asked.args["bars"],
            theme=Theme(asked.args["theme"] or Theme.DARK),
            timeframe=asked.args["tf"] or "",
        )
        drawn = await market_chart(tx, pair, bot, look)
        candles, _ = await market_candles(tx, pair, bot, look.bars + WARM_BARS, look.timeframe)
    seen = (
        await asyncio.to_thread(seen_waves, candles, shown_bars=look.bars)
        if candles is not None and len(candles)
        else SeenWaves()
    )
    return Card(
        name="waves",
        title=Text("waves.title", {"pair": pair, "tf": look.timeframe or bot.timeframe}),
        tone=Tone.PLAIN,
        body=() if seen.lines else (Text("waves.none"),),
        tables=tuple(_count_table(one, index) for index, one in enumerate(seen.lines)),
        notes=(Text("waves.causal"),),
        chart=drawn,
    )


def _count_table(line: WaveLine, index: int) -> Table:
    rows: list[tuple[Value, ...]] = [
        (point.label, from_ms(point.ts_ms), as_price(point.price)) for point in line.points
    ]
    if line.running:
        rows.append((Text("waves.running", {"label": line.running}), None, None))
    if line.invalidation is not None:
        rows.append((Text("waves.dies_at"), None, as_price(line.invalidation)))
    return Table(
        name="count_main" if index == 0 else "count_alternate",
        is_titled=True,
        columns=(Column("wave"), Column("at"), Column("price")),
        rows=tuple(rows),
    )


@PAGE.word("whitelist", example="/whitelist")
async def whitelist(asked: Asked) -> Card:
    """List the pairs that bots trade, and whether they may be entered now."""
    async with asked.store.reading() as tx:
        bots = (await bots_of(asked, tx)).values()
        locked = {
            lock.pair
            for account in await accounts_of(asked, tx)
            for lock in await tx.accounts.locks(asked.workspace_id, account, asked.now)
        }
    by_pair: dict[str, list[str]] = {}
    for bot in bots:
        for pair in bot.pairs:
            by_pair.setdefault(pair, []).append(bot.name)
    return Card(
        name="whitelist",
        title=Text("whitelist.title", {"n": len(by_pair)}),
        tables=(
            Table(
                name="whitelist",
                columns=(Column("pair"), Column("bots"), Column("entries")),
                rows=tuple(
                    (
                        pair,
                        ", ".join(names),
                        Text("entries.locked" if pair in locked or "" in locked else "entries.allowed"),
                    )
                    for pair, names in sorted(by_pair.items())
                ),
            ),
        )
        if by_pair
        else (),
        notes=() if by_pair else (Text("advice.newbot"),),
    )


@PAGE.word(
    "blacklist",
    example="/blacklist BTC/USDT",
    asks=LockPair,
    aliases=("bl",),
    arguments=(Argument(name="pairs", read=kinds.pairs, offers="pair"),),
)
async def blacklist(asked: Asked) -> Card:
    """List the pairs that are never entered, or put some on the list; open positions are still managed."""
    typed = asked.args["pairs"]
    if typed:
        async with asked.store.reading() as tx:
            known = await known_pairs(asked, tx)
            traders = _traders(await bots_of(asked, tx))
        for pair in [completed_pair(asked, one, known) for one in typed]:
            for account in traders.get(pair, ()):
                await asked.do(LockPair(pair=pair, duration=_FOR_LONG, reason=BLACKLIST, account_id=account))
    return await _blacklisted(asked)


def _traders(bots: dict[str, Bot]) -> dict[str, tuple[str, ...]]:
    """Give the accounts that trade a pair."""
    found: dict[str, dict[str, None]] = {}
    for bot in bots.values():
        for pair in bot.pairs:
            found.setdefault(pair, {})[bot.account_id] = None
    return {pair: tuple(accounts) for pair, accounts in found.items()}


async def _blacklisted(asked: Asked) -> Card:
    async with asked.store.reading() as tx:
        rows = [
            (lock.pair, accounts.name, lock.until, lock.actor or None)
            for key, accounts in (await accounts_of(asked, tx)).items()
            for lock in await tx.accounts.locks(asked.workspace_id, key, asked.now)
            if lock.reason == BLACKLIST
        ]
    return Card(
        name="blacklist",
        title=Text("blacklist.title", {"n": len(rows)}),
        tone=Tone.WARN if rows else Tone.PLAIN,
        tables=(
            Table(
                name="blacklist",
                columns=(Column("pair"), Column("account"), Column("until", 1), Column("by", 1)),
                rows=tuple(rows),
            ),
        )
        if rows
        else (),
        notes=(Text("blacklist.how" if rows else "blacklist.none"),),
    )


@PAGE.word(
    "bl_delete",
    example="/bl_delete BTC/USDT",
    asks=UnlockPair,
    aliases=("blacklist_delete", "bl_del"),
    arguments=(Argument(name="pair", read=kinds.pair, is_required=True, offers="pair"),),
)
async def bl_delete(asked: Asked) -> Card:
    """Take a pair off the blacklist; other locks of the pair go with it."""
    async with asked.store.reading() as tx:
        pair = completed_pair(asked, asked.args["pair"], await known_pairs(asked, tx))
        holding = [
            key
            for key in await accounts_of(asked, tx)
            for lock in await tx.accounts.locks(asked.workspace_id, key, asked.now)
            if lock.pair == pair and lock.reason == BLACKLIST
        ]
    if not holding:
        raise misheard("not_blacklisted", advice="blacklist", problem="not_found", found=pair)
    await asked.do(UnlockPair(pair=pair, account_id=holding[0]))
    return await _blacklisted(asked)
