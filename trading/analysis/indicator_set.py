"""Every indicator by name."""

from __future__ import annotations

from trading.analysis.ichimoku import ICHIMOKU
from trading.analysis.indicators import Indicator
from trading.analysis.talib_set import TALIB_SET

INDICATORS: dict[str, Indicator] = {one.name: one for one in (*TALIB_SET, ICHIMOKU)}
