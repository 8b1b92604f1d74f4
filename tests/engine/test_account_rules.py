"""Account-wide limits and the order in which they refuse: trading-rules.md B.4, decisions 4, 6, 13, 15 and 17."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.support.engines import START_MS, account, bar, play
from trading.candles import SYNTHETIC
from trading.engine.config import Protections, RiskLimits, SizingMethod
from trading.engine.engine import AccountEngine, CommandKind, EngineCommand
from trading.engine.views import EngineIntent
from trading.orders import IntentKind, Reason
from trading.risk.limits import (
    daily_floor,
    drawdown_floor,
    drawdown_trip,
    is_daily_loss_reached,
    update_links,
)
from trading.signals import Signal

D = Decimal
LONG = Signal(enter=1, stop=50.0)
SHORT = Signal(enter=-1, stop=150.0)
OFF = RiskLimits.off()


def opened(engine: AccountEngine, at: int = 0, price: float = 100.0, **signals: Any) -> None:
    """Enter at the given hour's close and fill at the next open."""
    play(engine, at, price, **signals)
    play(engine, at + 1, price)


def refusals(intents: tuple[EngineIntent, ...]) -> list[str]:
    return [intent.denied for intent in intents if intent.kind is IntentKind.OPEN]


def test_drawdown_breaker_trips_at_exactly_twenty_percent_and_at_the_fifth_point() -> None:
    engine = AccountEngine(account(capital="100", limits=replace(OFF, max_drawdown=0.20), step="1"))
    opened(engine, line0=LONG)

    states = []
    for at, price in enumerate((110.0, 99.0, 105.0, 88.0, 120.0), start=2):
        play(engine, at, price)
        states.append(engine.account().state)

    assert states == ["active", "active", "active", "halted", "halted"]


def test_decimal_breaker_agrees_where_floats_would_not() -> None:
    assert 88 / 110 - 1 > -0.2
    assert drawdown_trip([D(x) for x in (100, 110, 99, 105, 88, 120)], D("0.2")) == 4
    assert drawdown_floor(110.0, 0.2) >= 88.0
    assert is_daily_loss_reached(equity=D(95), day_start=D(100), daily_loss=D("0.05"))
    assert daily_floor(100.0, 0.05) >= 95.0
    assert drawdown_floor(100.0, math.inf) == -math.inf


@pytest.mark.parametrize(("on_halt", "is_closing"), [("flatten", True), ("protect", False)])
def test_halt_flattens_or_protects_and_cancels_entries(on_halt: Any, is_closing: bool) -> None:
    limits = replace(OFF, max_drawdown=0.20, on_halt=on_halt, max_position=0.5)
    engine = AccountEngine(account("BTC/USDT", "ETH/USDT", limits=limits))
    opened(engine, line0=LONG)
    play(engine, 2, 100.0, line1=Signal(enter=1, entry_type=1, entry_price=10.0, stop=5.0))  # type: ignore[arg-type]

    row = {0: bar(3, 55.0), 1: bar(3, 100.0)}
    engine.match(row)
    intents = engine.decide(row, {0: LONG})

    assert engine.account().state == "halted"
    assert engine.position(0).is_closing is is_closing
    assert [i.kind for i in intents if i.kind is IntentKind.CANCEL] == [IntentKind.CANCEL]
    assert "halted" in refusals(intents)


def test_halt_lasts_until_a_person_activates_which_rebases_the_peak() -> None:
    engine = AccountEngine(account(limits=replace(OFF, max_drawdown=0.20)))
    opened(engine, line0=LONG)
    play(engine, 2, 79.0)
    play(engine, 3, 79.0)

    _, before = play(engine, 4, 79.0, line0=LONG)
    engine.command(EngineCommand(kind=CommandKind.ACTIVATE))
    _, after = play(engine, 5, 79.0, line0=LONG)

    assert refusals(before) == ["halted"]
    assert refusals(after) == [""]
    assert engine.account().peak == engine.account().equity


def test_daily_loss_blocks_entries_until_midnight_utc_and_not_exits() -> None:
    engine = AccountEngine(
        account("BTC/USDT", "ETH/USDT", limits=replace(OFF, daily_loss=0.05, max_position=0.5))
    )
    opened(engine, line0=LONG)
    _, blocked = play(engine, 2, 90.0, line1=LONG)
    _, still = play(engine, 21, 90.0, line1=LONG)
    row = {0: bar(22, 90.0), 1: bar(22, 90.0)}
    _, exits = engine.match(row), engine.decide(row, {0: Signal(exit=1)})
    # The bar that opens at 23:00 closes at 00:00: the new day's first decision.
    _, free = play(engine, 23, 90.0, line1=LONG)

    assert (refusals(blocked), refusals(still), refusals(free)) == (["daily_loss"], ["daily_loss"], [""])
    assert [i.reason for i in exits] == [Reason.EXIT_SIGNAL]


def test_daily_loss_survives_a_restart() -> None:
    config = account(limits=replace(OFF, daily_loss=0.05))
    engine = AccountEngine(config)
    opened(engine, line0=LONG)
    play(engine, 2, 94.0)

    restarted = AccountEngine(config)
    restarted.restore(engine.snapshot())

    assert restarted.account().is_daily_blocked
    assert restarted.account().day_start == engine.account().day_start


def test_deposit_is_neither_profit_nor_a_way_out_of_the_drawdown() -> None:
    from trading.engine.views import EngineEvent, EventKind

    engine = AccountEngine(account(limits=replace(OFF, max_drawdown=0.20)))
    opened(engine, line0=LONG)
    play(engine, 2, 85.0)
    before = engine.account()

    deposit = EngineEvent(kind=EventKind.FLOW, sequence=1, amount=5_000.0)
    engine.apply(deposit)
    engine.apply(deposit)

    after = engine.account()
    assert after.equity == pytest.approx(before.equity + 5_000)
    assert after.drawdown_ratio == pytest.approx(before.drawdown_ratio)
    assert after.day_ratio == pytest.approx(before.day_ratio)


def test_two_signals_for_one_free_slot_give_exactly_one_order_the_better_scored() -> None:
    engine = AccountEngine(
        account("AAA/USDT", "BBB/USDT", limits=replace(OFF, max_positions=1, max_position=0.1))
    )

    _, intents = play(
        engine,
        0,
        100.0,
        line0=Signal(enter=1, stop=50.0, score=1.0),
        line1=Signal(enter=1, stop=50.0, score=2.0),
    )

    assert [(i.line, i.denied) for i in intents] == [(1, ""), (0, "slots")]


def test_equal_scores_go_by_pair_then_bot_whatever_the_order_of_lines() -> None:
    engine = AccountEngine(
        account("ZZZ/USDT", "AAA/USDT", limits=replace(OFF, max_positions=1, max_position=0.1))
    )

    _, intents = play(engine, 0, 100.0, line0=LONG, line1=LONG)

    assert [(i.line, i.denied) for i in intents] == [(1, ""), (0, "slots")]


def correlated(engine: AccountEngine, rho: float) -> None:
    n = len(engine.config.lines)
    matrix = np.full((n, n), rho)
    np.fill_diagonal(matrix, 1.0)
    engine.set_correlation(matrix)


@pytest.mark.parametrize(
    ("rho", "third"), [(0.71, "correlation"), (0.7, ""), (math.nan, "correlation"), (-0.9, "")]
)
def test_third_correlated_position_in_one_direction_is_refused(rho: float, third: str) -> None:
    limits = replace(OFF, correlation_count=2, max_position=0.1)
    engine = AccountEngine(account("A/USDT", "B/USDT", "C/USDT", limits=limits))
    correlated(engine, rho)

    _, intents = play(engine, 0, 100.0, line0=LONG, line1=LONG, line2=LONG)

    assert refusals(intents) == ["", "", third]


def test_opposite_directions_are_correlated_by_minus_rho() -> None:
    limits = replace(OFF, correlation_count=1, max_position=0.1)
    engine = AccountEngine(account("A/USDT", "B/USDT", limits=limits))
    correlated(engine, 0.9)

    _, hedge = play(engine, 0, 100.0, line0=LONG, line1=SHORT)

    other = AccountEngine(account("A/USDT", "B/USDT", limits=limits))
    correlated(other, -0.9)
    _, same = play(other, 0, 100.0, line0=LONG, line1=SHORT)
    assert (refusals(hedge), refusals(same)) == (["", ""], ["", "correlation"])


def test_correlation_is_released_only_below_its_lower_threshold() -> None:
    links = np.full((2, 2, 2), 2, np.uint8)
    seen = []
    for rho in (0.65, 0.75, 0.65, 0.61, 0.59, 0.65, math.nan, 0.65):
        update_links(links, np.array([[1.0, rho], [rho, 1.0]]), 0.7, 0.6)
        seen.append(int(links[0, 0, 1] > 0))

    assert seen == [0, 1, 1, 1, 0, 0, 1, 0]


def test_first_failing_check_is_reported_in_the_documented_order() -> None:
    limits = replace(OFF, max_positions=1, max_position=0.1, correlation_count=1)
    engine = AccountEngine(account("A/USDT", "B/USDT", limits=limits))
    opened(engine, line0=LONG)
    heard = []
    _, intents = play(engine, 2, 100.0, line1=LONG)
    heard += refusals(intents)
    _, intents = play(engine, 3, 100.0, line0=LONG)
    heard += refusals(intents)
    engine.command(EngineCommand(kind=CommandKind.PAUSE, line=1))
    _, intents = play(engine, 4, 100.0, line1=LONG)
    heard += refusals(intents)
    engine.command(EngineCommand(kind=CommandKind.LOCK, until_ms=START_MS + 10 * 3_600_000))
    _, intents = play(engine, 5, 100.0, line1=LONG)
    heard += refusals(intents)
    engine.command(EngineCommand(kind=CommandKind.REDUCE))
    _, intents = play(engine, 6, 100.0, line1=LONG)
    heard += refusals(intents)
    row = {0: bar(7, 100.0), 1: bar(7, 100.0, flags=int(SYNTHETIC))}
    heard += refusals(engine.decide(row, {1: LONG}))
    engine.command(EngineCommand(kind=CommandKind.KILL))
    _, intents = play(engine, 8, 100.0, line1=LONG)
    heard += refusals(intents)

    assert heard == ["slots", "duplicate", "paused", "locked", "reducing", "stale_data", "kill_switch"]


def test_kill_switch_closes_everything_is_latched_and_idempotent() -> None:
    engine = AccountEngine(account("A/USDT", "B/USDT", limits=replace(OFF, max_position=0.1)))
    opened(engine, line0=LONG, line1=LONG)

    first = engine.command(EngineCommand(kind=CommandKind.KILL))
    again = engine.command(EngineCommand(kind=CommandKind.KILL))
    fills, _ = play(engine, 2, 90.0)

    assert [i.reason for i in first] == [Reason.KILL_SWITCH] * 2
    assert again == ()
    assert [f.reason for f in fills] == [Reason.KILL_SWITCH] * 2
    assert engine.account().is_killed


def test_exposure_in_one_asset_counts_over_bots_and_open_orders() -> None:
    base = account("BTC/USDT", limits=replace(OFF, max_position=0.10))
    one = base.lines[0]
    config = replace(base, lines=(one, replace(one, bot_id="second")))
    engine = AccountEngine(config)

    _, intents = play(engine, 0, 100.0, line0=LONG, line1=LONG)

    assert [(i.denied, i.binding, i.lots) for i in intents] == [
        ("", "max_position", 10_000),
        ("max_position", "", 0),
    ]


def test_portfolio_risk_budget_is_shared() -> None:
    limits = replace(OFF, portfolio_risk=0.05, risk_per_trade=0.03)
    engine = AccountEngine(account("A/USDT", "B/USDT", limits=limits))
    signal = Signal(enter=1, stop=90.0)

    _, intents = play(engine, 0, 100.0, line0=signal, line1=signal)

    assert [(i.binding, i.lots) for i in intents] == [("method", 30_000), ("portfolio_risk", 20_000)]
    assert engine.account().slots_taken == 2


def test_bot_sizes_against_its_allocation() -> None:
    engine = AccountEngine(account(limits=replace(OFF, risk_per_trade=0.01), allocation=0.25))

    _, intents = play(engine, 0, 100.0, line0=Signal(enter=1, stop=99.0))

    assert [(i.binding, i.lots) for i in intents] == [("method", 25_000)]


def test_strategy_may_ask_for_less_risk_but_not_more() -> None:
    for hint, binding, lots in ((0.005, "strategy", 10_000), (0.05, "method", 20_000)):
        engine = AccountEngine(account(limits=replace(OFF, risk_per_trade=0.01)))
        _, intents = play(engine, 0, 100.0, line0=Signal(enter=1, stop=95.0, size_hint=hint))
        assert [(i.binding, i.lots) for i in intents] == [(binding, lots)]


def test_atr_method_sizes_by_its_distance_and_sets_the_stop_there() -> None:
    limits = replace(OFF, method=SizingMethod.ATR, risk_per_trade=0.01, atr_multiple=2.0, max_position=1.0)
    engine = AccountEngine(account(limits=limits))
    row = {0: bar(0, 100.0, atr=3.0)}

    engine.match(row)
    intents = engine.decide(row, {0: Signal(enter=1)})

    assert (intents[0].lots, intents[0].stop, intents[0].binding) == (16_666, 94.0, "method")


def test_kelly_without_an_edge_refuses() -> None:
    limits = replace(OFF, method=SizingMethod.KELLY, risk_per_trade=0.01)
    engine = AccountEngine(account(limits=limits, win_rate=0.4, payoff=1.0, trades=100))

    _, intents = play(engine, 0, 100.0, line0=LONG)

    assert refusals(intents) == ["no_edge"]


def test_gross_and_net_exposure_are_bounded() -> None:
    gross = AccountEngine(
        account("A/USDT", "B/USDT", limits=replace(OFF, gross_exposure=0.5, max_position=0.4))
    )
    _, intents = play(gross, 0, 100.0, line0=LONG, line1=SHORT)
    assert [(i.binding, i.lots) for i in intents] == [("max_position", 40_000), ("gross_exposure", 10_000)]

    net = AccountEngine(account("A/USDT", "B/USDT", limits=replace(OFF, net_exposure=0.2, max_position=0.4)))
    _, intents = play(net, 0, 100.0, line0=LONG, line1=SHORT)
    assert [(i.binding, i.lots) for i in intents] == [("net_exposure", 20_000), ("max_position", 40_000)]


def test_spot_pair_refuses_shorts_with_a_clear_reason() -> None:
    engine = AccountEngine(account(can_short=False))

    _, intents = play(engine, 0, 100.0, line0=SHORT)

    assert refusals(intents) == ["short_not_allowed"]


@pytest.mark.parametrize(
    "senseless",
    [
        Signal(enter=1, stop=101.0),
        Signal(enter=1, stop=90.0, targets=(99.0, math.nan, math.nan)),
        Signal(enter=1, stop=90.0, targets=(105.0, 104.0, math.nan)),
        Signal(enter=-1, stop=99.0),
        Signal(enter=1, entry_type=1, stop=90.0),  # type: ignore[arg-type]
        Signal(enter=1, stop=90.0, targets=(105.0, 110.0, 115.0), fractions=(0.5, 0.5, 0.5)),
    ],
)
def test_senseless_signal_is_refused(senseless: Signal) -> None:
    engine = AccountEngine(account())

    _, intents = play(engine, 0, 100.0, line0=senseless)

    assert refusals(intents) == ["bad_signal"]


def test_entry_waits_for_its_confirmation_closes() -> None:
    engine = AccountEngine(account(confirm_bars=1))

    heard = []
    for at, signal in enumerate((LONG, Signal(), LONG, LONG)):
        _, intents = play(engine, at, 100.0, line0=signal)
        heard += refusals(intents)

    assert heard == ["unconfirmed", "unconfirmed", ""]


def guarded(**rules: Any) -> AccountEngine:
    limits = replace(OFF, max_position=0.1, protections=Protections(**rules))
    return AccountEngine(account("A/USDT", "B/USDT", limits=limits))


def stopped_out(engine: AccountEngine, at: int) -> None:
    play(engine, at, 100.0, line0=Signal(enter=1, stop=95.0))
    play(engine, at + 1, 100.0)
    play(engine, at + 2, 94.0)


HOURS = 3_600_000


def test_stop_loss_guard_locks_the_pair_or_the_account() -> None:
    for is_global, other in ((False, ""), (True, "locked")):
        engine = guarded(stop_guard_count=2, stop_guard_lock_ms=5 * HOURS, is_stop_guard_global=is_global)
        stopped_out(engine, 0)
        stopped_out(engine, 3)
        _, intents = play(engine, 6, 100.0, line0=LONG, line1=LONG)
        assert refusals(intents) == ["locked", other]


def test_cool_down_ends_by_itself() -> None:
    engine = guarded(cool_down_ms=2 * HOURS)
    stopped_out(engine, 0)

    heard = []
    for at in (3, 4, 5):
        _, intents = play(engine, at, 100.0, line0=LONG)
        heard += refusals(intents)

    # The exit's bar closed at hour 3; the lock ends at hour 5, which is the close of the bar of hour 4.
    assert heard == ["locked", "", "duplicate"]
    assert [(n.kind, n.reason) for n in engine.take_notices()] == [("locked", "cool_down")]


def test_unprofitable_pair_is_locked_and_a_person_may_release_it() -> None:
    engine = guarded(low_profit_trades=2, low_profit_ratio=0.0, low_profit_lock_ms=100 * HOURS)
    stopped_out(engine, 0)
    stopped_out(engine, 3)

    _, locked = play(engine, 6, 100.0, line0=LONG)
    engine.command(EngineCommand(kind=CommandKind.UNLOCK, line=0))
    _, free = play(engine, 7, 100.0, line0=LONG)

    assert (refusals(locked), refusals(free)) == (["locked"], [""])


def test_drawdown_of_closed_trades_locks_the_account() -> None:
    engine = guarded(drawdown_guard=0.01, drawdown_guard_trades=2, drawdown_guard_lock_ms=5 * HOURS)
    stopped_out(engine, 0)
    stopped_out(engine, 3)

    _, intents = play(engine, 6, 100.0, line1=LONG)

    assert refusals(intents) == ["locked"]
    assert engine.account().lock_reason == "drawdown_guard"


def test_position_is_closed_after_its_bars() -> None:
    engine = AccountEngine(account())
    play(engine, 0, 100.0, line0=Signal(enter=1, stop=50.0, max_bars=2))

    closed = [
        at for at in range(1, 6) for fill in play(engine, at, 100.0)[0] if fill.reason is Reason.MAX_BARS
    ]

    assert closed == [3]


def test_reversal_closes_and_opens_at_the_same_open() -> None:
    engine = AccountEngine(account(limits=replace(OFF, max_position=1.0, max_positions=1)))
    opened(engine, line0=LONG)

    play(engine, 2, 100.0, line0=Signal(enter=-1, exit=1, stop=150.0))
    fills, _ = play(engine, 3, 100.0)

    assert [(f.reason, f.lots) for f in fills] == [(Reason.EXIT_SIGNAL, 100_000), (Reason.ENTRY, 100_000)]
    assert engine.position(0).side == -1
