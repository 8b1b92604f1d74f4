"""Drift: what a bot earned beside what the backtester earns with the same rules on the same bars, and why they differ."""

from desk.reports.drift.compare import compared
from desk.reports.drift.material import Material, Request, Span, gathered, span_of
from desk.reports.drift.replay import Replayed, replayed
from desk.reports.drift.service import Drifts
from desk.reports.drift.values import Drift, DriftPoint, DriftTrade, Outcome

__all__ = [
    "Drift",
    "DriftPoint",
    "DriftTrade",
    "Drifts",
    "Material",
    "Outcome",
    "Replayed",
    "Request",
    "Span",
    "compared",
    "gathered",
    "replayed",
    "span_of",
]
