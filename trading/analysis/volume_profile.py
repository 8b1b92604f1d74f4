"""Volume profile: how much was traded at which price, the busiest price and the value area. Past bars only."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.analysis.indicators import Indicator, Setting
from trading.analysis.streams import Bar, IndicatorStream
from trading.candles import Candles
from trading.errors import InvalidInput, ShapeMismatch
from trading.jit import njit

FloatArray = NDArray[np.float64]

#: Share of the volume that makes the value area.
VALUE_SHARE = 0.70

#: More bins than this would mean that the bin width does not fit the prices.
MAX_BINS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeProfile:
    """A profile over fixed bins [k·width, (k+1)·width).

    Attributes:
        first_bin: k of the first bin.
        volumes: base asset per bin, float64.
        poc: lower edge of the bin with the most volume.
        value_low, value_high: edges of the value area, [low, high).
    """

    width: float
    first_bin: int
    volumes: FloatArray
    poc: float
    value_low: float
    value_high: float

    @property
    def total(self) -> float:
        """Volume of all bins."""
        return float(self.volumes.sum())


@njit
def _spread(
    low: FloatArray, high: FloatArray, volume: FloatArray, width: float, first: int, out: FloatArray
) -> None:
    for i in range(len(low)):
        a = math.floor(low[i] / width) - first
        if high[i] <= low[i]:
            out[a] += volume[i]
            continue
        b = math.floor(high[i] / width) - first
        density = volume[i] / (high[i] - low[i])
        for k in range(a, min(b, len(out) - 1) + 1):
            bin_low = (first + k) * width
            overlap = min(high[i], bin_low + width) - max(low[i], bin_low)
            if overlap > 0.0:
                out[k] += density * overlap


@njit
def _busiest(volumes: FloatArray, width: float, first: int) -> int:
    """Give the bin with the most volume; of equals the one nearest to the mean price, then the lower."""
    total = 0.0
    moment = 0.0
    top = 0.0
    for k in range(len(volumes)):
        total += volumes[k]
        moment += volumes[k] * ((first + k + 0.5) * width)
        top = max(top, volumes[k])
    if total <= 0.0:
        return 0
    mean = moment / total
    best = -1
    best_distance = 0.0
    for k in range(len(volumes)):
        # Volumes are sums of shares: equal bins may differ in the last bits.
        if volumes[k] >= top * (1.0 - 1e-12):
            distance = abs((first + k + 0.5) * width - mean)
            if best < 0 or distance < best_distance - 1e-12 * width:
                best = k
                best_distance = distance
    return best


@njit
def _value_area(volumes: FloatArray, poc: int, share: float) -> tuple[int, int]:
    """Give the first and last bin of the value area: from the busiest bin, always the larger neighbour, upper on ties."""
    target = share * volumes.sum()
    low = poc
    high = poc
    held = volumes[poc]
    while held < target * (1.0 - 1e-12) and (low > 0 or high < len(volumes) - 1):
        below = volumes[low - 1] if low > 0 else -1.0
        above = volumes[high + 1] if high < len(volumes) - 1 else -1.0
        if above >= below * (1.0 - 1e-12):
            high += 1
            held += above
        else:
            low -= 1
            held += below
    return low, high


def volume_profile(
    low: FloatArray, high: FloatArray, volume: FloatArray, *, width: float, value_share: float = VALUE_SHARE
) -> VolumeProfile:
    """Spread each bar's volume uniformly over its [low, high) and find the busiest price and the value area.

    Args:
        low, high, volume: float64 arrays of the same length, ≥ 1 bar.
        width: of a bin, in price units, > 0.
        value_share: of the volume inside the value area, 0–1.

    Raises:
        ShapeMismatch: arrays differ in length.
        InvalidInput: no bars, a width that is not positive, or so narrow that more than 100,000 bins result.

    Source:
        trading-rules B.1.
    """
    if not len(low) == len(high) == len(volume):
        raise ShapeMismatch(f"low, high and volume have {len(low)}, {len(high)} and {len(volume)} rows.")
    if len(low) == 0 or not width > 0.0:
        raise InvalidInput(
            f"A profile of {len(low)} bars with width {width} was asked for; ≥ 1 bar and > 0 are needed."
        )
    first = math.floor(float(low.min()) / width)
    bins = math.floor(float(high.max()) / width) - first + 1
    if bins > MAX_BINS:
        raise InvalidInput(
            f"Width {width:g} gives {bins} bins; {MAX_BINS} are allowed.", hint="Use a wider bin."
        )
    volumes = np.zeros(bins)
    _spread(low, high, volume, width, first, volumes)
    if bins > 1 and volumes[-1] == 0.0:
        # The highest price is the open edge of the bin before.
        volumes = volumes[:-1]
    poc = _busiest(volumes, width, first)
    value_low, value_high = _value_area(volumes, poc, value_share)
    return VolumeProfile(
        width=width,
        first_bin=first,
        volumes=volumes,
        poc=(first + poc) * width,
        value_low=(first + value_low) * width,
        value_high=(first + value_high + 1) * width,
    )


@njit
def _nice_width(span: float, bins: int) -> float:
    """Give a width of 1, 2 or 5 times a power of ten that cuts a span into about so many bins."""
    raw = span / bins
    power = 10.0 ** math.floor(math.log10(raw))
    for step in (1.0, 2.0, 5.0):
        if step * power >= raw:
            return step * power
    return 10.0 * power


@njit
def _profile_row(
    low: FloatArray, high: FloatArray, volume: FloatArray, bins: int, share: float, work: FloatArray
) -> tuple[float, float, float]:
    bottom = low.min()
    top = high.max()
    if not top > bottom or volume.sum() <= 0.0:
        return np.nan, np.nan, np.nan
    width = _nice_width(top - bottom, bins)
    first = math.floor(bottom / width)
    count = math.floor(top / width) - first + 1
    volumes = work[:count]
    volumes[:] = 0.0
    _spread(low, high, volume, width, first, volumes)
    poc = _busiest(volumes, width, first)
    value_low, value_high = _value_area(volumes, poc, share)
    return (first + poc + 0.5) * width, (first + value_low) * width, (first + value_high + 1) * width


@njit
def _profile_columns(
    low: FloatArray, high: FloatArray, volume: FloatArray, window: int, bins: int, share: float
) -> FloatArray:
    out = np.full((3, len(low)), np.nan)
    work = np.zeros(bins * 2 + 4)
    for t in range(window - 1, len(low)):
        a = t - window + 1
        poc, below, above = _profile_row(
            low[a : t + 1], high[a : t + 1], volume[a : t + 1], bins, share, work
        )
        out[0, t] = poc
        out[1, t] = below
        out[2, t] = above
    return out


def profile_columns(candles: Candles, values: Sequence[float]) -> tuple[FloatArray, ...]:
    """Give, per bar, the middle of the busiest bin and the edges of the value area of the last bars."""
    out = _profile_columns(
        candles.low, candles.high, candles.volume, int(values[0]), int(values[1]), float(VALUE_SHARE)
    )
    return out[0], out[1], out[2]


class ProfileStream:
    """The running twin of `profile_columns`: the same compiled row over the last bars."""

    def __init__(self, values: Sequence[float]) -> None:
        self._bars: deque[Bar] = deque(maxlen=int(values[0]))
        self._bins = int(values[1])
        self._work = np.zeros(self._bins * 2 + 4)

    def step(self, bar: Bar) -> tuple[float, ...]:
        """Take a closed bar, give its row."""
        self._bars.append(bar)
        if len(self._bars) < (self._bars.maxlen or 0):
            return (float("nan"),) * 3
        rows = np.array(self._bars)
        low, high, volume = (np.ascontiguousarray(rows[:, i]) for i in (2, 1, 4))
        return _profile_row(low, high, volume, self._bins, VALUE_SHARE, self._work)


def _stream(values: Sequence[float]) -> IndicatorStream:
    return ProfileStream(values)


VOLUME_PROFILE = Indicator(
    name="volume_profile",
    title="Volume profile of the last bars: busiest price, value area",
    settings=(
        Setting(name="window_bars", default=96, minimum=2, maximum=10_000),
        Setting(name="bins", default=40, minimum=4, maximum=1_000, unit="bins"),
    ),
    outputs=("poc", "value_low", "value_high"),
    batch=profile_columns,
    stream=_stream,
    first_valid=lambda v: int(v[0]) - 1,
    settled_bars=lambda v: int(v[0]),
    follows_price=True,
    source="Steidlmayer, Market Profile (1984); trading-rules B.1",
)
