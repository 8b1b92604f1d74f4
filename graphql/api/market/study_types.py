"""What is read out of candles: indicators, waves, levels, volume at price, tickers."""

from __future__ import annotations

import enum
import math
from datetime import datetime
from decimal import Decimal

import strawberry

from api.ids import Cursor, wave_cursor
from api.market.types import as_decimal
from desk.clock import from_ms
from trading.analysis import fibonacci, volume_profile
from trading.analysis.elliott import EventType, Pattern, Pivot, Status, WaveEvent
from trading.analysis.elliott import WaveCount as Count
from trading.analysis.indicators import Indicator, Setting
from trading.events import PriceMoved

#: What became known of the waves, and SUBSCRIBED for the first message of a subscription.
WaveKind = enum.Enum(  # type: ignore[misc]
    "WaveKind", {"SUBSCRIBED": "SUBSCRIBED", **{one.name: one.value for one in EventType}}
)
strawberry.enum(
    WaveKind,
    name="WaveEventType",
    description="What became known of the waves at a bar; SUBSCRIBED is the first message of a stream.",
)
strawberry.enum(Pattern, name="WavePattern", description="Shape of a count.")
strawberry.enum(Status, name="WaveCountStatus", description="Whether a count still stands.")


@strawberry.type(description="One number of an indicator's spec.")
class IndicatorSetting:
    """With default, range and unit."""

    name: str
    default: float
    minimum: float
    maximum: float
    unit: str


@strawberry.type(description="An indicator that `indicators` can compute.")
class IndicatorInfo:
    """Write its spec as `name:setting:setting`, for example `ema:21` or `macd:12:26:9`."""

    name: str
    title: str
    settings: list[IndicatorSetting]
    outputs: list[str]
    follows_price: bool
    source: str


@strawberry.type(description="A column of an indicator, as long as the times; null while it warms up.")
class IndicatorColumn:
    """One output."""

    name: str
    values: list[float | None]


@strawberry.type(description="Indicators over a stretch of bars.")
class IndicatorTable:
    """Row k of every column belongs to time k."""

    pair: str
    timeframe: str
    open_times: list[datetime]
    columns: list[IndicatorColumn]


@strawberry.type(description="A swing high or low, told at the bar that confirmed it and never changed.")
class WavePivot:
    """A pivot."""

    kind: str
    price: Decimal
    at: datetime
    confirmed_at: datetime


@strawberry.type(description="One wave of a count; without an end it is in progress.")
class WaveLeg:
    """A wave."""

    label: str
    start: WavePivot | None
    end: WavePivot | None


@strawberry.type(description="A price where a wave tends to end.")
class WaveTarget:
    """A ratio of a basis."""

    label: str
    ratio: float
    price: Decimal
    basis: str


@strawberry.type(description="One reading of the waves of one degree, as it was known at `asOf`.")
class WaveCount:
    """`score` says how well the guidelines are met; `confidence` how often such claims came true."""

    number: int
    degree: int
    pattern: Pattern
    direction: str | None
    status: Status
    current_label: str | None
    pivots: list[WavePivot]
    waves: list[WaveLeg]
    targets: list[WaveTarget]
    invalidation_price: Decimal | None
    invalidation_rule: str
    confirmation_price: Decimal | None
    score: float | None
    confidence: float | None
    base_rate: float | None
    opened_at: datetime
    as_of: datetime


@strawberry.type(description="What became known of the waves at the close of a bar; never taken back.")
class WaveEventFact:
    """A fact of the wave engine; resume with `after` set to its cursor."""

    cursor: Cursor
    pair: str
    timeframe: str
    kind: WaveKind
    bar_at: datetime = strawberry.field(
        description="When the bar opened; of SUBSCRIBED, the newest bar that was seen, or now without any."
    )
    degree: int | None
    price: Decimal | None
    missing_bars: int
    pivot: WavePivot | None
    count: WaveCount | None


@strawberry.type(description="A ratio and its price.")
class FibonacciLevel:
    """One level."""

    ratio: float
    price: Decimal


@strawberry.type(description="Retracements of a move, and extensions beyond a base.")
class FibonacciLevels:
    """The move is the one given, or the one that the best wave count measures."""

    start: Decimal
    end: Decimal
    base: Decimal
    retracements: list[FibonacciLevel]
    extensions: list[FibonacciLevel]


@strawberry.type(description="What was traded between two prices.")
class VolumeBin:
    """One bin; its high edge is open."""

    low: Decimal
    high: Decimal
    volume: float


@strawberry.type(description="How much was traded at which price.")
class VolumeAtPrice:
    """`pointOfControl` is the busiest bin's lower edge; the value area holds 70 % of the volume."""

    pair: str
    timeframe: str
    bars: int
    total: float
    point_of_control: Decimal
    value_low: Decimal
    value_high: Decimal
    bins: list[VolumeBin]


@strawberry.type(
    description="The newest price of a pair: live where the market tells it, else its newest closed bar."
)
class Ticker:
    """`changeRatio` compares with the close a day before; null where that is not stored. Live prices have the timeframe
    `live`, and say who told them: the venue, or the second source while the venue is silent."""

    pair: str
    venue: str
    timeframe: str
    price: Decimal
    change_ratio: float | None
    as_of: datetime
    bid: Decimal | None = None
    ask: Decimal | None = None
    spread_ratio: float | None = None
    source: str = ""


def live_ticker(price: PriceMoved, change_ratio: float | None = None) -> Ticker:
    """Give a price between bars."""
    return Ticker(
        pair=price.pair,
        venue=price.venue,
        timeframe="live",
        price=price.last,
        change_ratio=change_ratio,
        as_of=from_ms(price.ts_ms),
        bid=price.bid,
        ask=price.ask,
        spread_ratio=float(price.ask / price.bid) - 1.0 if price.bid and price.ask else None,
        source=price.source,
    )


def indicator_info(one: Indicator) -> IndicatorInfo:
    """Give an entry of the catalogue."""
    return IndicatorInfo(
        name=one.name,
        title=one.title,
        settings=[_setting(each) for each in one.settings],
        outputs=list(one.outputs),
        follows_price=one.follows_price,
        source=one.source,
    )


def _setting(one: Setting) -> IndicatorSetting:
    return IndicatorSetting(
        name=one.name, default=one.default, minimum=one.minimum, maximum=one.maximum, unit=one.unit
    )


def wave_count(count: Count) -> WaveCount:
    """Give a count."""
    pivots = {one.id: wave_pivot(one) for one in count.pivots}
    return WaveCount(
        number=count.id,
        degree=count.degree,
        pattern=count.pattern,
        direction=count.direction,
        status=count.status,
        current_label=count.current_label,
        pivots=list(pivots.values()),
        waves=[
            WaveLeg(
                label=one.label,
                start=pivots.get(one.start_pivot_id),
                end=pivots.get(one.end_pivot_id) if one.end_pivot_id is not None else None,
            )
            for one in count.waves
        ],
        targets=[
            WaveTarget(label=one.label, ratio=one.ratio, price=as_decimal(one.price), basis=one.basis)
            for one in count.targets
            if math.isfinite(one.price)
        ],
        invalidation_price=_price(count.invalidation_price),
        invalidation_rule=count.invalidation_rule.value,
        confirmation_price=_price(count.confirmation_price),
        score=count.score,
        confidence=count.confidence,
        base_rate=count.base_rate,
        opened_at=from_ms(count.opened_ms),
        as_of=from_ms(count.as_of_ms),
    )


def wave_event(event: WaveEvent, place: int) -> WaveEventFact:
    """Give a fact of the wave engine; `place` counts the facts of its bar."""
    pivot, count = event.pivot, event.count
    return WaveEventFact(
        cursor=wave_cursor(event.ts_ms, place),
        pair=event.series.symbol,
        timeframe=event.series.timeframe,
        kind=WaveKind(event.type.value),
        bar_at=from_ms(event.ts_ms),
        degree=event.degree,
        price=_price(event.price),
        missing_bars=event.missing_bars,
        pivot=wave_pivot(pivot) if pivot else None,
        count=wave_count(count) if count else None,
    )


def waves_subscribed(pair: str, timeframe: str, cursor: Cursor, bar_at: datetime) -> WaveEventFact:
    """Give the first message of a stream of wave events."""
    return WaveEventFact(
        cursor=cursor,
        pair=pair,
        timeframe=timeframe,
        kind=WaveKind("SUBSCRIBED"),
        bar_at=bar_at,
        degree=None,
        price=None,
        missing_bars=0,
        pivot=None,
        count=None,
    )


def wave_pivot(pivot: Pivot) -> WavePivot:
    """Give a swing."""
    return WavePivot(
        kind=pivot.kind,
        price=as_decimal(pivot.price),
        at=from_ms(pivot.extreme_ms),
        confirmed_at=from_ms(pivot.confirmed_ms),
    )


def fibonacci_levels(start: float, end: float, base: float) -> FibonacciLevels:
    """Give the levels of a move."""
    return FibonacciLevels(
        start=as_decimal(start),
        end=as_decimal(end),
        base=as_decimal(base),
        retracements=[_level(one) for one in fibonacci.retracement_levels(start, end)],
        extensions=[_level(one) for one in fibonacci.extension_levels(start, end, base)],
    )


def volume_at_price(
    pair: str, timeframe: str, bars: int, profile: volume_profile.VolumeProfile
) -> VolumeAtPrice:
    """Give a profile, from the lowest price up."""
    first, width = profile.first_bin, profile.width
    return VolumeAtPrice(
        pair=pair,
        timeframe=timeframe,
        bars=bars,
        total=profile.total,
        point_of_control=as_decimal(profile.poc),
        value_low=as_decimal(profile.value_low),
        value_high=as_decimal(profile.value_high),
        bins=[
            VolumeBin(
                low=as_decimal((first + at) * width),
                high=as_decimal((first + at + 1) * width),
                volume=float(volume),
            )
            for at, volume in enumerate(profile.volumes)
        ],
    )


def _level(one: fibonacci.Level) -> FibonacciLevel:
    return FibonacciLevel(ratio=one.ratio, price=as_decimal(one.price))


def _price(value: float | None) -> Decimal | None:
    return as_decimal(value) if value is not None and math.isfinite(value) else None
