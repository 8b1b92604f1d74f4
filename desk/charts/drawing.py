"""Draws a picture now, in this process. Importing this brings in matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from desk.charts.allocation import draw_allocation
from desk.charts.bars import draw_bars
from desk.charts.before_after import draw_before_after
from desk.charts.candles import draw_candles
from desk.charts.correlation import draw_correlation
from desk.charts.drift import draw_drift
from desk.charts.equity import draw_equity
from desk.charts.fan import draw_fan
from desk.charts.gauges import draw_gauges
from desk.charts.heat import draw_heat
from desk.charts.kinds import KINDS
from desk.charts.search import draw_search
from desk.charts.specs import read_spec
from desk.charts.words import speaking
from trading.errors import InvalidInput, nearest

_DRAWERS: Mapping[str, Callable[[Any], bytes]] = {
    "candles": draw_candles,
    "trade": draw_candles,
    "equity": draw_equity,
    "daily": draw_bars,
    "heat": draw_heat,
    "allocation": draw_allocation,
    "correlation": draw_correlation,
    "gauge": draw_gauges,
    "drift": draw_drift,
    "before_after": draw_before_after,
    "search": draw_search,
    "fan": draw_fan,
}


def draw(kind: str, spec: Mapping[str, Any]) -> bytes:
    """Give a PNG of a kind in KINDS.

    Raises:
        InvalidInput: the kind is unknown or the spec is malformed.
    """
    if kind not in KINDS:
        raise InvalidInput(
            f"Picture '{kind}' was asked; {', '.join(KINDS)} can be drawn.", hint=nearest(kind, KINDS) or None
        )
    picture = read_spec(KINDS[kind], spec)
    with speaking(picture.words):
        return _DRAWERS[kind](picture)
