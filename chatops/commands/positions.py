"""Words about open positions and finished trades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Button, Card, Column, Field, Money, Press, Price, Ratio, Table, Text, Tone, Value
from chatops.commands.bots import phases_text
from chatops.problems import misheard
from chatops.reading import (
    account_text,
    accounts_of,
    bots_of,
    completed_pair,
    known_pairs,
    mode_field,
    mode_rank,
    mode_text,
    open_position,
    reference,
    side,
    wanted_bot,
)
from chatops.room import Asked
from chatops.typing_repair import plain
from desk.identity import Role
from desk.money import MoneyKind, kinds_of
from desk.ports import Unit
from desk.views import Account, AccountStatus, Bot, Filter, Position, Trade
from desk.views import Page as RowPage

PAGE = Page(Group.POSITIONS)

_ZERO = Decimal(0)


@PAGE.word(
    "status",
    example="/status table",
    aliases=("st",),
    arguments=(
        Argument(name="view", read=kinds.words, takes_rest=True, offers="bot"),
        Argument(name="bot", read=kinds.name, only_named=True, offers="bot"),
    ),
)
async def status(asked: Asked) -> Card:
    """Show equity, bots and open positions; `table` positions only, ids those positions, `live` keeps it up to date."""
    view = [one for one in (asked.args["view"] or "").split() if one.lower() != "live"]
    async with asked.store.reading() as tx:
        named = [await open_position(asked, tx, one) for one in view]
        if view and all(one is not None for one in named):
            return await _chosen(asked, tx, [one for one in named if one is not None])
    is_table = view[:1] == ["table"]
    await _refuse_numbers(asked, view[1:] if is_table else view)
    spoken_bot = asked.args["bot"] or " ".join(view[1:] if is_table else view) or None
    bot = await wanted_bot(asked, spoken_bot)
    async with asked.store.reading() as tx:
        accounts = await accounts_of(asked, tx)
        bots = await bots_of(asked, tx)
        shown = (bot,) if bot else tuple(bots.values())
        held = {one.account_id for one in shown} if shown else set(accounts)
        states = [
            (account, await tx.accounts.status(asked.workspace_id, account.id))
            for account in accounts.values()
            if account.id in held
        ]
        rows = [
            one for one in await tx.positions.open(asked.workspace_id) if bot is None or one.bot_id == bot.id
        ]
        money = await kinds_of(tx, asked.workspace_id, accounts.values())
        waiting = [
            one for one in await tx.entries.open(asked.workspace_id) if bot is None or one.bot_id == bot.id
        ]
    notes = [Text("status.none")] if not rows else []
    if waiting:
        notes.append(Text("status.waiting", {"n": len(waiting)}))
    if is_table:
        return Card(
            name="status",
            title=Text("status.title", {"n": len(rows)}),
            tables=(positions_table(rows, bots, accounts),) if rows else (),
            notes=tuple(notes),
            buttons=(Button(name="refresh", press=Press.SAY, line=asked.line),),
        )
    total = sum((one.unrealized_pnl for one in rows), _ZERO)
    currency = next((account.currency for account, _ in states), "")
    fields = [field for account, state in states for field in account_fields(account, state, money)]
    if rows:
        fields.append(Field("unrealized", Money(total, currency, is_signed=True), tone_of_amount(total)))
    halted = any(one.trading_state.value == "HALTED" for one in accounts.values())
    return Card(
        name="status",
        title=Text("status.title", {"n": len(rows)}),
        tone=Tone.BAD if halted else tone_of_amount(total) if rows else Tone.PLAIN,
        fields=tuple(fields),
        tables=tuple(one for one in (_bots(shown, money), positions_table(rows, bots, accounts)) if one.rows),
        notes=tuple(notes),
        buttons=(Button(name="refresh", press=Press.SAY, line=asked.line),),
    )


async def _refuse_numbers(asked: Asked, view: Sequence[str]) -> None:
    """Refuse a number that is no open position and no bot: whoever says one means a trade.

    Raises:
        Misheard: there is one.
    """
    async with asked.store.reading() as tx:
        names = {one.name for one in (await bots_of(asked, tx)).values()}
        held = await tx.positions.open(asked.workspace_id)
    for typed in view:
        if plain(typed).lstrip("#").isdecimal() and typed not in names:
            shown = ", ".join(f"{reference(one.id)} ({one.pair})" for one in held)
            raise misheard(
                "unknown_position",
                advice="positions",
                problem="not_found",
                found=typed,
                allowed=shown or "–",
            )


async def _chosen(asked: Asked, tx: Unit, rows: Sequence[Position]) -> Card:
    """Give the positions that somebody named, each in full."""
    accounts, bots = await accounts_of(asked, tx), await bots_of(asked, tx)
    money = await kinds_of(tx, asked.workspace_id, accounts.values())
    fields: list[Field] = []
    for one in rows:
        account, bot = accounts.get(one.account_id), bots.get(one.bot_id)
        pnl = one.realized_pnl + one.unrealized_pnl
        fields += [
            Field("id", reference(one.id)),
            Field("bot", bot.name if bot else None),
            mode_field(money[one.account_id]),
            Field("pair", one.pair),
            Field("side", side(one.is_long)),
            Field("quantity", one.quantity),
            Field("entry", Price(one.entry_price)),
            Field("price", Price(one.mark_price)),
            Field(
                "pnl", Money(pnl, account.currency if account else "", is_signed=True), tone_of_amount(pnl)
            ),
            Field("pnl_ratio", Ratio(open_ratio(one), is_signed=True), tone_of_amount(pnl)),
            Field("stop", Price(one.stop)),
            Field("targets", targets_text(one)),
            Field("opened", one.opened_at),
        ]
    return Card(
        name="status",
        title=Text("status.title", {"n": len(rows)}),
        fields=tuple(fields),
        notes=(Text("trades.why"),),
        buttons=(Button(name="refresh", press=Press.SAY, line=asked.line),),
    )


def account_fields(
    account: Account, state: AccountStatus | None, money: Mapping[str, MoneyKind]
) -> tuple[Field, ...]:
    """Give an account's money and how it stands."""
    named = Field("account", account_text(account, money))
    if state is None:
        return (
            named,
            Field("capital", Money(account.capital, account.currency)),
            Field("trading", Text(f"trading.{account.trading_state.value}")),
        )
    return (
        named,
        Field("equity", Money(state.equity, account.currency)),
        Field("today", Ratio(state.day_change, is_signed=True), tone_of_amount(state.day_change)),
        Field("drawdown", Ratio(state.drawdown), Tone.BAD if state.drawdown <= -0.1 else Tone.PLAIN),
        Field("slots", Text("slots.used", {"open": state.open_positions, "max": state.max_positions})),
        Field("trading", Text(f"trading.{state.trading_state.value}")),
        Field("as_of", state.as_of),
    )


def tone_of_amount(amount: Decimal | float) -> Tone:
    """Give the tone of a gain or loss."""
    return Tone.GOOD if amount > 0 else Tone.BAD if amount < 0 else Tone.PLAIN


def _bots(rows: Sequence[Bot], money: Mapping[str, MoneyKind]) -> Table:
    return Table(
        name="bots",
        is_titled=True,
        columns=(
            Column("bot"),
            Column("desired"),
            Column("condition"),
            Column("phases"),
            Column("strategy", 1),
            Column("mode", mode_rank(money)),
        ),
        rows=tuple(
            (
                one.name,
                Text(f"desired.{one.desired.value}"),
                Text(f"condition.{one.condition.value}"),
                phases_text(one),
                one.strategy,
                mode_text(money[one.account_id]),
            )
            for one in rows
        ),
    )


def positions_table(
    rows: Sequence[Position], bots: Mapping[str, Bot], accounts: Mapping[str, Account]
) -> Table:
    """Give open positions with profit, stop and targets."""
    return Table(
        name="positions",
        is_titled=True,
        columns=(
            Column("id"),
            Column("bot", 1),
            Column("pair"),
            Column("side"),
            Column("quantity", 2),
            Column("entry", 1),
            Column("price"),
            Column("pnl"),
            Column("pnl_ratio"),
            Column("stop"),
            Column("targets", 1),
            Column("held", 2),
        ),
        rows=tuple(_position(one, bots, accounts) for one in rows),
    )


def _position(one: Position, bots: Mapping[str, Bot], accounts: Mapping[str, Account]) -> tuple[Value, ...]:
    account = accounts.get(one.account_id)
    bot = bots.get(one.bot_id)
    pnl = one.realized_pnl + one.unrealized_pnl
    return (
        reference(one.id),
        bot.name if bot else None,
        one.pair,
        side(one.is_long),
        one.quantity,
        Price(one.entry_price),
        Price(one.mark_price),
        Money(pnl, account.currency if account else "", is_signed=True),
        Ratio(open_ratio(one), is_signed=True),
        Price(one.stop),
        targets_text(one),
        one.as_of - one.opened_at,
    )


def open_ratio(one: Position) -> float | None:
    """Give an open position's profit on what was paid for it."""
    paid = one.entry_price * one.entry_quantity
    return float((one.realized_pnl + one.unrealized_pnl) / paid) if paid else None


def targets_text(one: Position) -> Value:
    """Give the next target, and how many are filled."""
    if not one.legs:
        return None
    filled = sum(1 for leg in one.legs if leg.is_filled)
    following = next((leg.price for leg in one.legs if not leg.is_filled), None)
    if following is None:
        return Text("targets.all", {"count": len(one.legs)})
    return Text("targets.next", {"leg": filled + 1, "price": Price(following)})


@PAGE.word("count", example="/count")
async def count(asked: Asked) -> Card:
    """Show slots, exposure and risk in use."""
    async with asked.store.reading() as tx:
        accounts = await accounts_of(asked, tx)
        rows = await tx.positions.open(asked.workspace_id)
        states = {key: await tx.accounts.status(asked.workspace_id, key) for key in accounts}
        money = await kinds_of(tx, asked.workspace_id, accounts.values())
    fields: list[Field] = []
    for key, account in accounts.items():
        mine = [one for one in rows if one.account_id == key]
        exposure = sum((one.quantity * one.mark_price for one in mine), _ZERO)
        state = states[key]
        slots: Value = (
            Text("slots.used", {"open": len(mine), "max": state.max_positions}) if state else len(mine)
        )
        fields += [
            Field("account", account_text(account, money)),
            Field("slots", slots),
            Field("exposure", Money(exposure, account.currency)),
            Field("open_risk", Money(state.open_risk, account.currency) if state else None),
        ]
    return Card(name="count", title=Text("count.title"), fields=tuple(fields))


@PAGE.word(
    "trades",
    example="/trades 20 pair=BTC/USDT",
    arguments=(
        Argument(name="n", read=kinds.whole(1, 100), default=10),
        Argument(name="pair", read=kinds.pair, only_named=True, offers="pair"),
        Argument(name="side", read=kinds.choice("long", "short"), only_named=True, offers=("long", "short")),
        Argument(name="bot", read=kinds.name, only_named=True, offers="bot"),
    ),
)
async def trades(asked: Asked) -> Card:
    """List the last finished trades, newest first."""
    args = asked.args
    bot = await wanted_bot(asked, args["bot"])
    async with asked.store.reading() as tx:
        pair = completed_pair(asked, args["pair"], await known_pairs(asked, tx)) if args["pair"] else ""
        accounts = await accounts_of(asked, tx)
        bots = await bots_of(asked, tx)
        wanted = Filter(bot_id=bot.id if bot else "", pair=pair)
        first = args["n"] if args["side"] is None else 500
        rows = await tx.positions.trades(asked.workspace_id, wanted, RowPage(first=first))
    shown = [one for one in rows if args["side"] in (None, "long" if one.is_long else "short")][: args["n"]]
    return Card(
        name="trades",
        title=Text("trades.title", {"n": len(shown)}),
        tables=(trades_table(shown, bots, accounts),) if shown else (),
        notes=(Text("trades.why"),) if shown else (Text("trades.none"),),
        buttons=(Button(name="export", press=Press.SAY, line="/export trades 365 xlsx"),)
        if shown and asked.actor.role >= Role.OPERATOR
        else (),
    )


def trades_table(rows: Sequence[Trade], bots: Mapping[str, Bot], accounts: Mapping[str, Account]) -> Table:
    """Give finished trades, net of costs."""
    return Table(
        name="trades",
        columns=(
            Column("number"),
            Column("bot", 2),
            Column("pair"),
            Column("side"),
            Column("quantity", 3),
            Column("entry", 1),
            Column("exit", 1),
            Column("pnl"),
            Column("pnl_ratio"),
            Column("reason"),
            Column("held", 3),
            Column("closed", 2),
        ),
        rows=tuple(
            (
                f"#{one.number}",
                bots[one.bot_id].name if one.bot_id in bots else None,
                one.pair,
                side(one.is_long),
                one.quantity,
                Price(one.entry_price),
                Price(one.exit_price),
                Money(
                    one.pnl,
                    accounts[one.account_id].currency if one.account_id in accounts else "",
                    is_signed=True,
                ),
                Ratio(one.pnl_ratio, is_signed=True),
                Text(f"reason.{one.reason.value}"),
                one.closed_at - one.opened_at,
                one.closed_at,
            )
            for one in rows
        ),
    )
