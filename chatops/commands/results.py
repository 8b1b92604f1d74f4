"""Words about results: profit, periods, groups, balance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, Chart, Column, Field, Money, Number, Ratio, Table, Text, Value
from chatops.commands.positions import tone_of_amount
from chatops.gathering import WHOSE, ResultBook, gathered
from chatops.reading import completed_pair, known_pairs, side
from chatops.room import Asked
from chatops.texts.numbers import zone_of
from desk.clock import to_ms
from desk.queries import Queries
from desk.reports.periods import Period, PeriodSum, before, by_group, by_period, start_of, summed
from desk.views import EquityPoint, Trade

PAGE = Page(Group.RESULTS)

_ZERO = Decimal(0)
#: Days that a picture of bars shows at most.
_MOST_DAYS = 92


def equity_chart(points: Sequence[EquityPoint], *, title: str, currency: str) -> Chart | None:
    """Give the picture of equity and drawdown; None below two points."""
    if len(points) < 2:
        return None
    spec = {
        "title": title,
        "currency": currency,
        "ts_ms": np.array([to_ms(one.at) for one in points], np.int64),
        "equity": np.array([float(one.equity) for one in points]),
    }
    return Chart(kind="equity", spec=spec, name="equity")


def bars_chart(
    name: str, book: ResultBook, labels: Sequence[str], amounts: Sequence[Decimal]
) -> Chart | None:
    """Give the picture of some amounts; None where there are none."""
    if not labels:
        return None
    return Chart(
        kind="daily",
        name=name,
        spec={
            "title": book.name,
            "currency": book.currency,
            "labels": list(labels),
            "values": [float(one) for one in amounts],
        },
    )


def _days_chart(asked: Asked, name: str, book: ResultBook, trades: Sequence[Trade]) -> Chart | None:
    """Give the picture of what finished trades brought per day; equity is an account's, not a bot's or a side's."""
    if not trades:
        return None
    zone = zone_of(asked.speaker.time_zone)
    first = min(one.closed_at for one in trades)
    count = min((book.until - first).days + 2, _MOST_DAYS)
    rows = tuple(reversed(by_period(trades, Period.DAY, count=count, until=book.until, zone=zone)))
    return bars_chart(name, book, [one.start.isoformat() for one in rows], [one.sum.pnl for one in rows])


@PAGE.word(
    "profit",
    example="/profit 30",
    aliases=("pnl",),
    arguments=(Argument(name="days", read=kinds.whole(1, 3650)), *WHOSE),
)
async def profit(asked: Asked) -> Card:
    """Show profit, its quality and the equity with its drawdown."""
    days = asked.args["days"]
    book = await gathered(asked, days=days)
    if book.account is None:
        return Card(
            name="profit",
            title=Text("profit.title", {"who": Text("profit.everyone")}),
            notes=(Text("trades.none"),),
        )
    since = book.until - timedelta(days=days) if days else None
    queries = Queries(asked.store, asked.room.desk.clock)
    figures = await queries.performance(
        asked.workspace_id, book.bot.id if book.bot else "", since, account_id=book.account.id
    )
    total = summed(book.trades)
    fields = [*book.whose, Field("equity", Money(figures.equity, book.currency))]
    if book.bot is None and len(book.equity) > 1:
        change = book.equity[-1].equity - book.equity[0].equity
        fields.append(Field("change", Money(change, book.currency, is_signed=True), tone_of_amount(change)))
    fields += [
        Field("closed_pnl", Money(figures.pnl, book.currency, is_signed=True), tone_of_amount(figures.pnl)),
        Field("fees", Money(figures.fees, book.currency)),
        Field("trades", figures.trades),
        Field("win_rate", Ratio(total.win_ratio, digits=1)),
        *(
            Field(name, Number(figures.values.get(name)))
            for name in ("profit_factor", "expectancy", "sharpe", "sortino")
        ),
        Field("max_drawdown", Ratio(figures.values.get("max_drawdown"))),
    ]
    undefined = {figures.reasons[one] for one in ("profit_factor", "sharpe") if one in figures.reasons}
    return Card(
        name="profit",
        title=Text("profit.title", {"who": book.bot.name if book.bot else Text("profit.everyone")}),
        tone=tone_of_amount(figures.pnl),
        body=(Text("profit.days", {"n": days}) if days else Text("profit.all"),),
        fields=tuple(fields),
        chart=_days_chart(asked, "profit", book, book.trades)
        if book.bot
        else equity_chart(book.equity, title=book.name, currency=book.currency),
        notes=tuple(Text(f"undefined.{code}") for code in sorted(undefined)),
    )


async def _of_side(asked: Asked, *, is_long: bool) -> Card:
    """Show what one side's finished trades brought; equity belongs to both and is left out."""
    book = await gathered(asked, days=asked.args["days"])
    mine = [one for one in book.trades if one.is_long is is_long]
    total = summed(mine)
    won = sum((one.pnl for one in mine if one.pnl > 0), _ZERO)
    lost = -sum((one.pnl for one in mine if one.pnl < 0), _ZERO)
    days = asked.args["days"]
    return Card(
        name="profit_of_side",
        title=Text("profit.side", {"side": side(is_long)}),
        tone=tone_of_amount(total.pnl),
        body=(Text("profit.days", {"n": days}) if days else Text("profit.all"),),
        fields=(
            *book.whose,
            Field("closed_pnl", Money(total.pnl, book.currency, is_signed=True), tone_of_amount(total.pnl)),
            Field("fees", Money(total.fees, book.currency)),
            Field("trades", total.trades),
            Field("win_rate", Ratio(total.win_ratio, digits=1)),
            Field("profit_factor", Number(float(won / lost) if lost else None)),
            Field(
                "expectancy",
                Money(total.pnl / len(mine), book.currency, is_signed=True) if mine else None,
            ),
        ),
        chart=_days_chart(asked, f"profit-{'long' if is_long else 'short'}", book, mine),
        notes=() if mine else (Text("trades.none"),),
    )


_SIDE_ARGUMENTS = (Argument(name="days", read=kinds.whole(1, 3650)), *WHOSE)


@PAGE.word("profit_long", example="/profit_long 30", arguments=_SIDE_ARGUMENTS)
async def profit_long(asked: Asked) -> Card:
    """Show the profit of long trades."""
    return await _of_side(asked, is_long=True)


@PAGE.word("profit_short", example="/profit_short 30", arguments=_SIDE_ARGUMENTS)
async def profit_short(asked: Asked) -> Card:
    """Show the profit of short trades."""
    return await _of_side(asked, is_long=False)


async def _periods(asked: Asked, period: Period) -> Card:
    zone = zone_of(asked.speaker.time_zone)
    count: int = asked.args["n"]
    book = await gathered(asked)
    rows = by_period(book.trades, period, count=count, until=book.until, zone=zone)
    start = _first_moment(rows)
    async with asked.store.reading() as tx:
        account_id = book.account.id if book.account else ""
        points = await tx.accounts.equity(asked.workspace_id, account_id, start) if account_id else ()
    changes = _changes(points, rows, period, asked.speaker.time_zone) if book.bot is None else {}
    total = sum((one.sum.pnl for one in rows), _ZERO)
    ordered = tuple(reversed(rows))
    return Card(
        name=f"by_{period.value}",
        title=Text(f"periods.{period.value}", {"n": count}),
        tone=tone_of_amount(total),
        fields=(
            *book.whose,
            Field("closed_pnl", Money(total, book.currency, is_signed=True), tone_of_amount(total)),
            Field("trades", sum(one.sum.trades for one in rows)),
        ),
        tables=(
            Table(
                name="periods",
                columns=(
                    Column(period.value),
                    Column("pnl"),
                    Column("equity_change", 1),
                    Column("trades"),
                    Column("win_rate", 1),
                    Column("fees", 2),
                ),
                rows=tuple(
                    (
                        one.start.isoformat(),
                        Money(one.sum.pnl, book.currency, is_signed=True),
                        Money(changes[one.start.isoformat()], book.currency, is_signed=True)
                        if one.start.isoformat() in changes
                        else None,
                        one.sum.trades,
                        Ratio(one.sum.win_ratio, digits=0),
                        Money(one.sum.fees, book.currency),
                    )
                    for one in rows
                ),
            ),
        ),
        chart=bars_chart(
            period.value, book, [one.start.isoformat() for one in ordered], [one.sum.pnl for one in ordered]
        ),
    )


def _first_moment(rows: Sequence[PeriodSum]) -> datetime:
    """Give a moment safely before the first period, in any time zone."""
    return datetime.combine(rows[-1].start - timedelta(days=3), datetime.min.time(), UTC)


def _changes(
    points: Sequence[EquityPoint], rows: Sequence[PeriodSum], period: Period, zone_name: str
) -> dict[str, Decimal]:
    """Give the marked change of equity per period: from the last mark before it to the last mark in it."""
    zone = zone_of(zone_name)
    last: dict[str, Decimal] = {}
    for one in points:
        start = start_of(one.at.astimezone(zone).date(), period)
        last[start.isoformat()] = one.equity
    ordered = sorted(last)
    changes: dict[str, Decimal] = {}
    for row in rows:
        key = row.start.isoformat()
        earlier = [one for one in ordered if one < key]
        if key in last and earlier and earlier[-1] >= before(row.start, period).isoformat():
            changes[key] = last[key] - last[earlier[-1]]
    return changes


def _n(default: int) -> Argument:
    return Argument(name="n", read=kinds.whole(1, 366), default=default)


@PAGE.word("daily", example="/daily 7", arguments=(_n(7), *WHOSE))
async def daily(asked: Asked) -> Card:
    """Show profit per day."""
    return await _periods(asked, Period.DAY)


@PAGE.word("weekly", example="/weekly 8", arguments=(_n(8), *WHOSE))
async def weekly(asked: Asked) -> Card:
    """Show profit per week."""
    return await _periods(asked, Period.WEEK)


@PAGE.word("monthly", example="/monthly 6", arguments=(_n(6), *WHOSE))
async def monthly(asked: Asked) -> Card:
    """Show profit per month."""
    return await _periods(asked, Period.MONTH)


_GROUPED = (Argument(name="pair", read=kinds.pair, offers="pair"), *WHOSE)


async def _groups(
    asked: Asked, name: str, key: Callable[[Trade], str], cell: Callable[[str], Value] = str
) -> Card:
    book = await gathered(asked)
    trades = await of_pair(asked, book.trades)
    rows = by_group(trades, key)
    return Card(
        name=name,
        title=Text(f"groups.{name}", {"n": len(trades)}),
        fields=book.whose,
        tables=(
            Table(
                name="groups",
                columns=(
                    Column(name),
                    Column("trades"),
                    Column("win_rate"),
                    Column("pnl"),
                    Column("mean", 1),
                    Column("fees", 2),
                ),
                rows=tuple(
                    (
                        cell(one.name) if one.name else None,
                        one.sum.trades,
                        Ratio(one.sum.win_ratio, digits=0),
                        Money(one.sum.pnl, book.currency, is_signed=True),
                        Ratio(one.sum.mean_ratio, is_signed=True),
                        Money(one.sum.fees, book.currency),
                    )
                    for one in rows
                ),
            ),
        )
        if rows
        else (),
        notes=() if rows else (Text("trades.none"),),
        chart=bars_chart(
            name,
            book,
            [asked.speaker.value(cell(one.name)) if one.name else "–" for one in rows],
            [one.sum.pnl for one in rows],
        ),
    )


async def of_pair(asked: Asked, trades: tuple[Trade, ...]) -> tuple[Trade, ...]:
    """Give the trades of the pair that was named; all where none was."""
    if not asked.args["pair"]:
        return trades
    async with asked.store.reading() as tx:
        pair = completed_pair(asked, asked.args["pair"], await known_pairs(asked, tx))
    return tuple(one for one in trades if one.pair == pair)


@PAGE.word("performance", example="/performance", arguments=(_GROUPED))
async def by_pair(asked: Asked) -> Card:
    """Show profit per pair."""
    return await _groups(asked, "performance", lambda one: one.pair)


@PAGE.word("entries", example="/entries BTC/USDT", aliases=("buys",), arguments=_GROUPED)
async def entries(asked: Asked) -> Card:
    """Show profit per entry tag."""
    return await _groups(asked, "entries", lambda one: one.tag)


@PAGE.word("exits", example="/exits", aliases=("sells",), arguments=_GROUPED)
async def exits(asked: Asked) -> Card:
    """Show profit per exit: its reason, and its tag where it has one."""
    return await _groups(asked, "exits", _exit_of, _exit_cell)


@PAGE.word("mix_tags", example="/mix_tags", aliases=("mix_tag",), arguments=_GROUPED)
async def mix_tags(asked: Asked) -> Card:
    """Show profit per entry tag and exit together."""
    return await _groups(asked, "mix_tags", lambda one: f"{one.tag}{_THEN}{_exit_of(one)}", _mix_cell)


#: Parts the names of a group; no tag of a strategy holds it.
_THEN = "\x1f"


def _exit_of(one: Trade) -> str:
    return f"{one.reason.value}{_THEN}{one.exit_tag}" if one.exit_tag else one.reason.value


def _exit_cell(name: str) -> Value:
    reason, _, tag = name.partition(_THEN)
    said = Text(f"reason.{reason}")
    return Text("groups.tagged", {"reason": said, "tag": tag}) if tag else said


def _mix_cell(name: str) -> Value:
    tag, _, left = name.partition(_THEN)
    return Text("groups.mixed", {"tag": tag or "–", "exit": _exit_cell(left)})
