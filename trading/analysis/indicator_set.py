"""Every indicator by name."""

from __future__ import annotations

from trading.analysis.ichimoku import ICHIMOKU
from trading.analysis.indicators import Indicator
from trading.analysis.pivot_set import PIVOT_SET
from trading.analysis.talib_set import TALIB_SET
from trading.analysis.volume_profile import VOLUME_PROFILE

INDICATORS: dict[str, Indicator] = {
    one.name: one for one in (*TALIB_SET, ICHIMOKU, VOLUME_PROFILE, *PIVOT_SET)
}
