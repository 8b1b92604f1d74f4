"""The venue's smallest order binds the protective stop too: nothing is held that its stop could not sell (B.3)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.support.engines import account, bars, play
from trading.backtest.simulate import SimOrder, Venue, simulate
from trading.engine.config import AccountConfig, Costs, RiskLimits
from trading.engine.engine import AccountEngine
from trading.instruments import Instrument
from trading.signals import Signal

D = Decimal
FREE = Costs(maker_fee=0, taker_fee=0, slippage=0)


def an_account(**limits: Any) -> AccountConfig:
    """Give an account of 10,000 at a venue that takes orders from 20 on."""
    base = account(limits=replace(RiskLimits.off(), **limits))
    venue = Instrument(pair="BTC/USDT", step=D("0.001"), min_notional=D(20), can_short=True)
    return replace(base, lines=(replace(base.lines[0], instrument=venue),))


@pytest.mark.parametrize(
    ("side", "stop", "denied"), [(1, 80.0, ""), (1, 60.0, "min_notional"), (-1, 140.0, "")]
)
def test_an_entry_is_refused_where_its_stop_would_be_too_small_an_order(
    side: int, stop: float, denied: str
) -> None:
    # 30 at the entry: 24 at a stop of 80, 18 at a stop of 60.
    engine = AccountEngine(an_account(max_position=0.003))

    _, intents = play(engine, 0, 100.0, line0=Signal(enter=side, stop=stop))

    assert [one.denied for one in intents] == [denied]


def test_the_last_leg_joins_the_one_before_where_the_stop_could_not_sell_it_alone() -> None:
    rows = ((100, 101, 99, 100), (100, 101, 99, 100), (100, 106, 99, 105), (105, 111, 104, 110))
    order = SimOrder(
        bar=0,
        side="long",
        quantity=D(1),
        take_profits=((0.5, 102.0), (0.3, 105.0), (0.2, 110.0)),
        stop_loss=90.0,
    )

    alone, joined = (
        simulate(bars(*rows), [order], capital=D(1_000), costs=FREE, venue=Venue(min_notional=least))
        for least in (D(18), D(19))
    )

    assert [one.quantity for one in alone.fills[1:]] == [D("0.5"), D("0.3"), D("0.2")]
    assert [one.quantity for one in joined.fills[1:]] == [D("0.5"), D("0.5")]
