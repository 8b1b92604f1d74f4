"""The indicator set: by name, as columns over a history and as streams over live bars.

Conventions are those of TA-Lib where it has the indicator (seeds, windows, population σ). A spec is the name and
its settings, `macd:12:26:9`; settings left out take their defaults. The first output carries the spec itself as its
column name, the others `spec.output`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.analysis.streams import IndicatorStream
from trading.candles import Candles
from trading.errors import BadParameter, InvalidWindow, NotFound, nearest

FloatArray = NDArray[np.float64]

#: Other words for the same indicators.
ALIASES = {
    "bbands": "bb",
    "bollinger": "bb",
    "stochastic": "stoch",
    "vp": "volume_profile",
    "fib": "fibonacci",
    "support": "levels",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One number of an indicator's spec."""

    name: str
    default: float
    minimum: float
    maximum: float = 100_000.0
    whole: bool = True
    unit: str = "bars"


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One indicator.

    Attributes:
        outputs: column suffixes; "" is the spec itself.
        batch: columns over a whole history, one array per output.
        stream: a running twin, bit-identical to `batch` from the same first bar.
        first_valid: index of the first row with values on every output.
        settled_bars: bars of history after which values depend on where the history begins by less than 1e-6.
        follows_price: the outputs are price levels (drawn over the candles).
        waits_for_swings: values begin with the first confirmed pivots, at `first_valid` at the earliest.
    """

    name: str
    title: str
    settings: tuple[Setting, ...]
    outputs: tuple[str, ...]
    batch: Callable[[Candles, Sequence[float]], tuple[FloatArray, ...]]
    stream: Callable[[Sequence[float]], IndicatorStream]
    first_valid: Callable[[Sequence[float]], int]
    settled_bars: Callable[[Sequence[float]], int]
    source: str = ""
    follows_price: bool = False
    waits_for_swings: bool = False
    check: Callable[[Sequence[float]], str] = lambda values: ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A spec that was read: the indicator, its settings, and the names of its columns."""

    spec: str
    indicator: Indicator
    values: tuple[float, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, one per output."""
        return tuple(f"{self.spec}.{one}" if one else self.spec for one in self.indicator.outputs)

    @property
    def first_valid(self) -> int:
        """Index of the first row with values."""
        return self.indicator.first_valid(self.values)

    @property
    def settled_bars(self) -> int:
        """Bars of history for 1e-6."""
        return max(self.indicator.settled_bars(self.values), self.first_valid + 1)

    def columns(self, candles: Candles) -> tuple[FloatArray, ...]:
        """Give the columns, each as long as the candles, NaN while warming up."""
        if len(candles) == 0:
            return tuple(np.empty(0) for _ in self.indicator.outputs)
        return self.indicator.batch(candles, self.values)

    def stream(self) -> IndicatorStream:
        """Open the running twin."""
        return self.indicator.stream(self.values)


def parse(spec: str) -> Parsed:
    """Read `name[:setting…]`.

    Raises:
        NotFound: no indicator of that name; the nearest is named.
        BadParameter: too many settings, not a number, or out of range.
        InvalidWindow: a window below its minimum.

    Example:
        >>> parse("macd:12:26:9").names
        ('macd:12:26:9', 'macd:12:26:9.signal', 'macd:12:26:9.hist')
    """
    name, *texts = spec.strip().split(":")
    known = _known()
    name = ALIASES.get(name, name)
    if name not in known:
        raise NotFound(
            f"Indicator '{name}' is unknown; {', '.join(known)} are there.", hint=nearest(name, known) or None
        )
    one = known[name]
    if len(texts) > len(one.settings):
        raise BadParameter(
            f"Indicator '{spec}' has {len(texts)} settings; {name} takes {len(one.settings)}"
            f"{' (' + ':'.join(s.name for s in one.settings) + ')' if one.settings else ''}."
        )
    values = [
        _read(spec, setting, texts[i]) if i < len(texts) and texts[i] else setting.default
        for i, setting in enumerate(one.settings)
    ]
    problem = one.check(values)
    if problem:
        raise BadParameter(f"Indicator '{spec}': {problem}")
    return Parsed(spec=spec.strip(), indicator=one, values=tuple(values))


def _read(spec: str, setting: Setting, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    noun = "a whole number" if setting.whole else "a number"
    allowed = f"{noun} from {setting.minimum:g} to {setting.maximum:g}"
    message = f"Indicator '{spec}': {setting.name} is '{text}'; {allowed} is allowed."
    if not np.isfinite(value) or (setting.whole and value != int(value)):
        raise BadParameter(message)
    if not setting.minimum <= value <= setting.maximum:
        raise InvalidWindow(message) if setting.unit == "bars" else BadParameter(message)
    return value


def compute(spec: str, candles: Candles) -> dict[str, FloatArray]:
    """Give an indicator's columns by name, each as long as the candles, NaN while warming up.

    Raises:
        NotFound, BadParameter, InvalidWindow: see `parse`.
    """
    parsed = parse(spec)
    return dict(zip(parsed.names, parsed.columns(candles), strict=True))


def list_indicators() -> tuple[Indicator, ...]:
    """Give every indicator there is, by name."""
    return tuple(_known().values())


def _known() -> dict[str, Indicator]:
    # Imported here: the two sets import `Indicator` from this module.
    from trading.analysis.indicator_set import INDICATORS

    return INDICATORS
