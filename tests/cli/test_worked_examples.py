"""The worked examples of trading-rules.md B.2, B.3 and B.5 that other modules do not play, from files, by section."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import assert_refused, breakwater

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
D = Decimal
FLAT = (100.0, 100.5, 99.5, 100.0)
#: B.3: the middle of each range, 50 / 30 / 20 %.
LADDER = [[0.5, 102.5], [0.3, 106.0], [0.2, 112.5]]


@pytest.fixture
def play(tmp_path: Path) -> Any:
    """Write bars and one order of 100 at 100 without costs, and run `simulate`."""

    def run(*rows: tuple[float, ...], flags: tuple[object, ...] = (), **order: Any) -> Any:
        lines = ["ts_ms,open,high,low,close,volume"]
        for i, (o, h, low, c, *volume) in enumerate((FLAT, FLAT, *rows)):
            lines.append(f"{1_704_067_200_000 + i * HOUR_MS},{o},{h},{low},{c},{volume[0] if volume else 10}")
        (tmp_path / "bars.csv").write_text("\n".join(lines) + "\n")
        given = {"bar": 0, "side": "long", "quantity": 100, **order}
        (tmp_path / "orders.json").write_text(json.dumps([given]))
        return breakwater(
            "simulate", "--bars", tmp_path / "bars.csv", "--orders", tmp_path / "orders.json",
            "--capital", 10_000, "--fee", 0, "--json", *flags,
        )  # fmt: skip

    return run


def fills(ran: Any) -> list[tuple[int, Decimal, Decimal, str]]:
    """Give the exits: bar, price, quantity, reason."""
    return [(one["bar"], D(one["price"]), D(one["quantity"]), one["reason"]) for one in ran.json["fills"][1:]]


def gain(ran: Any) -> Decimal:
    """Give the profit in percent of what was entered: 10,000."""
    return (D(ran.json["account"]["cash"]) - 10_000) / 100


def test_b3_the_whole_ladder_earns_555_hundredths_of_a_percent(play: Any) -> None:
    ran = play(
        (100, 103, 100, 102.6), (103, 107, 102.6, 106.5), (106.5, 113, 106, 112.8), take_profits=LADDER
    )

    assert [(one[1], one[2]) for one in fills(ran)] == [
        (D("102.5"), D(50)),
        (D("106"), D(30)),
        (D("112.5"), D(20)),
    ]
    assert gain(ran) == D("5.55")


def test_b3_the_first_target_then_the_stop_on_the_rest_loses_a_quarter_percent(play: Any) -> None:
    ran = play((100, 103, 100, 102), (101, 101, 96, 97), take_profits=LADDER, stop_loss=97)

    assert gain(ran) == D("-0.25")
    assert fills(ran)[-1] == (3, D(97), D(50), "stop_loss")


def test_b3_the_first_target_then_break_even_earns_one_and_a_quarter_percent(play: Any) -> None:
    ran = play(
        (100, 103, 100, 102), (101, 101, 96, 97),
        take_profits=LADDER, stop_loss=97, break_even_after_leg=1,
    )  # fmt: skip

    assert gain(ran) == D("1.25")
    assert fills(ran)[-1] == (3, D(100), D(50), "break_even_stop")


def test_b3_6_the_report_of_trailing_tells_bot_and_venue_apart(play: Any) -> None:
    rows = ((101, 110, 101, 108), (108, 109, 107.9, 108.5))
    order = {"stop_loss": 90, "trailing": {"distance": 0.02}}

    by_bot, at_venue = play(*rows, **order), play(*rows, flags=("--trailing", "venue"), **order)

    assert fills(by_bot) == []
    assert fills(at_venue) == [(2, D("107.8"), D(100), "trailing_stop")]


def test_b3_6_a_close_that_passed_the_new_stop_leaves_at_the_next_open(play: Any) -> None:
    ran = play(
        (101, 110, 101, 107), (106, 107, 105, 106), stop_loss=90, trailing={"distance": 0.02}
    )  # fmt: skip

    assert fills(ran) == [(3, D(106), D(100), "trailing_stop")]


def test_b3_2_a_gap_through_the_stop_fills_at_the_open_and_3_equality_triggers(play: Any) -> None:
    gapped, touched = play((94, 95, 93, 94), stop_loss=97), play((99, 99, 97, 98), stop_loss=97)

    assert fills(gapped) == [(2, D(94), D(100), "stop_loss")]
    assert fills(touched) == [(2, D(97), D(100), "stop_loss")]


def test_b3_9_the_stop_counts_in_the_bar_of_a_stop_entry_and_its_target_only_without_it(play: Any) -> None:
    entry = {"type": "stop", "price": 103, "stop_loss": 99, "take_profits": [[1, 105]], "quantity": 10}

    stopped, reached = play((101, 106, 98, 105), **entry), play((101, 106, 99.5, 105), **entry)

    assert fills(stopped) == [(2, D(99), D(10), "stop_loss")]
    assert fills(reached) == [(2, D(105), D(10), "take_profit_1")]


def test_b3_7_trailing_switched_on_by_a_high_counts_from_the_next_bar(play: Any) -> None:
    ran = play(
        (100, 106, 100, 105), (105, 105, 103, 104),
        stop_loss=90, trailing={"distance": 0.01, "active_from": 0.05},
    )  # fmt: skip

    assert fills(ran) == [(3, D("104.94"), D(100), "trailing_stop")]


def test_b3_10_a_bar_without_volume_fills_nothing(play: Any) -> None:
    ran = play((96, 97, 90, 95, 0), (96, 97, 95, 96), stop_loss=97)

    assert fills(ran) == [(3, D(96), D(100), "stop_loss")]


def test_b3_11_what_the_end_finds_open_is_marked_and_not_sold(play: Any) -> None:
    ran = play((103, 104, 102, 103))

    assert fills(ran) == []
    assert D(ran.json["account"]["equity"]) == 10_300


def test_an_unknown_way_of_trailing_names_the_nearest(play: Any) -> None:
    assert_refused(play((100, 101, 99, 100), flags=("--trailing", "venu")), "Did you mean 'venue'")


def test_b5_a_drawdown_includes_the_starting_value(tmp_path: Path) -> None:
    rows = [f"{(20_000 + i) * DAY_MS},{r}" for i, r in enumerate((-0.01, -0.02, -0.03))]
    file = tmp_path / "returns.csv"
    file.write_text("\n".join(["ts_ms,return", *rows]) + "\n")

    ran = breakwater("metrics", "--returns", file, "--json")

    assert ran.json["metrics"]["max_drawdown"] == pytest.approx(-0.058906, abs=1e-6)


def test_b2_the_cap_binds_and_the_real_risk_is_less_than_asked() -> None:
    ran = breakwater(
        "size", "--equity", 10_000, "--entry", 100, "--atr", 3, "--multiple", 2, "--method", "atr",
        "--risk", 0.01, "--max-position", 0.1, "--json",
    )  # fmt: skip

    assert (D(ran.json["quantity"]), ran.json["binding"]) == (D(10), "max_position")
    assert D(ran.json["risk"]) == 60
    assert D(ran.json["limits"]["method"]) == pytest.approx(D("16.6667"), abs=D("0.0001"))
