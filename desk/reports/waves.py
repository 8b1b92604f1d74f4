"""The Elliott counts that stand at the end of some candles, as lines for a picture."""

from __future__ import annotations

from dataclasses import dataclass

from desk.charts.specs import Mark, WaveLine
from trading.candles import Candles


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenWaves:
    """The best count and its alternate; `move` is the swing that retracements are drawn on."""

    lines: tuple[WaveLine, ...] = ()
    move: tuple[Mark, Mark] | None = None


def seen_waves(candles: Candles) -> SeenWaves:
    return SeenWaves()
