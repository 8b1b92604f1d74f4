"""The bot's trades beside those of its replay: twins found by their entries, and the gap split into its causes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from desk.clock import from_ms, to_ms
from desk.reports.drift.material import Material
from desk.reports.drift.replay import Replayed
from desk.reports.drift.values import Drift, DriftPoint, DriftTrade, Outcome
from desk.views import Position, Trade
from trading.backtest.result import Trade as Twin
from trading.orders import Reason
from trading.timeframes import Timeframe

_ZERO = Decimal(0)
#: Money of a report: more places than any currency here has.
_CENT = Decimal("0.00000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """A trade of the bot, finished or not."""

    pair: str
    is_long: bool
    quantity: Decimal
    entry_price: Decimal
    opened_at: datetime
    number: int | None = None
    exit_price: Decimal | None = None
    closed_at: datetime | None = None
    pnl: Decimal | None = None
    fees: Decimal = _ZERO
    reason: Reason | None = None


@dataclass(slots=True)
class _Gap:
    """The parts of the difference."""

    signals: Decimal = _ZERO
    exits: Decimal = _ZERO
    slippage: Decimal = _ZERO
    fees: Decimal = _ZERO
    size: Decimal = _ZERO


def compared(material: Material, replay: Replayed) -> Drift:
    """Put the bot's window beside its replay."""
    bot, account = material.request.bot, material.request.account
    step = Timeframe.parse(bot.timeframe).ms
    own = [_of_trade(one) for one in material.trades]
    own += [_without_end(_of_trade(one)) for one in material.unfinished]
    own += [_of_position(one) for one in material.held]
    twins = [one for one in replay.result.trades if one.entry_ms >= material.span.start_ms]
    pairs, only_live, only_replay = _matched(own, twins, step)
    gap, rows = _Gap(), []
    for live, twin in pairs:
        rows.append(_pair_row(live, twin, step, gap))
    for live in only_live:
        gap.signals += live.pnl or _ZERO
        rows.append(_live_row(live))
    for twin in only_replay:
        gap.signals -= _ZERO if twin.is_open else twin.pnl
        rows.append(_replay_row(twin))
    confirmed = sum(
        1 for one in material.signals if replay.said[one.pair].at(to_ms(one.bar_at)) == one.direction
    )
    signals = len(material.signals)
    live_closed, twin_closed = (
        [one for one in own if one.pnl is not None],
        [one for one in twins if not one.is_open],
    )
    either = signals + len(only_replay)
    return Drift(
        bot_id=bot.id,
        bot=bot.name,
        strategy=bot.strategy,
        currency=account.currency,
        since=material.request.since,
        until=material.request.until,
        bars=sum(
            len(material.candles[pair].between(material.span.start_ms, material.span.until_ms))
            for pair in bot.pairs
        ),
        live_trades=len(live_closed),
        replay_trades=len(twin_closed),
        matched=len(pairs),
        signals=signals,
        confirmed=confirmed,
        missed=len(only_replay),
        signal_match=confirmed / either if either else None,
        entry_slip_bps=_mean(one.entry_slip_bps for one in rows),
        exit_slip_bps=_mean(one.exit_slip_bps for one in rows),
        live_pnl=_sum(one.pnl for one in live_closed),
        replay_pnl=_sum(one.pnl for one in twin_closed),
        live_fees=_sum(one.fees for one in live_closed),
        replay_fees=_sum(one.fees for one in twin_closed),
        by_signals=gap.signals,
        by_exits=gap.exits,
        by_slippage=gap.slippage,
        by_fees=gap.fees,
        by_size=gap.size,
        trades=tuple(sorted(rows, key=lambda one: (one.opened_at, one.pair))),
        points=_points(material, live_closed, twin_closed),
        notes=material.notes,
    )


def _of_trade(one: Trade) -> _Own:
    return _Own(
        pair=one.pair,
        is_long=one.is_long,
        quantity=one.quantity,
        entry_price=one.entry_price,
        opened_at=one.opened_at,
        number=one.number,
        exit_price=one.exit_price,
        closed_at=one.closed_at,
        pnl=one.pnl,
        fees=one.fees,
        reason=one.reason,
    )


def _without_end(one: _Own) -> _Own:
    return replace(one, exit_price=None, closed_at=None, pnl=None, fees=_ZERO, reason=None)


def _of_position(one: Position) -> _Own:
    return _Own(
        pair=one.pair,
        is_long=one.is_long,
        quantity=one.entry_quantity,
        entry_price=one.entry_price,
        opened_at=one.opened_at,
    )


def _matched(
    own: Sequence[_Own], twins: Sequence[Twin], step: int
) -> tuple[list[tuple[_Own, Twin]], list[_Own], list[Twin]]:
    """Find each trade's twin: the nearest entry of the same pair and side, within a bar; each twin once."""
    near = sorted(
        (
            (abs(to_ms(one.opened_at) - twin.entry_ms), i, j)
            for i, one in enumerate(own)
            for j, twin in enumerate(twins)
            if (one.pair, one.is_long) == (twin.pair, twin.is_long)
            # A fill between two closes belongs to the bar that it lies in; the twin is dated at that bar's open.
            and -step <= to_ms(one.opened_at) - twin.entry_ms < 2 * step
        )
    )
    of_own: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in near:
        if i not in of_own and j not in taken:
            of_own[i] = j
            taken.add(j)
    return (
        [(own[i], twins[j]) for i, j in of_own.items()],
        [one for i, one in enumerate(own) if i not in of_own],
        [one for j, one in enumerate(twins) if j not in taken],
    )


def _pair_row(live: _Own, twin: Twin, step: int, gap: _Gap) -> DriftTrade:
    """Give a pair's row, and add its difference to the gap's parts."""
    sign = 1 if live.is_long else -1
    is_same = (
        live.closed_at is not None
        and not twin.is_open
        and live.reason is twin.reason
        and -step <= to_ms(live.closed_at) - twin.exit_ms < 2 * step
    )
    if live.pnl is None or twin.is_open:
        gap.exits += (live.pnl or _ZERO) - (_ZERO if twin.is_open else twin.pnl)
    else:
        share = live.quantity / twin.quantity
        scaled_pnl, scaled_fees = (twin.pnl * share).quantize(_CENT), (twin.fees * share).quantize(_CENT)
        by_fees = scaled_fees - live.fees
        by_price = live.pnl - scaled_pnl - by_fees
        gap.size += scaled_pnl - twin.pnl
        gap.fees += by_fees
        if is_same:
            gap.slippage += by_price
        else:
            gap.exits += by_price
    exit_slip = (
        _bps(-sign * (live.exit_price - twin.exit_price), twin.exit_price)
        if is_same and live.exit_price is not None
        else None
    )
    return DriftTrade(
        pair=live.pair,
        is_long=live.is_long,
        outcome=Outcome.SAME if is_same else Outcome.OTHER_EXIT,
        opened_at=live.opened_at,
        number=live.number,
        live_pnl=live.pnl,
        replay_pnl=None if twin.is_open else twin.pnl,
        live_reason=live.reason,
        replay_reason=None if twin.is_open else twin.reason,
        entry_slip_bps=_bps(sign * (live.entry_price - twin.entry_price), twin.entry_price),
        exit_slip_bps=exit_slip,
    )


def _live_row(live: _Own) -> DriftTrade:
    return DriftTrade(
        pair=live.pair,
        is_long=live.is_long,
        outcome=Outcome.ONLY_LIVE,
        opened_at=live.opened_at,
        number=live.number,
        live_pnl=live.pnl,
        live_reason=live.reason,
    )


def _replay_row(twin: Twin) -> DriftTrade:
    return DriftTrade(
        pair=twin.pair,
        is_long=twin.is_long,
        outcome=Outcome.ONLY_REPLAY,
        opened_at=from_ms(twin.entry_ms),
        replay_pnl=None if twin.is_open else twin.pnl,
        replay_reason=None if twin.is_open else twin.reason,
    )


def _points(material: Material, live: Sequence[_Own], twins: Sequence[Twin]) -> tuple[DriftPoint, ...]:
    """Give both sums of profit at each close, from nought."""
    steps = [(one.closed_at, one.pnl or _ZERO, _ZERO) for one in live if one.closed_at is not None]
    steps += [(from_ms(one.exit_ms), _ZERO, one.pnl) for one in twins]
    points = {material.request.since: (_ZERO, _ZERO)}
    own, other = _ZERO, _ZERO
    for at, by_live, by_replay in sorted(steps, key=lambda one: one[0]):
        own, other = own + by_live, other + by_replay
        points[at] = (own, other)
    points[max(material.request.until, *points)] = (own, other)
    return tuple(DriftPoint(at=at, live=a, replay=b) for at, (a, b) in points.items())


def _bps(worse: Decimal, of: Decimal) -> float:
    return float(worse / of) * 10_000


def _mean(found: Iterable[float | None]) -> float | None:
    known = [one for one in found if one is not None]
    return sum(known) / len(known) if known else None


def _sum(found: Iterable[Decimal | None]) -> Decimal:
    return sum((one for one in found if one is not None), _ZERO)
