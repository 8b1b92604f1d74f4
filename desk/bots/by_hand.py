"""Entries by hand on paper: what the engine would decide now if a bot's strategy wanted what a person wants.

Nothing is decided here. The account is restored from its saved state on the side, its rules size and check the wish,
and the account's own loop does it again at the next close, where it counts.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from desk.bots.opening import Opened, read_rows, restored
from desk.bots.plan import Line
from desk.bots.trials import decided_alone, plan_of, sized_to
from desk.commands import EnterByHand
from desk.entry_views import PlannedEntry
from desk.execution.placing import SHARES
from desk.ports import Feed, Unit
from desk.views import Account, Bot
from strategies.base import ColumnStrategy
from strategies.frame import frame_of
from strategies.plan import Column, Entry
from strategies.registry import StrategyRegistry
from strategies.rule_strategy import RuleStrategy
from trading.candles import Candles
from trading.engine.engine import CommandKind, EngineCommand
from trading.engine.views import Bar
from trading.errors import Conflict, InvalidInput, RiskDenied
from trading.market import MarketView
from trading.signals import EntryType, Signal
from trading.timeframes import Timeframe

#: What binds the size where less was asked for than every limit allows.
ASKED = "asked"
#: A wish by hand may come to its close this much later than the bar that was open when it was said.
GRACE = timedelta(minutes=2)
#: A limit entry rests for so many bars where nothing was said.
RESTS_BARS = 24
#: Bars that a strategy is shown at least, to say where its stop would be.
_LEAST_BARS = 400

_NAN = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exits:
    """How a position would be left; NaN = not so."""

    stop: float
    targets: tuple[float, ...] = ()
    fractions: tuple[float, float, float] = (0.5, 0.3, 0.2)
    trail_ratio: float = _NAN
    trail_after_ratio: float = 0.0
    break_even_after_leg: int = 0
    max_bars: int = 0


async def planned_by_hand(
    tx: Unit,
    feed: Feed,
    registry: StrategyRegistry,
    account: Account,
    bot: Bot,
    wish: EnterByHand,
    now: datetime,
) -> PlannedEntry:
    """Give what would be entered now.

    Raises:
        InvalidInput: prices or amounts that make no sense, or no stop.
        Conflict: no bar of the pair is known yet.
        RiskDenied: which check refuses it now.
    """
    pair = wish.pair
    rows = await read_rows(tx, bot.workspace_id, account.id)
    candles = await _candles(tx, feed, bot, pair)
    if rows is None or candles is None:
        raise Conflict(
            f"No bar of {pair} {bot.timeframe} is known yet.", hint="Ask again after its first close."
        )
    # A wish is one: that a strategy's signals have to hold for several closes does not change its size.
    calm = replace(rows, account=replace(rows.account, settings={**rows.account.settings, "confirm_bars": 0}))
    wanted = {one for every in rows.bots for one in every.pairs}
    opened = restored(calm, feed, registry, {one: await feed.instrument(one) for one in wanted})
    line = next(one for one in opened.plan.lines if one.key == (bot.id, pair))
    closes = 1 + int(rows.account.settings.get("confirm_bars", 0))
    until = now + closes * timedelta(milliseconds=opened.plan.timeframe.ms) + GRACE
    return await asyncio.to_thread(_decided, opened, line, candles, wish, until)


async def _candles(tx: Unit, feed: Feed, bot: Bot, pair: str) -> Candles | None:
    found = await tx.candles.last(feed.venue, pair, bot.timeframe, 4 * _LEAST_BARS)
    return found if len(found) else None


def _decided(
    opened: Opened, line: Line, candles: Candles, wish: EnterByHand, until: datetime
) -> PlannedEntry:
    side = 1 if wish.is_long else -1
    close = float(candles.close[-1])
    instrument = line.instrument
    if wish.price is None:
        price = instrument.price(close)
    else:
        price = (instrument.buy_limit if wish.is_long else instrument.sell_limit)(wish.price)
    usual = _usual(line.strategy, candles, side)
    exits = _chosen(wish, price, usual, side, close)
    if exits is None:
        raise InvalidInput(
            f"No stop was given, and strategy '{line.bot.strategy}' has none of its own for this entry.",
            hint="Say where it is given up: a price, or a distance such as 2%.",
        )
    stop = instrument.stop_trigger(exits.stop, is_long=wish.is_long)
    targets = tuple(instrument.price(one) for one in exits.targets)
    _refuse_disorder(wish, stop, price, targets)
    signal = _signal(wish, line, exits, stop, price, targets)
    rows = {line.index: _bar(candles)}
    engine = opened.engine
    engine.command(EngineCommand(kind=CommandKind.RESUME, line=line.index))
    found = decided_alone(engine, rows, line.index, signal)
    asked_lots = _asked_lots(wish, line, price)
    binding = "" if found is None else found.binding
    if found is not None and not found.denied and asked_lots is not None and asked_lots < found.lots:
        # Sized to what was asked for, and looked at once more: it may be too small for the venue.
        signal = sized_to(engine, rows, line.index, signal, asked_lots)
        found, binding = decided_alone(engine, rows, line.index, signal), ASKED
    if found is None or found.denied:
        reason = found.denied if found is not None else "bad_signal"
        raise RiskDenied(
            f"{line.bot.name} cannot enter {line.pair} now.",
            reason=reason,
            hint="/whynot shows what keeps bots from entering a pair.",
        )
    quantity = instrument.quantity_of(found.lots)
    return PlannedEntry(
        bot_id=line.bot.id,
        account_id=line.bot.account_id,
        pair=line.pair,
        is_long=wish.is_long,
        is_limit=wish.price is not None,
        price=price,
        stop=stop,
        targets=targets,
        quantity=quantity,
        binding=binding,
        risk=abs(price - stop) * quantity,
        plan={**plan_of(replace(signal, size_hint=_NAN)), "tag": -1},
        until=until,
    )


def _chosen(
    wish: EnterByHand, price: Decimal, usual: _Exits | None, side: int, close: float
) -> _Exits | None:
    """Give the exits that were asked for, the strategy's where nothing was said, as far from the price of the entry."""
    # A strategy's levels are distances from the last close; from another price they are the same shares of it.
    scale = float(price) / close
    stop: float | None = None
    if wish.stop is not None:
        stop = float(wish.stop)
    elif wish.stop_ratio is not None:
        stop = float(price) * (1 - side * float(wish.stop_ratio))
    elif usual is not None:
        stop = usual.stop * scale
    if stop is None:
        return None
    base = usual or _Exits(stop=stop)
    if wish.targets:
        shares = [float(one) for one in SHARES[len(wish.targets)]] + [0.0] * (3 - len(wish.targets))
        return replace(
            base,
            stop=stop,
            targets=tuple(float(one) for one in wish.targets),
            fractions=(shares[0], shares[1], shares[2]),
        )
    return replace(base, stop=stop, targets=tuple(one * scale for one in base.targets))


def _refuse_disorder(wish: EnterByHand, stop: Decimal, price: Decimal, targets: tuple[Decimal, ...]) -> None:
    side = 1 if wish.is_long else -1
    levels = (stop, price, *targets)
    if any(side * (later - earlier) <= 0 for earlier, later in itertools.pairwise(levels)):
        raise InvalidInput(
            f"Stop {stop}, price {price} and targets {', '.join(map(str, targets)) or 'none'} were found; for a "
            f"{'long' if wish.is_long else 'short'} they have to {'rise' if wish.is_long else 'fall'} in this order."
        )


def _signal(
    wish: EnterByHand, line: Line, exits: _Exits, stop: Decimal, price: Decimal, targets: tuple[Decimal, ...]
) -> Signal:
    prices = [float(one) for one in targets] + [_NAN] * (3 - len(targets))
    return Signal(
        enter=1 if wish.is_long else -1,
        entry_type=EntryType.MARKET if wish.price is None else EntryType.LIMIT,
        entry_price=_NAN if wish.price is None else float(price),
        expiry_bars=0 if wish.price is None else _rests(wish, line),
        stop=float(stop),
        targets=(prices[0], prices[1], prices[2]),
        fractions=exits.fractions,
        trail_ratio=exits.trail_ratio,
        trail_after_ratio=exits.trail_after_ratio,
        break_even_after_leg=exits.break_even_after_leg,
        max_bars=exits.max_bars,
    )


def _rests(wish: EnterByHand, line: Line) -> int:
    """Give for how many bars a limit entry rests."""
    if wish.rest_for is None:
        return RESTS_BARS
    length = timedelta(milliseconds=Timeframe.parse(line.bot.timeframe).ms)
    return max(1, math.ceil(wish.rest_for / length))


def _asked_lots(wish: EnterByHand, line: Line, price: Decimal) -> int | None:
    """Give how many steps were asked for; None where the limits alone decide."""
    asked = [
        one for one in (wish.quantity, None if wish.stake is None else wish.stake / price) if one is not None
    ]
    if not asked:
        return None
    lots = min(line.instrument.lots(one) for one in asked)
    if lots < 1:
        raise InvalidInput(
            f"{min(asked):.10f} {line.pair} was asked for; the smallest step is {line.instrument.step}.",
            hint="Ask for more, or for nothing: then the limits decide.",
        )
    return lots


def _bar(candles: Candles) -> Bar:
    return Bar(
        ts_ms=int(candles.ts_ms[-1]),
        open=float(candles.open[-1]),
        high=float(candles.high[-1]),
        low=float(candles.low[-1]),
        close=float(candles.close[-1]),
        volume=float(candles.volume[-1]),
    )


def _usual(strategy: ColumnStrategy, candles: Candles, side: int) -> _Exits | None:
    """Give where a strategy would leave an entry of its own at the last close; None where it cannot be told.

    A strategy of rules says its levels at every bar, whether its rules are met or not.
    """
    is_alone = not (strategy.pairs_needed or strategy.series_needed)
    if not isinstance(strategy, RuleStrategy) or not is_alone:
        return None
    frame = frame_of(MarketView(candles=candles), strategy.opened_inputs)
    close = float(candles.close[-1])
    for entry in strategy.plan(frame).entries:
        stop = _last(entry.stop)
        fits = entry.side == side and not entry.grid_levels and entry.hedge_beta is None
        if fits and math.isfinite(stop) and stop > 0 and side * (close - stop) > 0:
            return _exits_of(entry, stop, close)
    return None


def _exits_of(entry: Entry, stop: float, close: float) -> _Exits:
    targets: list[float] = []
    for one in entry.targets:
        level = _last(one)
        if (
            math.isfinite(level)
            and level > 0
            and entry.side * (level - (targets[-1] if targets else close)) > 0
        ):
            targets.append(level)
    return _Exits(
        stop=stop,
        targets=tuple(targets),
        fractions=entry.fractions,
        trail_ratio=_last(entry.trail_ratio),
        trail_after_ratio=_last(entry.trail_after_ratio),
        break_even_after_leg=entry.break_even_after_leg,
        max_bars=entry.max_bars,
    )


def _last(column: Column | None) -> float:
    if column is None:
        return _NAN
    return float(column[-1]) if isinstance(column, np.ndarray) else float(column)
