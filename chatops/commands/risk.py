"""Words about risk: where the limits stand, and locks."""

from __future__ import annotations

from datetime import timedelta

from chatops import kinds
from chatops.arguments import Argument
from chatops.because import because, in_words
from chatops.book import Group, Page
from chatops.cards import (
    Button,
    Card,
    Chart,
    Column,
    Field,
    Money,
    Press,
    Ratio,
    Table,
    Text,
    Tone,
    Value,
)
from chatops.commands.emergency import Seen, panic_card
from chatops.commands.limits import correlation_card, gauge_chart, what_if_card
from chatops.commands.positions import tone_of_amount
from chatops.reading import account_named, account_text, accounts_of, completed_pair, is_all, known_pairs
from chatops.room import Asked
from desk.commands import LockPair, UnlockPair
from desk.money import kinds_of
from desk.ports import Unit
from desk.views import Lock
from desk.views import Page as RowPage

PAGE = Page(Group.RISK)

_ACCOUNT = Argument(name="account", read=kinds.name, only_named=True)


@PAGE.word(
    "risk",
    example="/risk what_if BTC/USDT -20%",
    arguments=(
        Argument(
            name="view",
            read=kinds.choice("used", "correlation", "what_if", "steps"),
            default="used",
            offers=("used", "correlation", "what_if", "steps"),
        ),
        Argument(name="move", read=kinds.words, takes_rest=True),
    ),
)
async def risk(asked: Asked) -> Card:
    """Show how far limits are used; `correlation`, `what_if <pair> <pct>`, and the `steps` of an emergency stop."""
    match asked.args["view"]:
        case "correlation":
            return await correlation_card(asked)
        case "steps":
            async with asked.store.reading() as tx:
                accounts = tuple((await accounts_of(asked, tx)).values())
            halted = tuple(one for one in accounts if one.trading_state.value == "HALTED")
            if not halted:
                return await _used(asked)
            return await panic_card(asked, halted, Seen.read(asked.args["move"] or ""))
        case "what_if":
            return await what_if_card(asked, (asked.args["move"] or "").split())
        case _:
            return await _used(asked)


async def _used(asked: Asked) -> Card:
    chart: Chart | None = None
    fields: list[Field] = []
    rows: list[tuple[Value, ...]] = []
    is_halted = False
    async with asked.store.reading() as tx:
        accounts = await accounts_of(asked, tx)
        money = await kinds_of(tx, asked.workspace_id, accounts.values())
        for account in accounts.values():
            state = await tx.accounts.status(asked.workspace_id, account.id)
            is_halted |= account.trading_state.value == "HALTED"
            fields += [
                Field("account", account_text(account, money)),
                Field("trading", Text(f"trading.{account.trading_state.value}")),
            ]
            if account.state_reason:
                fields.append(Field("reason", because(account.state_reason)))
            if state is not None:
                chart = chart or gauge_chart(asked, account, state)
                fields += [
                    Field("equity", Money(state.equity, account.currency)),
                    Field("peak", Money(state.peak_equity, account.currency)),
                    Field("drawdown", Ratio(state.drawdown), tone_of_amount(state.drawdown)),
                    Field("today", Ratio(state.day_change, is_signed=True), tone_of_amount(state.day_change)),
                    Field("open_risk", Money(state.open_risk, account.currency)),
                    Field(
                        "slots",
                        Text("slots.used", {"open": state.open_positions, "max": state.max_positions}),
                    ),
                ]
            rows += [_lock(one) for one in await tx.accounts.locks(asked.workspace_id, account.id, asked.now)]
        refused = await tx.positions.risk_events(asked.workspace_id, RowPage(first=10))
    tables = [_locks_table(tuple(rows))] if rows else []
    if refused:
        tables.append(
            Table(
                name="risk_events",
                is_titled=True,
                columns=(Column("at"), Column("rule"), Column("detail", 1)),
                rows=tuple(
                    (
                        one.get("at"),
                        because(str(one.get("rule", ""))),
                        _detail(one.get("detail")),
                    )
                    for one in refused
                ),
            )
        )
    return Card(
        name="risk",
        title=Text("risk.title"),
        tone=Tone.BAD if is_halted else Tone.PLAIN,
        fields=tuple(fields),
        tables=tuple(tables),
        chart=chart,
        buttons=(Button(name="correlation", press=Press.SAY, line="/risk correlation"),),
    )


#: Details of a refusal that mean something to programs only.
_IDS = frozenset({"signal_id", "until_ms"})


def _detail(detail: object) -> Value:
    if not isinstance(detail, dict):
        return because(str(detail)) if detail else None
    return in_words({name: value for name, value in detail.items() if name not in _IDS and value})


def _lock(one: Lock) -> tuple[Value, ...]:
    return (one.pair or Text("lock.all"), one.until, because(one.reason) or None, one.actor or None)


def _locks_table(rows: tuple[tuple[Value, ...], ...]) -> Table:
    return Table(
        name="locks",
        is_titled=True,
        columns=(Column("pair"), Column("until"), Column("reason"), Column("actor", 1)),
        rows=rows,
    )


@PAGE.word("locks", example="/locks")
async def locks(asked: Asked) -> Card:
    """List the pairs that may not be entered now."""
    rows: list[tuple[Value, ...]] = []
    async with asked.store.reading() as tx:
        for account in await accounts_of(asked, tx):
            rows += [_lock(one) for one in await tx.accounts.locks(asked.workspace_id, account, asked.now)]
    return Card(
        name="locks",
        title=Text("locks.title", {"n": len(rows)}),
        tone=Tone.WARN if rows else Tone.PLAIN,
        tables=(_locks_table(tuple(rows)),) if rows else (),
        notes=() if rows else (Text("locks.none"),),
    )


async def _pair(asked: Asked, tx: Unit) -> str:
    typed = asked.args["pair"]
    return "" if is_all(typed) else completed_pair(asked, typed, await known_pairs(asked, tx))


@PAGE.word(
    "lock",
    example="/lock BTC/USDT for=4h news",
    asks=LockPair,
    arguments=(
        Argument(name="pair", read=kinds.pair, is_required=True, offers="pair"),
        Argument(name="for", read=kinds.span, only_named=True, default=timedelta(hours=1)),
        Argument(name="reason", takes_rest=True, default=""),
        _ACCOUNT,
    ),
)
async def lock(asked: Asked) -> Card:
    """Refuse entries for a pair, or for all, for a while."""
    async with asked.store.reading() as tx:
        pair = await _pair(asked, tx)
        account = await account_named(asked, tx)
    length: timedelta = asked.args["for"]
    await asked.do(LockPair(pair=pair, duration=length, reason=asked.args["reason"], account_id=account.id))
    return Card(
        name="locked",
        title=Text("lock.done", {"pair": pair or Text("lock.all")}),
        tone=Tone.WARN,
        body=(Text("lock.body", {"span": length}),),
    )


@PAGE.word(
    "unlock",
    example="/unlock BTC/USDT",
    asks=UnlockPair,
    aliases=("delete_locks", "delete_lock"),
    arguments=(Argument(name="pair", read=kinds.pair, is_required=True, offers="pair"), _ACCOUNT),
)
async def unlock(asked: Asked) -> Card:
    """Release a lock before its time."""
    async with asked.store.reading() as tx:
        pair = await _pair(asked, tx)
        account = await account_named(asked, tx)
    await asked.do(UnlockPair(pair=pair, account_id=account.id))
    return Card(
        name="unlocked",
        title=Text("unlock.done", {"pair": pair or Text("lock.all")}),
        tone=Tone.GOOD,
        body=(Text("unlock.body"),),
    )
