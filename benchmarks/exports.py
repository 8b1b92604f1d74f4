"""Exporting 10,000 trades: as CSV, as a workbook, and as the three files of a month's report.

    python benchmarks/exports.py [--quick]

The target: 10,000 trades in at most 3 s, for CSV and for the workbook. CPU seconds, the best of three, in a process
that has the libraries loaded, as a worker's hand has after its first report; the first file of a fresh process is
given beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from desk.money import MoneyKind
from desk.reports.period.asking import ReportAsk
from desk.reports.period.document import document_of
from desk.reports.period.facts import PeriodFacts
from desk.reports.period.files import files_of
from desk.reports.periods import Period
from desk.views import Account, EquityPoint, Trade
from strategies.registry import default_registry
from trading.events import TradingState
from trading.orders import Reason

RESULTS = Path(__file__).resolve().parent / "results" / "exports.json"
TARGET_S = 3.0


def facts(count: int) -> PeriodFacts:
    """Give a month with so many trades, and a point of equity for each quarter of an hour."""
    ask = ReportAsk(account_id="acc", period=Period.MONTH, start=date(2026, 10, 1), zone="UTC")
    account = Account(
        id="acc", workspace_id="w", name="paper", venue="paper", is_live=False, currency="USDT",
        capital=Decimal(10_000), trading_state=TradingState.ACTIVE, state_reason="", settings={}, version=1,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    step = (ask.until - ask.since) / (count + 1)
    trades = tuple(
        Trade(
            id=f"t{n}", number=n, workspace_id="w", account_id="acc", bot_id=f"bot{n % 5}", position_id=f"p{n}",
            pair=("BTC/USDT", "ETH/USDT", "SOL/USDT")[n % 3], is_long=n % 2 == 0,
            quantity=Decimal(n % 97 + 1) / 1000, entry_price=Decimal(50_000 + n % 1000), exit_price=Decimal(50_100 + n % 900),
            pnl=Decimal((n * 37) % 400 - 190) / 10, pnl_ratio=((n * 37) % 400 - 190) / 1e5, fees=Decimal("0.41"),
            reason=(Reason.TAKE_PROFIT_1, Reason.STOP_LOSS, Reason.EXIT_SIGNAL)[n % 3], tag="long_wave2", exit_tag="",
            bars=n % 40 + 1, signal_id="", opened_at=ask.since + n * step - timedelta(hours=3),
            closed_at=ask.since + n * step,
        )
        for n in range(1, count + 1)
    )  # fmt: skip
    equity = tuple(
        EquityPoint(at=ask.since + timedelta(minutes=15 * n), equity=Decimal(10_000 + (n * 13) % 700))
        for n in range(2_976)
    )
    return PeriodFacts(
        ask=ask, workspace="bench", account=account, money=MoneyKind.PAPER, bot=None, bots=(), trades=trades, equity=equity, risk=(),
        drifts={}, undriven={}, made_at=datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip


def seconds(work: Callable[[], Any]) -> float:
    """Give the CPU time of a call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> int:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    count = 1_000 if asked.quick else 10_000
    document = document_of(facts(count), default_registry())
    found: dict[str, Any] = {
        "trades": count,
        "target_s": TARGET_S,
        "machine": platform.machine(),
        "processors": os.cpu_count(),
    }
    for form in ("csv", "xlsx", "pdf"):
        first = seconds(lambda form=form: files_of(document, (form,)))  # type: ignore[misc]
        best = min(seconds(lambda form=form: files_of(document, (form,))) for _ in range(3))  # type: ignore[misc]
        size = len(next(iter(files_of(document, (form,)).values()))[1])
        found[form] = {"first_s": round(first, 3), "best_s": round(best, 3), "bytes": size}
    print(json.dumps(found, indent=1))
    if not asked.quick:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if max(found[form]["first_s"] for form in ("csv", "xlsx")) <= TARGET_S else 1


if __name__ == "__main__":
    sys.exit(main())
