"""The worked examples of trading-rules.md B.2 and B.5 that are sizes and figures, and D's command, from flags and files."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_offline import DAY_MS, reference_returns, write
from tests.support.cli import breakwater

D = Decimal


def size(*flags: object) -> Any:
    """Size a position of an account of 10,000 at a price of 100."""
    return breakwater("size", "--equity", 10_000, "--entry", 100, *flags, "--json").json


def test_b2_the_risk_of_a_unit_is_its_way_to_the_stop_and_both_sides_costs() -> None:
    found = size("--stop", 95, "--fee", "0.001", "--max-position", 1)

    # 100 / (5 + 0.1 of the entry + 0.095 of the exit)
    assert D(found["quantity"]) == pytest.approx(D(100) / D("5.195"), abs=D("1e-8"))
    assert D(found["risk"]) <= 100


@pytest.mark.parametrize(
    ("flags", "quantity", "binding"),
    [
        (("--max-position", 1), "20", "method"),
        (("--max-position", 0.1), "10", "max_position"),
        (("--max-position", 0.1, "--asset-exposure", 700), "3", "max_position"),
        (("--max-position", 1, "--free-balance", 500, "--fee", "0.001", "--step", "0.001"), "4.995", "balance"),
        (("--max-position", 1, "--portfolio-risk", 0.05, "--open-risk", 480), "4", "portfolio_risk"),
        (("--max-position", 1, "--max-quantity", 7), "7", "venue_max"),
    ],
)  # fmt: skip
def test_b2_the_least_of_all_limits_is_taken_and_named(
    flags: tuple[object, ...], quantity: str, binding: str
) -> None:
    found = size("--stop", 95, *flags)

    assert (D(found["quantity"]), found["binding"]) == (D(quantity), binding)


def test_b2_the_step_only_ever_rounds_down() -> None:
    assert D(size("--stop", 95, "--step", "0.3")["quantity"]) == D("9.9")


@pytest.mark.parametrize(
    ("flags", "reason"), [(("--min-notional", 2_000), "min_notional"), (("--min-quantity", 11), "min_quantity")]
)  # fmt: skip
def test_b2_what_is_too_small_for_the_venue_is_refused_and_not_rounded_up(
    flags: tuple[object, ...], reason: str
) -> None:
    found = size("--stop", 95, *flags)

    assert (D(found["quantity"]), found["reason"]) == (D(0), reason)


@pytest.mark.parametrize(("win_rate", "payoff"), [(0.5, 1), (0.4, 1)])
def test_b2_kelly_of_nothing_or_less_is_no_size(win_rate: float, payoff: float) -> None:
    found = size(
        "--stop", 95, "--method", "kelly", "--win-rate", win_rate, "--payoff", payoff, "--trades", 100
    )

    assert (D(found["quantity"]), found["reason"]) == (D(0), "no_edge")


def test_b2_kelly_of_forty_nine_trades_falls_back_to_the_fixed_ratio_and_fifty_do_not() -> None:
    kelly = (
        "--stop",
        50,
        "--method",
        "kelly",
        "--win-rate",
        0.6,
        "--payoff",
        2,
        "--max-position",
        1,
        "--risk",
        1,
    )

    few, enough = size(*kelly, "--trades", 49), size(*kelly, "--trades", 50)

    assert "49 were given: fixed ratio used" in few["note"]
    assert (few["limits"]["method"], enough["note"]) == ("200", None)
    # Half of 0.4 of 10,000, over 50 a unit.
    assert D(enough["limits"]["method"]) == 40


def of_trades(tmp_path: Path, *pnl: str) -> Any:
    """Give the figures of closed trades."""
    return breakwater("metrics", "--trades", write(tmp_path / "t.csv", "pnl", list(pnl)), "--json").json


@pytest.mark.parametrize(
    ("won", "gain", "loss"), [(351, "5.55", "-3"), (706, "1.25", "-3")], ids=["whole ladder", "then break-even"]
)  # fmt: skip
def test_b3_the_win_rate_at_which_the_ladder_breaks_even(
    tmp_path: Path, won: int, gain: str, loss: str
) -> None:
    at = of_trades(tmp_path, *[gain] * won, *[loss] * (1_000 - won))["metrics"]["expectancy"]
    below = of_trades(tmp_path, *[gain] * (won - 1), *[loss] * (1_001 - won))["metrics"]["expectancy"]

    assert below < 0 < at < 0.01


def test_b5_five_trades_give_every_figure_of_the_rules(tmp_path: Path) -> None:
    found = of_trades(tmp_path, "55", "-30", "-30", "12", "0")["metrics"]

    assert found["profit_factor"] == pytest.approx(1.116667, abs=1e-6)
    assert found["payoff"] == pytest.approx(1.116667, abs=1e-6)
    assert (found["win_rate"], found["expectancy"], found["break_even"]) == (0.4, pytest.approx(1.4), 1)
    assert found["kelly"] == pytest.approx(-0.137313, abs=1e-6)
    assert found["kelly_size"] == 0


def test_b5_without_losses_there_is_a_reason_and_no_infinity(tmp_path: Path) -> None:
    found = of_trades(tmp_path, "1", "2")

    assert (found["metrics"]["profit_factor"], found["reasons"]["profit_factor"]) == (None, "no_losses")


def of_returns(tmp_path: Path, returns: list[float], *flags: object) -> Any:
    """Give the figures of daily returns."""
    rows = [f"{(20_000 + i) * DAY_MS},{one}" for i, one in enumerate(returns)]
    return breakwater(
        "metrics", "--returns", write(tmp_path / "r.csv", "ts_ms,return", rows), *flags, "--json"
    ).json


@pytest.mark.parametrize(("trials", "dsr"), [(10, 0.535172491), (100, 0.390332417)])
def test_b5_the_deflated_sharpe_ratio_of_ten_and_of_a_hundred_trials(
    tmp_path: Path, trials: int, dsr: float
) -> None:
    found = of_returns(tmp_path, reference_returns(), "--trials", trials, "--trials-sd", 0.05)["metrics"]

    assert found["dsr"] == pytest.approx(dsr, abs=1e-9)
    assert found["sharpe_daily"] == pytest.approx(0.090236288, abs=1e-9)
    assert found["skew"] == pytest.approx(-0.015176, abs=1e-6)
    assert found["kurtosis"] == pytest.approx(1.477003, abs=1e-6)


@pytest.mark.parametrize("returns", [[0.0] * 30, [0.01] * 30, [0.01]], ids=["zeros", "constant", "one"])
def test_b5_where_libraries_give_nan_or_infinity_there_is_null_and_a_reason(
    tmp_path: Path, returns: list[float]
) -> None:
    found = of_returns(tmp_path, returns)

    assert found["metrics"]["sharpe"] is None
    assert found["reasons"]["sharpe"]


def test_b5_only_gains_have_no_sortino_ratio_and_say_why(tmp_path: Path) -> None:
    found = of_returns(tmp_path, [0.01, 0.02, 0.03])

    assert found["metrics"]["sortino"] is None
    assert found["reasons"]["sortino"]


def test_b4_the_worked_curve_has_lost_exactly_its_fifth_at_the_fifth_point(tmp_path: Path) -> None:
    rows = [f"{(20_000 + i) * DAY_MS},{equity}" for i, equity in enumerate((100, 110, 99, 105, 88, 120))]

    found = breakwater("metrics", "--equity", write(tmp_path / "e.csv", "ts_ms,equity", rows), "--json").json

    assert found["metrics"]["max_drawdown"] == pytest.approx(-0.2, abs=1e-12)


def test_d_the_checker_finds_an_indicator_clean_check_by_check(tmp_path: Path) -> None:
    prices = [100 + (i * 7 % 23) / 10 for i in range(400)]
    rows = [
        f"{1_704_067_200_000 + i * 3_600_000},{p},{p + 0.5},{p - 0.5},{p + 0.1},10"
        for i, p in enumerate(prices)
    ]
    candles = write(tmp_path / "c.csv", "ts_ms,open,high,low,close,volume", rows)

    ran = breakwater("check-bias", "sma", "--candles", candles, "--json")

    assert ran.code == 0, ran.err
    assert "sma" in ran.out
    assert '"findings":[{' not in ran.out
