"""Golden runs of the strategies: `python tests/support/golden_runs.py` writes the file anew; review it as text."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "tests" / "strategies" / "golden_runs.json"


def golden_run(name: str) -> dict[str, Any]:
    """Run a strategy with its defaults over a made market: what it wanted and what came of it."""
    from strategies.base import ColumnStrategy
    from strategies.registry import default_registry
    from tests.support.markets import account_for, bridge_candles, full_market
    from trading.backtest.run import backtest

    strategy = default_registry().get_strategy(name)()
    assert isinstance(strategy, ColumnStrategy)
    market = full_market(bridge_candles(3_000, seed=5, volatility=0.01), seed=5)
    columns = strategy.columns(market)
    result = backtest([market.candles], [columns], account_for(market.candles))
    entered, left = columns.tag[columns.enter != 0], columns.exit_tag[columns.exit != 0]
    return {
        "entries": dict(sorted(Counter(columns.tag_name(int(tag)) for tag in entered).items())),
        "exits": dict(sorted(Counter(columns.tag_name(int(tag)) for tag in left).items())),
        "trades": len(result.trades),
        "closed_by": dict(sorted(Counter(str(trade.reason) for trade in result.trades).items())),
        "equity": round(float(result.equity[-1]), 2),
    }


def read_golden() -> dict[str, Any]:
    """Give the stored runs by strategy."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from strategies.registry import default_registry

    runs = {name: golden_run(name) for name in default_registry().names()}
    FILE.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
