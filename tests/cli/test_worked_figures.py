"""The worked figures of trading-rules.md B.5 and B.6 that need more than returns: contrast, flows, luck, the gate."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.test_offline import DAY_MS, reference_returns, write
from tests.support.cli import assert_refused, breakwater


def figures(tmp_path: Path, kind: str, values: list[Any], *flags: object, header: str = "") -> Any:
    """Run `metrics` over a file of daily rows."""
    rows = [f"{(20_000 + i) * DAY_MS},{one}" for i, one in enumerate(values)]
    file = write(tmp_path / f"{kind}.csv", header or f"ts_ms,{kind.removesuffix('s')}", rows)
    return breakwater("metrics", f"--{kind}", file, *flags, "--json")


def test_b5_the_contrast_column_of_252_days(tmp_path: Path) -> None:
    found = figures(tmp_path, "returns", reference_returns(), "--days-per-year", 252).json["metrics"]

    expected = {
        "roi": 0.074339336,
        "cagr": 0.351432021,
        "volatility": 0.228228893,
        "sharpe": 1.432456670,
        "sortino": 2.219429144,
        "max_drawdown": -0.024240459,
        "calmar": 14.497746388,
        "omega": 1.222952285,
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1.1e-9), name


@pytest.mark.parametrize(("trials", "luck"), [(10, 0.078729915), (100, 0.126530145)])
def test_b5_what_luck_alone_shows_after_so_many_trials(tmp_path: Path, trials: int, luck: float) -> None:
    found = figures(tmp_path, "returns", reference_returns(), "--trials", trials, "--trials-sd", 0.05).json

    assert found["trials"]["luck_sharpe_daily"] == pytest.approx(luck, abs=1.1e-9)


@pytest.mark.parametrize(
    ("trials", "bracket"), [(10, 1.574598), (100, 2.530603), (1_000, 3.255122), (10_000, 3.860665)]
)
def test_b5_the_bracket_of_the_expected_maximum(tmp_path: Path, trials: int, bracket: float) -> None:
    found = figures(tmp_path, "returns", [0.01, -0.01], "--trials", trials, "--trials-sd", 1).json

    assert found["trials"]["expected_maximum"] == pytest.approx(bracket, abs=1e-6)


def test_b5_deposits_and_withdrawals_are_neither_gain_nor_loss(tmp_path: Path) -> None:
    rows = ["100,0", "160,50", "160,0", "80,-80"]

    found = figures(tmp_path, "equity", rows, header="ts_ms,equity,flow").json["metrics"]

    assert found["roi"] == pytest.approx(0.1)
    assert found["max_drawdown"] == 0.0
    assert found["profit"] == pytest.approx(10.0)


def test_b5_an_open_drawdown_counts_until_now(tmp_path: Path) -> None:
    found = figures(tmp_path, "equity", [100, 110, 99, 111, 105, 104, 103, 102]).json["metrics"]

    assert found["max_drawdown_days"] == 4


def test_b5_empty_files_and_rows_are_refused_with_the_row(tmp_path: Path) -> None:
    assert_refused(figures(tmp_path, "equity", ["100,x"], header="ts_ms,equity,flow"), "flow is 'x'")
    assert_refused(figures(tmp_path, "returns", [0.01], "--days-per-year", 0), "0 days per year")


def judged(tmp_path: Path, returns: list[float], pnl: list[float]) -> Any:
    """Ask the gate about daily returns and trades."""
    trades = write(tmp_path / "t.csv", "pnl", [str(one) for one in pnl])
    ran = figures(tmp_path, "returns", returns, "--trades", trades, "--gate")
    assert ran.code == 0, ran.err
    return ran.json["gate"]


def with_sharpe(annual: float, days: int = 60) -> list[float]:
    """Give daily returns with this annual Sharpe ratio."""
    noise = np.resize([1.0, -1.0], days)
    return [float(x) for x in 0.01 * (noise / noise.std(ddof=1) + annual / math.sqrt(365))]


GOOD = [2.0] * 20 + [-1.0] * 12


@pytest.mark.parametrize(("days", "rate"), [(7, 0.448), (30, 0.390), (90, 0.313), (365, 0.158)])
def test_b6_how_many_without_an_edge_pass_a_sharpe_ratio_of_one(
    tmp_path: Path, days: int, rate: float
) -> None:
    assert judged(tmp_path, with_sharpe(1.5, days), GOOD)["sharpe_false_pass_rate"] == pytest.approx(
        rate, abs=3e-3
    )


@pytest.mark.parametrize(("sharpe", "days"), [(1.0, 990), (2.0, 249)])
def test_b6_the_days_that_tell_a_sharpe_ratio_from_zero(tmp_path: Path, sharpe: float, days: int) -> None:
    assert judged(tmp_path, with_sharpe(sharpe), GOOD)["days_needed"] == pytest.approx(days, abs=1)


@pytest.mark.parametrize(("wins", "trades", "low", "high"), [(9, 20, 0.23, 0.68), (45, 100, 0.35, 0.55)])
def test_b6_what_a_win_rate_can_be_believed(
    tmp_path: Path, wins: int, trades: int, low: float, high: float
) -> None:
    found = judged(tmp_path, with_sharpe(2.0), [2.0] * wins + [-1.0] * (trades - wins))

    assert found["win_rate_interval"] == [pytest.approx(low, abs=5e-3), pytest.approx(high, abs=5e-3)]


def test_b6_the_payoff_that_45_percent_and_a_profit_factor_of_1_5_imply(tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "pnl", [*["1.833334"] * 45, *["-1"] * 55])

    found = breakwater("metrics", "--trades", file, "--json").json["metrics"]

    assert (found["win_rate"], found["profit_factor"]) == (0.45, pytest.approx(1.5, abs=1e-6))
    assert found["payoff"] == pytest.approx(1.833, abs=5e-4)


@pytest.mark.parametrize(
    ("sharpe", "pnl", "failed"),
    [
        (1.5, GOOD, []),
        (0.9, GOOD, ["sharpe"]),
        (1.5, GOOD[:29], ["trades"]),
        (1.5, [2.0] * 14 + [-1.0] * 18, ["win_rate"]),
        (1.5, [1.2] * 16 + [-1.0] * 16, ["profit_factor"]),
    ],
)
def test_b6_the_gate_names_each_line_that_fails(
    tmp_path: Path, sharpe: float, pnl: list[float], failed: list[str]
) -> None:
    found = judged(tmp_path, with_sharpe(sharpe), pnl)

    assert [one["gate"] for one in found["lines"] if not one["has_passed"]] == failed
    assert found["has_passed"] is (not failed)


def test_the_gate_is_shown_to_people_and_refuses_half_a_record(tmp_path: Path) -> None:
    returns = write(tmp_path / "r.csv", "return", [str(one) for one in with_sharpe(1.5)])
    trades = write(tmp_path / "t.csv", "pnl", [str(one) for one in GOOD])

    shown = breakwater("metrics", "--returns", returns, "--trades", trades, "--gate")

    assert (shown.code, "Passed." in shown.out) == (0, True)
    assert_refused(breakwater("metrics", "--trades", trades, "--gate"), "--returns")
    assert_refused(
        breakwater("metrics", "--returns", returns, "--trades", trades, "--gate", "--days-per-year", 252),
        "252",
    )


def test_b2_kelly_without_a_loss_is_undefined_and_falls_back() -> None:
    found = breakwater(
        "size", "--equity", 10_000, "--entry", 100, "--stop", 95, "--method", "kelly", "--win-rate", 1, "--trades", 60,
        "--json",
    ).json  # fmt: skip

    assert "undefined without wins and losses" in found["note"]
    assert float(found["quantity"]) == 10
