"""Rows and candles into the specs of pictures: a trade on its candles, a market as the strategy sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from desk.charts.specs import CandleSpec, Level, Mark, Theme, TradeMarks, WaveLine
from desk.clock import to_ms
from desk.views import FillRecord, Position, SignalRecord
from trading.candles import Candles
from trading.orders import Reason

#: Retracements that people draw.
FIBONACCI = (0.236, 0.382, 0.5, 0.618, 0.786)

#: How exits are named on a picture; international, so that one picture serves every language.
_SHORT: Mapping[Reason, str] = {
    Reason.TAKE_PROFIT_1: "TP1",
    Reason.TAKE_PROFIT_2: "TP2",
    Reason.TAKE_PROFIT_3: "TP3",
    Reason.STOP_LOSS: "stop",
    Reason.TRAILING_STOP: "trailing stop",
    Reason.BREAK_EVEN_STOP: "break-even stop",
    Reason.EXIT_SIGNAL: "exit signal",
    Reason.FORCE_EXIT: "closed by hand",
    Reason.KILL_SWITCH: "panic",
    Reason.MAX_BARS: "time",
}


def candle_spec(
    candles: Candles,
    *,
    title: str,
    subtitle: str = "",
    trade: TradeMarks | None = None,
    waves: Sequence[WaveLine] = (),
    levels: Sequence[Level] = (),
    theme: Theme = Theme.DARK,
) -> CandleSpec:
    """Give the spec of candles with marks."""
    return CandleSpec(
        ts_ms=candles.ts_ms,  # type: ignore[arg-type]
        open=candles.open,  # type: ignore[arg-type]
        high=candles.high,  # type: ignore[arg-type]
        low=candles.low,  # type: ignore[arg-type]
        close=candles.close,  # type: ignore[arg-type]
        volume=candles.volume,  # type: ignore[arg-type]
        title=title,
        subtitle=subtitle,
        trade=trade,
        waves=tuple(waves),
        levels=tuple(levels),
        theme=theme,
    )


def trade_marks(
    position: Position,
    fills: Sequence[FillRecord],
    events: Sequence[Mapping[str, Any]],
    signal: SignalRecord | None,
) -> TradeMarks:
    """Give the marks of a position: its entry, first stop, targets, how the stop moved, what closed it."""
    first = position.initial_stop if position.initial_stop is not None else position.stop
    targets = tuple(float(one.price) for one in position.legs)
    if not targets and signal is not None:
        targets = tuple(float(one) for one in signal.targets)
    return TradeMarks(
        is_long=position.is_long,
        entry=Mark(ts_ms=to_ms(position.opened_at), price=float(position.entry_price)),
        stop=None if first is None else float(first),
        targets=targets,
        stop_path=_stop_path(position, events),
        exits=tuple(_exit(one, position) for one in _exits(position, fills)),
        is_open=position.closed_at is None,
    )


def _exits(position: Position, fills: Sequence[FillRecord]) -> list[FillRecord]:
    closing = "sell" if position.is_long else "buy"
    rows = [one for one in fills if one.position_id == position.id and one.side.value == closing]
    return sorted(rows, key=lambda one: one.filled_at)


def _exit(fill: FillRecord, position: Position) -> Mark:
    share = float(fill.quantity / position.entry_quantity) if position.entry_quantity else 0.0
    name = _SHORT.get(fill.reason, fill.reason.value.replace("_", " "))
    return Mark(ts_ms=to_ms(fill.filled_at), price=float(fill.price), label=f"{name} {share:.0%}")


def _stop_path(position: Position, events: Sequence[Mapping[str, Any]]) -> tuple[Mark, ...]:
    if position.initial_stop is None:
        return ()
    path = [Mark(ts_ms=to_ms(position.opened_at), price=float(position.initial_stop))]
    for event in events:
        moved_to = event["detail"].get("to") if event["kind"] == "stop_moved" else None
        if moved_to:
            path.append(Mark(ts_ms=_ms(event["at"]), price=float(moved_to)))
    return tuple(path)


def _ms(at: datetime | str) -> int:
    return to_ms(datetime.fromisoformat(at) if isinstance(at, str) else at)


def fibonacci_levels(start: Mark, end: Mark) -> tuple[Level, ...]:
    """Give the retracements of a move, from its end back towards its start."""
    move = end.price - start.price
    return tuple(
        Level(price=end.price - move * ratio, label=f"{ratio * 100:g} %", from_ms=end.ts_ms)
        for ratio in FIBONACCI
    )
