"""`backtest`, `strategies`, `indicators`, `waves`: from candle files to answers."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import assert_refused, breakwater

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 hours whose drift changes every hundred."""
    rng = np.random.default_rng(5)
    n = 1_500
    close = 100 * np.exp(np.cumsum(np.repeat(rng.normal(0, 0.0012, n // 100), 100) + rng.normal(0, 0.006, n)))
    opened = np.r_[100.0, close[:-1]]
    high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    rows = [
        f"{1_704_067_200_000 + i * HOUR_MS},{opened[i]:.4f},{high[i]:.4f},{low[i]:.4f},{close[i]:.4f},{rng.uniform(5, 20):.3f}"
        for i in range(n)
    ]
    path = tmp_path_factory.mktemp("candles") / "test_BTC-USDT_1h.csv"
    path.write_text("ts_ms,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    return path


def test_a_backtest_gives_the_document_of_the_contract(candles: Path) -> None:
    ran = breakwater("backtest", "trend_following", "--candles", candles, "--json")

    found = ran.json
    assert {
        "strategy",
        "params",
        "pairs",
        "timeframe",
        "bars",
        "from",
        "to",
        "metrics",
        "trades",
        "reasons",
    } <= set(found)
    assert (found["pairs"], found["timeframe"], found["bars"]) == (["BTC/USDT"], "1h", 1_500)
    assert found["metrics"]["trades"] == len([one for one in found["trades"] if not one["is_open"]]) > 0
    assert all(isinstance(one["pnl"], str) and isinstance(one["pnl_ratio"], float) for one in found["trades"])


def test_the_same_request_gives_the_same_bytes(candles: Path) -> None:
    request = ("backtest", "elliott_wave", "--candles", candles, "--json")

    assert breakwater(*request).out == breakwater(*request).out


def test_trades_chart_and_report_are_written(candles: Path, tmp_path: Path) -> None:
    ran = breakwater(
        "backtest", "trend_following", "--candles", candles, "--trades", tmp_path / "t.csv", "--chart", tmp_path / "c.png",
        "--report", tmp_path / "r.html", "--json",
    )  # fmt: skip

    with (tmp_path / "t.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [Decimal(one["pnl"]) for one in rows] == [Decimal(one["pnl"]) for one in ran.json["trades"]]
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert "trend_following" in (tmp_path / "r.html").read_text()


def test_the_table_for_people_shows_figures_and_last_trades(candles: Path) -> None:
    ran = breakwater("backtest", "trend_following", "--candles", candles)

    assert ran.code == 0
    assert "sharpe" in ran.out
    assert "trades" in ran.out


def test_higher_costs_never_earn_more(candles: Path) -> None:
    cheap = breakwater(
        "backtest", "trend_following", "--candles", candles, "--fee", 0, "--slippage", 0, "--json"
    ).json
    dear = breakwater("backtest", "trend_following", "--candles", candles, "--fee", 0.005, "--json").json

    assert dear["metrics"]["roi"] < cheap["metrics"]["roi"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("backtest", "trend_folowing", "--candles", "CANDLES"), "Did you mean 'trend_following'"),
        (("backtest", "trend_following", "--candles", "nowhere.csv"), "does not exist"),
        (("backtest", "trend_following", "--candles", "CANDLES", "--set", "fast_bar=5"), "fast_bars"),
        (("backtest", "trend_following", "--candles", "CANDLES", "--set", "fast_bars=abc"), "fast_bars"),
        (("backtest", "trend_following", "--candles", "CANDLES", "--set", "fast_bars"), "name=value"),
        (("backtest", "trend_following", "--candles", "CANDLES", "--limit", "max_positon=0.1"), "Did you mean 'max_position'"),
        (("backtest", "trend_following", "--candles", "CANDLES", "--fill", "maybe"), "through or touch"),
        (("backtest", "trend_following", "--candles", "CANDLES", "--fee", "-1"), "fee"),
        (("backtest", "trend_following", "--candles", "CANDLES", "--from", "soon"), "'soon'"),
        (("backtest", "trend_following", "--candles", "CANDLES", "--from", "2030-01-01"), "0 bars"),
        (("backtest", "trend_following", "--candles", "CANDLES", "--chart", "x.jpg"), ".png"),
        (("backtest", "trend_following"), "--candles"),
        (("indicators", "--candles", "CANDLES", "--indicator", "rsy:14"), "Did you mean 'rsi'"),
        (("indicators", "--candles", "CANDLES", "--indicator", "rsi:0"), "rsi:0"),
        (("waves", "--candles", "CANDLES", "--scale", "lin"), "linear or log"),
        (("waves", "--candles", "CANDLES", "--degrees", "6,3"), "increasing"),
        (("strategies", "nothing_like_it"), "unknown"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused_on_one_line(candles: Path, arguments: tuple[str, ...], says: str) -> None:
    assert_refused(breakwater(*(candles if one == "CANDLES" else one for one in arguments)), says)


def test_indicator_columns_have_the_length_of_the_candles_and_null_while_warming_up(candles: Path) -> None:
    columns = breakwater("indicators", "--candles", candles, "--indicator", "rsi:14", "--json").json[
        "columns"
    ]

    assert len(columns["rsi:14"]) == 1_500
    assert columns["rsi:14"][:14] == [None] * 14
    assert columns["rsi:14"][14] is not None


def test_indicators_as_csv_agree_with_json(candles: Path) -> None:
    request = ("indicators", "--candles", candles, "--indicator", "sma:20")
    rows = list(csv.DictReader(breakwater(*request).out.splitlines()))
    column = breakwater(*request, "--json").json["columns"]["sma:20"]

    assert [float(one["sma:20"]) if one["sma:20"] else None for one in rows] == column


def test_waves_are_json_lines_in_order_and_never_known_before_their_time(candles: Path) -> None:
    events = [
        json.loads(line)
        for line in breakwater("waves", "--candles", candles, "--degrees", "3,6").out.splitlines()
    ]

    assert events
    assert [one["bar_index"] for one in events] == sorted(one["bar_index"] for one in events)
    for one in events:
        if one["type"] == "PIVOT_CONFIRMED":
            assert one["extreme_index"] < one["confirmed_index"] == one["bar_index"]


def test_a_picture_of_the_waves_is_drawn(candles: Path, tmp_path: Path) -> None:
    ran = breakwater("waves", "--candles", candles, "--last", "--chart", tmp_path / "w.png")

    assert ran.code == 0
    assert (tmp_path / "w.png").read_bytes().startswith(b"\x89PNG")


def test_every_strategy_is_listed_with_its_parameters() -> None:
    listed = breakwater("strategies", "--json").json["strategies"]

    names = {one["name"] for one in listed}
    assert {
        "elliott_wave",
        "trend_following",
        "breakout",
        "momentum",
        "grid_trading",
        "mean_reversion",
        "buy_and_hold",
    } <= names
    assert all(one["idea"] and one["source"] and one["fails_in"] for one in listed)
    assert breakwater("strategies", "elliott_wave", "--json").json["parameters"]


def test_optimize_records_every_trial_and_deflates_the_winner(candles: Path, tmp_path: Path) -> None:
    request = (
        "optimize", "trend_following", "--candles", candles, "--grid", "fast_bars=10:20:10", "--grid", "slow_bars=40:60:20",
        "--minimum-trades", 1, "--journal", tmp_path / "trials.jsonl", "--json",
    )  # fmt: skip

    first = breakwater(*request)
    again = breakwater(*request)

    assert first.code == 0, first.err
    assert len(first.json["trials"]) == 4 == len((tmp_path / "trials.jsonl").read_text().splitlines()) - 1
    assert first.json["deflated"]["trials"] == 4
    assert again.json["best"] == first.json["best"]


def test_walk_forward_reports_only_out_of_sample(candles: Path, tmp_path: Path) -> None:
    ran = breakwater(
        "walk-forward", "trend_following", "--candles", candles, "--train", "20d", "--test", "10d", "--grid",
        "fast_bars=10,20", "--minimum-trades", 1, "--chart", tmp_path / "w.png", "--json",
    )  # fmt: skip

    assert ran.code == 0, ran.err
    assert len(ran.json["windows"]) >= 3
    assert all(one["test_from"] >= one["train_to"] for one in ran.json["windows"])
    assert len(ran.json["equity"]["ts_ms"]) == len(ran.json["equity"]["equity"]) > 0


def test_check_bias_finds_nothing_in_a_clean_strategy(candles: Path) -> None:
    ran = breakwater("check-bias", "trend_following", "--candles", candles, "--json")

    assert ran.code == 0, ran.err
    assert ran.json["clean"] is True
    assert ran.json["checked"][0]["checks"]
