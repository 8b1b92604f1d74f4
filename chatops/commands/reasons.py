"""Words that say why: a trade's reasons, why a pair was not entered, the market as a strategy sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, Chart, Column, Field, Money, Number, Price, Ratio, Table, Text, Tone, Value
from chatops.commands.positions import open_ratio, tone_of_amount
from chatops.commands.sightings import Sight, market_chart, trade_chart
from chatops.problems import misheard
from chatops.reading import (
    REFERENCE,
    accounts_of,
    bots_of,
    completed_pair,
    finished_trade,
    known_pairs,
    open_position,
    reference,
    refusal,
    side,
)
from chatops.room import Asked
from chatops.texts.numbers import round_to
from chatops.typing_repair import plain
from desk.clock import to_ms
from desk.ports import Unit
from desk.views import Bot, FillRecord, Filter, Order, Position, SignalRecord, Trade
from desk.views import Page as RowPage

PAGE = Page(Group.POSITIONS)

_TRADE = Argument(name="trade", read=kinds.name, offers="trade")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """Everything that is known about one round trip, open or finished."""

    position: Position
    trade: Trade | None
    bot: Bot | None
    signal: SignalRecord | None
    orders: Sequence[Order]
    fills: Sequence[FillRecord]
    events: Sequence[Mapping[str, Any]]
    currency: str


async def _case(asked: Asked, tx: Unit, typed: str | None) -> _Case:
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
    return _Case(
        position=position,
        trade=trade,
        bot=bots.get(position.bot_id),
        signal=await tx.signals.by_id(asked.workspace_id, position.signal_id) if position.signal_id else None,
        orders=sorted(orders, key=lambda one: one.created_at),
        fills=sorted(fills, key=lambda one: one.filled_at),
        events=await tx.positions.trade_events(asked.workspace_id, position.id),
        currency=account.currency if account else "",
    )


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


def _title(case: _Case) -> dict[str, Value]:
    name = f"#{case.trade.number}" if case.trade else reference(case.position.id)
    return {"trade": name, "pair": case.position.pair, "side": side(case.position.is_long)}


_ALL = Argument(name="all", read=kinds.flag, is_switch=True, default=False)


@PAGE.word("why", example="/why 12", arguments=(_TRADE, _ALL))
async def why(asked: Asked) -> Card:
    """Show why a trade was made: the signal, the sizing arithmetic, the risk checks, what happened, a picture."""
    async with asked.store.reading() as tx:
        case = await _case(asked, tx, asked.args["trade"])
        chart = await trade_chart(asked, tx, _sight(case))
    tables = [
        *_signal_tables(case.signal, show_all=asked.args["all"]),
        _orders_table(case.orders),
        _timeline(case.events),
    ]
    pnl = _pnl(case)
    return Card(
        name="why",
        title=Text("why.title", _title(case)),
        tone=tone_of_amount(pnl),
        body=(_why_text(case),),
        fields=_trade_fields(case),
        tables=tuple(one for one in tables if one.rows),
        chart=chart,
        notes=() if case.signal else (Text("why.no_signal"),),
    )


def _why_text(case: _Case) -> Text:
    signal = case.signal
    if signal is None:
        return Text("why.manual")
    params: dict[str, Value] = {
        "strategy": case.bot.strategy if case.bot else "–",
        "tag": signal.tag or "–",
        "at": signal.bar_at,
        "price": Price(signal.price),
    }
    return Text("why.signal", params)


def _pnl(case: _Case) -> Decimal:
    if case.trade is not None:
        return case.trade.pnl
    return case.position.realized_pnl + case.position.unrealized_pnl


def _trade_fields(case: _Case) -> tuple[Field, ...]:
    position, trade = case.position, case.trade
    pnl = _pnl(case)
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


def _signal_tables(signal: SignalRecord | None, *, show_all: bool) -> list[Table]:
    if signal is None:
        return []
    return [
        conditions_table(own_conditions(signal, show_all=show_all)),
        _sizing_table(signal.sizing),
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


def _sizing_table(sizing: Mapping[str, Any]) -> Table:
    limits = sizing.get("limits") or {}
    binding = str(sizing.get("binding", ""))
    rows: list[tuple[Value, ...]] = [
        (
            Text(f"limit.{name}"),
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
                str(one.get("detail") or "") or None,
            )
            for one in rows
        ),
    )


def _orders_table(rows: Sequence[Order]) -> Table:
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


def _timeline(events: Sequence[Mapping[str, Any]]) -> Table:
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


@PAGE.word("trade", example="/trade 12", arguments=(_TRADE,))
async def trade(asked: Asked) -> Card:
    """Show one trade with its picture."""
    async with asked.store.reading() as tx:
        case = await _case(asked, tx, asked.args["trade"])
        chart = await trade_chart(asked, tx, _sight(case))
    return Card(
        name="trade",
        title=Text("trade.title", _title(case)),
        tone=tone_of_amount(_pnl(case)),
        fields=_trade_fields(case),
        chart=chart,
        notes=(Text("trades.why"),),
    )


def _sight(case: _Case) -> Sight:
    return Sight(
        position=case.position,
        bot=case.bot,
        fills=case.fills,
        events=case.events,
        signal=case.signal,
        until_ms=to_ms(case.trade.closed_at if case.trade else case.position.as_of),
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
    gates += [Text("gate.locked", {"until": one.until, "reason": one.reason or "–"}) for one in locks]
    gates += [Text("gate.held", {"id": reference(one.id), "side": side(one.is_long)}) for one in held]
    refused = next((one for one in signals if one.outcome in ("denied", "lapsed")), None)
    if refused is not None:
        gates.append(Text("gate.refused", {"at": refused.bar_at, "why": refusal(refused.reason)}))
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
                refusal(one.reason) if one.reason else None,
            )
            for one in rows
        ),
    )


@PAGE.word(
    "chart",
    example="/chart BTC/USDT",
    arguments=(
        Argument(name="what", read=kinds.name, offers="pair"),
        Argument(name="bars", read=kinds.whole(20, 400), only_named=True, default=150),
        Argument(name="theme", read=kinds.choice("dark", "light"), only_named=True, offers=("dark", "light")),
    ),
)
async def chart(asked: Asked) -> Card:
    """Draw a pair with its waves, or a trade (by number or id) with entry, stop, targets and exits."""
    typed = asked.args["what"]
    async with asked.store.reading() as tx:
        known = await known_pairs(asked, tx)
        if typed is not None and _names_trade(typed, known):
            case = await _case(asked, tx, typed)
            drawn = await trade_chart(asked, tx, _sight(case))
            return _chart_card(drawn, Text("chart.trade", _title(case)), _trade_fields(case))
        if not known:
            raise misheard("no_bots", advice="newbot", problem="not_found")
        pair = known[0] if typed is None else completed_pair(asked, kinds.pair("what", typed), known)
        bot = next(one for one in (await bots_of(asked, tx)).values() if pair in one.pairs)
        held = [one for one in await tx.positions.open(asked.workspace_id) if one.pair == pair]
        sight = _sight(await _case(asked, tx, reference(held[0].id))) if held else None
        drawn = await market_chart(asked, tx, pair, bot, sight)
    fields: tuple[Field, ...] = ()
    if drawn is not None:
        fields = (
            Field("pair", pair),
            Field("timeframe", bot.timeframe),
            Field("price", Price(_as_price(drawn.spec["close"][-1]))),
            Field("bars", len(drawn.spec["close"])),
        )
    return _chart_card(drawn, Text("chart.pair", {"pair": pair}), fields)


def _names_trade(typed: str, pairs: Sequence[str]) -> bool:
    """Tell a trade's number or reference from a pair: assets are written in letters that no reference needs."""
    shown = plain(typed)
    if shown.lstrip("#").isdigit() or shown.startswith("#"):
        return True
    is_reference = len(shown) in (REFERENCE, 36) and all(one in "0123456789abcdef-" for one in shown.lower())
    return is_reference and shown.upper() not in {one.split("/")[0] for one in pairs}


def _as_price(value: float) -> Decimal:
    """Give a candle's price in as many digits as people read; candles are float64."""
    return Decimal(f"{float(value):.7g}")


def _chart_card(drawn: Chart | None, title: Text, fields: tuple[Field, ...]) -> Card:
    return Card(
        name="chart",
        title=title,
        fields=fields,
        chart=drawn,
        notes=() if drawn else (Text("chart.no_candles"),),
    )
