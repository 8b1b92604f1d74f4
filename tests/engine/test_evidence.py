"""Evidence from a venue: fills, refusals, races and unknowns, folded once each; and what should rest meanwhile."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from tests.support.engines import account, bar
from trading.engine.config import RiskLimits
from trading.engine.engine import AccountEngine, CommandKind, EngineCommand
from trading.engine.views import EngineEvent, EngineIntent, EventKind
from trading.errors import InvalidInput
from trading.orders import IntentKind, OrderType, Reason, Side
from trading.signals import EntryType, Signal

LADDER = Signal(enter=1, stop=90.0, targets=(105.0, 110.0, 120.0))


class Venue:
    """An engine whose orders are filled by hand."""

    def __init__(self, *pairs: str, **limits: Any) -> None:
        self.engine = AccountEngine(
            account(*pairs, limits=replace(RiskLimits.off(), max_position=0.1, **limits))
        )
        self.events, self.hours = 0, 0

    def decide(self, price: float, signal: Signal | None = None, line: int = 0) -> tuple[EngineIntent, ...]:
        row = {k: bar(self.hours, price) for k in range(len(self.engine.config.lines))}
        self.hours += 1
        return self.engine.decide(row, {} if signal is None else {line: signal})

    def say(self, kind: EventKind, **more: Any) -> None:
        self.events += 1
        self.engine.apply(EngineEvent(kind=kind, sequence=self.events, **more))

    def fill(self, intent: EngineIntent, lots: int, price: float, **more: Any) -> None:
        more = {"side": intent.side, "reason": intent.reason, **more}
        self.say(EventKind.FILL, intent_sequence=intent.sequence, lots=lots, price=price, **more)


def test_partial_fills_average_and_the_ladder_is_divided_anew() -> None:
    venue = Venue()
    (intent,) = venue.decide(100.0, LADDER)

    venue.fill(intent, 4_000, 100.0, fee=0.4)
    venue.fill(intent, 6_000, 101.0, fee=0.6)

    view = venue.engine.position(0)
    assert (view.lots, view.fees) == (10_000, 1.0)
    assert view.entry_price == pytest.approx(100.6)
    assert [float(leg.quantity) for leg in view.legs] == [5.0, 3.0, 2.0]
    assert view.pending_side == 0


def test_same_sequence_counts_once_and_a_repeat_after_a_restart_too() -> None:
    venue = Venue()
    (intent,) = venue.decide(100.0, LADDER)
    venue.fill(intent, 10_000, 100.0)
    event = EngineEvent(
        kind=EventKind.FILL,
        sequence=1,
        intent_sequence=intent.sequence,
        lots=10_000,
        price=100.0,
        side=Side.BUY,
    )

    again = AccountEngine(venue.engine.config)
    again.restore(venue.engine.snapshot())

    assert venue.engine.apply(event) == again.apply(event) == ()
    assert again.account() == venue.engine.account()


@pytest.mark.parametrize("end", [EventKind.REJECT, EventKind.CANCELED, EventKind.EXPIRED])
def test_ended_entry_frees_its_slot_and_cash_and_keeps_what_was_filled(end: EventKind) -> None:
    venue = Venue()
    (intent,) = venue.decide(100.0, LADDER)
    venue.fill(intent, 2_000, 100.0)
    before = venue.engine.account().free

    venue.say(end, intent_sequence=intent.sequence)

    view = venue.engine.position(0)
    assert (view.lots, view.pending_side) == (2_000, 0)
    assert venue.engine.account().free > before
    assert sum(float(leg.quantity) for leg in view.legs) == 2.0


def test_cancelled_entry_that_fills_all_the_same_opens_the_position() -> None:
    venue = Venue()
    signal = Signal(enter=1, entry_type=EntryType.LIMIT, entry_price=99.0, stop=90.0, expiry_bars=1)
    (intent,) = venue.decide(100.0, signal)
    (cancel,) = venue.decide(100.0)

    venue.fill(intent, 5_000, 99.0)
    venue.say(EventKind.CANCELED, intent_sequence=intent.sequence)

    assert (cancel.kind, cancel.target) == (IntentKind.CANCEL, intent.sequence)
    view = venue.engine.position(0)
    assert (view.lots, view.stop) == (5_000, 90.0)
    assert venue.engine.account().slots_taken == 1


def test_unresolved_cancellation_refuses_a_new_entry() -> None:
    venue = Venue()
    signal = Signal(enter=1, entry_type=EntryType.LIMIT, entry_price=99.0, stop=90.0, expiry_bars=1)
    venue.decide(100.0, signal)
    venue.decide(100.0)

    (refused,) = venue.decide(100.0, signal)

    assert refused.denied == "frozen"


def test_unknown_order_freezes_new_risk_on_its_line_until_resolved() -> None:
    venue = Venue("A/USDT", "B/USDT")
    venue.say(EventKind.UNKNOWN, line=0)

    (frozen,) = venue.decide(100.0, LADDER, line=0)
    (other,) = venue.decide(100.0, LADDER, line=1)
    venue.say(EventKind.RESOLVED, line=0)
    (free,) = venue.decide(100.0, LADDER, line=0)

    assert [frozen.denied, other.denied, free.denied] == ["frozen", "", ""]


def opened() -> tuple[Venue, EngineIntent]:
    venue = Venue()
    (intent,) = venue.decide(100.0, LADDER)
    venue.fill(intent, 10_000, 100.0)
    return venue, intent


def test_protection_covers_the_whole_rest_and_shrinks_with_each_leg() -> None:
    venue, intent = opened()
    before = venue.engine.protection(0)

    venue.fill(intent, 5_000, 105.0, side=Side.SELL, reason=Reason.TAKE_PROFIT_1, leg=1)

    after = venue.engine.protection(0)
    assert [(o.kind, o.leg, o.lots, o.order_type) for o in before] == [
        (IntentKind.SET_PROTECTION, 0, 10_000, OrderType.STOP),
        (IntentKind.REDUCE, 1, 5_000, OrderType.LIMIT),
        (IntentKind.REDUCE, 2, 3_000, OrderType.LIMIT),
        (IntentKind.REDUCE, 3, 2_000, OrderType.LIMIT),
    ]
    assert [(o.leg, o.lots) for o in after] == [(0, 5_000), (2, 3_000), (3, 2_000)]
    assert after[0].revision > before[0].revision


def test_nothing_rests_while_a_close_is_under_way_and_a_refused_close_is_asked_again() -> None:
    venue, _ = opened()
    (close,) = venue.engine.command(EngineCommand(kind=CommandKind.CLOSE, line=0))
    during = venue.engine.protection(0)

    venue.say(EventKind.REJECT, intent_sequence=close.sequence)
    after = venue.engine.protection(0)
    (again,) = venue.decide(99.0)
    venue.fill(again, 10_000, 99.0)

    assert (during, len(after)) == ((), 4)
    assert again.sequence > close.sequence
    (trade,) = venue.engine.take_trades()
    assert trade.reason is Reason.FORCE_EXIT
    assert trade.pnl == pytest.approx(-10.0)


def test_trade_by_hand_at_the_venue_adjusts_the_position() -> None:
    venue, _ = opened()

    venue.say(EventKind.EXTERNAL, side=Side.SELL, lots=4_000, price=101.0)
    venue.say(EventKind.EXTERNAL, side=Side.SELL, lots=6_000, price=102.0)

    assert venue.engine.position(0).side == 0
    (trade,) = venue.engine.take_trades()
    assert trade.reason is Reason.EXTERNAL
    assert trade.pnl == pytest.approx(4.0 + 12.0)


def test_person_may_move_stop_and_targets_but_not_across_the_price() -> None:
    venue, _ = opened()
    venue.decide(101.0)

    venue.engine.command(EngineCommand(kind=CommandKind.SET_STOP, line=0, stop=99.0))
    venue.engine.command(
        EngineCommand(
            kind=CommandKind.SET_TARGETS,
            line=0,
            targets=(104.0, math.nan, math.nan),
            fractions=(1.0, 0.0, 0.0),
        )
    )
    with pytest.raises(InvalidInput, match="losing side"):
        venue.engine.command(EngineCommand(kind=CommandKind.SET_STOP, line=0, stop=102.0))

    assert [(o.price, o.lots) for o in venue.engine.protection(0)] == [(99.0, 10_000), (104.0, 10_000)]


def test_damaged_or_foreign_snapshot_is_refused() -> None:
    venue, _ = opened()
    data = venue.engine.snapshot()

    for broken in (b"nonsense", data[:-3] + b"abc"):
        with pytest.raises(InvalidInput):
            AccountEngine(venue.engine.config).restore(broken)
    with pytest.raises(InvalidInput, match="account"):
        AccountEngine(replace(venue.engine.config, account_id="other")).restore(data)


def test_snapshot_is_taken_over_by_bot_and_pair_when_lines_are_added() -> None:
    venue, _ = opened()
    wider = account("ETH/USDT", "BTC/USDT", limits=venue.engine.config.limits)

    engine = AccountEngine(wider)
    engine.restore(venue.engine.snapshot())

    assert [view.lots for view in engine.positions()] == [0, 10_000]
    assert engine.account().cash == venue.engine.account().cash
