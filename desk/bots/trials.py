"""What an engine would decide, found out on a copy of it that is thrown away; signals as plain values, and sized ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from trading.engine.engine import AccountEngine
from trading.engine.views import BarRow, EngineIntent
from trading.errors import InvariantBroken
from trading.signals import EntryType, Signal

#: A size hint that every account can be measured with.
_PROBE = 0.01
#: Keeps half of a whole number of steps from falling one step short.
_ROUNDING = 1.0 + 1e-9


def trial(engine: AccountEngine, rows: BarRow, signals: Mapping[int, Signal]) -> tuple[EngineIntent, ...]:
    """Let a copy of an engine decide."""
    copy = AccountEngine(engine.config)
    copy.restore(engine.snapshot())
    return copy.decide(rows, signals)


def decided_alone(engine: AccountEngine, rows: BarRow, index: int, signal: Signal) -> EngineIntent | None:
    """Give what a copy of an engine decides on one line's signal alone; None where it decides nothing."""
    return next((one for one in trial(engine, rows, {index: signal}) if one.line == index), None)


def sized_to(engine: AccountEngine, rows: BarRow, index: int, signal: Signal, lots: float) -> Signal:
    """Give a signal that the engine sizes to so many steps where its limits allow them: by its own arithmetic.

    A probe with a known size hint tells how many units a hint is worth, and the hint is chosen accordingly.
    """
    probe = decided_alone(engine, rows, index, replace(signal, size_hint=_PROBE))
    if probe is None or not probe.limits:
        return signal
    measured = probe.limits.get("strategy", math.nan)
    if not measured > 0.0:
        raise InvariantBroken(f"{signal.enter:+d} entry: a size hint of {_PROBE:.0%} allows {measured}.")
    step = float(engine.config.lines[index].instrument.step)
    return replace(signal, size_hint=_PROBE * lots * step / measured * _ROUNDING)


def plan_of(signal: Signal) -> dict[str, Any]:
    """Give a signal as plain values; what is not set is null."""
    return {name: _plain(value) for name, value in asdict(signal).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return int(value) if isinstance(value, int) else value


def signal_of(plan: Mapping[str, Any]) -> Signal:
    """Give the signal of a plan back."""
    given: dict[str, Any] = {
        name: tuple(math.nan if one is None else float(one) for one in value)
        if isinstance(value, list)
        else math.nan
        if value is None
        else value
        for name, value in plan.items()
    }
    return Signal(**{**given, "entry_type": EntryType(given["entry_type"])})
