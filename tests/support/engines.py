"""Bars, accounts and random rule sets for the tests of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from trading.candles import Candles
from trading.engine.config import AccountConfig, Costs, LineConfig, RiskLimits
from trading.engine.engine import AccountEngine
from trading.engine.views import Bar
from trading.instruments import Instrument
from trading.timeframes import Timeframe

HOUR_MS = 3_600_000
#: 2023-11-15 00:00 UTC: the first bar of made-up series.
START_MS = 19_676 * 86_400_000

FREE = Costs(maker_fee=0.0, taker_fee=0.0, slippage=0.0)

Row = tuple[float, float, float, float] | tuple[float, float, float, float, float]


def bars(
    *rows: Row,
    timeframe: str = "1h",
    start_ms: int = START_MS,
    pair: str = "BTC/USDT",
    flags: Sequence[int] = (),
) -> Candles:
    """Give candles from (open, high, low, close[, volume]) rows; volume is 1 where not given."""
    frame = Timeframe.parse(timeframe)
    table = np.array([(*row, 1.0) if len(row) == 4 else row for row in rows], np.float64)
    return Candles(
        ts_ms=start_ms + frame.ms * np.arange(len(rows), dtype=np.int64),
        open=table[:, 0].copy(),
        high=table[:, 1].copy(),
        low=table[:, 2].copy(),
        close=table[:, 3].copy(),
        volume=table[:, 4].copy(),
        timeframe=frame,
        pair=pair,
        flags=np.asarray(flags or [0] * len(rows), np.uint8),
    )


def flat(*closes: float) -> Candles:
    """Give candles whose four prices are equal."""
    return bars(*((c, c, c, c) for c in closes))


def account(
    *pairs: str,
    capital: str = "10000",
    costs: Costs = FREE,
    limits: RiskLimits | None = None,
    timeframe_ms: int = HOUR_MS,
    step: str = "0.001",
    can_short: bool = True,
    **line: Any,
) -> AccountConfig:
    """Give an account with one line per pair; without limits unless some are given."""
    return AccountConfig(
        account_id="test",
        capital=Decimal(capital),
        timeframe_ms=timeframe_ms,
        costs=costs,
        limits=limits or RiskLimits.off(),
        lines=tuple(
            LineConfig(
                bot_id="bot",
                instrument=Instrument(
                    pair=pair, step=Decimal(step), min_notional=Decimal(0), can_short=can_short
                ),
                **line,
            )
            for pair in (pairs or ("BTC/USDT",))
        ),
    )


def bar(at: int, price: float, *, high: float | None = None, low: float | None = None, **more: Any) -> Bar:
    """Give the bar of an hour; all prices equal unless high or low say otherwise."""
    return Bar(
        ts_ms=START_MS + at * HOUR_MS,
        open=price,
        high=price if high is None else high,
        low=price if low is None else low,
        close=price,
        volume=more.pop("volume", 1.0),
        **more,
    )


def play(engine: AccountEngine, at: int, price: float, **signals: Any) -> Any:
    """Match and decide one hour at one price for every line; `line0=Signal(...)` gives a line's signal."""
    row = {line: bar(at, price) for line in range(len(engine.config.lines))}
    fills = engine.match(row)
    intents = engine.decide(row, {int(name[4:]): signal for name, signal in signals.items()})
    return fills, intents
