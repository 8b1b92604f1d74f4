"""`indicators` gives the reference values of the trading rules (B.1) from a file."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.support.cli import breakwater

#: Row → (RSI14, SMA20, ATR14), from TA-Lib, as printed in the rules.
EXPECTED = {
    14: (64.10177241, None, 3.22953571),
    19: (38.49349296, 105.25952500, 3.24768140),
    33: (71.21049541, 97.79628500, 3.28052361),
    60: (48.32921654, 102.20338000, 3.17463989),
    119: (28.63136188, 111.36452500, 3.11951366),
}


def test_the_reference_series_gives_the_reference_values(tmp_path: Path) -> None:
    close = [round(100 + 10 * math.sin(i / 5) + 0.1 * i, 4) for i in range(120)]
    rows = [
        f"{1_704_067_200_000 + i * 3_600_000},{close[max(i - 1, 0)]},{round(c + 1.5 + 0.5 * math.sin(i), 4)},"
        f"{round(c - 1.5 - 0.5 * math.cos(i), 4)},{c},1"
        for i, c in enumerate(close)
    ]
    path = tmp_path / "reference.csv"
    path.write_text("ts_ms,open,high,low,close,volume\n" + "\n".join(rows) + "\n")

    found = breakwater(
        "indicators",
        "--candles",
        path,
        "--indicator",
        "rsi:14",
        "--indicator",
        "sma:20",
        "--indicator",
        "atr:14",
        "--json",
    ).json["columns"]

    for row, (rsi, sma, atr) in EXPECTED.items():
        assert found["rsi:14"][row] == pytest.approx(rsi, abs=1e-8)
        assert found["sma:20"][row] == (None if sma is None else pytest.approx(sma, abs=1e-8))
        assert found["atr:14"][row] == pytest.approx(atr, abs=1e-8)
