"""Draws a picture now, in this process. Importing this brings in matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desk.charts.bars import draw_bars
from desk.charts.candles import draw_candles
from desk.charts.equity import draw_equity
from desk.charts.heat import draw_heat
from desk.charts.kinds import KINDS
from desk.charts.specs import BarSpec, CandleSpec, EquitySpec, HeatSpec, read_spec
from trading.errors import InvalidInput, nearest


def draw(kind: str, spec: Mapping[str, Any]) -> bytes:
    """Give a PNG of a kind in KINDS.

    Raises:
        InvalidInput: the kind is unknown or the spec is malformed.
    """
    match kind:
        case "candles" | "trade":
            return draw_candles(read_spec(CandleSpec, spec))
        case "equity":
            return draw_equity(read_spec(EquitySpec, spec))
        case "daily":
            return draw_bars(read_spec(BarSpec, spec))
        case "heat":
            return draw_heat(read_spec(HeatSpec, spec))
    raise InvalidInput(
        f"Picture '{kind}' was asked; {', '.join(KINDS)} can be drawn.", hint=nearest(kind, KINDS) or None
    )
