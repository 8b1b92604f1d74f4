"""Bias checks: is every value the same when the future is cut off, poisoned or replaced?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desk.research.bias import verdicts
from workers.hand import Result, Tell


def run(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Check one thing, or all."""
    checked = 0

    def step(subject: str, total: int) -> None:
        nonlocal checked
        checked += 1
        tell("checks", checked, total)

    found = verdicts(payload["input"]["name"], payload["candles"][0], payload["strategy_path"], progress=step)
    notes = [f"{one['name']}: {'; '.join(one['findings'])}" for one in found["checked"] if not one["clean"]]
    return Result(values={**found, "notes": notes})
