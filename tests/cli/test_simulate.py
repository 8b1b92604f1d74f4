"""`simulate` plays the worked examples of the event order inside a bar from files."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import assert_refused, breakwater

HOUR_MS = 3_600_000

#: open, high, low, close of each bar.
Bars = list[tuple[float, float, float, float]]


@pytest.fixture
def play(tmp_path: Path) -> Any:
    def run(bars: Bars, orders: Any, *flags: object) -> Any:
        lines = ["ts_ms,open,high,low,close,volume"]
        lines += [
            f"{1_704_067_200_000 + i * HOUR_MS},{o},{h},{low},{c},10" for i, (o, h, low, c) in enumerate(bars)
        ]
        (tmp_path / "bars.csv").write_text("\n".join(lines) + "\n")
        (tmp_path / "orders.json").write_text(json.dumps(orders))
        return breakwater(
            "simulate",
            "--bars",
            tmp_path / "bars.csv",
            "--orders",
            tmp_path / "orders.json",
            "--json",
            *flags,
        )

    return run


def fills(ran: Any) -> list[tuple[int, str, Decimal, str]]:
    return [(one["bar"], one["side"], Decimal(one["price"]), one["reason"]) for one in ran.json["fills"]]


FLAT = (100.0, 101.0, 99.0, 100.0)


def test_costs_are_paid_on_both_sides(play: Any) -> None:
    bars = [FLAT, FLAT, FLAT, (103.0, 104.0, 102.0, 103.0)]
    order = {"bar": 0, "side": "long", "quantity": 1, "exit_bar": 2}

    ran = play(bars, [order], "--fee", 0.001, "--slippage", 0.0005)

    assert fills(ran) == [
        (1, "buy", Decimal("100.05"), "entry"),
        (3, "sell", Decimal("102.9485"), "exit_signal"),
    ]
    assert Decimal(ran.json["account"]["cash"]) - 10_000 == pytest.approx(
        Decimal("2.695502"), abs=Decimal("1e-6")
    )


def test_a_gap_through_the_stop_fills_at_the_open(play: Any) -> None:
    bars = [FLAT, FLAT, (94.0, 95.0, 93.0, 94.0)]

    ran = play(bars, [{"bar": 0, "side": "long", "quantity": 1, "stop_loss": 97}], "--fee", 0)

    assert fills(ran) == [(1, "buy", Decimal(100), "entry"), (2, "sell", Decimal(94), "stop_loss")]


def test_the_stop_comes_before_the_target_when_both_lie_in_the_bar(play: Any) -> None:
    bars = [FLAT, FLAT, (100.0, 110.0, 90.0, 100.0)]
    order = {"bar": 0, "side": "long", "quantity": 1, "stop_loss": 95, "take_profits": [[1, 105]]}

    ran = play(bars, [order], "--fee", 0)

    assert fills(ran)[1] == (2, "sell", Decimal(95), "stop_loss")


def test_an_open_beyond_the_target_fills_the_target_first_at_its_own_price(play: Any) -> None:
    bars = [FLAT, FLAT, (106.0, 110.0, 90.0, 100.0)]
    order = {"bar": 0, "side": "long", "quantity": 1, "stop_loss": 95, "take_profits": [[0.5, 105]]}

    ran = play(bars, [order], "--fee", 0)

    assert fills(ran)[1:] == [
        (2, "sell", Decimal(105), "take_profit_1"),
        (2, "sell", Decimal(95), "stop_loss"),
    ]


@pytest.mark.parametrize(("rule", "filled"), [("through", False), ("touch", True)])
def test_a_touched_target_fills_only_under_the_touch_rule(play: Any, rule: str, filled: bool) -> None:
    bars = [FLAT, FLAT, (100.0, 105.0, 99.0, 101.0)]

    ran = play(
        bars,
        [{"bar": 0, "side": "long", "quantity": 1, "take_profits": [[1, 105]]}],
        "--fill",
        rule,
        "--fee",
        0,
    )

    assert (len(fills(ran)) == 2) is filled


def test_a_stop_entry_fills_at_its_level_or_at_a_worse_open(play: Any) -> None:
    at_level = play(
        [FLAT, (100.0, 106.0, 99.5, 105.0)],
        [{"bar": 0, "side": "long", "quantity": 1, "type": "stop", "price": 103}],
        "--fee",
        0,
    )
    gapped = play(
        [FLAT, (104.0, 106.0, 103.5, 105.0)],
        [{"bar": 0, "side": "long", "quantity": 1, "type": "stop", "price": 103}],
        "--fee",
        0,
    )

    assert fills(at_level) == [(1, "buy", Decimal(103), "entry")]
    assert fills(gapped) == [(1, "buy", Decimal(104), "entry")]


def test_the_trailing_stop_counts_from_the_next_bar(play: Any) -> None:
    bars = [FLAT, (100.0, 110.0, 99.0, 109.0), (109.0, 109.5, 107.0, 108.0)]
    order = {"bar": 0, "side": "long", "quantity": 1, "trailing": {"distance": 0.02, "active_from": 0}}

    ran = play(bars, [order], "--fee", 0)

    assert fills(ran) == [(1, "buy", Decimal(100), "entry"), (2, "sell", Decimal("107.8"), "trailing_stop")]


def test_a_short_is_the_mirror(play: Any) -> None:
    bars = [FLAT, FLAT, (100.0, 106.0, 99.0, 105.0)]

    ran = play(bars, [{"bar": 0, "side": "short", "quantity": 2, "stop_loss": 104}], "--fee", 0)

    assert fills(ran) == [(1, "sell", Decimal(100), "entry"), (2, "buy", Decimal(104), "stop_loss")]
    assert Decimal(ran.json["account"]["cash"]) == 9_992


def test_what_is_open_at_the_end_is_marked(play: Any) -> None:
    ran = play(
        [FLAT, FLAT, (100.0, 103.0, 99.0, 102.0)], [{"bar": 0, "side": "long", "quantity": 1}], "--fee", 0
    )

    account = ran.json["account"]
    assert (Decimal(account["equity"]), len(account["positions"])) == (Decimal(10_002), 1)


@pytest.mark.parametrize(
    ("orders", "says"),
    [
        ({"bar": 0}, "a list of orders"),
        ([{"bar": 0, "side": "long"}], "Order 0 lacks 'quantity'"),
        ([{"bar": 99, "side": "long", "quantity": 1}], "bar is 99"),
        ([{"bar": 0, "side": "up", "quantity": 1}], "'up'"),
        ([{"bar": 0, "side": "long", "quantity": -1}], "quantity -1"),
        ([{"bar": 0, "side": "long", "quantity": 1, "stoploss": 5}], "Did you mean 'stop_loss'"),
        ([{"bar": 0, "side": "long", "quantity": 1, "type": "limit"}], "limit"),
        ([{"bar": 0, "side": "long", "quantity": 1, "take_profits": [[2, 105]]}], "[2.0, 105.0]"),
        ([{"bar": 0, "side": "long", "quantity": 1, "trailing": 5}], "trailing is 5"),
        ([7], "Order 0 is a int"),
    ],
)  # fmt: skip
def test_a_malformed_order_is_refused(play: Any, orders: Any, says: str) -> None:
    assert_refused(play([FLAT, FLAT], orders), says)
