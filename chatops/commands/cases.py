"""A round trip with everything that is known about it, and the tables that show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from chatops.because import because
from chatops.cards import Column, Field, Money, Number, Price, Ratio, Table, Text, Value
from chatops.commands.positions import open_ratio, tone_of_amount
from chatops.problems import misheard
from chatops.reading import (
    accounts_of,
    bots_of,
    finished_trade,
    open_position,
    reference,
    side,
)
from chatops.room import Asked
from chatops.sightings import Sight
from chatops.texts.numbers import round_to
from desk.clock import to_ms
from desk.entry_views import FORCE_ENTRY
from desk.ports import Unit
from desk.views import Bot, FillRecord, Filter, Order, Position, SignalRecord, Trade
from desk.views import Page as RowPage


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that is known about one round trip, open or finished.

    Attributes:
        asked_by: whoever entered it by hand.
    """

    position: Position
    trade: Trade | None
    bot: Bot | None
    signal: SignalRecord | None
    orders: Sequence[Order]
    fills: Sequence[FillRecord]
    events: Sequence[Mapping[str, Any]]
    currency: str
    asked_by: str = ""


async def case_of(asked: Asked, tx: Unit, typed: str | None) -> Case:
    """Give the case of a reference, or the newest one.

    Raises:
        Misheard: nothing fits.
    """
    position, trade = await _found(asked, tx, typed)
    if position is None:
        raise misheard(
            "unknown_trade" if typed else "no_trades",
            advice="trades",
            problem="not_found",
            found=typed or "",
        )
    accounts = await accounts_of(asked, tx)
    bots = await bots_of(asked, tx)
    account = accounts.get(position.account_id)
    wanted = Filter(extra={"position_id": position.id})
    orders = await tx.orders.page(asked.workspace_id, wanted, RowPage(first=200))
    fills = await tx.fills.page(asked.workspace_id, wanted, RowPage(first=200))
    signal = await tx.signals.by_id(asked.workspace_id, position.signal_id) if position.signal_id else None
    return Case(
        position=position,
        trade=trade,
        bot=bots.get(position.bot_id),
        signal=signal,
        asked_by=await _asked_by(tx, signal),
        orders=sorted(orders, key=lambda one: one.created_at),
        fills=sorted(fills, key=lambda one: one.filled_at),
        events=await tx.positions.trade_events(asked.workspace_id, position.id),
        currency=account.currency if account else "",
    )


async def _asked_by(tx: Unit, signal: SignalRecord | None) -> str:
    if signal is None or signal.tag != FORCE_ENTRY:
        return ""
    found = await tx.entries.by_hand(signal.workspace_id, signal.bot_id)
    return next((one.decided_by for one in found if one.signal_id == signal.id), "")


async def _found(asked: Asked, tx: Unit, typed: str | None) -> tuple[Position | None, Trade | None]:
    if typed is None:
        held = await tx.positions.open(asked.workspace_id)
        if held:
            return max(held, key=lambda one: one.opened_at), None
        newest = await tx.positions.trades(asked.workspace_id, Filter(), RowPage(first=1))
        trade = newest[0] if newest else None
    else:
        position = await open_position(asked, tx, typed)
        if position is not None:
            return position, None
        trade = await finished_trade(asked, tx, typed)
    if trade is None:
        return None, None
    return await tx.positions.by_id(asked.workspace_id, trade.position_id), trade


def title_of(case: Case) -> dict[str, Value]:
    """Give what a title says of a case: its number or reference, its pair and side."""
    name = f"#{case.trade.number}" if case.trade else reference(case.position.id)
    return {"trade": name, "pair": case.position.pair, "side": side(case.position.is_long)}


def pnl_of(case: Case) -> Decimal:
    """Give what it brought, or has brought so far."""
    if case.trade is not None:
        return case.trade.pnl
    return case.position.realized_pnl + case.position.unrealized_pnl


def trade_fields(case: Case) -> tuple[Field, ...]:
    """Give the figures of a case."""
    position, trade = case.position, case.trade
    pnl = pnl_of(case)
    ratio = trade.pnl_ratio if trade else open_ratio(position)
    fields = [
        Field("bot", case.bot.name if case.bot else None),
        Field("quantity", position.entry_quantity),
        Field("entry", Price(position.entry_price)),
        Field("exit" if trade else "price", Price(trade.exit_price if trade else position.mark_price)),
        Field("pnl", Money(pnl, case.currency, is_signed=True), tone_of_amount(pnl)),
        Field("pnl_ratio", Ratio(ratio, is_signed=True), tone_of_amount(pnl)),
        Field("r_multiple", Number(_r_multiple(position, pnl))),
        Field("stop", Price(position.stop if trade is None else position.initial_stop)),
        Field("fees", Money(trade.fees if trade else position.fees, case.currency)),
        Field("opened", position.opened_at),
    ]
    if trade is not None:
        fields += [
            Field("closed", trade.closed_at),
            Field("reason", Text(f"reason.{trade.reason.value}")),
        ]
    return tuple(fields)


def _r_multiple(position: Position, pnl: Decimal) -> float | None:
    """Give the profit in units of what was risked at the start; undefined without a stop."""
    if position.initial_stop is None:
        return None
    risked = abs(position.entry_price - position.initial_stop) * position.entry_quantity
    return float(pnl / risked) if risked else None


def signal_tables(signal: SignalRecord | None, *, show_all: bool) -> list[Table]:
    """Give the conditions, the sizing arithmetic and the checks behind an entry."""
    if signal is None:
        return []
    return [
        conditions_table(own_conditions(signal, show_all=show_all)),
        _sizing_table(signal.sizing, is_by_hand=signal.tag == FORCE_ENTRY),
        checks_table(signal.checks),
    ]


def own_conditions(signal: SignalRecord, *, show_all: bool = False) -> Sequence[Mapping[str, Any]]:
    """Give the conditions of the entry that was taken; a strategy evaluates those of its other entries too."""
    own = [one for one in signal.conditions if str(one.get("name", "")).startswith(f"{signal.tag}.")]
    return signal.conditions if show_all or not own else own


def conditions_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Give a signal's conditions: value, what is asked, verdict."""
    return Table(
        name="conditions",
        is_titled=True,
        columns=(Column("condition"), Column("value"), Column("asked"), Column("verdict")),
        rows=tuple(
            (
                str(one.get("name", "")),
                _number(one.get("value")),
                _asked(one),
                Text("verdict.met" if one.get("met") else "verdict.not_met"),
            )
            for one in rows
        ),
    )


def _asked(condition: Mapping[str, Any]) -> Value:
    threshold = _number(condition.get("threshold"))
    relation = str(condition.get("relation", ""))
    return Text("condition.asked", {"relation": relation, "threshold": threshold})


def _number(value: Any) -> Value:
    """Give a stored number as a value; six significant digits are enough for people."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return float(f"{value:.6g}")
    try:
        # Eight digits are more than anybody compares; the row has them all.
        return round_to(Decimal(str(value)), 8)
    except ArithmeticError:
        return str(value)


def _price(value: Any) -> Value:
    shown = _number(value)
    return Price(shown) if isinstance(shown, Decimal) else shown


def _sizing_table(sizing: Mapping[str, Any], *, is_by_hand: bool) -> Table:
    limits = sizing.get("limits") or {}
    binding = str(sizing.get("binding", ""))
    rows: list[tuple[Value, ...]] = [
        (
            # What a person asked for takes the place of what a strategy wants.
            Text("limit.asked" if is_by_hand and name == "strategy" else f"limit.{name}"),
            _number(quantity),
            Text("sizing.binding") if name == binding else None,
        )
        for name, quantity in limits.items()
    ]
    if sizing.get("quantity") is not None:
        rows.append((Text("sizing.quantity"), _number(sizing["quantity"]), None))
    if sizing.get("risk") is not None:
        rows.append((Text("sizing.risk"), _number(sizing["risk"]), None))
    return Table(
        name="sizing",
        is_titled=True,
        columns=(Column("limit"), Column("quantity"), Column("binding")),
        rows=tuple(rows),
    )


def checks_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Give the risk checks in the order in which they were made."""
    return Table(
        name="checks",
        is_titled=True,
        columns=(Column("check"), Column("verdict"), Column("detail", 1)),
        rows=tuple(
            (
                Text(f"check.{one.get('name', '')}"),
                Text("verdict.passed" if one.get("passed") else "verdict.failed"),
                because(str(one.get("detail") or "")) or None,
            )
            for one in rows
        ),
    )


def orders_table(rows: Sequence[Order]) -> Table:
    """Give the orders of a case, oldest first."""
    return Table(
        name="orders",
        is_titled=True,
        columns=(
            Column("at", 2),
            Column("reason"),
            Column("side"),
            Column("type", 2),
            Column("quantity"),
            Column("price"),
            Column("state"),
            Column("binding", 3),
        ),
        rows=tuple(
            (
                one.created_at,
                Text(f"reason.{one.reason.value}"),
                Text(f"order_side.{one.side.value}"),
                Text(f"order_type.{one.order_type.value}"),
                one.quantity,
                Price(one.average_price or one.price or one.stop_price),
                Text(f"order_state.{one.state.value}"),
                Text(f"limit.{one.binding}") if one.binding else None,
            )
            for one in rows
        ),
    )


def timeline_table(events: Sequence[Mapping[str, Any]]) -> Table:
    """Give what happened to a position, oldest first."""
    rows: list[tuple[Value, ...]] = []
    for one in events:
        at, detail = one["at"], one["detail"]
        when = datetime.fromisoformat(at) if isinstance(at, str) else at
        rows.append((when, Text(f"happened.{one['kind']}"), _happened(detail)))
    return Table(
        name="timeline",
        is_titled=True,
        columns=(Column("at"), Column("event"), Column("detail")),
        rows=tuple(rows),
    )


def _happened(detail: Mapping[str, Any]) -> Value:
    if "to" in detail:
        return Text(
            "happened.moved", {"before": _price(detail.get("from")), "after": _price(detail.get("to"))}
        )
    if "quantity" in detail and "price" in detail:
        return Text(
            "happened.traded", {"quantity": _number(detail["quantity"]), "price": _price(detail["price"])}
        )
    return str(detail["actor"]) if "actor" in detail else None


def sight_of(case: Case) -> Sight:
    """Give a case as something to be drawn."""
    return Sight(
        position=case.position,
        bot=case.bot,
        fills=case.fills,
        events=case.events,
        signal=case.signal,
        until_ms=to_ms(case.trade.closed_at if case.trade else case.position.as_of),
    )
