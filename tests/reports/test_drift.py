"""Drift: a bot beside its replay. What is the same is said to be, and every difference has its cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from desk.reports.drift.compare import compared
from desk.reports.drift.material import Material, gathered
from desk.reports.drift.replay import Replayed, replayed
from desk.reports.drift.service import Drifts, request_of
from desk.reports.drift.values import Drift, Outcome
from desk.store import SqlStore
from tests.desk.desk_house import DeskHouse, a_house, market, run_to_end
from trading.errors import InvalidInput, NotFound
from trading.orders import Reason


async def a_played_house(store: SqlStore, *, bars: int = 500, strategy: str = "mean_reversion") -> DeskHouse:
    house = await a_house(store, market(bars=bars))
    await house.start_bot(strategy=strategy)
    await run_to_end(house)
    return house


async def material_of(house: DeskHouse, days: int = 30) -> Material:
    async with house.store.reading() as tx:
        request = await request_of(tx, await house.bot(), days=days, now=house.clock.now())
        return await gathered(tx, house.feed, house.registry, request)


#: Played once: the tests only look at it, or change a copy.
_PLAYED: list[tuple[Material, Replayed]] = []


async def a_played_window(store: SqlStore) -> tuple[Material, Replayed]:
    """A bot's window over 300 bars, and its replay."""
    if not _PLAYED:
        house = await a_played_house(store, bars=300)
        material = await material_of(house)
        _PLAYED.append((material, replayed(material, house.registry)))
    return _PLAYED[0]


def adds_up(drift: Drift) -> bool:
    parts = (drift.by_signals, drift.by_exits, drift.by_slippage, drift.by_fees, drift.by_size)
    return sum(parts, Decimal(0)) == drift.gap


async def test_a_paper_bot_does_what_its_replay_does(sqlite_store: SqlStore) -> None:
    house = await a_played_house(sqlite_store)
    drifts = Drifts(house.store, house.feed, house.registry, house.clock)

    drift = await drifts.of(house.workspace.id, (await house.bot()).id, 30)

    assert drift.live_trades == drift.replay_trades == len(await house.trades()) >= 2
    assert drift.signal_match == 1.0
    assert {one.outcome for one in drift.trades if one.live_pnl is not None} == {Outcome.SAME}
    assert drift.entry_slip_bps == pytest.approx(0.0, abs=1e-6)
    assert drift.exit_slip_bps == pytest.approx(0.0, abs=1e-6)
    assert abs(drift.gap) < Decimal("0.01")
    assert adds_up(drift)
    assert drift.notes == ()
    assert drift.points[-1].live == drift.live_pnl
    assert drift.points[-1].replay == drift.replay_pnl


async def test_a_window_that_begins_inside_a_position_is_widened_to_its_entry(sqlite_store: SqlStore) -> None:
    house = await a_played_house(sqlite_store)
    first = (await house.trades())[1]
    whole = await material_of(house)
    inside = first.opened_at + (first.closed_at - first.opened_at) / 2

    async with house.store.reading() as tx:
        material = await gathered(tx, house.feed, house.registry, replace(whole.request, since=inside))
    drift = compared(material, replayed(material, house.registry))

    assert drift.since < first.opened_at
    assert first.id in {one.id for one in material.trades}
    assert drift.signal_match == 1.0
    assert [one.outcome for one in drift.trades if one.number == first.number] == [Outcome.SAME]


async def test_a_window_in_the_middle_is_replayed_from_the_equity_that_stood_there(
    sqlite_store: SqlStore,
) -> None:
    house = await a_played_house(sqlite_store, bars=800)
    trades = await house.trades()
    whole = await material_of(house)
    begin = trades[1].closed_at + timedelta(minutes=15)
    request = replace(whole.request, since=begin, until=trades[-1].closed_at + timedelta(minutes=15))

    async with house.store.reading() as tx:
        material = await gathered(tx, house.feed, house.registry, request)
    drift = compared(material, replayed(material, house.registry))

    assert material.capital != house.account.capital
    assert drift.matched >= len(material.trades) >= 1
    assert all(one.outcome is Outcome.SAME for one in drift.trades if one.live_pnl is not None)
    assert abs(drift.by_size) < Decimal("0.05")
    assert adds_up(drift)


#: What is done to the first trade of the bot, and where the difference must go.
WORSE: list[tuple[str, dict[str, Any], str]] = [
    ("a worse entry", {"entry_price": Decimal(1), "pnl": Decimal(-5)}, "by_slippage"),
    ("higher fees", {"fees": Decimal(3), "pnl": Decimal(-3)}, "by_fees"),
    ("another exit", {"reason": Reason.FORCE_EXIT, "pnl": Decimal(-7)}, "by_exits"),
]


@pytest.mark.parametrize(("what", "change", "part"), WORSE, ids=[one[0] for one in WORSE])
async def test_every_difference_goes_to_its_cause(
    sqlite_store: SqlStore, what: str, change: dict[str, Any], part: str
) -> None:
    material, replay = await a_played_window(sqlite_store)
    before = compared(material, replay)
    one = material.trades[0]
    changed = replace(
        one,
        entry_price=one.entry_price + change.get("entry_price", Decimal(0)),
        fees=one.fees + change.get("fees", Decimal(0)),
        pnl=one.pnl + change["pnl"],
        reason=change.get("reason", one.reason),
    )

    drift = compared(replace(material, trades=(changed, *material.trades[1:])), replay)

    moved = getattr(drift, part) - getattr(before, part)
    assert drift.gap - before.gap == change["pnl"]
    assert moved == pytest.approx(change["pnl"], abs=Decimal("1e-6"))
    assert adds_up(drift)


async def test_a_trade_that_only_one_side_made_is_a_difference_of_signals(sqlite_store: SqlStore) -> None:
    material, replay = await a_played_window(sqlite_store)
    first = material.trades[0]
    strange = replace(first, id="strange", opened_at=first.opened_at - timedelta(hours=6), pnl=Decimal(11))

    without = compared(replace(material, trades=material.trades[1:], signals=material.signals[1:]), replay)
    beside = compared(replace(material, trades=(*material.trades, strange)), replay)

    assert without.by_signals == pytest.approx(-first.pnl, abs=Decimal("0.01"))
    assert without.missed == 1
    assert without.signal_match is not None
    assert without.signal_match < 1.0
    assert [one.outcome for one in without.trades].count(Outcome.ONLY_REPLAY) == 1
    assert beside.by_signals == Decimal(11)
    assert [one.outcome for one in beside.trades].count(Outcome.ONLY_LIVE) == 1
    assert adds_up(without)
    assert adds_up(beside)


async def test_a_signal_that_the_replay_does_not_say_is_not_confirmed(sqlite_store: SqlStore) -> None:
    material, replay = await a_played_window(sqlite_store)
    turned = replace(material.signals[0], direction=-material.signals[0].direction)

    drift = compared(replace(material, signals=(turned, *material.signals[1:])), replay)

    assert drift.signals == len(material.signals)
    assert drift.confirmed == drift.signals - 1
    assert drift.signal_match == pytest.approx(drift.confirmed / drift.signals)


async def test_what_cannot_be_replayed_is_refused_with_a_reason(sqlite_store: SqlStore) -> None:
    house = await a_house(sqlite_store, market(bars=10))
    await house.start_bot()
    drifts = Drifts(house.store, house.feed, house.registry, house.clock)
    own = (await house.bot()).id

    with pytest.raises(InvalidInput, match="No bar of"):
        await drifts.of(house.workspace.id, own, 3)
    with pytest.raises(InvalidInput, match="1 to 366 are allowed"):
        await drifts.of(house.workspace.id, own, 0)
    with pytest.raises(NotFound, match="No bot 'nobody'"):
        await drifts.of(house.workspace.id, "nobody", 3)
