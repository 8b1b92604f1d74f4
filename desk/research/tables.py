"""Runs as tables."""

from __future__ import annotations

import csv
import io
from typing import Any


def trades_csv(trades: list[dict[str, Any]]) -> str:
    """Give a run's trades, one a line."""
    buffer = io.StringIO()
    columns = (
        "number", "pair", "side", "quantity", "entry_at", "entry_price", "exit_at", "exit_price", "pnl", "pnl_ratio", "fees",
        "reason", "tag", "exit_tag", "bars", "binding", "mae", "mfe",
    )  # fmt: skip
    writer = csv.DictWriter(buffer, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(trades)
    return buffer.getvalue()
