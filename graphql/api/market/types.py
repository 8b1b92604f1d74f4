"""Candles, series, strategies and their parameters."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import numpy as np
import strawberry

from desk.clock import from_ms
from strategies.base import Parameter
from strategies.registry import StrategyInfo
from trading.candles import SYNTHETIC, Candles
from trading.events import PriceMoved


@strawberry.type(description="One closed bar.")
class Candle:
    """Prices are market data, written as decimals."""

    pair: str
    timeframe: str
    open_time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    is_synthetic: bool = strawberry.field(
        default=False, description="Filled in for a gap; can never trigger an entry."
    )


@strawberry.type(description="A stored candle series.")
class CandleSeries:
    """What `candles` can read."""

    venue: str
    pair: str
    timeframe: str
    bars: int
    first: datetime
    last: datetime
    checksum: str


@strawberry.type(description="A pair on offer.")
class OfferedPair:
    """Its price is null where the market tells none between bars, or none came in time."""

    pair: str
    price: Decimal | None
    spread_ratio: float | None
    as_of: datetime | None


@strawberry.type(description="A much traded pair that is not on offer.")
class LeftOutPair:
    """Left out by the filters of the list."""

    pair: str
    because: str


@strawberry.type(
    description="Which pairs the market offers: named ones and the most traded ones that pass the filters."
)
class PairsOnOffer:
    """`trouble` says why the list could not be made anew; `readAt` is null for markets whose list does not change."""

    venue: str
    pairs: list[OfferedPair]
    left_out: list[LeftOutPair]
    read_at: datetime | None
    trouble: str


def offered(pair: str, price: PriceMoved | None) -> OfferedPair:
    """Give a pair on offer with its price."""
    if price is None:
        return OfferedPair(pair=pair, price=None, spread_ratio=None, as_of=None)
    spread = float(price.ask / price.bid) - 1.0 if price.bid and price.ask else None
    return OfferedPair(pair=pair, price=price.last, spread_ratio=spread, as_of=from_ms(price.ts_ms))


@strawberry.type(description="One adjustable value of a strategy.")
class StrategyParameter:
    """With unit, default and range."""

    name: str
    kind: str
    default: str
    minimum: float | None
    maximum: float | None
    choices: list[str]
    unit: str
    text: str


@strawberry.type(description="A trading idea that bots can run.")
class Strategy:
    """An entry of the registry."""

    name: str
    title: str
    idea: str
    source: str
    fails_in: str
    origin: str
    warmup_bars: int
    parameters: list[StrategyParameter]


def candle(pair: str, timeframe: str, candles: Candles, at: int) -> Candle:
    """Give one bar of a series."""
    return Candle(
        pair=pair,
        timeframe=timeframe,
        open_time=from_ms(int(candles.ts_ms[at])),
        open=as_decimal(candles.open[at]),
        high=as_decimal(candles.high[at]),
        low=as_decimal(candles.low[at]),
        close=as_decimal(candles.close[at]),
        volume=as_decimal(candles.volume[at]),
        is_synthetic=bool(candles.flags[at] & SYNTHETIC),
    )


def as_decimal(value: float | np.floating) -> Decimal:
    """Write market data as the shortest decimal that reads back the same."""
    return Decimal(repr(float(value)))


def strategy(info: StrategyInfo) -> Strategy:
    """Give an entry of the registry."""
    return Strategy(
        name=info.name,
        title=info.title,
        idea=info.idea,
        source=info.source,
        fails_in=info.fails_in,
        origin=info.origin,
        warmup_bars=info.warmup_bars,
        parameters=[parameter(one) for one in info.parameters],
    )


def parameter(one: Parameter) -> StrategyParameter:
    """Give one parameter."""
    default = str(one.default).lower() if isinstance(one.default, bool) else str(one.default)
    return StrategyParameter(
        name=one.name,
        kind=one.kind,
        default=default,
        minimum=one.minimum,
        maximum=one.maximum,
        choices=list(one.choices),
        unit=one.unit,
        text=one.text,
    )
