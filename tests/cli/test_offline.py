"""`metrics` and `size` reproduce the worked numbers of the trading rules from files and flags."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.cli import assert_refused, breakwater

DAY_MS = 86_400_000


def reference_returns() -> list[float]:
    return [round(0.02 * math.sin(1.7 * i) + 0.001, 6) for i in range(1, 61)]


def write(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_metrics_of_daily_returns_are_the_reference_values(tmp_path: Path) -> None:
    rows = [f"{(20_000 + i) * DAY_MS},{r}" for i, r in enumerate(reference_returns())]

    ran = breakwater("metrics", "--returns", write(tmp_path / "r.csv", "ts_ms,return", rows), "--json")

    figures = ran.json["metrics"]
    expected = {
        "roi": 0.074339336,
        "cagr": 0.546834990,
        "volatility": 0.274673515,
        "sharpe": 1.723961870,
        "sortino": 2.671083388,
        "max_drawdown": -0.024240459,
        "calmar": 22.558772457,
        "omega": 1.222952285,
        "var_95": -0.018442100,
        "cvar_95": -0.018814333,
        "psr": 0.755628168,
    }
    for name, value in expected.items():
        assert figures[name] == pytest.approx(value, abs=1.1e-9), name


def test_metrics_of_an_equity_curve_agree_with_those_of_its_returns(tmp_path: Path) -> None:
    equity = [10_000.0]
    for one in reference_returns():
        equity.append(equity[-1] * (1 + one))
    rows = [f"{(20_000 + i) * DAY_MS},{value!r}" for i, value in enumerate(equity)]

    figures = breakwater(
        "metrics", "--equity", write(tmp_path / "e.csv", "ts_ms,equity", rows), "--json"
    ).json["metrics"]

    assert figures["sharpe"] == pytest.approx(1.723961870, abs=1e-8)
    assert figures["max_drawdown"] == pytest.approx(-0.024240459, abs=1e-9)


def test_metrics_of_trades_and_their_null_reasons(tmp_path: Path) -> None:
    ran = breakwater(
        "metrics", "--trades", write(tmp_path / "t.csv", "pnl", ["55", "-30", "-30", "12", "0"]), "--json"
    )

    figures = ran.json["metrics"]
    assert figures["profit_factor"] == pytest.approx(1.116667, abs=1e-6)
    assert figures["win_rate"] == pytest.approx(0.4)
    assert figures["expectancy"] == pytest.approx(1.4)
    assert figures["sharpe"] is None
    assert ran.json["reasons"]["sharpe"]


def test_metrics_of_constant_returns_are_null_with_a_reason_not_infinite(tmp_path: Path) -> None:
    rows = [f"{(20_000 + i) * DAY_MS},0.01" for i in range(30)]

    ran = breakwater("metrics", "--returns", write(tmp_path / "r.csv", "ts_ms,return", rows), "--json")

    assert ran.json["metrics"]["sharpe"] is None
    assert ran.json["reasons"]["sharpe"]
    assert "inf" not in ran.out.lower()


def test_a_table_for_people_names_the_same_figures(tmp_path: Path) -> None:
    rows = [f"{(20_000 + i) * DAY_MS},{r}" for i, r in enumerate(reference_returns())]

    ran = breakwater("metrics", "--returns", write(tmp_path / "r.csv", "ts_ms,return", rows))

    assert ran.code == 0
    assert "sharpe" in ran.out
    assert re.search(r"sharpe +1\.724 +Sharpe ratio", ran.out), ran.out
    assert re.search(r"max_drawdown +−2\.42 +% +Maximum drawdown", ran.out), ran.out
    assert re.search(r"win_rate +– +It needs more than the input holds", ran.out), ran.out


@pytest.mark.parametrize(
    ("header", "rows", "says"),
    [
        ("ts_ms,returns", ["1,2"], "return is needed. Did you mean"),
        ("ts_ms,return", ["1,abc"], "row 0: return is 'abc'"),
        ("ts_ms,return", ["86400000,nan"], "row 0: return is 'nan'"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, header: str, rows: list[str], says: str) -> None:
    assert_refused(breakwater("metrics", "--returns", write(tmp_path / "x.csv", header, rows)), says)


def test_metrics_without_a_file_says_what_is_needed() -> None:
    assert_refused(breakwater("metrics"), "--returns")


def test_size_by_volatility_is_capped_by_the_largest_position() -> None:
    ran = breakwater(
        "size", "--equity", 10_000, "--entry", 100, "--atr", 3, "--multiple", 2, "--method", "atr", "--step", "0.001",
        "--max-position", 0.1, "--json",
    )  # fmt: skip

    assert Decimal(ran.json["quantity"]) == 10
    assert ran.json["binding"] == "max_position"
    assert float(ran.json["limits"]["method"]) == pytest.approx(16.6667, abs=1e-4)
    assert float(ran.json["risk"]) == pytest.approx(60)


@pytest.mark.parametrize(("payoff", "win_rate", "full"), [(2, 0.45, 0.175), (1.5, 0.5, 1 / 6)])
def test_half_kelly_scales_the_risk(payoff: float, win_rate: float, full: float) -> None:
    ran = breakwater(
        "size", "--equity", 10_000, "--entry", 100, "--stop", 50, "--method", "kelly", "--win-rate", win_rate,
        "--payoff", payoff, "--trades", 100, "--risk", 1, "--max-position", 1, "--json",
    )  # fmt: skip

    assert float(ran.json["limits"]["method"]) == pytest.approx(10_000 * full / 2 / 50)


def test_no_edge_gives_no_size_and_a_reason() -> None:
    ran = breakwater(
        "size", "--equity", 10_000, "--entry", 100, "--stop", 95, "--method", "kelly", "--win-rate", 0.4,
        "--payoff", 1, "--trades", 100, "--json",
    )  # fmt: skip

    assert Decimal(ran.json["quantity"]) == 0
    assert ran.json["reason"] == "no_edge"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--equity", "-1", "--entry", "100"), "equity is '-1'"),
        (("--equity", "x", "--entry", "100"), "equity is 'x'"),
        (("--equity", "100", "--entry", "100", "--method", "keley"), "Did you mean 'kelly'"),
        (("--equity", "100", "--entry", "100", "--stop", "100"), "stop"),
        (("--entry", "100"), "--equity"),
    ],
)  # fmt: skip
def test_a_wrong_size_request_is_refused(arguments: tuple[str, ...], says: str) -> None:
    assert_refused(breakwater("size", *arguments), says)


def test_an_unknown_command_or_option_names_the_nearest() -> None:
    assert_refused(breakwater("metrix"), "metrix")
    assert_refused(breakwater("size", "--equitty", "5"), "--equitty")
