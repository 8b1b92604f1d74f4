"""Walk-forward of every learner over real hourly candles of twenty pairs, and what it changes in the money.

    python benchmarks/forecast_walk.py [--quick]

Needs the shared candles; the networks and the trees need requirements/train.txt, without which they are left out and
nothing is written. Twenty pairs, January to June 2024, 24 hours ahead: four models, each retrained after a month, each
judged on the month after its training. The figures are written to benchmarks/results and stand in docs/forecasts.md.
`--quick` takes four pairs and one pass, and writes nothing.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from desk.feeds.files import load_candles
from desk.models.plan import TrainingPlan
from tests.support.data import shared_data
from trading.candles import Candles, fill_gaps
from trading.learning.predictors import Learner
from workers.forecasts.effect import effects
from workers.forecasts.study import baselines, has_boosting, has_torch, study, table_of

RESULT = Path(__file__).parent / "results" / "forecast_walk.json"

#: 2024-01-01: where most of the series begin.
FROM_MS = 1_704_067_200_000


def candles(most: int) -> list[Candles]:
    """Read the hourly series that there are."""
    data = shared_data()
    if data is None:
        return []
    files = sorted((data / "ohlcv").glob("binance_*_1h.csv.gz"))[:most]
    return [fill_gaps(load_candles(one).between(FROM_MS, None))[0] for one in files]


def networks(quick: bool) -> list[Learner]:
    """Give the networks, where torch is installed."""
    if not has_torch():
        return []
    from workers.forecasts.learners import NetworkLearner, Recipe

    recipe = Recipe(epochs=1) if quick else Recipe()
    return [NetworkLearner(kind=kind, recipe=recipe) for kind in ("lstm", "transformer")]


def main() -> int:
    """Walk, print, write."""
    quick = "--quick" in sys.argv
    series = candles(4 if quick else 20)
    if not series:
        print("No candles: name the shared data's folder in BREAKWATER_SHARED_DATA.")
        return 0
    plan = TrainingPlan(
        model="benchmark", kind="linear", pairs=tuple(one.pair for one in series), seeds=1 if quick else 3
    )
    if quick:
        plan = replace(plan, stride_bars=24)
    begun = time.process_time()
    found = study(series, plan, [*baselines(), *networks(quick)], tell=_tell)
    spent = time.process_time() - begun
    table = table_of(found.lines)
    for row in table:
        print(_line(row))
    for leak in found.findings:
        print(f"! {leak.check}: {leak.message}")
    baseline = next(one for one in found.walk.tracks if one.name == "last return")
    tracks = [
        one
        for one in found.walk.tracks
        if one.name not in {"zero (last price)", "always long", "last return"}
    ]
    measured = [one.as_values() for one in effects(series, found.panel, tracks, baseline=baseline)]
    for one in measured:
        print(
            f"{one['model']:18} seed {one['seed']} {one['subject']:55} against {one['against']:34} Δ {one['difference']:+.4f} "
            f"[{one['low']:+.4f}, {one['high']:+.4f}]  {one['roi_with']:+.4f} ({one['trades_with']}) to "
            f"{one['roi_without']:+.4f} ({one['trades_without']})"
        )
    print(f"{spent:.0f} s of CPU for training and judging")
    if not quick and has_torch() and has_boosting():
        document = {
            "plan": plan.as_values(),
            "folds": [[one.retrain_ms, one.until_ms] for one in found.walk.folds],
            "samples": len(found.walk.tracks[0].chosen),
            "table": table,
            "effects": measured,
            "findings": [f"{leak.check}: {leak.message}" for leak in found.findings],
            "cpu_s": round(spent),
        }
        RESULT.write_text(json.dumps(document, indent=1) + "\n")
    return 0


def _tell(bar: str, done: float, total: float) -> None:
    print(f"{bar} {done:.0f} of {total:.0f}", file=sys.stderr, flush=True)


def _line(row: dict[str, object]) -> str:
    def shown(name: str, form: str) -> str:
        value = row[name]
        return "–" if value is None else format(value, form)

    return (
        f"{row['name']!s:18} skill {shown('skill', '+.4f')} [{shown('skill_low', '+.4f')}, {shown('skill_high', '+.4f')}]"
        f"  hit {shown('hit_rate', '.3f')} [{shown('hit_low', '.3f')}, {shown('hit_high', '.3f')}]"
        f"  IC {shown('rank_ic', '+.3f')}  log-loss {shown('log_loss', '.4f')}  Brier {shown('brier', '.4f')}"
        f"  pinball {shown('pinball', '.4f')}  price R² {shown('price_r2', '.4f')}  trades {shown('trades', '.0f')}"
        f"  gross {shown('gross', '+.3f')}  net {shown('net', '+.3f')}  break-even {shown('break_even_bps', '.1f')} bp"
        f"  beats random {shown('better_than_random', '.2f')}"
    )


if __name__ == "__main__":
    sys.exit(main())
