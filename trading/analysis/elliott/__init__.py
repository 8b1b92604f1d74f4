"""The causal Elliott wave engine: nothing is told before it is known, and nothing told is taken back silently."""

from trading.analysis.elliott.columns import COLUMN_NAMES, WaveColumns, WaveColumnStream, wave_columns
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
from trading.analysis.elliott.export import count_as_dict, event_as_dict, provisional_as_dict

__all__ = [
    "COLUMN_NAMES",
    "EventType",
    "Pattern",
    "Pivot",
    "ProvisionalLeg",
    "Rule",
    "Status",
    "Target",
    "Wave",
    "WaveColumnStream",
    "WaveColumns",
    "WaveCount",
    "WaveDetector",
    "WaveEvent",
    "WaveLog",
    "WaveSettings",
    "count_as_dict",
    "event_as_dict",
    "provisional_as_dict",
    "wave_columns",
]
