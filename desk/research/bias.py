"""Bias checks: which things are checked, and the verdicts as a document."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from trading.candles import Candles, fill_gaps
from trading.errors import NotFound, nearest


def verdicts(
    name: str,
    candles: Candles,
    strategy_path: Path | None,
    *,
    progress: Callable[[str, int], None] = lambda subject, total: None,
) -> dict[str, Any]:
    """Check one thing, or all, and give `{"clean", "bars", "checked": [{"name", "clean", "findings", "checks"}]}`.

    Args:
        progress: told (what was checked, how many there are) after each.

    Raises:
        NotFound: nothing by that name can be checked.
    """
    from desk.research.runs import registry
    from strategies.checkables import all_checkables
    from trading.backtest.bias import BiasReport, check_all
    from trading.market import MarketView

    subjects = {one.name: one for one in all_checkables(registry(strategy_path))}
    chosen = list(subjects.values())
    if name != "all":
        wanted = [
            one for key, one in subjects.items() if name in (key, key.split(":")[-1], key.split(" ")[-1])
        ]
        if not wanted:
            raise NotFound(
                f"'{name}' cannot be checked; all, {', '.join(subjects)} can.",
                hint=nearest(name, subjects) or None,
            )
        chosen = wanted
    filled, _ = fill_gaps(candles)

    def told(report: BiasReport) -> None:
        progress(report.subject, len(chosen))

    reports = check_all(chosen, MarketView(candles=filled), progress=told)
    return {
        "clean": all(one.is_clean for one in reports),
        "bars": len(filled),
        "checked": [
            {
                "name": one.subject,
                "clean": one.is_clean,
                "findings": [finding.message for finding in one.findings],
                "checks": {str(outcome.check): outcome.runs for outcome in one.outcomes},
                "notes": [f"{outcome.check}: {outcome.note}" for outcome in one.outcomes if outcome.note],
            }
            for one in reports
        ],
    }
