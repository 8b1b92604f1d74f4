"""What people see at 80 columns: help in whole sentences, numbers under each other, nothing folded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from server.cli import build
from server.cli.output import figure, fitting
from tests.support.cli import assert_refused, breakwater

HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def groups(command: Any, *path: str) -> list[tuple[str, ...]]:
    inner = getattr(command, "commands", {})
    return [path, *(one for name, sub in inner.items() for one in groups(sub, *path, name))] if inner else []


@pytest.mark.parametrize("path", groups(typer.main.get_command(build())))
def test_a_list_of_commands_says_of_each_in_a_whole_sentence_what_it_does(path: tuple[str, ...]) -> None:
    ran = breakwater(*path, "--help")

    listed = ran.out.split("Commands:\n")[1].splitlines()
    assert listed
    assert [line for line in listed if not line.endswith(".") or line.endswith("..")] == []


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two pairs of 900 hours, one with large prices."""
    folder, n = tmp_path_factory.mktemp("markets"), 900
    files = []
    for seed, pair, price in ((1, "BTC-USDT", 60_000), (2, "ETH-USDT", 2_000)):
        rng = np.random.default_rng(seed)
        drift = np.repeat(rng.normal(0, 0.0015, n // 100), 100)
        close = price * np.exp(np.cumsum(drift + rng.normal(0, 0.006, n)))
        opened = np.r_[price, close[:-1]]
        high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
        rows = (
            f"{1_704_067_200_000 + i * HOUR_MS},{opened[i]:.2f},{high[i]:.2f},{low[i]:.2f},{close[i]:.2f},9"
            for i in range(n)
        )
        files.append(folder / f"made_{pair}_1h.csv")
        files[-1].write_text("ts_ms,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    return files


def test_the_screen_of_a_backtest_of_two_pairs_folds_nothing(market: list[Path]) -> None:
    ran = breakwater(
        "backtest", "trend_following", "-c", market[0], "-c", market[1], "--set", "trend_bars=60"
    )

    shown = ran.out.splitlines()
    trades = shown[next(i for i, line in enumerate(shown) if line.startswith("Last ")) + 4 :][:10]
    assert ran.code == 0
    assert all(
        re.match(r" 2024-\d\d-\d\d \d\d:\d\d   [BE]T[CH]/USDT   (long |short) ", one) for one in trades
    ), trades
    assert len({one.index(" %") for one in trades}) == 1, "returns stand under each other"
    assert max(map(len, shown)) <= 80


def test_the_winner_of_a_search_is_told_from_trials_that_trade_too_rarely(market: list[Path]) -> None:
    ran = breakwater(
        *("optimize", "trend_following", "-c", market[0], "--set", "trend_bars=60"),
        *("--grid", "fast_bars=10,20", "--grid", "slow_bars=40,50", "--minimum-trades", 1_000),
    )

    rows = [
        line for line in ran.out.splitlines() if re.match(r" +\d   fast_bars=\d\d, slow_bars=\d\d ", line)
    ]
    assert len(rows) == 4, ran.out
    assert all(re.search(r" −?\d+\.\d{3} +−?\d+\.\d\d % +−?\d+\.\d\d % +\d+ ?$", one) for one in rows), rows
    assert "4 trials closed fewer than 1000 trades" in ran.out


def test_columns_leave_a_narrow_screen_in_their_order() -> None:
    rows = [["a" * 30, "b" * 30, "c" * 30]]

    assert fitting(("one", "two", "three"), rows, spare=("two", "one")) == [0, 2]
    assert fitting(("one", "two", "three"), [["a", "b", "c"]], spare=("two", "one")) == [0, 1, 2]


def test_a_figure_is_written_as_what_it_is() -> None:
    values = {"roi": -0.01234, "profit": 1234.5, "sharpe": 1.23456, "trades": 7, "max_drawdown": None}

    assert [figure(values, name) for name in values] == ["−1.23 %", "1,234.50", "1.235", "7", "–"]


def test_the_indicators_are_listed_without_candles_and_computed_only_with_them() -> None:
    listed = breakwater("indicators", "--list")

    assert "  macd: fast_bars 12, slow_bars 26, signal_bars 9\n      Moving average convergence" in listed.out
    assert_refused(breakwater("indicators", "-i", "rsi:14"), "No candles were named", "--candles")


def test_a_size_is_written_without_the_zeros_of_its_step() -> None:
    ran = breakwater("size", "--equity", 10_000, "--entry", 100, "--stop", 95)

    assert "Size: 10 (notional 1000, risk 50); bound by max_position." in ran.out
