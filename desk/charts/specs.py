"""What a picture is drawn from: plain values and arrays, no library. Times are epoch milliseconds, UTC.

`words` are those of `desk.charts.words` in the reader's language; what is left out is English.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, TypeVar

import numpy as np

from trading.errors import InvalidInput, ShapeMismatch, nearest

FloatSeries = Sequence[float]
TimeSeries = Sequence[int]

S = TypeVar("S")

#: No picture shows more candles than a screen can; the newest are kept.
MAX_BARS = 400


class Theme(StrEnum):
    """Colours for a dark or a light screen."""

    DARK = "dark"
    LIGHT = "light"


@dataclass(frozen=True, slots=True, kw_only=True)
class WavePoint:
    """An end of a wave: its label ("0" the origin, "1"…"5", "A"…"E") and where it is."""

    ts_ms: int
    price: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveLine:
    """A count, or its alternate, as a line through the ends of its waves.

    Attributes:
        invalidation: the price that kills the count; None where it is complete.
        running: label of the wave in progress, drawn to the last close as a guess; empty for none.
    """

    points: Sequence[WavePoint]
    pattern: str = ""
    is_alternate: bool = False
    invalidation: float | None = None
    running: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A horizontal price with its name, e.g. a Fibonacci retracement "61.8 %"."""

    price: float
    label: str
    from_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A price at a time: an entry, an exit, a step of a stop."""

    ts_ms: int
    price: float
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeMarks:
    """A trade on its candles.

    Attributes:
        stop: the first protective stop; `stop_path` is how it moved, in steps.
        targets: TP1…TP3, nearest first.
        exits: what closed it, whole or in part.
        is_open: part of it is still held: its levels go on to the right edge.
    """

    is_long: bool
    entry: Mark
    stop: float | None = None
    targets: Sequence[float] = ()
    stop_path: Sequence[Mark] = ()
    exits: Sequence[Mark] = ()
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """A line over the candles, one value a bar, NaN where it is not known."""

    label: str
    values: FloatSeries


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleSpec:
    """Candles with what a bot sees in them."""

    ts_ms: TimeSeries
    open: FloatSeries
    high: FloatSeries
    low: FloatSeries
    close: FloatSeries
    volume: FloatSeries
    title: str = ""
    subtitle: str = ""
    waves: Sequence[WaveLine] = ()
    levels: Sequence[Level] = ()
    trade: TradeMarks | None = None
    overlays: Sequence[Overlay] = ()
    theme: Theme = Theme.DARK
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        columns = ("ts_ms", "open", "high", "low", "close", "volume")
        _refuse_uneven(self, columns)
        if not len(self.ts_ms):
            raise InvalidInput("No candle was given; a picture needs at least one.")
        for overlay in self.overlays:
            if len(overlay.values) != len(self.ts_ms):
                raise ShapeMismatch(
                    f"Overlay '{overlay.label}' has {len(overlay.values)} values; {len(self.ts_ms)} candles are given."
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class EquitySpec:
    """Equity over time; the drawdown is drawn from it.

    Attributes:
        benchmark: what holding would have been worth; empty for none.
    """

    ts_ms: TimeSeries
    equity: FloatSeries
    benchmark: FloatSeries = ()
    title: str = ""
    subtitle: str = ""
    currency: str = ""
    theme: Theme = Theme.DARK
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _refuse_uneven(self, ("ts_ms", "equity"))
        if len(self.ts_ms) < 2:
            raise InvalidInput(f"{len(self.ts_ms)} points of equity were given; at least 2 are needed.")
        if len(self.benchmark) not in (0, len(self.ts_ms)):
            raise ShapeMismatch(
                f"The benchmark has {len(self.benchmark)} points; the equity {len(self.ts_ms)}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class BarSpec:
    """Amounts by day, pair or tag, as bars in the given order."""

    labels: Sequence[str]
    values: FloatSeries
    title: str = ""
    subtitle: str = ""
    currency: str = ""
    theme: Theme = Theme.DARK
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _refuse_uneven(self, ("labels", "values"))
        if not len(self.labels):
            raise InvalidInput("No bar was given; a picture needs at least one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatSpec:
    """A figure over two parameters.

    Attributes:
        x, y: the values of the parameters, as shown.
        values: rows of y, columns of x, one after the other, len(y) × len(x); NaN where nothing was tried.
    """

    x: Sequence[str]
    y: Sequence[str]
    values: FloatSeries
    x_name: str = ""
    y_name: str = ""
    title: str = ""
    subtitle: str = ""
    theme: Theme = Theme.DARK
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.x) or len(self.values) != len(self.x) * len(self.y):
            raise ShapeMismatch(
                f"A map of {len(self.y)} × {len(self.x)} cells has {len(self.values)} values; one per cell is needed."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationSpec:
    """What a capital consists of, the largest part first; a negative part is held short."""

    labels: Sequence[str]
    values: FloatSeries
    title: str = ""
    subtitle: str = ""
    currency: str = ""
    theme: Theme = Theme.DARK
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _refuse_uneven(self, ("labels", "values"))
        if not len(self.labels):
            raise InvalidInput("No part was given; a picture needs at least one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationSpec:
    """How returns move together.

    Attributes:
        names: of the rows and columns.
        values: len(names) squared, row by row, -1 to 1; NaN where too little is known.
        threshold: from there on two pairs count as one risk.
        held: names that are held now.
    """

    names: Sequence[str]
    values: FloatSeries
    threshold: float = 0.7
    held: Sequence[str] = ()
    title: str = ""
    subtitle: str = ""
    theme: Theme = Theme.DARK
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.names)
        if not n or len(self.values) != n * n:
            raise ShapeMismatch(
                f"A map of {n} names has {len(self.values)} values; {n * n}, and at least 1, are needed."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """How much of a limit is used, or where something stands on a scale.

    Attributes:
        used: share of the limit, 0 to 1; more is drawn as reached.
        text: what is used of what, in words: "3.2 % of 20 %".
        is_scale: 0 is low and 1 high, as with a mood: neither end is a limit.
    """

    label: str
    used: float
    text: str = ""
    is_scale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeSpec:
    """Limits as dials."""

    gauges: Sequence[Gauge]
    title: str = ""
    subtitle: str = ""
    theme: Theme = Theme.DARK
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.gauges):
            raise InvalidInput("No limit was given; a picture needs at least one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSpec:
    """What was earned beside what the same rules earn on the same bars, and the difference.

    Attributes:
        live, replay: profit so far, at the same times.
        note: a line below the title, e.g. how many signals were the same.
    """

    ts_ms: TimeSeries
    live: FloatSeries
    replay: FloatSeries
    note: str = ""
    title: str = ""
    subtitle: str = ""
    currency: str = ""
    theme: Theme = Theme.DARK
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _refuse_uneven(self, ("ts_ms", "live", "replay"))
        if len(self.ts_ms) < 2:
            raise InvalidInput(f"{len(self.ts_ms)} points were given; at least 2 are needed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeAfterSpec:
    """What each part was worth before something happened and after it; a negative part is held short."""

    labels: Sequence[str]
    before: FloatSeries
    after: FloatSeries
    title: str = ""
    subtitle: str = ""
    currency: str = ""
    theme: Theme = Theme.DARK
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _refuse_uneven(self, ("labels", "before", "after"))
        if not len(self.labels):
            raise InvalidInput("No part was given; a picture needs at least one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpec:
    """A search under way.

    Attributes:
        trials: numbers of those that are known, from 0.
        values: what each reached of what is searched for; more is better.
        done, of: how many trials it has had, and will have.
    """

    trials: TimeSeries
    values: FloatSeries
    done: int = 0
    of: int = 0
    title: str = ""
    subtitle: str = ""
    theme: Theme = Theme.DARK
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _refuse_uneven(self, ("trials", "values"))
        if not len(self.trials):
            raise InvalidInput("No trial was given; a picture needs at least one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FanSpec:
    """A forecast: the price until now, and where it may go.

    Attributes:
        ts_ms, close: the bars until now.
        ahead_ms: times of the fan, from now on.
        bands: prices, one row for each quantile and each as long as `ahead_ms`, one after the other, rising.
        quantiles: of the rows, an odd number: the middle one is the median.
    """

    ts_ms: TimeSeries
    close: FloatSeries
    ahead_ms: TimeSeries
    bands: FloatSeries
    quantiles: FloatSeries
    title: str = ""
    subtitle: str = ""
    theme: Theme = Theme.DARK
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _refuse_uneven(self, ("ts_ms", "close"))
        rows, columns = len(self.quantiles), len(self.ahead_ms)
        if not rows % 2 or columns < 2 or len(self.bands) != rows * columns:
            raise ShapeMismatch(
                f"A fan of {rows} quantiles at {columns} times has {len(self.bands)} prices; an odd number of "
                "quantiles, at least 2 times and one price for each are needed."
            )


def _refuse_uneven(spec: Any, names: tuple[str, ...]) -> None:
    lengths = {name: len(getattr(spec, name)) for name in names}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ShapeMismatch(f"Columns of a picture differ in length: {shown}.")


def as_spec(picture: Any) -> dict[str, Any]:
    """Give a spec as plain values, ready for `Painter.draw`."""
    return {one.name: _plain(getattr(picture, one.name)) for one in fields(picture)}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return as_spec(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.ndarray) or value is None or isinstance(value, str | int | float | bool):
        return value
    return [_plain(one) for one in value]


def read_spec(cls: type[S], values: Mapping[str, Any]) -> S:
    """Build a spec from plain values.

    Raises:
        InvalidInput: a name is unknown, one is missing, or a value is not what it should be.
    """
    hints = typing.get_type_hints(cls)
    known = [one.name for one in fields(cls)]  # type: ignore[arg-type]
    for name in values:
        if name not in known:
            raise InvalidInput(
                f"'{name}' is no part of {cls.__name__}; {', '.join(known)} are.",
                hint=nearest(name, known) or None,
            )
    try:
        return cls(**{name: _read(hints[name], value) for name, value in values.items()})
    except (TypeError, ValueError) as problem:
        raise InvalidInput(f"{cls.__name__} cannot be read: {problem}.") from problem


def _read(hint: Any, value: Any) -> Any:
    options = typing.get_args(hint) if isinstance(hint, UnionType) else ()
    if options:
        return None if value is None else _read(next(one for one in options if one is not type(None)), value)
    if is_dataclass(hint) and isinstance(hint, type):
        return value if isinstance(value, hint) else read_spec(hint, value)
    if hint in (FloatSeries, TimeSeries):
        dtype = np.float64 if hint == FloatSeries else np.int64
        # JSON has no NaN: an unknown value comes as null.
        rows = [np.nan if one is None else one for one in value] if isinstance(value, list) else value
        return np.asarray(rows, dtype=dtype)
    if typing.get_origin(hint) is Mapping:
        return {str(name): str(one) for name, one in value.items()}
    if typing.get_origin(hint) is not None and typing.get_args(hint):
        inner = typing.get_args(hint)[0]
        return tuple(_read(inner, one) for one in value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    if hint is float:
        return float(value)
    return value
