"""Evidence arrives in any order and more than once: fills before acknowledgements, after cancellations, repeated."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.engines import account, bar
from trading.engine.config import RiskLimits
from trading.engine.engine import AccountEngine
from trading.engine.views import EngineEvent, EngineFill, EventKind
from trading.ledger import Flow, Ledger
from trading.orders import Reason, Side
from trading.signals import Signal

D = Decimal
LADDER = Signal(enter=1, stop=90.0, targets=(105.0, 110.0, 120.0))
STEP = D("0.001")


def ordered() -> tuple[AccountEngine, dict[int, int]]:
    """Give an engine that has asked for an entry on each of two lines, and the intents' sequences."""
    engine = AccountEngine(account("A/USDT", "B/USDT", limits=replace(RiskLimits.off(), max_position=0.1)))
    intents = engine.decide({0: bar(0, 100.0), 1: bar(0, 100.0)}, {0: LADDER, 1: LADDER})
    return engine, {intent.line: intent.sequence for intent in intents}


#: Draws the fields of one event.
Happening = st.SearchStrategy[dict[str, Any]]

lots = st.integers(1, 6_000)
prices = st.integers(8_000, 13_000).map(lambda cents: cents / 100)
fees = st.integers(0, 900).map(lambda cents: cents / 100)
line = st.integers(0, 1)
buys: Happening = st.builds(
    dict, kind=st.just(EventKind.FILL), line=line, side=st.just(Side.BUY), lots=lots, price=prices, fee=fees
)
sells: Happening = st.builds(
    dict, kind=st.just(EventKind.FILL), line=line, side=st.just(Side.SELL), lots=lots, price=prices, fee=fees,
    reason=st.sampled_from([Reason.STOP_LOSS, Reason.TAKE_PROFIT_1, Reason.FORCE_EXIT]), leg=st.integers(0, 3),
)  # fmt: skip
words: Happening = st.builds(
    dict,
    kind=st.sampled_from([EventKind.ACK, EventKind.CANCELED, EventKind.REJECT, EventKind.EXPIRED]),
    line=line,
)
flows: Happening = st.builds(dict, kind=st.just(EventKind.FLOW), amount=st.integers(-900, 900).map(float))
stories = st.lists(st.one_of(buys, buys, sells, words, flows), max_size=14)


def told(story: list[dict[str, Any]], intents: dict[int, int]) -> list[EngineEvent]:
    """Number what happened in the order in which it is journalled."""
    return [
        EngineEvent(
            sequence=k,
            ts_ms=k,
            intent_sequence=intents[one.get("line", 0)] if one["kind"] is not EventKind.FLOW else 0,
            **one,
        )
        for k, one in enumerate(story, start=1)
    ]


def state(engine: AccountEngine) -> tuple[object, ...]:
    # Texts, because a stop that is not set is NaN and equals nothing.
    return (
        str(replace(engine.account(), last_event=0)),
        str(engine.positions()),
        str(engine.protection(0)),
        str(engine.protection(1)),
    )


def folded(events: list[EngineEvent], *, restarts: bool = False) -> tuple[AccountEngine, list[EngineFill]]:
    """Give an engine that was told the events, and what it booked."""
    engine, _ = ordered()
    booked: list[EngineFill] = []
    for event in events:
        booked += engine.apply(event)
        if restarts:
            data, engine = engine.snapshot(), AccountEngine(engine.config)
            engine.restore(data)
    return engine, booked


@settings(derandomize=True, max_examples=120, deadline=None)
@given(story=stories)
def test_every_fill_is_booked_once_and_cash_fees_and_lots_are_conserved_in_any_order(
    story: list[dict[str, Any]],
) -> None:
    engine, intents = ordered()
    ledger = Ledger(capital=engine.config.capital)
    for event in told(story, intents):
        fills = engine.apply(event)
        if event.kind is EventKind.FILL:
            assert sum(fill.lots for fill in fills) == event.lots
            assert {fill.side for fill in fills} == {event.side}
        if event.kind is EventKind.FLOW:
            ledger.move(
                Flow(flow_id=str(event.sequence), amount=D(repr(event.amount)), moved_at_ms=event.ts_ms)
            )
        for fill in fills:
            assert ledger.book(engine.fill(fill))

    found = engine.account()
    assert abs(ledger.cash - D(repr(found.cash))) < D("1e-6")
    assert abs(ledger.fees - D(repr(found.fees))) < D("1e-6")
    for k in range(2):
        bought = sum(
            one["lots"] * (1 if one["side"] is Side.BUY else -1)
            for one in story
            if one["kind"] is EventKind.FILL and one["line"] == k
        )
        view = engine.position(k)
        assert view.side * view.lots == bought
        held = ledger.positions.get((view.bot_id, view.pair))
        assert (held.quantity if held else D(0)) == bought * STEP
    spent = sum(
        (
            D(one["lots"]) * STEP * D(repr(one["price"])) * (1 if one["side"] is Side.BUY else -1)
            + D(repr(one["fee"]))
        )
        for one in story
        if one["kind"] is EventKind.FILL
    )
    moved = sum(D(repr(one["amount"])) for one in story if one["kind"] is EventKind.FLOW)
    assert abs(engine.config.capital + moved - spent - ledger.cash) < D("1e-5")


@settings(derandomize=True, max_examples=60, deadline=None)
@given(story=stories, data=st.data())
def test_repeats_at_any_later_moment_and_restarts_after_every_event_change_nothing(
    story: list[dict[str, Any]], data: st.DataObject
) -> None:
    events = told(story, ordered()[1])
    repeated: list[EngineEvent] = []
    for event in events:
        repeated.append(event)
        repeated += data.draw(st.lists(st.sampled_from(repeated), max_size=3))

    once, fills = folded(events)
    again, same_fills = folded(repeated, restarts=True)

    assert same_fills == fills
    assert state(again) == state(once)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(story=stories, moves=st.lists(st.integers(0, 14), min_size=14, max_size=14))
def test_an_acknowledgement_may_come_before_or_after_its_fills(
    story: list[dict[str, Any]], moves: list[int]
) -> None:
    intents = ordered()[1]
    rest = [one for one in story if one["kind"] is not EventKind.ACK]
    shuffled = list(rest)
    for move in moves[:3]:
        shuffled.insert(min(move, len(shuffled)), {"kind": EventKind.ACK, "line": move % 2})

    # Without the acknowledgements, but journalled at the same moments.
    moments = [event for event in told(shuffled, intents) if event.kind is not EventKind.ACK]

    silent, fills = folded(moments)
    heard, same_fills = folded(told(shuffled, intents))

    assert same_fills == fills
    assert state(heard) == state(silent)
