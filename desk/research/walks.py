"""Walking forward: windows as people write them, and what a walk found as a document of plain values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from desk.research.runs import Request, moment, spoken
from trading.errors import InvalidInput

if TYPE_CHECKING:
    from trading.backtest.walk_forward import WalkForward

_UNITS_MS = {"h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def span_ms(text: str) -> int:
    """Read a length such as 90d, in milliseconds.

    Raises:
        InvalidInput: no number with h, d or w.
    """
    match = re.fullmatch(r"(\d{1,5})([hdw])", text.strip())
    if match is None:
        raise InvalidInput(
            f"Length '{text}' was given; a number and h, d or w is allowed.", hint="For example 90d."
        )
    return int(match[1]) * _UNITS_MS[match[2]]


def walk_document(request: Request, done: WalkForward) -> dict[str, Any]:
    """Give what a walk found as plain values."""
    return {
        "strategy": request.strategy,
        "pairs": [one.pair for one in request.candles],
        "timeframe": str(request.candles[0].timeframe),
        "windows": [
            {
                "train_from": moment(step.window.train_from_ms),
                "train_to": moment(step.window.train_to_ms),
                "test_from": moment(step.window.test_from_ms),
                "test_to": moment(step.window.test_to_ms),
                "params": step.params,
                "trials": step.trials,
                "in_sample": None if step.in_sample is None else step.in_sample.values,
                "out_of_sample": step.out_of_sample.values,
                "efficiency": step.efficiency,
            }
            for step in done.steps
        ],
        "metrics": done.metrics.values,
        "reasons": done.metrics.reasons,
        "efficiency": done.efficiency,
        "efficiency_reason": done.efficiency_reason or None,
        "gap_is_enough": done.gap_is_enough,
        "equity": {"ts_ms": done.ts_ms, "equity": done.equity},
        "was_cancelled": done.was_cancelled,
        "models": spoken(request.models),
    }
