"""The worked examples of trading-rules.md B.3's ladder, B.4's limits and hedges, played by `simulate` from files."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.cli import assert_refused, breakwater

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
D = Decimal
FLAT = (100.0, 100.5, 99.5, 100.0)
LADDER = [[0.5, 102.5], [0.3, 106.0], [0.2, 112.5]]

#: open, high, low, close of each bar; or only the close, when all four are equal.
Bars = list[Any]


@pytest.fixture
def play(tmp_path: Path) -> Any:
    """Write bars, one file a market, and orders; run `simulate` without costs."""

    def run(markets: Bars | list[Bars], orders: list[Any], *flags: object, step_ms: int = HOUR_MS) -> Any:
        series = markets if isinstance(markets[0], list) else [markets]
        named: list[object] = []
        for m, rows in enumerate(series):
            lines = ["ts_ms,open,high,low,close,volume"]
            for i, row in enumerate(rows):
                prices = row if isinstance(row, tuple) else (row, row, row, row)
                lines.append(f"{1_704_067_200_000 + i * step_ms},{','.join(map(repr, prices))},10")
            file = tmp_path / f"market{m}.csv"
            file.write_text("\n".join(lines) + "\n")
            named += ["--bars", file]
        (tmp_path / "orders.json").write_text(json.dumps(orders))
        return breakwater(
            "simulate", *named, "--orders", tmp_path / "orders.json", "--fee", 0, "--json", *flags
        )

    return run


def long(bar: int, **more: Any) -> dict[str, Any]:
    return {"bar": bar, "side": "long", **more}


def quantities(ran: Any) -> list[Decimal]:
    return [D(one["quantity"]) for one in ran.json["fills"]]


def refused(ran: Any) -> dict[int, str]:
    return {one["order"]: one["reason"] for one in ran.json["refused"]}


RISE = [FLAT, FLAT, (100.0, 103.0, 100.0, 102.6), (103.0, 107.0, 102.6, 106.5), (106.5, 113.0, 106.0, 112.8)]


def test_b3_the_ladder_of_0_01237_in_steps_of_0_0001_loses_no_unit(play: Any) -> None:
    ran = play(RISE, [long(0, quantity="0.01237", take_profits=LADDER, stop_loss=97)], "--step", "0.0001")

    assert quantities(ran) == [D("0.0123"), D("0.0061"), D("0.0036"), D("0.0026")]
    assert ran.json["account"]["positions"] == []


@pytest.mark.parametrize(
    ("fractions", "least", "legs"),
    [
        ((0.6, 0.15, 0.25), 20, [60, 40]),
        ((0.5, 0.3, 0.2), 25, [50, 50]),
        ((0.5, 0.3, 0.2), 60, [100]),
    ],
    ids=["into the farther one", "the last into the previous", "one exit at the first target"],
)
def test_b3_legs_below_the_smallest_notional_are_merged(
    play: Any, fractions: tuple[float, ...], least: int, legs: list[int]
) -> None:
    targets = [[share, price] for share, (_, price) in zip(fractions, LADDER, strict=True)]

    ran = play(RISE, [long(0, quantity=1, take_profits=targets)], "--step", "0.01", "--min-notional", least)

    assert quantities(ran)[1:] == [D(leg) / 100 for leg in legs]


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--step", 1), "min_quantity"),
        (("--min-quantity", 0.6), "min_quantity"),
        (("--min-notional", 51), "min_notional"),
        (("--min-notional", 46), "min_notional"),
        (("--min-notional", 45), None),
    ],
    ids=["no whole step", "quantity", "notional", "notional at the stop", "just enough"],
)
def test_b2_an_order_that_is_too_small_for_the_venue_is_refused(
    play: Any, flags: tuple[object, ...], reason: str | None
) -> None:
    ran = play([FLAT, FLAT], [long(0, quantity=0.5, stop_loss=90)], *flags)

    assert refused(ran).get(0) == reason


def test_b3_2_a_short_that_used_up_its_collateral_is_bought_back_at_the_edge(play: Any) -> None:
    bars = [FLAT, 100.0, (120.0, 191.0, 119.0, 185.0)]

    ran = play(bars, [{"bar": 0, "side": "short", "quantity": 10}])

    last = ran.json["fills"][-1]
    assert (last["bar"], last["reason"]) == (2, "liquidation")
    assert float(last["price"]) == pytest.approx(200 / 1.05)


def test_b3_2_the_kill_switch_closes_before_the_venue_does(play: Any) -> None:
    bars = [FLAT, 100.0, 130.0, 205.0]

    ran = play(bars, [{"bar": 0, "side": "short", "quantity": 80}], "--limit", "max_drawdown=0.2")

    assert [(one["bar"], one["reason"], one["price"]) for one in ran.json["fills"][1:]] == [
        (3, "kill_switch", "205")
    ]


@pytest.mark.parametrize(("on_halt", "exits"), [("flatten", [(6, "120", "kill_switch")]), ("protect", [])])
def test_b4_the_breaker_trips_at_the_fifth_point_and_flattens_or_protects(
    play: Any, on_halt: str, exits: list[Any]
) -> None:
    bars = [100.0, 100.0, 110.0, 99.0, 105.0, 88.0, 120.0]
    flags = ("--capital", 100, "--step", 1, "--limit", "max_drawdown=0.2", "--limit", f"on_halt={on_halt}")

    ran = play(bars, [long(0, quantity=1), long(6, quantity=1)], *flags)

    assert [(one["at"], one["kind"]) for one in ran.json["notices"]] == [("2024-01-01T06:00:00Z", "halted")]
    assert ran.json["account"]["state"] == "halted"
    assert [(one["bar"], one["price"], one["reason"]) for one in ran.json["fills"][1:]] == exits
    assert refused(ran) == {1: "halted"}


def test_b4_a_daily_loss_of_five_percent_ends_entries_until_midnight_but_not_exits(play: Any) -> None:
    bars = [100.0, 100.0, 90.0, *[90.0] * 24]
    orders = [long(0, quantity=50, exit_bar=4), *(long(bar, quantity=1) for bar in (1, 2, 22, 23))]

    ran = play(bars, orders, "--limit", "daily_loss=0.05")

    # The bar of 23:00 closes at 00:00: the first decision of the new day.
    assert refused(ran) == {2: "daily_loss", 3: "daily_loss"}
    assert [(one["order"], one["bar"]) for one in ran.json["fills"]] == [(0, 1), (1, 2), (0, 5), (4, 24)]


def test_b4_two_orders_for_one_free_slot_give_exactly_one_the_better_scored(play: Any) -> None:
    ran = play(
        [FLAT, FLAT], [long(0, quantity=1), long(0, quantity=1, score=2)], "--limit", "max_positions=1"
    )

    assert refused(ran) == {0: "slots"}
    assert [one["order"] for one in ran.json["fills"]] == [1]


def test_b4_a_grid_is_one_position(play: Any) -> None:
    grid = {"low": 90, "high": 99, "levels": 3}
    bars = [FLAT, FLAT, (100.0, 100.0, 92.0, 94.0), FLAT]

    ran = play(
        bars, [long(0, grid=grid), long(1, quantity=1), long(1, quantity=1)], "--limit", "max_positions=2"
    )

    assert sum(one["order"] == 0 for one in ran.json["fills"]) > 1
    assert refused(ran) == {2: "slots"}


def test_b2_exposure_in_one_asset_counts_over_bots_and_open_orders(play: Any) -> None:
    ran = play([100.0, 100.0], [long(0), long(0)], "--limit", "max_position=0.1")

    first, second = ran.json["decisions"]
    assert (first["quantity"], first["binding"]) == ("10", "max_position")
    assert (second["quantity"], second["denied"]) == ("0", "max_position")


def test_b2_an_order_is_sized_by_the_account_and_the_binding_limit_is_named(play: Any) -> None:
    orders = [long(0, stop_loss=90), long(0, stop_loss=90, market=1)]
    flags = ("--step", "0.001", "--limit", "risk_per_trade=0.03", "--limit", "portfolio_risk=0.05")

    ran = play([[100.0, 100.0], [100.0, 100.0]], orders, *flags)

    assert [(one["quantity"], one["binding"]) for one in ran.json["decisions"]] == [
        ("30", "method"),
        ("20", "portfolio_risk"),
    ]


@pytest.mark.parametrize(
    ("more", "quantity", "binding"),
    [((), "16.66666666", "method"), (("--limit", "max_position=0.1"), "10", "max_position")],
)
def test_b2_an_account_sizes_by_the_average_true_range(
    play: Any, more: tuple[str, ...], quantity: str, binding: str
) -> None:
    bars = [(100.0, 101.5, 98.5, 100.0)] * 20
    limits = ("--limit", "method=atr", "--limit", "atr_multiple=2", "--limit", "risk_per_trade=0.01")

    (decided,) = play(bars, [long(16)], *limits, *more).json["decisions"]

    assert (decided["quantity"], decided["binding"]) == (quantity, binding)


def prices(returns: Any) -> list[float]:
    """Give daily closes from log returns, and a day after them."""
    return [float(one) for one in 100 * np.exp(np.cumsum([0.0, *returns, 0.0]))]


def together(rho: float, days: int = 30, seed: int = 5) -> tuple[Any, Any]:
    """Give two series of daily returns whose correlation is exactly rho."""
    random = np.random.default_rng(seed)
    x, noise = random.normal(0, 0.02, days), random.normal(0, 0.02, days)
    x, noise = x - x.mean(), noise - noise.mean()
    noise -= (noise @ x) / (x @ x) * x
    noise *= np.sqrt((x @ x) / (noise @ noise))
    return x, rho * x + np.sqrt(1 - rho**2) * noise


@pytest.mark.parametrize(("rho", "third"), [(0.75, "correlation"), (0.5, None), (-0.75, None)])
def test_b4_never_three_that_move_together(play: Any, rho: float, third: str | None) -> None:
    x, y = together(rho)
    orders = [long(30, quantity=1, market=m) for m in (0, 1, 2)]

    ran = play([prices(x), prices(x), prices(y)], orders, "--limit", "correlation_count=2", step_ms=DAY_MS)

    assert refused(ran).get(2) == third


def test_b4_a_long_and_a_short_go_by_minus_rho(play: Any) -> None:
    x, y = together(-0.75)
    orders = [long(30, quantity=1), {"bar": 30, "side": "short", "quantity": 1, "market": 1}]

    ran = play([prices(x), prices(y)], orders, "--limit", "correlation_count=1", step_ms=DAY_MS)

    assert refused(ran) == {1: "correlation"}


@pytest.mark.parametrize(
    ("before", "second"), [(0.8, "correlation"), (0.5, None)], ids=["held by hysteresis", "never above"]
)
def test_b4_what_was_correlated_stays_so_until_below_the_lower_threshold(
    play: Any, before: float, second: str | None
) -> None:
    first, last = together(before, seed=12), together(0.65)
    x, y = (np.concatenate(parts) for parts in zip(first, last, strict=True))
    orders = [long(60, quantity=1), long(60, quantity=1, market=1)]

    ran = play([prices(x), prices(y)], orders, "--limit", "correlation_count=1", step_ms=DAY_MS)

    assert refused(ran).get(1) == second


def test_b4_too_few_days_count_as_correlated(play: Any) -> None:
    x, y = together(0.0, days=15)

    ran = play(
        [prices(x), prices(y)], [long(10, quantity=1), long(10, quantity=1, market=1)],
        "--limit", "correlation_count=1", step_ms=DAY_MS,
    )  # fmt: skip

    assert refused(ran) == {1: "correlation"}


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (("max_drawdown=0.04", "daily_loss=0.04", "max_positions=1", "correlation_count=1"), "halted"),
        (("daily_loss=0.04", "max_positions=1", "correlation_count=1"), "daily_loss"),
        (("max_positions=1", "correlation_count=1", "max_position=0.01"), "slots"),
        (("correlation_count=1", "max_position=0.01"), "correlation"),
        (("max_position=0.01",), "max_position"),
        (("max_positions=5",), "balance"),
    ],
)
def test_b4_the_first_failing_check_is_the_reason(play: Any, limits: tuple[str, ...], reason: str) -> None:
    flags = [word for one in limits for word in ("--limit", one)]

    ran = play([100.0, 100.0, 95.0, 95.0], [long(0, quantity=100), long(2)], *flags)

    assert refused(ran) == {1: reason}


def test_b4_a_hedge_is_beta_times_what_its_bot_holds_and_within_the_gross_limit(play: Any) -> None:
    held = long(0, quantity=20, bot="pairs")
    hedge = {"bar": 1, "side": "short", "market": 1, "bot": "pairs", "hedge_beta": 0.75}
    flat = [100.0, 100.0, 100.0, 100.0]

    free = play([flat, flat], [held, hedge], "--step", 1)
    bound = play([flat, flat], [held, hedge], "--step", 1, "--limit", "gross_exposure=0.3")
    # Too few days for a correlation refuse any other entry.
    exempt = play([flat, flat], [held, hedge], "--step", 1, "--limit", "correlation_count=1")

    assert [
        (one.json["decisions"][1]["quantity"], one.json["decisions"][1]["binding"]) for one in (free, bound)
    ] == [
        ("15", "method"),
        ("10", "gross_exposure"),
    ]
    assert [one["reason"] for one in free.json["fills"]] == ["entry", "hedge"]
    assert refused(exempt) == {}


def test_a_stop_loss_guard_given_by_name_locks_entries(play: Any) -> None:
    bars = [100.0, 100.0, 94.0, 100.0, 100.0]
    orders = [long(0, quantity=1, stop_loss=95), long(3, quantity=1)]
    guard = ("stop_guard_count=1", "is_stop_guard_global=true")

    ran = play(bars, orders, *[word for one in guard for word in ("--limit", one)])

    assert refused(ran) == {1: "locked"}


@pytest.mark.parametrize(
    ("order", "flags", "says"),
    [
        ({"bar": 0, "side": "long"}, (), "With --limit"),
        ({"bar": 0, "side": "long", "quantity": 1, "market": 1}, (), "market is 1"),
        ({"bar": 0, "side": "long", "quantity": 1, "grid": {"low": 1}}, (), "grid is"),
        ({"bar": 0, "side": "long", "quantity": 1, "hedge_beta": 1}, (), "none is allowed"),
        ({"bar": 0, "side": "long", "quantity": 1, "max_bars": -1}, (), "max_bars is -1"),
        ({"bar": 0, "side": "long", "quantity": 1}, ("--limit", "max_positon=1"), "Did you mean 'max_position'"),
        ({"bar": 0, "side": "long", "quantity": 1}, ("--limit", "stop_guard_count=-1"), "stop_guard_count is -1"),
        ({"bar": 0, "side": "long", "quantity": 1}, ("--limit", "stop_guard_count=x"), "wrong kind"),
        ({"bar": 0, "side": "long", "quantity": 1}, ("--limit", "method=atrr"), "Did you mean 'atr'"),
        ({"bar": 0, "side": "long", "quantity": 1}, ("--step", "0"), "step is '0'"),
    ],
)  # fmt: skip
def test_a_malformed_request_is_refused(play: Any, order: Any, flags: tuple[object, ...], says: str) -> None:
    assert_refused(play([FLAT, FLAT], [order], *flags), says)
