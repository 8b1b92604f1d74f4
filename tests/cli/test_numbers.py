"""What arithmetic leaves behind the last digit is shown to nobody; digits that are a value's own stay."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from server.cli.numbers import without_noise
from tests.support.cli import breakwater

#: Six zeros or nines in a row, and something behind them.
_NOISE = re.compile(r"\d\.\d*?(000000|999999)\d+")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("85.16080000000001", "85.1608"),
        ("102.22364999999999", "102.22365"),
        ("-0.00010000000000000009", "-0.0001"),
        (0.30000000000000004, 0.3),
        ("0.1000", "0.1000"),
        ("2025-12-02T18:00:00Z", "2025-12-02T18:00:00Z"),
        (7, 7),
        (True, True),
        (None, None),
    ],
)
def test_noise_goes_and_everything_else_stays(value: object, shown: object) -> None:
    assert without_noise([{"a": value}]) == [{"a": shown}]


@pytest.mark.parametrize("value", [0.9821541659391625, 1 / 3, 123456.78901234567])
def test_a_value_with_digits_of_its_own_is_left_exactly_as_it_is(value: float) -> None:
    assert without_noise({"a": value, "b": repr(value)}) == {"a": value, "b": repr(value)}


def test_waves_print_targets_without_noise(tmp_path: Path) -> None:
    closes = [100 + 7 * ((k % 40) if k % 40 < 20 else 40 - k % 40) / 20 + k / 97 for k in range(900)]
    rows = [
        f"{1_735_689_600_000 + 900_000 * k},{a:.4f},{max(a, b) + 0.05:.4f},{min(a, b) - 0.05:.4f},{b:.4f},1"
        for k, (a, b) in enumerate(pairwise(closes))
    ]
    path = tmp_path / "BTC_USDT-15m.csv"
    path.write_text("\n".join(["ts_ms,open,high,low,close,volume", *rows]), encoding="utf-8")

    events = breakwater("waves", "--candles", path)
    counts = breakwater("waves", "--candles", path, "--last", "--json")

    assert events.code == counts.code == 0
    assert '"targets":[{' in events.out
    assert json.loads(counts.out)["counts"]
    assert _NOISE.findall(events.out) == []
    assert _NOISE.findall(counts.out) == []
