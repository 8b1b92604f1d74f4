"""Hedges: sized by β against what the bot holds, exempt from the correlation rule, not from gross and net limits."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.support.engines import account, play
from trading.engine.config import RiskLimits
from trading.engine.engine import AccountEngine
from trading.engine.views import EngineIntent
from trading.instruments import Instrument
from trading.orders import IntentKind, Reason, Side
from trading.risk.hedging import Exposure, ExposureLimits, size_hedge
from trading.signals import EntryType, Exit, Signal, SignalColumns

D = Decimal
OFF = RiskLimits.off()
LONG = Signal(enter=1, stop=50.0, size_hint=0.1)


def a_bot(limits: RiskLimits = OFF, **more: Any) -> AccountEngine:
    """Give a bot on three pairs that holds 20 of the first, bought at 100, with 10,000 of capital."""
    engine = AccountEngine(account("BTC/USDT", "ETH/USDT", "PERP/USDT", limits=limits, step="1", **more))
    play(engine, 0, 100.0, line0=LONG)
    play(engine, 1, 100.0)
    assert engine.position(0).lots == 20
    return engine


def entry(intents: tuple[EngineIntent, ...]) -> EngineIntent:
    (found,) = (one for one in intents if one.kind is IntentKind.OPEN)
    return found


def hedge(beta: float, side: int = -1) -> Signal:
    return Signal(enter=side, hedge_beta=beta)


def test_a_hedge_is_beta_times_the_exposure_and_says_so() -> None:
    engine = a_bot()

    _, intents = play(engine, 2, 100.0, line2=hedge(0.75))
    fills, _ = play(engine, 3, 100.0)

    found = entry(intents)
    assert (found.side, found.lots, found.reason, found.binding) == (Side.SELL, 15, Reason.HEDGE, "method")
    assert found.limits["method"] == pytest.approx(15.0)
    assert [(one.lots, one.reason) for one in fills] == [(15, Reason.HEDGE)]
    assert engine.account().net == pytest.approx(500.0)
    # What a hedge may lose the hedged wins: it takes nothing of the risk budget.
    assert engine.account().open_risk == pytest.approx(20 * 50.0)


def test_the_engine_sizes_a_hedge_as_the_money_function_does() -> None:
    engine = a_bot(replace(OFF, gross_exposure=0.3))
    _, intents = play(engine, 2, 100.0, line2=hedge(0.9))

    exact = size_hedge(
        asset_notional=D(2_000),
        beta=0.9,
        instrument=Instrument(pair="PERP/USDT", step=D(1), min_notional=D(0), can_short=True),
        price=D(100),
        exposure=Exposure(net=D(2_000), gross=D(2_000)),
        equity=D(10_000),
        limits=ExposureLimits(net_ratio=D("0.3"), gross_ratio=D("0.3")),
    )

    found = entry(intents)
    assert (found.lots, found.binding) == (10, "gross_exposure")
    assert (exact.quantity, exact.binding) == (D(10), "gross")


def test_a_hedge_on_the_same_side_as_the_exposure_answers_nothing() -> None:
    engine = a_bot()

    _, intents = play(engine, 2, 100.0, line2=hedge(0.75, side=1))

    assert entry(intents).denied == "method"


def test_a_hedge_passes_the_correlation_rule_that_refuses_any_other_entry() -> None:
    engine = a_bot(replace(OFF, correlation_count=1))
    engine.set_correlation(np.where(np.eye(3) > 0, 1.0, -0.95))

    _, refused = play(engine, 2, 100.0, line1=Signal(enter=-1, stop=150.0))
    _, taken = play(engine, 3, 100.0, line2=hedge(0.5))
    play(engine, 4, 100.0)

    assert entry(refused).denied == "correlation"
    assert entry(taken).denied == ""
    assert engine.position(2).lots == 10


def test_a_hedge_counts_for_nobody_elses_correlation() -> None:
    engine = a_bot(replace(OFF, correlation_count=2))
    engine.set_correlation(np.full((3, 3), 0.0))
    play(engine, 2, 100.0, line2=hedge(0.5))
    play(engine, 3, 100.0)
    # From now on the short hedge and a new long move together.
    engine.set_correlation(np.array([[1.0, 0.9, -0.9], [0.9, 1.0, -0.9], [-0.9, -0.9, 1.0]]))

    _, intents = play(engine, 4, 100.0, line1=LONG)

    assert entry(intents).denied == ""


def test_net_limits_bind_a_hedge_that_would_turn_the_account_round() -> None:
    engine = a_bot(replace(OFF, net_exposure=0.25))

    _, intents = play(engine, 2, 100.0, line2=hedge(3.0))

    # From net +2,000 to at most −2,500.
    assert (entry(intents).lots, entry(intents).binding) == (45, "net_exposure")


def test_a_spot_venue_refuses_the_short_hedge() -> None:
    engine = a_bot(can_short=False)

    _, intents = play(engine, 2, 100.0, line2=hedge(0.5))

    assert entry(intents).denied == "short_not_allowed"


def test_columns_carry_the_beta_and_rows_without_it_are_no_hedges() -> None:
    columns = SignalColumns(enter=np.array([0, -1], np.int8), hedge_beta=np.array([np.nan, 0.4]))

    assert columns.row(1).hedge_beta == 0.4
    assert np.isnan(SignalColumns(enter=np.array([1], np.int8)).row(0).hedge_beta)


def hedged(**more: Any) -> AccountEngine:
    """Give a bot that is long 20 of the first pair and short 10 of the third against it."""
    engine = a_bot(**more)
    play(engine, 2, 100.0, line2=hedge(0.5))
    play(engine, 3, 100.0)
    assert engine.position(2).lots == 10
    return engine


def test_a_hedge_leaves_with_what_it_hedges_at_the_same_open() -> None:
    engine = hedged()

    _, intents = play(engine, 4, 100.0, line0=Signal(exit=1))
    fills, _ = play(engine, 5, 100.0)

    assert [(one.line, one.reason) for one in intents] == [(0, Reason.EXIT_SIGNAL), (2, Reason.HEDGE)]
    assert [(one.line, one.reason, one.lots) for one in fills] == [
        (0, Reason.EXIT_SIGNAL, 20),
        (2, Reason.HEDGE, 10),
    ]


def test_a_hedge_whose_hedged_was_stopped_out_leaves_at_the_next_open() -> None:
    engine = hedged()

    stopped, intents = play(engine, 4, 45.0)
    fills, _ = play(engine, 5, 45.0)

    assert [one.reason for one in stopped] == [Reason.STOP_LOSS]
    assert [(one.line, one.kind) for one in intents] == [(2, IntentKind.CLOSE)]
    assert [(one.line, one.reason) for one in fills] == [(2, Reason.HEDGE)]


def test_a_hedge_stays_while_anything_of_its_bot_is_held() -> None:
    engine = a_bot()
    play(engine, 2, 100.0, line1=LONG, line2=hedge(0.5))
    play(engine, 3, 100.0)

    play(engine, 4, 100.0, line0=Signal(exit=1))
    play(engine, 5, 100.0)

    assert [engine.position(line).side for line in range(3)] == [0, 1, -1]


def test_an_ordered_hedge_is_cancelled_when_what_it_would_hedge_leaves() -> None:
    engine = a_bot()
    resting = replace(hedge(0.5), entry_type=EntryType.LIMIT, entry_price=150.0)
    play(engine, 2, 100.0, line2=resting)

    _, intents = play(engine, 3, 100.0, line0=Signal(exit=1))
    play(engine, 4, 160.0)

    assert [(one.line, one.kind, one.reason) for one in intents][1:] == [(2, IntentKind.CANCEL, Reason.HEDGE)]
    assert engine.position(2).side == 0


def test_a_line_that_hedged_before_counts_for_correlation_again() -> None:
    engine = hedged(limits=replace(OFF, correlation_count=1))
    engine.set_correlation(np.full((3, 3), 0.95))
    play(engine, 4, 100.0, line0=Signal(exit=1))
    play(engine, 5, 100.0)

    _, intents = play(engine, 6, 100.0, line0=LONG, line2=replace(LONG, score=1.0))

    assert [(one.line, one.denied) for one in intents] == [(2, ""), (0, "correlation")]


def test_a_hedge_keeps_its_size_until_it_leaves_and_is_entered_again() -> None:
    engine = hedged()

    _, refused = play(engine, 4, 100.0, line2=hedge(0.9))
    kept = engine.position(2).lots
    play(engine, 5, 100.0, line2=Signal(exit=Exit.SHORT))
    play(engine, 6, 100.0, line2=hedge(0.9))
    play(engine, 7, 100.0)

    assert (entry(refused).denied, kept) == ("duplicate", 10)
    assert engine.position(2).lots == 18
