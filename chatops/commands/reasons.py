"""Words that say why: a trade's reasons, and why a pair was not entered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chatops import kinds
from chatops.arguments import Argument
from chatops.because import because
from chatops.book import Group, Page
from chatops.cards import Card, Column, Price, Table, Text, Tone, Value
from chatops.commands.cases import (
    Case,
    case_of,
    checks_table,
    conditions_table,
    orders_table,
    own_conditions,
    pnl_of,
    sight_of,
    signal_tables,
    timeline_table,
    title_of,
    trade_fields,
)
from chatops.commands.positions import tone_of_amount
from chatops.reading import bots_of, completed_pair, known_pairs, reference, side
from chatops.room import Asked
from chatops.sightings import market_chart, trade_chart
from desk.entry_views import FORCE_ENTRY
from desk.views import Filter, SignalRecord
from desk.views import Page as RowPage

PAGE = Page(Group.POSITIONS)

_TRADE = Argument(name="trade", read=kinds.name, offers="trade")


_ALL = Argument(name="all", read=kinds.flag, is_switch=True, default=False)


@PAGE.word("why", example="/why 12", arguments=(_TRADE, _ALL))
async def why(asked: Asked) -> Card:
    """Show why a trade was made: the signal, the sizing arithmetic, the risk checks, what happened, a picture."""
    async with asked.store.reading() as tx:
        case = await case_of(asked, tx, asked.args["trade"])
        chart = await trade_chart(tx, sight_of(case))
    tables = [
        *signal_tables(case.signal, show_all=asked.args["all"]),
        orders_table(case.orders),
        timeline_table(case.events),
    ]
    pnl = pnl_of(case)
    return Card(
        name="why",
        title=Text("why.title", title_of(case)),
        tone=tone_of_amount(pnl),
        body=(_why_text(case),),
        fields=trade_fields(case),
        tables=tuple(one for one in tables if one.rows),
        chart=chart,
        notes=() if case.signal else (Text("why.no_signal"),),
    )


def _why_text(case: Case) -> Text:
    signal = case.signal
    if signal is None:
        return Text("why.manual")
    if signal.tag == FORCE_ENTRY:
        who = case.asked_by or "–"
        return Text("why.by_hand", {"who": who, "at": signal.bar_at, "price": Price(signal.price)})
    params: dict[str, Value] = {
        "strategy": case.bot.strategy if case.bot else "–",
        "tag": signal.tag or "–",
        "at": signal.bar_at,
        "price": Price(signal.price),
    }
    return Text("why.signal", params)


@PAGE.word("trade", example="/trade 12", arguments=(_TRADE,))
async def trade(asked: Asked) -> Card:
    """Show one trade with its picture."""
    async with asked.store.reading() as tx:
        case = await case_of(asked, tx, asked.args["trade"])
        chart = await trade_chart(tx, sight_of(case))
    return Card(
        name="trade",
        title=Text("trade.title", title_of(case)),
        tone=tone_of_amount(pnl_of(case)),
        fields=trade_fields(case),
        chart=chart,
        notes=(Text("trades.why"),),
    )


@PAGE.word(
    "whynot",
    example="/whynot BTC/USDT",
    arguments=(Argument(name="pair", read=kinds.pair, is_required=True, offers="pair"), _ALL),
)
async def whynot(asked: Asked) -> Card:
    """Show what kept bots from entering a pair: bot state, locks, the last signals and the check that refused them."""
    async with asked.store.reading() as tx:
        pair = completed_pair(asked, asked.args["pair"], await known_pairs(asked, tx))
        bots = [one for one in (await bots_of(asked, tx)).values() if pair in one.pairs]
        held = [one for one in await tx.positions.open(asked.workspace_id) if one.pair == pair]
        signals = await tx.signals.page(asked.workspace_id, Filter(pair=pair), RowPage(first=5))
        locks = [
            lock
            for account in {one.account_id for one in bots}
            for lock in await tx.accounts.locks(asked.workspace_id, account, asked.now)
            if lock.pair in ("", pair)
        ]
        chart = await market_chart(tx, pair, bots[0]) if bots else None
    gates: list[Text] = [
        Text("gate.stopped", {"bot": one.name, "state": Text(f"desired.{one.desired.value}")})
        for one in bots
        if one.desired.value != "RUNNING"
    ]
    gates += [
        Text("gate.account", {"bot": one.name, "state": Text(f"trading.{one.trading_state.value}")})
        for one in bots
        if one.trading_state.value != "ACTIVE"
    ]
    gates += [
        Text("gate.condition", {"bot": one.name, "state": Text(f"condition.{one.condition.value}")})
        for one in bots
        if one.condition.value != "READY" and one.desired.value == "RUNNING"
    ]
    gates += [
        Text("gate.locked", {"until": one.until, "reason": because(one.reason) or "–"}) for one in locks
    ]
    gates += [Text("gate.held", {"id": reference(one.id), "side": side(one.is_long)}) for one in held]
    refused = next((one for one in signals if one.outcome in ("denied", "lapsed")), None)
    if refused is not None:
        gates.append(Text("gate.refused", {"at": refused.bar_at, "why": because(refused.reason)}))
    if not signals:
        gates.append(Text("gate.no_signal"))
    names = {one.id: one.name for one in bots}
    tables = [_signals_table(signals, names)]
    if refused is not None:
        tables += [
            conditions_table(own_conditions(refused, show_all=asked.args["all"])),
            checks_table(refused.checks),
        ]
    return Card(
        name="whynot",
        title=Text("whynot.title", {"pair": pair}),
        tone=Tone.WARN if gates else Tone.PLAIN,
        body=tuple(gates) or (Text("gate.none"),),
        tables=tuple(one for one in tables if one.rows),
        chart=chart,
    )


def _signals_table(rows: Sequence[SignalRecord], bots: Mapping[str, str]) -> Table:
    return Table(
        name="signals",
        is_titled=True,
        columns=(
            Column("at"),
            Column("bot", 1),
            Column("side"),
            Column("tag"),
            Column("price"),
            Column("outcome"),
            Column("reason"),
        ),
        rows=tuple(
            (
                one.bar_at,
                bots.get(one.bot_id),
                side(one.direction > 0),
                one.tag or None,
                Price(one.price),
                Text(f"outcome.{one.outcome}"),
                because(one.reason) if one.reason else None,
            )
            for one in rows
        ),
    )
