"""Words that move orders and exits: stops, targets, the end of orders, the comparison with the venue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, Chart, Column, Field, Number, Price, Table, Text, Tone, Value
from chatops.commands.cases import case_of, sight_of
from chatops.problems import misheard
from chatops.reading import (
    accounts_of,
    open_position,
    reference,
    side,
)
from chatops.room import Asked
from chatops.sightings import market_chart
from chatops.typing_repair import plain
from desk.commands import (
    CancelAllOrders,
    CancelOrder,
    ReconcileAccount,
    ResetBreaker,
    SetStop,
    SetTargets,
)
from desk.ports import Unit
from desk.views import Account, Filter, Order, Position
from desk.views import Page as RowPage

PAGE = Page(Group.POSITIONS)

_POSITION = Argument(name="id", read=kinds.name, is_required=True, offers="position")
_ACCOUNT = Argument(name="account", read=kinds.name, only_named=True)

#: A price typed as a percentage is read from the last price.
_HUNDRED = Decimal(100)


async def _position(asked: Asked) -> Position:
    """Give the open position of a reference.

    Raises:
        Misheard: nothing fits.
    """
    async with asked.store.reading() as tx:
        found = await open_position(asked, tx, asked.args["id"])
        rows = await tx.positions.open(asked.workspace_id)
    if found is None:
        raise misheard(
            "unknown_position",
            advice="status",
            problem="not_found",
            found=asked.args["id"],
            allowed=", ".join(f"{reference(one.id)} ({one.pair})" for one in rows) or "–",
        )
    return found


def price_of(position: Position, typed: str, *, is_stop: bool) -> Decimal:
    """Give a price for what was typed: a price as it is, a percentage as a distance from the last price.

    2% is two percent on the losing side for a stop and on the winning side for a target; a sign overrules that.
    """
    shown = plain(typed).replace(",", ".")
    if not shown.endswith("%"):
        return kinds.amount("price", shown)
    share = kinds.share("price", shown.lstrip("+-"))
    is_up = position.is_long is not is_stop
    if shown.startswith(("+", "-")):
        is_up = shown.startswith("+")
    mark = position.mark_price
    moved = mark * (1 + share) if is_up else mark * (1 - share)
    return moved.quantize(_step(mark))


def _step(mark: Decimal) -> Decimal:
    """Give the last digit that a price of this size is written with; the venue's own step is finer or the same."""
    exponent = int(mark.as_tuple().exponent)
    return Decimal(1).scaleb(min(exponent, 0))


def r_multiple(position: Position, price: Decimal) -> float | None:
    """Give what leaving at a price would bring, in units of what was risked at the start."""
    if position.initial_stop is None:
        return None
    risked = abs(position.entry_price - position.initial_stop)
    if not risked:
        return None
    won = price - position.entry_price if position.is_long else position.entry_price - price
    return float(won / risked)


@PAGE.word(
    "sl",
    example="/sl a1b2c3 2%",
    asks=SetStop,
    arguments=(_POSITION, Argument(name="price", read=kinds.name, is_required=True)),
)
async def sl(asked: Asked) -> Card:
    """Move the stop of an open position, to a price or a percentage from the last one."""
    position = await _position(asked)
    stop = asked.fixed("stop", price_of(position, asked.args["price"], is_stop=True))
    await asked.do(SetStop(position_id=position.id, stop=stop))
    chart = await _with_exits(asked, position, stop=stop)
    return Card(
        name="stop_moved",
        title=Text("exits.stop", {"pair": position.pair}),
        tone=Tone.WARN,
        fields=(
            *_of(position),
            Field("before", Price(position.stop)),
            Field("after", Price(stop)),
            Field(
                "r_before",
                Number(None if position.stop is None else r_multiple(position, position.stop)),
            ),
            Field("r_multiple", Number(r_multiple(position, stop))),
        ),
        chart=chart,
        notes=(Text("exits.next_bar"),),
    )


@PAGE.word(
    "tp",
    example="/tp a1b2c3 2% 4% 6%",
    asks=SetTargets,
    arguments=(_POSITION, Argument(name="prices", read=kinds.words, is_required=True, takes_rest=True)),
)
async def tp(asked: Asked) -> Card:
    """Give an open position up to three new targets, as prices or percentages from the last one."""
    position = await _position(asked)
    targets = tuple(
        asked.fixed(f"target{leg}", price_of(position, one, is_stop=False))
        for leg, one in enumerate(asked.args["prices"].split(), 1)
    )
    await asked.do(SetTargets(position_id=position.id, targets=targets))
    chart = await _with_exits(asked, position, targets=targets)
    return Card(
        name="targets_moved",
        title=Text("exits.targets", {"pair": position.pair}),
        tone=Tone.WARN,
        fields=_of(position),
        tables=(
            Table(
                name="targets",
                columns=(
                    Column("leg"),
                    Column("price"),
                    Column("r_multiple"),
                    Column("price_before"),
                    Column("r_before"),
                ),
                rows=tuple(
                    _target(position, leg, targets) for leg in range(max(len(targets), len(position.legs)))
                ),
            ),
        ),
        chart=chart,
        notes=(Text("exits.next_bar"),),
    )


def _target(position: Position, leg: int, targets: tuple[Decimal, ...]) -> tuple[Value, ...]:
    """Give a target as it will be and as it was, each with its multiple of the risk."""
    after = targets[leg] if leg < len(targets) else None
    before = position.legs[leg].price if leg < len(position.legs) else None
    return (
        f"TP{leg + 1}",
        Price(after),
        Number(None if after is None else r_multiple(position, after)),
        Price(before),
        Number(None if before is None else r_multiple(position, before)),
    )


async def _with_exits(
    asked: Asked, position: Position, *, stop: Decimal | None = None, targets: tuple[Decimal, ...] = ()
) -> Chart | None:
    """Give the picture of a position with the exits that were asked for."""
    async with asked.store.reading() as tx:
        sight = sight_of(await case_of(asked, tx, reference(position.id)))
        bot = sight.bot
        if bot is None:
            return None
        marks = sight.marks
        if stop is not None:
            marks = replace(marks, stop=float(stop), stop_path=())
        if targets:
            marks = replace(marks, targets=tuple(float(one) for one in targets))
        return await market_chart(tx, position.pair, bot, marks=marks)


def _of(position: Position) -> tuple[Field, ...]:
    return (
        Field("id", reference(position.id)),
        Field("side", side(position.is_long)),
        Field("entry", Price(position.entry_price)),
        Field("price", Price(position.mark_price)),
    )


async def _live_account(asked: Asked, tx: Unit) -> Account:
    """Give the live account that is meant: the named one, or the only one.

    Raises:
        Misheard: there is none, or several and none was named.
    """
    live = [one for one in (await accounts_of(asked, tx)).values() if one.is_live]
    named = asked.args["account"]
    if named is not None:
        live = [one for one in live if named in (one.id, one.name)]
    if len(live) == 1:
        return live[0]
    names = ", ".join(one.name for one in live) or "–"
    raise misheard("which_live_account", advice="accounts", problem="not_found", allowed=names or "–")


@PAGE.word(
    "coo",
    example="/coo a1b2c3",
    asks=CancelOrder,
    also=(CancelAllOrders,),
    aliases=("cancel_open_order",),
    arguments=(
        Argument(name="id", read=kinds.name, is_required=True, offers="order"),
        Argument(name="pair", read=kinds.pair, only_named=True, offers="pair"),
        _ACCOUNT,
    ),
)
async def coo(asked: Asked) -> Card:
    """Cancel an open order; all cancels every entry, protection stays."""
    typed = plain(asked.args["id"]).lstrip("#").lower()
    if typed == "all":
        async with asked.store.reading() as tx:
            account = await _live_account(asked, tx)
        outcome = await asked.do(CancelAllOrders(account_id=account.id, pair=asked.args["pair"] or ""))
        return _cancelled(outcome.view)
    async with asked.store.reading() as tx:
        rows = await tx.orders.page(asked.workspace_id, Filter(), RowPage(first=500))
    found = next(
        (
            one
            for one in rows
            if typed in (one.id.lower(), reference(one.id).lower(), one.client_order_id.lower())
        ),
        None,
    )
    if found is None:
        raise misheard("unknown_order", advice="orders", problem="not_found", found=asked.args["id"])
    await asked.do(CancelOrder(order_id=found.id))
    return _cancelled((found,))


def _cancelled(orders: Sequence[Order]) -> Card:
    return Card(
        name="orders_cancelled",
        title=Text("orders.cancelling", {"n": len(orders)}),
        tone=Tone.WARN,
        tables=(
            Table(
                name="orders",
                columns=(Column("id"), Column("pair"), Column("side"), Column("quantity"), Column("price")),
                rows=tuple(
                    (
                        reference(one.id),
                        one.pair,
                        Text(f"order_side.{one.side.value}"),
                        one.quantity,
                        Price(one.price),
                    )
                    for one in orders
                ),
            ),
        )
        if orders
        else (),
        notes=(Text("orders.fills_stay"),),
    )


@PAGE.word(
    "reload_trade",
    example="/reload_trade",
    asks=ReconcileAccount,
    also=(ResetBreaker,),
    aliases=("reconcile",),
    arguments=(
        Argument(name="id", read=kinds.name, default="", offers="position"),
        _ACCOUNT,
        Argument(name="accept", read=kinds.flag, is_switch=True, default=False),
        Argument(name="breaker", read=kinds.flag, is_switch=True, default=False),
        Argument(name="reason", read=kinds.words, takes_rest=True, default=""),
    ),
)
async def reload_trade(asked: Asked) -> Card:
    """Compare a live account (or that of a position) with its venue; --accept takes what is gone as gone, --breaker trusts the venue again."""
    typed: str = asked.args["id"]
    async with asked.store.reading() as tx:
        position = await open_position(asked, tx, typed) if typed else None
        owner = (await accounts_of(asked, tx)).get(position.account_id) if position else None
        account = owner if owner and owner.is_live else await _live_account(asked, tx)
    # A first word that names nothing belongs to the reason.
    reason = asked.args["reason"] if position else f"{typed} {asked.args['reason']}".strip()
    if asked.args["breaker"]:
        await asked.do(ResetBreaker(account_id=account.id))
    else:
        await asked.do(
            ReconcileAccount(account_id=account.id, accept_differences=asked.args["accept"], reason=reason)
        )
    async with asked.store.reading() as tx:
        incidents = await tx.execution.open_incidents(asked.workspace_id, account.id)
    return Card(
        name="reconciling",
        title=Text("orders.comparing", {"account": account.name}),
        tone=Tone.WARN if incidents else Tone.GOOD,
        body=(Text("orders.asked"),),
        tables=(
            Table(
                name="incidents",
                is_titled=True,
                columns=(Column("since"), Column("what"), Column("subject")),
                rows=tuple(
                    (one.opened_at, Text(f"incident.{one.kind.value}"), one.subject or None)
                    for one in incidents
                ),
            ),
        )
        if incidents
        else (),
    )
