"""Words about the emergency stop: its steps, what it did, and its release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, Chart, Column, Field, Money, Table, Text, Tone, Value
from chatops.reading import account_named, accounts_of, bots_of, is_all, modes_of, reference, side
from chatops.room import Asked
from chatops.typing_repair import plain
from desk.commands import PanicStop, ReleasePanic
from desk.handlers.risk import ALL_ACCOUNTS
from desk.money import money_kinds
from desk.ports import Unit
from desk.views import Account, Filter, Order, Position, Trade
from desk.views import Page as RowPage
from trading.orders import OrderState

PAGE = Page(Group.RISK)

_ACCOUNT = Argument(name="account", read=kinds.name, only_named=True)
_SCOPE = Argument(name="scope", read=kinds.name, offers="bot", default="")
_REASON = Argument(name="reason", takes_rest=True, default="")

#: Finished trades and orders that are looked through for those of a stop.
_MOST_ROWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What there was when a stop began, by reference. The line that renews its card carries it, as nobody stores it.

    Attributes:
        is_known: False where nobody said what there was.
        keeps: positions stay with their stops.
    """

    positions: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    keeps: bool = False
    is_known: bool = False

    @classmethod
    def of(cls, positions: Sequence[Position], orders: Sequence[Order], *, keeps: bool) -> Seen:
        """Note what there is."""
        return cls(
            positions=tuple(reference(one.id) for one in positions),
            entries=tuple(reference(one.id) for one in orders if not one.is_reduce_only),
            keeps=keeps,
            is_known=True,
        )

    @property
    def words(self) -> str:
        """Give it as words of a line."""
        held, entries = ",".join(self.positions) or "-", ",".join(self.entries) or "-"
        return f"{held} {entries}{' kept' if self.keeps else ''}"

    @classmethod
    def read(cls, words: str) -> Seen:
        """Read it from the words of a line; whatever else was typed names nothing."""
        parts = plain(words).lower().split()
        if len(parts) < 2:
            return cls()
        held, entries = ((one.split(",") if one != "-" else []) for one in parts[:2])
        return cls(positions=tuple(held), entries=tuple(entries), keeps="kept" in parts[2:], is_known=True)


@PAGE.word(
    "panic",
    example="/panic exchange misbehaves",
    asks=PanicStop,
    aliases=("kill",),
    arguments=(
        Argument(name="keep_positions", read=kinds.flag, is_switch=True, default=False),
        _SCOPE,
        _REASON,
        _ACCOUNT,
    ),
)
async def panic(asked: Asked) -> Card:
    """Halt an account, that of a bot or all, cancel entries and close positions; it stays halted until released."""
    keeps: bool = asked.args["keep_positions"]
    async with asked.store.reading() as tx:
        accounts, reason = await _meant(asked, tx)
        seen = Seen.of(await _held(asked, tx, accounts), await _unsettled(asked, tx, accounts), keeps=keeps)
    account_id = accounts[0].id if len(accounts) == 1 and not is_all(asked.args["scope"]) else ALL_ACCOUNTS
    await asked.do(PanicStop(account_id=account_id, keep_positions=keeps, reason=reason))
    return await panic_card(asked, accounts, seen)


async def _meant(asked: Asked, tx: Unit) -> tuple[Sequence[Account], str]:
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


async def _unsettled(asked: Asked, tx: Unit, accounts: Sequence[Account]) -> list[Order]:
    return [one for account in accounts for one in await tx.orders.unsettled(asked.workspace_id, account.id)]


async def panic_card(asked: Asked, accounts: Sequence[Account], seen: Seen) -> Card:
    """Give the steps of an emergency stop, how far each is and what it did; a door keeps it up to date until all are done."""
    async with asked.store.reading() as tx:
        now = [await tx.accounts.by_id(asked.workspace_id, one.id) or one for one in accounts]
        held = await _held(asked, tx, accounts)
        unsettled = await _unsettled(asked, tx, accounts)
        closed = await _closed(asked, tx, seen)
        entries = await _entries(asked, tx, seen)
        cash = [await _cash(asked, tx, one) for one in accounts]
        money = await money_kinds(tx, asked.workspace_id)
    waiting = [one for one in unsettled if not one.is_reduce_only]
    is_halted = all(one.trading_state.value == "HALTED" for one in now)
    is_flat = not held or seen.keeps
    is_over = is_halted and is_flat and not (waiting if seen.keeps else unsettled)
    steps: list[tuple[Value, ...]] = [
        (1, Text("panic.halt"), _tick(is_halted), None),
        (2, Text("panic.cancel"), _tick(not waiting), Text("panic.left", {"n": len(waiting)})),
        (
            3,
            Text("panic.keep" if seen.keeps else "panic.close"),
            _tick(is_flat),
            Text("panic.of", {"n": len(closed), "of": len(seen.positions)})
            if seen.is_known and not seen.keeps
            else Text("panic.left", {"n": len(held)}),
        ),
        (4, Text("panic.verify_kept" if seen.keeps else "panic.verify"), _tick(is_over), None),
        (5, Text("panic.latch"), _tick(is_halted), None),
    ]
    tables = [
        Table(
            name="steps",
            columns=(Column("number"), Column("step"), Column("done"), Column("detail", 1)),
            rows=tuple(steps),
        )
    ]
    if outcome := [*_positions(held, closed, seen), *_orders(entries)]:
        tables.append(
            Table(
                name="outcome",
                is_titled=True,
                columns=(Column("id"), Column("pair"), Column("side", 1), Column("became"), Column("pnl")),
                rows=tuple(outcome),
            )
        )
    said = "panic.stopped" if seen.keeps else "panic.over"
    return Card(
        name="panic",
        title=Text("panic.title", {"account": ", ".join(one.name for one in now)}),
        tone=Tone.BAD,
        body=(Text(said if is_over else "panic.kept" if seen.keeps else "panic.closing"),),
        fields=(
            *modes_of(money[one.id] for one in now),
            Field("trading", Text(f"trading.{now[0].trading_state.value}"), Tone.BAD),
            Field("positions_left", len(held)),
            Field("orders_left", len(unsettled)),
        ),
        tables=tuple(tables),
        chart=_before_after(asked, accounts[0].currency, sum(cash, Decimal(0)), closed, held)
        if is_over and seen.is_known
        else None,
        notes=(Text("panic.release"),),
        renewed_by="" if is_over else f"/risk steps {seen.words if seen.is_known else ''}".rstrip(),
    )


def _tick(is_done: bool) -> Text:
    return Text("panic.done" if is_done else "panic.waits")


async def _closed(asked: Asked, tx: Unit, seen: Seen) -> list[Trade]:
    """Give the finished trades of the positions that there were."""
    if not seen.positions:
        return []
    rows = await tx.positions.trades(asked.workspace_id, Filter(), RowPage(first=_MOST_ROWS))
    return [one for one in rows if reference(one.position_id) in seen.positions]


async def _entries(asked: Asked, tx: Unit, seen: Seen) -> list[Order]:
    if not seen.entries:
        return []
    rows = await tx.orders.page(asked.workspace_id, Filter(), RowPage(first=_MOST_ROWS))
    return [one for one in rows if reference(one.id) in seen.entries]


async def _cash(asked: Asked, tx: Unit, account: Account) -> Decimal:
    status = await tx.accounts.status(asked.workspace_id, account.id)
    return status.cash if status else account.capital


def _positions(held: Sequence[Position], closed: Sequence[Trade], seen: Seen) -> list[tuple[Value, ...]]:
    """Tell of each position whether it was closed, and with what, or is left."""
    rows: list[tuple[Value, ...]] = [
        (
            reference(one.position_id),
            one.pair,
            side(one.is_long),
            Text("panic.closed"),
            Money(one.pnl, is_signed=True),
        )
        for one in closed
    ]
    became = Text("panic.with_stop" if seen.keeps else "panic.open")
    rows += [
        (
            reference(one.id),
            one.pair,
            side(one.is_long),
            became,
            Money(one.realized_pnl + one.unrealized_pnl, is_signed=True),
        )
        for one in held
        if seen.is_known
    ]
    return rows


def _orders(entries: Sequence[Order]) -> list[tuple[Value, ...]]:
    """Tell what became of each entry that was under way."""
    return [
        (
            reference(one.id),
            one.pair,
            Text(f"order_side.{one.side.value}"),
            Text("panic.cancelled")
            if one.state is OrderState.CANCELED
            else Text(f"order_state.{one.state.value}"),
            None,
        )
        for one in entries
    ]


def _worth(quantity: Decimal, price: Decimal, *, is_long: bool) -> Decimal:
    return quantity * price * (1 if is_long else -1)


def _before_after(
    asked: Asked, currency: str, cash: Decimal, closed: Sequence[Trade], held: Sequence[Position]
) -> Chart:
    """Give the picture of what was held and what is; what was closed is worth what it brought."""
    after = {currency: cash}
    for one in held:
        worth = _worth(one.quantity, one.mark_price, is_long=one.is_long)
        after[one.pair] = after.get(one.pair, Decimal(0)) + worth
    before = dict(after)
    for trade in closed:
        worth = _worth(trade.quantity, trade.exit_price, is_long=trade.is_long)
        before[currency] -= worth
        before[trade.pair] = before.get(trade.pair, Decimal(0)) + worth
    return Chart(
        kind="before_after",
        name="after",
        spec={
            "title": asked.speaker.say(Text("after.picture")),
            "subtitle": asked.speaker.value(asked.now),
            "currency": currency,
            "labels": list(before),
            "before": [float(one) for one in before.values()],
            "after": [float(after.get(name, 0)) for name in before],
        },
    )


@PAGE.word(
    "unlatch",
    example="/unlatch checked with the exchange",
    asks=ReleasePanic,
    arguments=(_SCOPE, _REASON, _ACCOUNT),
)
async def unlatch(asked: Asked) -> Card:
    """Let a halted account, or that of a bot, trade again."""
    async with asked.store.reading() as tx:
        accounts, reason = await _meant(asked, tx)
        # Each account is let go by itself, so that each is looked at.
        account = accounts[0] if len(accounts) == 1 else await account_named(asked, tx)
    await asked.do(ReleasePanic(account_id=account.id, reason=reason))
    return Card(
        name="unlatched",
        title=Text("unlatch.title", {"account": account.name}),
        tone=Tone.GOOD,
        body=(Text("unlatch.body"),),
    )
