"""Arbitrage: what is left after both fees, and the ways round a triangle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from strategies.arbitrage import Arbitrage, net_edge
from tests.support.markets import walk_candles
from trading.candles import Candles
from trading.market import MarketView


def flat(price: float, pair: str, bars: int = 5) -> Candles:
    prices = np.full(bars, price)
    return replace(walk_candles(bars), open=prices, high=prices, low=prices, close=prices, pair=pair)


def test_the_worked_example_of_the_page() -> None:
    assert net_edge(100.0, 100.25, 0.001, 0.001) == pytest.approx(0.04975)
    assert net_edge(100.0, 100.20, 0.001, 0.001) == pytest.approx(-0.0002)


@pytest.mark.parametrize(("elsewhere", "enter"), [(100.25, 1), (100.20, 0), (99.75, -1), (100.0, 0)])
def test_two_venues_trade_only_when_something_is_left(elsewhere: float, enter: int) -> None:
    market = MarketView(
        candles=flat(100.0, "BTC/USDT"), others={"BTC/USDT@kraken": flat(elsewhere, "BTC/USDT")}
    )
    strategy = Arbitrage(slippage=0.0, edge_min=0.0)

    row = strategy.signal(market)

    assert row.enter == enter
    if enter:
        assert row.targets[0] == elsewhere


@pytest.mark.parametrize(("cross", "enter"), [(0.0505, 1), (0.0501, 0), (0.0495, -1)])
def test_a_triangle_pays_the_fee_of_each_of_its_legs(cross: float, enter: int) -> None:
    market = MarketView(
        candles=flat(100.0, "ETH/USDT"),
        others={"ETH/BTC": flat(cross, "ETH/BTC"), "BTC/USDT": flat(2_000.0, "BTC/USDT")},
    )

    assert Arbitrage(slippage=0.0, edge_min=0.0).signal(market).enter == enter


def test_a_triangle_may_be_quoted_the_other_way_round() -> None:
    market = MarketView(
        candles=flat(100.0, "ETH/USDT"),
        others={"BTC/ETH": flat(1 / 0.0505, "BTC/ETH"), "BTC/USDT": flat(2_000.0, "BTC/USDT")},
    )

    assert Arbitrage(slippage=0.0, edge_min=0.0).signal(market).enter == 1


def test_a_price_that_stands_still_is_no_price() -> None:
    own, other = flat(100.0, "BTC/USDT"), flat(101.0, "BTC/USDT").rows(0, 3)
    market = MarketView(candles=own, others={"BTC/USDT@kraken": other})

    columns = Arbitrage(slippage=0.0).columns(market)

    assert columns.enter.tolist() == [1, 1, 1, 0, 0]


def test_transfer_and_slippage_count_as_costs() -> None:
    market = MarketView(candles=flat(100.0, "BTC/USDT"), others={"BTC/USDT@x": flat(100.5, "BTC/USDT")})

    assert Arbitrage(slippage=0.0, edge_min=0.0).signal(market).enter == 1
    assert Arbitrage(slippage=0.002, edge_min=0.0).signal(market).enter == 0
    assert Arbitrage(slippage=0.0, edge_min=0.0, transfer_cost=0.004).signal(market).enter == 0


def test_without_another_price_nothing_is_traded_and_the_reason_is_named() -> None:
    strategy, market = Arbitrage(), MarketView(candles=flat(100.0, "BTC/USDT"))

    assert strategy.signal(market).enter == 0
    assert str(strategy.get_entry_conditions(market)[0]).endswith("price_elsewhere: unknown > 0 not met")
