"""The causal Elliott wave engine: nothing is told before it is known, and nothing told is taken back silently."""

from trading.analysis.elliott.decode import WaveEvent, WaveLog
from trading.analysis.elliott.detector import WaveDetector, WaveSettings
from trading.analysis.elliott.events import (
    EventType,
    Pattern,
    Pivot,
    ProvisionalLeg,
    Rule,
    Status,
    Target,
    Wave,
    WaveCount,
)

__all__ = [
    "EventType",
    "Pattern",
    "Pivot",
    "ProvisionalLeg",
    "Rule",
    "Status",
    "Target",
    "Wave",
    "WaveCount",
    "WaveDetector",
    "WaveEvent",
    "WaveLog",
    "WaveSettings",
]
