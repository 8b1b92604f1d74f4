"""Given orders on given bars: what the fill rules and the account's limits make of them, without a strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np

from trading.backtest.driver import Log, finished
from trading.backtest.given_orders import Range, SimOrder, Trailing
from trading.backtest.history import make_history, market_candles
from trading.backtest.result import BacktestResult
from trading.candles import Candles
from trading.engine.config import AccountConfig, Costs, LineConfig, RiskLimits
from trading.engine.convert import exact_fee, exact_price, intent_value, signal_rows, write_signal
from trading.engine.drive import History, drive, new_watch
from trading.engine.engine import AccountEngine
from trading.engine.records import BAR, Records
from trading.engine.views import AccountView, EngineIntent, Notice
from trading.errors import InvalidInput
from trading.instruments import Instrument
from trading.orders import IntentKind, Reason, Side
from trading.signals import Exit, Signal

__all__ = [
    "STEP",
    "Range",
    "SimDecision",
    "SimFill",
    "SimOrder",
    "SimPosition",
    "Simulation",
    "Trailing",
    "Venue",
    "simulate",
]

#: Quantities of given orders are kept to this step unless the venue names another.
STEP = Decimal("0.00000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """What the venue takes: quantities in whole steps, orders from a smallest one on."""

    step: Decimal = STEP
    min_quantity: Decimal = Decimal(0)
    min_notional: Decimal = Decimal(0)
    can_short: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SimFill:
    """A fill of a given order, in exact money."""

    bar: int
    order: int
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SimDecision:
    """What the account made of an order at the close of its bar.

    Attributes:
        quantity: what was ordered; 0 where it was refused.
        binding: the limit that decided the size, "given" for a quantity given by hand.
        denied: the first failing check, empty when none did.
        limits: each limit's quantity of an order that was sized.
    """

    bar: int
    order: int
    quantity: Decimal
    binding: str
    denied: str
    limits: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimPosition:
    """What an order still holds at the end."""

    order: int
    side: Literal["long", "short"]
    quantity: Decimal
    entry_price: Decimal
    stop: float
    unrealised: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What happened, and what is left.

    Attributes:
        fills: in the order in which they happened; bars are rows of the order's own bars.
        decisions: one per order, in the order in which they were made.
        refused: (order, reason) of orders that never filled, because a check, a limit, the venue's smallest order or
            the cash refused them.
        notices: what happened to the account: halts, the daily loss, locks.
        result: the whole run, each order being a line of its own.
    """

    fills: tuple[SimFill, ...]
    decisions: tuple[SimDecision, ...]
    positions: tuple[SimPosition, ...]
    cash: Decimal
    equity: Decimal
    account: AccountView
    refused: tuple[tuple[int, str], ...]
    notices: tuple[Notice, ...]
    result: BacktestResult


def simulate(
    bars: Candles | Sequence[Candles],
    orders: Sequence[SimOrder],
    *,
    capital: Decimal,
    costs: Costs | None = None,
    venue: Venue | None = None,
    limits: RiskLimits | None = None,
) -> Simulation:
    """Play given orders over given bars on one account.

    A quantity given by hand is floored to the venue's step and taken as far as cash allows; every check before the
    size (halt, daily loss, slots, correlation …) still applies. An order without one is sized by the limits.

    Args:
        bars: of one market, or of several.
        limits: None = only cash.

    Raises:
        InvalidInput: an order's market, bar or exit bar is not among the bars, or two orders of one bot share a market.
    """
    markets = (bars,) if isinstance(bars, Candles) else tuple(bars)
    _check(markets, orders)
    config = _account(
        markets, orders, capital, costs or Costs(), venue or Venue(), limits or RiskLimits.off()
    )
    instrument = config.lines[0].instrument
    too_small = {k: why for k, one in enumerate(orders) if (why := _too_small(markets, one, instrument))}
    series = [markets[one.market] for one in orders] or [markets[0]]
    history = make_history(config, market_candles(config, series))
    rows = _rows(history, series, orders, instrument, too_small)
    result, decided = _run(history, rows, config)
    return _answer(result, decided, series, orders, too_small)


def _check(markets: tuple[Candles, ...], orders: Sequence[SimOrder]) -> None:
    if not markets:
        raise InvalidInput("No bars were given; at least one series is needed.")
    for k, order in enumerate(orders):
        if not 0 <= order.market < len(markets):
            raise InvalidInput(f"Order {k}: market is {order.market}; 0 … {len(markets) - 1} is allowed.")
        for name in ("bar", "exit_bar"):
            at = getattr(order, name)
            if at is not None and not 0 <= at < len(markets[order.market]):
                raise InvalidInput(
                    f"Order {k}: {name} is {at}; 0 … {len(markets[order.market]) - 1} is allowed."
                )


def _account(
    markets: tuple[Candles, ...],
    orders: Sequence[SimOrder],
    capital: Decimal,
    costs: Costs,
    venue: Venue,
    limits: RiskLimits,
) -> AccountConfig:
    names = [
        one.pair or ("BASE/QUOTE" if len(markets) == 1 else f"PAIR{m}/QUOTE") for m, one in enumerate(markets)
    ]
    instruments = [
        Instrument(
            pair=name,
            tick=STEP,
            step=venue.step,
            min_quantity=venue.min_quantity,
            min_notional=venue.min_notional,
            can_short=venue.can_short,
        )
        for name in names
    ]
    # Names sort in the order in which the orders were given: so ties go to the earlier one.
    lines = [
        LineConfig(bot_id=one.bot or f"order-{k:06d}", instrument=instruments[one.market])
        for k, one in enumerate(orders)
    ]
    return AccountConfig(
        account_id="simulation",
        capital=capital,
        lines=tuple(lines) or (LineConfig(bot_id="order", instrument=instruments[0]),),
        timeframe_ms=markets[0].timeframe.ms,
        costs=costs,
        limits=limits,
    )


def _too_small(markets: tuple[Candles, ...], order: SimOrder, instrument: Instrument) -> str:
    """Give what the venue's smallest order says to a quantity given by hand; the engine judges those that it sizes."""
    if order.quantity is None:
        return ""
    quantity = instrument.quantity(order.quantity)
    if quantity == 0 or quantity < instrument.min_quantity:
        return "min_quantity"
    price = float(markets[order.market].close[order.bar]) if order.price is None else order.price
    least = price if order.stop_loss is None else min(price, order.stop_loss)
    return "min_notional" if quantity * Decimal(repr(least)) < instrument.min_notional else ""


def _rows(
    history: History,
    series: Sequence[Candles],
    orders: Sequence[SimOrder],
    instrument: Instrument,
    too_small: Mapping[int, str],
) -> Records:
    wishes: dict[tuple[int, int], tuple[Signal, int]] = {}
    for k, order in enumerate(orders):
        if k in too_small:
            continue
        at = np.searchsorted(history.ts_ms, series[k].ts_ms)
        lots = 0 if order.quantity is None else instrument.lots(order.quantity)
        wishes[(int(at[order.bar]), k)] = (order.signal(), lots)
        if order.exit_bar is not None:
            wishes[(int(at[order.exit_bar]), k)] = (Signal(exit=Exit.ALL), 0)
    rows = signal_rows(len(wishes))
    for at_row, ((bar, line), (signal, lots)) in enumerate(sorted(wishes.items(), key=lambda item: item[0])):
        write_signal(rows, at_row, line, signal, lots=lots)
        rows["at"][at_row] = bar
    return rows


def _run(
    history: History, rows: Records, config: AccountConfig
) -> tuple[BacktestResult, list[tuple[int, EngineIntent]]]:
    """Run the bars; give the result, and what was decided about each entry with the bar of the decision."""
    engine = AccountEngine(config)
    book, n, total = engine.book, len(config.lines), len(history.ts_ms)
    log, watch = Log(n), new_watch(n)
    row, equity, place = np.zeros(len(engine.markets), BAR), np.empty(total), np.zeros(3, np.int64)
    decided: list[tuple[int, EngineIntent]] = []
    done = 0
    # Each bar with an order is a step of its own: what it decided still stands on the tape after it.
    for stop in sorted({total, *rows["at"].tolist(), *(rows["at"] + 1).tolist()}):
        while done < stop:
            done = drive(log.handle(book), history, rows, watch, row, equity, place, stop, True)
            if done == stop:
                written = log.tape.intents[: book.account[0]["intents"]]
                values = [intent_value(one) for one in written]
                decided += [(done - 1, one) for one in values if one.kind is IntentKind.OPEN]
            log.drain(book, is_full=done < stop)
    return finished(engine, history, log, equity, done, ()), decided


def _answer(
    result: BacktestResult,
    decided: Sequence[tuple[int, EngineIntent]],
    series: Sequence[Candles],
    orders: Sequence[SimOrder],
    too_small: Mapping[int, str],
) -> Simulation:
    instrument = result.config.lines[0].instrument

    def own_row(line: int, bar: int) -> int:
        return int(np.searchsorted(series[line].ts_ms, result.ts_ms[bar]))

    fills = tuple(
        SimFill(
            bar=own_row(fill.line, fill.bar),
            order=fill.line,
            side=fill.side,
            price=exact_price(instrument, fill.price),
            quantity=instrument.quantity_of(fill.lots),
            fee=exact_fee(fill.fee),
            reason=fill.reason,
        )
        for fill in result.fills
    )
    decisions = [
        SimDecision(
            bar=own_row(one.line, bar),
            order=one.line,
            quantity=instrument.quantity_of(0 if one.denied else one.lots),
            binding=one.binding,
            denied=one.denied,
            limits=dict(one.limits),
        )
        for bar, one in decided
    ]
    decisions += [
        SimDecision(bar=orders[k].bar, order=k, quantity=Decimal(0), binding="", denied=why, limits={})
        for k, why in too_small.items()
    ]
    positions = tuple(
        SimPosition(
            order=view.line,
            side="long" if view.side > 0 else "short",
            quantity=view.quantity,
            entry_price=exact_price(instrument, view.entry_price),
            stop=view.stop,
            unrealised=exact_fee(view.unrealised),
        )
        for view in result.positions
        if view.lots > 0
    )
    filled = {fill.order for fill in fills}
    refused = [(one.order, one.denied) for one in decisions if one.denied]
    refused += [(notice.line, notice.reason) for notice in result.notices if notice.kind == "lapsed"]
    return Simulation(
        fills=fills,
        decisions=tuple(sorted(decisions, key=lambda one: int(series[one.order].ts_ms[one.bar]))),
        positions=positions,
        cash=exact_fee(result.account.cash),
        equity=exact_fee(result.account.equity),
        account=result.account,
        refused=tuple(one for one in refused if one[0] not in filled),
        notices=tuple(one for one in result.notices if one.kind != "lapsed"),
        result=result,
    )
