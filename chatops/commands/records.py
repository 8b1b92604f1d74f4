"""Words that give files and records: reports, orders step by step, the log, dead letters."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from chatops import kinds
from chatops.arguments import Argument
from chatops.because import because
from chatops.book import Group, Page
from chatops.cards import (
    Button,
    Card,
    Column,
    Field,
    File,
    Money,
    Press,
    Price,
    Ratio,
    Table,
    Text,
    Tone,
    Value,
)
from chatops.commands.exports import TRADE_COLUMNS
from chatops.commands.jobs import queued
from chatops.commands.positions import tone_of_amount
from chatops.commands.results import bars_chart, equity_chart, of_pair
from chatops.gathering import WHOSE, gathered
from chatops.problems import misheard
from chatops.reading import bots_of, reference, wanted_bot
from chatops.room import Asked
from chatops.typing_repair import plain
from desk.commands import ArchiveTrade, MakeReport
from desk.identity import Role
from desk.logs import remembered_lines
from desk.ports import Unit
from desk.reports.exports import FORMS, exported
from desk.reports.period_report import period_pdf
from desk.reports.periods import by_group, summed
from desk.views import Filter, Order, Trade
from desk.views import Page as RowPage

PAGE = Page(Group.RESULTS)

#: Where a report is sent that is made in the background.
_WAYS = ("me", "email", "telegram", "discord")


_SPANS = {"day": 1, "week": 7, "month": 30}


@PAGE.word(
    "report",
    example="/report week pdf",
    also=(MakeReport,),
    arguments=(
        Argument(name="span", read=kinds.choice(*_SPANS), default="day", offers=tuple(_SPANS)),
        Argument(
            name="form", read=kinds.choice("pdf", "xlsx", "csv"), default="pdf", offers=("pdf", "xlsx", "csv")
        ),
        Argument(name="send", read=kinds.choice(*_WAYS), only_named=True, offers=_WAYS),
        *WHOSE,
    ),
)
async def report(asked: Asked) -> Card:
    """Give the results of a day, a week or a month as a file with the equity; send=email sends those of the last one."""
    span, form = asked.args["span"], asked.args["form"]
    if asked.args["send"]:
        return await _sent_report(asked, span, asked.args["send"])
    book = await gathered(asked, days=_SPANS[span])
    total = summed(book.trades)
    fields = (
        *book.whose,
        Field("closed_pnl", Money(total.pnl, book.currency, is_signed=True), tone_of_amount(total.pnl)),
        Field("trades", total.trades),
        Field("win_rate", Ratio(total.win_ratio, digits=0)),
        Field("fees", Money(total.fees, book.currency)),
    )
    groups = by_group(book.trades, lambda one: one.pair)
    if form == "pdf":
        speaker = asked.speaker
        content = await asyncio.to_thread(
            period_pdf,
            title=speaker.say(Text(f"report.{span}", {"who": book.name})),
            subtitle=speaker.value(book.until),
            figures=[(speaker.label("field", one.name), speaker.value(one.value)) for one in fields],
            head=[speaker.label("column", one) for one in _REPORT_HEAD],
            rows=[
                [
                    f"#{one.number}",
                    one.pair,
                    speaker.say(Text("side.long" if one.is_long else "side.short")),
                    speaker.value(Money(one.pnl, book.currency, is_signed=True)),
                    speaker.value(Ratio(one.pnl_ratio, is_signed=True)),
                    speaker.say(Text(f"reason.{one.reason.value}")),
                    speaker.value(one.closed_at),
                ]
                for one in book.trades
            ],
            equity=[float(one.equity) for one in book.equity],
        )
        media_type = "application/pdf"
    else:
        rows = [tuple(getattr(one, name) for name in TRADE_COLUMNS) for one in book.trades]
        content = await asyncio.to_thread(exported, "trades", TRADE_COLUMNS, rows, form)
        media_type = FORMS[form]
    return Card(
        name="report",
        title=Text(f"report.{span}", {"who": book.name or Text("profit.everyone")}),
        tone=tone_of_amount(total.pnl),
        fields=fields,
        tables=(
            Table(
                name="by_pair",
                columns=(Column("pair"), Column("trades"), Column("win_rate", 1), Column("pnl")),
                rows=tuple(
                    (
                        one.name,
                        one.sum.trades,
                        Ratio(one.sum.win_ratio, digits=0),
                        Money(one.sum.pnl, book.currency, is_signed=True),
                    )
                    for one in groups
                ),
            ),
        )
        if groups
        else (),
        chart=None if book.bot else equity_chart(book.equity, title=book.name, currency=book.currency),
        file=File(name=f"report-{span}-{book.until:%Y-%m-%d}.{form}", media_type=media_type, content=content),
    )


async def _sent_report(asked: Asked, span: str, way: str) -> Card:
    """Let the report of the last day, week or month that is over be made in the background and sent."""
    bot = await wanted_bot(asked, asked.args["bot"])
    outcome = await asked.do(MakeReport(period=span, bot_id=bot.id if bot else "", send_to=way))
    card = queued(outcome.view)
    return replace(card, notes=(Text(f"report_to.{way}"), *card.notes))


_REPORT_HEAD = ("number", "pair", "side", "pnl", "pnl_ratio", "reason", "closed")


@PAGE.word(
    "order",
    example="/order a1b2c3",
    arguments=(Argument(name="id", read=kinds.name, offers="order"),),
)
async def order(asked: Asked) -> Card:
    """Show an order step by step with its evidence; without an id the newest one."""
    async with asked.store.reading() as tx:
        found = await _order(asked, tx)
        steps = await tx.orders.events(asked.workspace_id, found.id)
        fills = await tx.fills.of_orders(asked.workspace_id, [found.id])
        bots = await bots_of(asked, tx)
    return Card(
        name="order",
        title=Text("order.title", {"id": reference(found.id), "pair": found.pair}),
        fields=(
            Field("bot", bots[found.bot_id].name if found.bot_id in bots else None),
            Field("side", Text(f"order_side.{found.side.value}")),
            Field("type", Text(f"order_type.{found.order_type.value}")),
            Field("state", Text(f"order_state.{found.state.value}")),
            Field("quantity", found.quantity),
            Field("filled", found.filled_quantity),
            Field("price", Price(found.price or found.stop_price)),
            Field("average_price", Price(found.average_price)),
            Field("reason", Text(f"reason.{found.reason.value}")),
            Field("client_order_id", found.client_order_id),
            Field("venue_order_id", found.venue_order_id or None),
        ),
        tables=(
            Table(
                name="order_steps",
                is_titled=True,
                columns=(Column("at"), Column("state"), Column("evidence"), Column("detail", 1)),
                rows=tuple(
                    (
                        one["at"],
                        Text(f"order_state.{one['after']}"),
                        because(str(one["evidence"])) or None,
                        because(str(one["detail"])) or None,
                    )
                    for one in steps
                ),
            ),
            *(
                (
                    Table(
                        name="fills",
                        is_titled=True,
                        columns=(Column("at"), Column("quantity"), Column("price"), Column("fee", 1)),
                        rows=tuple((one.filled_at, one.quantity, Price(one.price), one.fee) for one in fills),
                    ),
                )
                if fills
                else ()
            ),
        ),
    )


async def _order(asked: Asked, tx: Unit) -> Order:
    typed = asked.args["id"]
    rows = await tx.orders.page(asked.workspace_id, Filter(), RowPage(first=500 if typed else 1))
    wanted = plain(typed).lstrip("#").lower() if typed else ""
    for one in rows:
        if not wanted or wanted in (one.id.lower(), reference(one.id).lower(), one.client_order_id.lower()):
            return one
    raise misheard("unknown_order", advice="orders", problem="not_found", found=typed or "–")


@PAGE.word(
    "logs",
    example="/logs 50 warning",
    role=Role.ADMIN,
    arguments=(
        Argument(name="n", read=kinds.whole(1, 500), default=20),
        Argument(
            name="level",
            read=kinds.choice("debug", "info", "warning", "error"),
            default="info",
            offers=("debug", "info", "warning", "error"),
        ),
    ),
)
async def logs(asked: Asked) -> Card:
    """Show the last lines of this process's log, without secrets."""
    lines = remembered_lines(asked.args["level"])[-asked.args["n"] :]
    shown = lines[-15:]
    text = "\n".join(f"{one.at} {one.level:<8} {one.text}" for one in lines)
    return Card(
        name="logs",
        title=Text("logs.title", {"n": len(lines)}),
        tables=(
            Table(
                name="logs",
                columns=(Column("at"), Column("level"), Column("line")),
                rows=tuple((one.at, one.level, one.text) for one in shown),
            ),
        )
        if shown
        else (),
        notes=() if shown else (Text("logs.none"),),
        file=File(name="log.txt", media_type="text/plain", content=text.encode("utf-8", "replace"))
        if len(lines) > len(shown)
        else None,
    )


@PAGE.word(
    "stats",
    example="/stats",
    arguments=(
        Argument(name="pair", read=kinds.pair, offers="pair"),
        Argument(name="days", read=kinds.whole(1, 3650), only_named=True),
        *WHOSE,
    ),
)
async def stats(asked: Asked) -> Card:
    """Show wins and losses per exit reason, and how long trades are held."""
    book = await gathered(asked, days=asked.args["days"])
    trades = await of_pair(asked, book.trades)
    rows = by_group(trades, lambda one: one.reason.value)
    held: dict[str, list[float]] = {"won": [], "lost": []}
    for one in trades:
        held["won" if one.pnl > 0 else "lost"].append((one.closed_at - one.opened_at).total_seconds())

    def mean(seconds: list[float]) -> Value:
        return timedelta(seconds=sum(seconds) / len(seconds)) if seconds else None

    return Card(
        name="stats",
        title=Text("stats.title", {"n": len(trades)}),
        fields=(*book.whose, Field("held_won", mean(held["won"])), Field("held_lost", mean(held["lost"]))),
        tables=(
            Table(
                name="stats",
                columns=(Column("reason"), Column("wins"), Column("losses"), Column("pnl")),
                rows=tuple(
                    (
                        Text(f"reason.{one.name}"),
                        one.sum.wins,
                        one.sum.losses,
                        Money(one.sum.pnl, book.currency, is_signed=True),
                    )
                    for one in rows
                ),
            ),
        )
        if rows
        else (),
        notes=() if rows else (Text("trades.none"),),
        chart=bars_chart(
            "stats",
            book,
            [asked.speaker.say(Text(f"reason.{one.name}")) for one in rows],
            [one.sum.pnl for one in rows],
        ),
        buttons=(Button(name="export", press=Press.SAY, line="/export trades 30 csv"),) if rows else (),
    )


@PAGE.word(
    "delete",
    example="/delete 12",
    asks=ArchiveTrade,
    arguments=(Argument(name="trade", read=kinds.name, is_required=True, offers="trade"),),
)
async def delete(asked: Asked) -> Card:
    """Take a finished trade out of lists and statistics; ledger, fills and audit keep it."""
    outcome = await asked.do(ArchiveTrade(trade_id=asked.args["trade"]))
    trade: Trade = outcome.view
    async with asked.store.reading() as tx:
        lines = await tx.audit.page(asked.workspace_id, RowPage(first=20))
    line = next((one for one in lines if one.action == ArchiveTrade.policy.name), None)
    return Card(
        name="archived",
        title=Text("archived.title", {"number": trade.number}),
        tone=Tone.WARN,
        body=(Text("archived.body"),),
        fields=(
            Field("pair", trade.pair),
            Field("pnl", Money(trade.pnl, is_signed=True), tone_of_amount(trade.pnl)),
            Field("closed", trade.closed_at),
            Field("audit_id", f"#{line.sequence}" if line else None),
        ),
    )
