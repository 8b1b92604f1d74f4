"""Words about risk: where the limits stand, locks, the emergency stop and its release."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from chatops import kinds
from chatops.arguments import Argument
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
from chatops.commands.limits import correlation_card, gauge_chart, limits_table, what_if_card
from chatops.commands.money import holdings_chart
from chatops.commands.positions import tone_of_amount
from chatops.problems import misheard
from chatops.reading import accounts_of, bots_of, completed_pair, is_all, known_pairs, refusal
from chatops.room import Asked
from chatops.typing_repair import plain
from desk.commands import LockPair, PanicStop, ReleasePanic, UnlockPair
from desk.handlers.risk import ALL_ACCOUNTS
from desk.ports import Unit
from desk.views import Account, Lock, Position
from desk.views import Page as RowPage
from trading.errors import nearest

PAGE = Page(Group.RISK)

_ACCOUNT = Argument(name="account", read=kinds.name, only_named=True)


async def account_named(asked: Asked, tx: Unit) -> Account:
    """Give the named account, or the only one.

    Raises:
        Misheard: no such account, or several and none named.
    """
    accounts = tuple((await accounts_of(asked, tx)).values())
    named = asked.args.get("account")
    names = ", ".join(one.name for one in accounts) or "–"
    if named is None:
        if len(accounts) == 1:
            return accounts[0]
        raise misheard("which_account", advice="usage", allowed=names, usage=asked.word.usage)
    for one in accounts:
        if named in (one.id, one.name):
            return one
    hint = nearest(named, [one.name for one in accounts])
    raise misheard("unknown_account", problem="not_found", found=named, allowed=names, nearest=hint)


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
            return await panic_card(asked, halted) if halted else await _used(asked)
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
        for account in (await accounts_of(asked, tx)).values():
            state = await tx.accounts.status(asked.workspace_id, account.id)
            is_halted |= account.trading_state.value == "HALTED"
            fields += [
                Field("account", account.name),
                Field("trading", Text(f"trading.{account.trading_state.value}")),
            ]
            if account.state_reason:
                fields.append(Field("reason", account.state_reason))
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
                        refusal(str(one.get("rule", ""))),
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


@PAGE.word("limits", example="/limits", arguments=(_ACCOUNT,))
async def limits(asked: Asked) -> Card:
    """Show an account's limits."""
    async with asked.store.reading() as tx:
        account = await account_named(asked, tx)
    return Card(
        name="limits",
        title=Text("limits.title", {"account": account.name}),
        tables=(limits_table(account),),
        notes=(Text("limits.how"),),
    )


#: Details of a refusal that mean something to programs only.
_IDS = frozenset({"signal_id", "until_ms"})


def _detail(detail: object) -> Value:
    if not isinstance(detail, dict):
        return str(detail) if detail else None
    return (
        ", ".join(f"{name} {value}" for name, value in detail.items() if name not in _IDS and value) or None
    )


def _lock(one: Lock) -> tuple[Value, ...]:
    return (one.pair or Text("lock.all"), one.until, one.reason or None, one.actor or None)


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
    aliases=("delete_lock",),
    arguments=(Argument(name="pair", read=kinds.pair, is_required=True, offers="pair"), _ACCOUNT),
)
async def unlock(asked: Asked) -> Card:
    """Release a lock before its time."""
    async with asked.store.reading() as tx:
        pair = await _pair(asked, tx)
        account = await account_named(asked, tx)
    await asked.do(UnlockPair(pair=pair, account_id=account.id))
    return Card(
        name="unlocked", title=Text("unlock.done", {"pair": pair or Text("lock.all")}), tone=Tone.GOOD
    )


@PAGE.word(
    "panic",
    example="/panic exchange misbehaves",
    asks=PanicStop,
    aliases=("kill",),
    arguments=(
        Argument(name="keep_positions", read=kinds.flag, is_switch=True, default=False),
        Argument(name="scope", read=kinds.name, offers="bot", default=""),
        Argument(name="reason", takes_rest=True, default=""),
        _ACCOUNT,
    ),
)
async def panic(asked: Asked) -> Card:
    """Halt an account, that of a bot or all, cancel entries and close positions; it stays halted until released."""
    async with asked.store.reading() as tx:
        accounts, reason = await _panicking(asked, tx)
        held = await _held(asked, tx, accounts)
        chart = holdings_chart(
            asked, await _worth(asked, tx, accounts, held), currency=accounts[0].currency, name="before"
        )
    keeps = asked.args["keep_positions"]
    account_id = accounts[0].id if len(accounts) == 1 and not is_all(asked.args["scope"]) else ALL_ACCOUNTS
    await asked.do(PanicStop(account_id=account_id, keep_positions=keeps, reason=reason))
    return await panic_card(asked, accounts, before=len(held), keeps=keeps, chart=chart)


async def _panicking(asked: Asked, tx: Unit) -> tuple[Sequence[Account], str]:
    """Give the accounts that are meant, and the reason: a first word that names nothing belongs to it."""
    scope, reason = asked.args["scope"], asked.args["reason"]
    accounts = await accounts_of(asked, tx)
    if asked.args["account"] is None:
        if is_all(scope) and accounts:
            return tuple(accounts.values()), reason
        named = plain(scope).casefold()
        for bot in (await bots_of(asked, tx)).values():
            if named == bot.name.casefold():
                return (accounts[bot.account_id],), reason
        for one in accounts.values():
            if named == one.name.casefold():
                return (one,), reason
    return (await account_named(asked, tx),), f"{scope} {reason}".strip()


async def _held(asked: Asked, tx: Unit, accounts: Sequence[Account]) -> list[Position]:
    return [one for account in accounts for one in await tx.positions.open(asked.workspace_id, account.id)]


async def _worth(
    asked: Asked, tx: Unit, accounts: Sequence[Account], held: Sequence[Position]
) -> list[tuple[str, Decimal]]:
    """Give cash and what is held, as it is before the stop."""
    found: list[tuple[str, Decimal]] = []
    for account in accounts:
        state = await tx.accounts.status(asked.workspace_id, account.id)
        found.append((account.currency, state.cash if state else account.capital))
    return found + [(one.pair, one.quantity * one.mark_price * (1 if one.is_long else -1)) for one in held]


async def panic_card(
    asked: Asked,
    accounts: Sequence[Account],
    *,
    before: int | None = None,
    keeps: bool = False,
    chart: Chart | None = None,
) -> Card:
    """Give the steps of an emergency stop and how far each is; a door keeps it up to date until all are done.

    Args:
        before: positions when it began; None where nobody knows any more.
    """
    async with asked.store.reading() as tx:
        now = [await tx.accounts.by_id(asked.workspace_id, one.id) or one for one in accounts]
        held = await _held(asked, tx, accounts)
        unsettled = [
            one for account in accounts for one in await tx.orders.unsettled(asked.workspace_id, account.id)
        ]
    entries = [one for one in unsettled if not one.is_reduce_only]
    is_halted = all(one.trading_state.value == "HALTED" for one in now)
    is_flat = not held or keeps
    is_over = is_halted and not entries and is_flat and not unsettled
    closed = None if before is None else max(0, before - len(held))
    steps: list[tuple[Value, ...]] = [
        (1, Text("panic.halt"), _tick(is_halted), None),
        (2, Text("panic.cancel"), _tick(not entries), Text("panic.left", {"n": len(entries)})),
        (
            3,
            Text("panic.keep" if keeps else "panic.close"),
            _tick(is_flat),
            Text("panic.of", {"n": closed, "of": before})
            if closed is not None and not keeps
            else Text("panic.left", {"n": len(held)}),
        ),
        (4, Text("panic.verify"), _tick(is_over), None),
        (5, Text("panic.latch"), _tick(is_halted), None),
    ]
    return Card(
        name="panic",
        title=Text("panic.title", {"account": ", ".join(one.name for one in now)}),
        tone=Tone.BAD,
        body=(Text("panic.kept" if keeps else "panic.closing"),) if not is_over else (Text("panic.over"),),
        fields=(
            Field("trading", Text(f"trading.{now[0].trading_state.value}"), Tone.BAD),
            Field("positions_left", len(held)),
            Field("orders_left", len(unsettled)),
        ),
        tables=(
            Table(
                name="steps",
                columns=(Column("number"), Column("step"), Column("done"), Column("detail", 1)),
                rows=tuple(steps),
            ),
        ),
        chart=chart,
        notes=(Text("panic.release"),),
        renewed_by="" if is_over else "/risk steps",
    )


def _tick(is_done: bool) -> Text:
    return Text("panic.done" if is_done else "panic.waits")


@PAGE.word(
    "unlatch",
    example="/unlatch checked with the exchange",
    asks=ReleasePanic,
    arguments=(Argument(name="reason", takes_rest=True, default=""), _ACCOUNT),
)
async def unlatch(asked: Asked) -> Card:
    """Let a halted account trade again."""
    async with asked.store.reading() as tx:
        account = await account_named(asked, tx)
    await asked.do(ReleasePanic(account_id=account.id, reason=asked.args["reason"]))
    return Card(
        name="unlatched",
        title=Text("unlatch.title", {"account": account.name}),
        tone=Tone.GOOD,
        body=(Text("unlatch.body"),),
    )
