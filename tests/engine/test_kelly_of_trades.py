"""Kelly learns from the line's own closed trades once there are fifty of them (trading-rules.md, B.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.support.engines import account, play
from trading.engine.config import RiskLimits, SizingMethod
from trading.engine.engine import AccountEngine
from trading.engine.views import EngineIntent
from trading.signals import Exit, Signal

LIMITS = replace(RiskLimits.off(), method=SizingMethod.KELLY, risk_per_trade=None)
ENTER = Signal(enter=1, stop=50.0)


def after_trades(exits: Sequence[float], **line: Any) -> tuple[AccountEngine, EngineIntent]:
    """Trade from 100 to each price in turn, then give the engine and the answer to one more entry."""
    engine = AccountEngine(account(limits=LIMITS, **line))
    hour = 0
    for price in exits:
        play(engine, hour, 100.0, line0=ENTER)
        play(engine, hour + 1, 100.0, line0=Signal(exit=Exit.LONG))
        play(engine, hour + 2, price)
        hour += 3
    assert len(engine.take_trades()) == len(exits)
    _, intents = play(engine, hour, 100.0, line0=ENTER)
    return engine, intents[0]


def test_half_of_kelly_is_put_at_risk_by_the_lines_own_trades() -> None:
    engine, intent = after_trades([102.0, 99.0] * 25)

    # Half the trades win twice what the others lose: f* = 0.25, half of it, over 50 at risk a unit.
    quantity = 0.125 * engine.account().equity / 50.0
    assert intent.binding == "method"
    assert intent.lots * 0.001 == pytest.approx(quantity, abs=0.001)


def test_statistics_that_were_given_hold_until_fifty_trades() -> None:
    engine, intent = after_trades([99.0] * 49, win_rate=0.45, payoff=2.0, trades=100)

    assert intent.binding == "method"
    assert intent.lots * 0.001 == pytest.approx(0.5 * 0.175 * engine.account().equity / 50.0, abs=0.001)


def test_fifty_trades_without_an_edge_refuse_what_the_given_statistics_promised() -> None:
    _, intent = after_trades([101.0, 99.0] * 25, win_rate=0.45, payoff=2.0, trades=100)

    assert intent.denied == "no_edge"


def test_without_a_win_there_is_no_edge_and_without_a_loss_none_is_computed() -> None:
    _, lost = after_trades([99.0] * 50)
    _, won = after_trades([101.0] * 50)

    assert lost.denied == "no_edge"
    assert (won.denied, won.binding) == ("", "balance")
