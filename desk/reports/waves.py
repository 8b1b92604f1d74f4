"""The Elliott counts that stand at the end of some candles, as lines for a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

from desk.charts.specs import Mark, WaveLine, WavePoint
from trading.analysis.elliott import Pattern, Status, WaveCount, WaveDetector, WaveSettings
from trading.candles import Candles

#: Degrees that are looked at; the finest of the strategies' degrees is noise on a picture of a hundred bars.
DEGREES = (3.0, 6.0, 12.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenWaves:
    """The best count and its alternate; `move` is the swing that retracements are drawn on."""

    lines: tuple[WaveLine, ...] = ()
    move: tuple[Mark, Mark] | None = None


def seen_waves(candles: Candles, *, shown_bars: int = 150) -> SeenWaves:
    """Give what the causal detector believes after the last of these candles.

    Args:
        candles: history first, so that the counts are warm; nothing after the last one is known.
        shown_bars: how many of the newest bars the picture shows; counts outside are left out.
    """
    if not len(candles):
        return SeenWaves()
    detector = WaveDetector(
        WaveSettings(degrees=DEGREES), symbol=candles.pair, timeframe=str(candles.timeframe)
    )
    detector.run(candles)
    step = candles.timeframe.ms
    end_ms = int(candles.ts_ms[-1])
    start_ms = end_ms - shown_bars * step
    counts = detector.counts()
    # Two ends in the picture make a line; where no count has that, one whose last wave reaches into it is shown.
    fits = [one for one in counts if _is_seen(one, start_ms, ends=2)]
    fits = fits or [one for one in counts if _is_seen(one, start_ms, ends=1)]
    if not fits:
        return SeenWaves()
    best = max(fits, key=lambda one: _worth(one, start_ms, end_ms))
    others = [one for one in fits if one.id != best.id and _points(one) != _points(best)]
    alternate = max(
        others, key=lambda one: (one.degree == best.degree, _worth(one, start_ms, end_ms)), default=None
    )
    lines = [_line(best, is_alternate=False)]
    if alternate is not None:
        lines.append(_line(alternate, is_alternate=True))
    return SeenWaves(lines=tuple(lines), move=_move(best))


def _is_seen(count: WaveCount, start_ms: int, *, ends: int) -> bool:
    """Tell whether a count says something about the bars shown: so many of its ends lie among them."""
    if count.pattern is Pattern.UNKNOWN or count.status not in (Status.OPEN, Status.COMPLETE):
        return False
    return len(count.pivots) >= 2 and count.pivots[-ends].extreme_ms >= start_ms


def _worth(count: WaveCount, start_ms: int, end_ms: int) -> float:
    """Rank counts for a picture: by score, by how much of it they explain, and living ones above finished ones."""
    first = max(count.pivots[0].extreme_ms, start_ms)
    span = (count.pivots[-1].extreme_ms - first) / max(end_ms - start_ms, 1)
    alive = 1.5 if count.status is Status.OPEN else 1.0
    return alive * math.sqrt((count.score or 0.01) * (len(count.pivots) - 1)) * span


def _points(count: WaveCount) -> tuple[WavePoint, ...]:
    labels = ["0", *(wave.label for wave in count.waves)]
    return tuple(
        WavePoint(ts_ms=pivot.extreme_ms, price=pivot.price, label=label)
        for pivot, label in zip(count.pivots, labels, strict=False)
    )


def _line(count: WaveCount, *, is_alternate: bool) -> WaveLine:
    return WaveLine(
        points=_points(count),
        pattern=count.pattern.value,
        is_alternate=is_alternate,
        invalidation=count.invalidation_price if count.status is Status.OPEN else None,
        running=count.current_label or "" if count.status is Status.OPEN else "",
    )


def _move(count: WaveCount) -> tuple[Mark, Mark]:
    """Give the swing whose retracement matters now: the last completed wave of a living count, else all of it."""
    first, last = count.pivots[0], count.pivots[-1]
    if count.status is Status.OPEN and len(count.pivots) in (3, 5):
        # The correction has just ended: people measure it on the wave that it corrects.
        first, last = count.pivots[-3], count.pivots[-2]
    elif count.status is Status.OPEN:
        first, last = count.pivots[-2], count.pivots[-1]
    return (
        Mark(ts_ms=first.extreme_ms, price=first.price),
        Mark(ts_ms=last.extreme_ms, price=last.price),
    )
