"""A part of a position that leaves by hand: at the next open, the ladder and the protection shrink with it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.support.engines import account, bar, play
from trading.engine.engine import AccountEngine, CommandKind, EngineCommand
from trading.engine.views import EngineEvent, EventKind
from trading.errors import InvalidInput
from trading.instruments import Instrument
from trading.orders import IntentKind, Reason, Side
from trading.risk.partial import part_to_close
from trading.signals import Signal

D = Decimal
NAN = float("nan")
LADDER = Signal(enter=1, stop=90.0, targets=(110.0, 120.0, 130.0), size_hint=NAN)


def held(**more: Any) -> AccountEngine:
    """Give an account that holds 100 lots of one, bought at 100."""
    engine = AccountEngine(account(capital="10000", step="1", **more))
    play(engine, 0, 100.0, line0=LADDER)
    play(engine, 1, 100.0)
    assert engine.position(0).lots == 100
    return engine


def part(lots: int) -> EngineCommand:
    return EngineCommand(kind=CommandKind.CLOSE, line=0, lots=lots)


def test_a_part_leaves_at_the_next_open_and_the_ladder_shrinks_from_the_far_end() -> None:
    engine = held()

    (intent,) = engine.command(part(30))
    fills, _ = play(engine, 2, 105.0)

    assert (intent.kind, intent.side, intent.lots, intent.reason) == (
        IntentKind.REDUCE, Side.SELL, 30, Reason.FORCE_EXIT,
    )  # fmt: skip
    assert [(one.lots, one.price, one.reason, one.intent_sequence) for one in fills] == [
        (30, 105.0, Reason.FORCE_EXIT, intent.sequence)
    ]
    view = engine.position(0)
    assert view.lots == 70
    assert [int(leg.quantity) for leg in view.legs] == [50, 20]
    assert view.realised == pytest.approx(150.0)
    assert engine.take_trades() == ()


def test_what_leaves_is_not_offered_as_protection_meanwhile() -> None:
    engine = held()

    engine.command(part(30))

    assert [(one.kind, one.lots) for one in engine.protection(0)] == [
        (IntentKind.SET_PROTECTION, 70),
        (IntentKind.REDUCE, 50),
        (IntentKind.REDUCE, 20),
    ]


def test_a_stop_that_gaps_in_the_same_open_takes_the_rest() -> None:
    engine = held()
    engine.command(part(30))

    fills, _ = play(engine, 2, 80.0)

    assert [(one.lots, one.reason) for one in fills] == [(30, Reason.FORCE_EXIT), (70, Reason.STOP_LOSS)]
    (trade,) = engine.take_trades()
    assert trade.lots == 100
    assert trade.pnl == pytest.approx(-20.0 * 100)


def test_panic_after_a_part_asks_for_the_rest_only_and_all_is_gone_at_the_open() -> None:
    engine = held()
    engine.command(part(30))

    (close,) = engine.command(EngineCommand(kind=CommandKind.KILL))
    fills, _ = play(engine, 2, 100.0)

    assert (close.kind, close.lots) == (IntentKind.CLOSE, 70)
    assert [(one.lots, one.reason) for one in fills] == [(30, Reason.FORCE_EXIT), (70, Reason.KILL_SWITCH)]
    assert engine.position(0).lots == 0


def test_a_part_waits_over_a_bar_without_trade_and_over_a_restart() -> None:
    engine = held()
    engine.command(part(30))
    row = {0: bar(2, 100.0, volume=0.0)}
    assert engine.match(row) == ()
    engine.decide(row, {})
    data = engine.snapshot()
    again = AccountEngine(engine.config)
    again.restore(data)

    fills, _ = play(again, 3, 101.0)

    assert [(one.lots, one.price) for one in fills] == [(30, 101.0)]


def test_a_second_part_waits_for_the_first_and_a_part_is_less_than_all() -> None:
    engine = held()
    with pytest.raises(InvalidInput, match="fewer than it holds"):
        engine.command(part(100))
    engine.command(part(30))

    with pytest.raises(InvalidInput, match="leaves at the next open already"):
        engine.command(part(10))


def test_a_grid_leaves_as_a_whole() -> None:
    engine = AccountEngine(account(step="1"))
    play(engine, 0, 100.0, line0=Signal(enter=1, stop=50.0, grid_low=90.0, grid_high=110.0, grid_levels=4))
    play(engine, 1, 100.0)
    play(engine, 2, 94.0)

    with pytest.raises(InvalidInput, match="leaves as a whole"):
        engine.command(part(1))


def test_a_venue_fills_a_part_in_parts_and_a_refused_part_is_protected_again() -> None:
    engine = held()
    (intent,) = engine.command(part(30))

    def event(kind: EventKind, sequence: int, lots: int = 0) -> EngineEvent:
        return EngineEvent(
            kind=kind, sequence=sequence, line=0, intent_sequence=intent.sequence, side=Side.SELL, lots=lots,
            price=101.0, reason=Reason.FORCE_EXIT,
        )  # fmt: skip

    engine.apply(event(EventKind.FILL, 1, lots=20))
    assert engine.protection(0)[0].lots == 70
    engine.apply(event(EventKind.CANCELED, 2))

    assert engine.position(0).lots == 80
    assert [one.lots for one in engine.protection(0)] == [80, 50, 30]
    # Nothing is left that a later bar could close.
    assert play(engine, 2, 100.0)[0] == ()


BTC = Instrument(pair="BTC/USDT", step=D("0.0001"), min_quantity=D("0.0002"), min_notional=D(5))


@pytest.mark.parametrize(("quantity", "share", "price", "stop", "expected"), [
    ("0.0123", "0.5", 60_000, None, ("0.0061", False)),
    ("0.0123", "1", 60_000, None, ("0.0123", True)),
    # 0.0003 would stay, worth 18: fine; 0.0001 would stay, below the smallest quantity: all leaves.
    ("0.0013", "0.8", 60_000, None, ("0.0010", False)),
    ("0.0011", "0.95", 60_000, None, ("0.0010", False)),
    ("0.0004", "0.75", 60_000, None, ("0.0004", True)),
    # What stays is worth 6 at the price and 4.8 at its stop: its protection would be refused.
    ("0.0300", "0.5", 400, 320, ("0.0300", True)),
])  # fmt: skip
def test_a_share_is_floored_to_the_step_and_leaves_no_dust(
    quantity: str, share: str, price: int, stop: int | None, expected: tuple[str, bool]
) -> None:
    if quantity == "0.0011":
        # 0.00104 is floored to 0.0010; what stays, 0.0001, is dust.
        expected = ("0.0011", True)

    found = part_to_close(
        D(quantity), D(share), instrument=BTC, price=D(price), stop=None if stop is None else D(stop)
    )

    assert (found.quantity, found.is_whole) == (D(expected[0]), expected[1])


@pytest.mark.parametrize(("share", "words"), [
    ("0", "above 0"), ("1.01", "up to 1"), ("NaN", "above 0"), ("0.001", "at least 0.0002 BTC and 5 USDT"),
])  # fmt: skip
def test_a_share_that_makes_no_order_is_refused_with_what_is_allowed(share: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        part_to_close(D("0.0123"), D(share), instrument=BTC, price=D(60_000))
