"""People's say in entries: a semi-automatic bot asks, silence skips, and nothing goes against the market's direction."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from desk.bots.trials import plan_of, signal_of
from desk.commands import (
    AnswerEntry,
    ArchiveTrade,
    ChangeConfig,
    PauseBot,
    ReloadConfig,
    SetEntryMode,
    SetMarketDirection,
)
from desk.entry_views import EntryRequest, EntryState
from desk.handlers.entries import running_version
from desk.identity import Role
from desk.store import SqlStore
from desk.views import Filter, Order, Page
from strategies.registry import default_registry
from tests.desk.desk_house import ALL, DeskHouse, a_house, at_work, market, until
from tests.desk.test_supervision import Always, bars_pass
from trading.errors import Conflict, InvalidInput, NotFound
from trading.events import EntryAnswered, EntryDenied, Phase
from trading.signals import EntryType, Signal

SERIES = market(("BTC/USDT",), bars=3_000)


async def a_market(store: SqlStore) -> DeskHouse:
    registry = default_registry()
    registry.register(Always)
    return await a_house(store, SERIES, registry=registry, bars_per_s=150)


async def an_asking_house(store: SqlStore, *, drift: str = "0.2") -> DeskHouse:
    """A bot that wants to be long at each close, and has to ask."""
    house = await a_market(store)
    await house.start_bot(strategy="always")
    await house.desk.do(
        SetEntryMode(bot_id="tide", is_asked=True, drift=Decimal(drift)), house.actor(Role.TRADER)
    )
    return house


async def requests(house: DeskHouse) -> list[EntryRequest]:
    async with house.store.reading() as tx:
        return list(await tx.entries.recent(house.workspace.id))


async def orders(house: DeskHouse) -> list[Order]:
    async with house.store.reading() as tx:
        return list(await tx.orders.page(house.workspace.id, Filter(), ALL))


async def asked(house: DeskHouse) -> EntryRequest:
    async def is_there() -> bool:
        return bool(await requests(house))

    await until(is_there)
    [found] = await requests(house)
    return found


async def reaches(house: DeskHouse, state: EntryState) -> EntryRequest:
    async def is_there() -> bool:
        return (await requests(house))[0].state is state

    await until(is_there)
    [found] = await requests(house)
    return found


async def answer(house: DeskHouse, code: str, said: str) -> EntryRequest:
    outcome = await house.desk.do(AnswerEntry(code=code, answer=said), house.actor(Role.TRADER))
    view: EntryRequest = outcome.view
    return view


async def test_a_semi_automatic_bot_enters_only_after_a_yes_and_once(sqlite_store: SqlStore) -> None:
    house = await an_asking_house(sqlite_store)
    async with at_work(house):
        request = await asked(house)
        await bars_pass(house, 20)
        assert await orders(house) == []
        assert len(await requests(house)) == 1

        await answer(house, request.code.lower(), "approve")
        entered = await reaches(house, EntryState.ENTERED)
        await until(lambda: _holds(house))

    [order] = [one for one in await orders(house) if not one.is_reduce_only]
    assert order.signal_id == request.signal_id == entered.signal_id
    assert entered.decided_by == "trader@graphql"
    async with house.store.reading() as tx:
        audit = await tx.audit.page(house.workspace.id, Page(first=50))
        signal = await tx.signals.by_id(house.workspace.id, request.signal_id)
    assert [(one.actor, one.outcome) for one in audit if one.action == "AnswerEntry"] == [
        ("trader@graphql", "done")
    ]
    assert signal is not None
    assert signal.outcome == "entered"


async def _holds(house: DeskHouse) -> bool:
    return len(await house.positions()) == 1


async def test_half_is_half_of_what_the_limits_allow_at_the_close(sqlite_store: SqlStore) -> None:
    house = await an_asking_house(sqlite_store)
    async with at_work(house):
        request = await asked(house)
        await answer(house, request.code, "half")
        await reaches(house, EntryState.ENTERED)

    order = next(one for one in await orders(house) if not one.is_reduce_only)
    assert Decimal("0.45") < order.quantity / request.quantity < Decimal("0.55")


async def test_a_skipped_entry_is_over_and_the_bot_looks_on(sqlite_store: SqlStore) -> None:
    house = await an_asking_house(sqlite_store)
    async with at_work(house):
        request = await asked(house)
        await answer(house, request.code, "skip")
        await bars_pass(house, 20)

        with pytest.raises(Conflict, match="skipped already by trader"):
            await answer(house, request.code, "approve")

        async def looks_on() -> bool:
            return (await house.bot()).phases[0].phase is Phase.MONITORING

        await until(looks_on)
    assert await orders(house) == []
    # The wish has lasted since: nobody is asked about it again.
    assert len(await requests(house)) == 1
    told = [one.state for one in await house.facts(EntryAnswered) if isinstance(one, EntryAnswered)]
    assert told == ["SKIPPED"]


async def test_silence_skips(sqlite_store: SqlStore) -> None:
    house = await an_asking_house(sqlite_store)
    async with at_work(house):
        request = await asked(house)
        async with sqlite_store.transaction() as tx:
            await tx.connection.change(
                "UPDATE entry_requests SET expires_at = ? WHERE id = ?", house.clock.now(), request.id
            )
        over = await reaches(house, EntryState.EXPIRED)
        await bars_pass(house, 10)
    assert over.outcome == "not_answered"
    assert await orders(house) == []


async def test_what_waits_survives_a_restart_and_is_entered_once(sqlite_store: SqlStore) -> None:
    house = await an_asking_house(sqlite_store)
    async with at_work(house):
        request = await asked(house)

    again = await a_market(sqlite_store)
    await answer(again, request.code, "approve")
    async with at_work(again):
        await reaches(again, EntryState.ENTERED)
        await until(lambda: _holds(again))
    assert len([one for one in await orders(again) if not one.is_reduce_only]) == 1


async def test_a_price_that_went_too_far_ends_the_question_at_the_close_and_at_the_tap(
    sqlite_store: SqlStore,
) -> None:
    house = await an_asking_house(sqlite_store, drift="0.00001")
    async with at_work(house):
        await reaches_any(house, EntryState.DRIFTED)

    async with sqlite_store.transaction() as tx:
        await tx.connection.change(
            "UPDATE entry_requests SET state = 'WAITING', price = '1' WHERE workspace_id = ?",
            house.workspace.id,
        )
    [first, *_] = await requests(house)
    assert (await answer(house, first.code, "approve")).state is EntryState.DRIFTED
    assert await orders(house) == []


async def reaches_any(house: DeskHouse, state: EntryState) -> None:
    async def is_there() -> bool:
        return any(one.state is state for one in await requests(house))

    await until(is_there)


async def test_two_answers_at_once_are_one(sqlite_store: SqlStore) -> None:
    house = await an_asking_house(sqlite_store)
    async with at_work(house):
        request = await asked(house)
        found = await asyncio.gather(
            answer(house, request.code, "approve"),
            answer(house, request.code, "skip"),
            return_exceptions=True,
        )
    assert sorted(type(one).__name__ for one in found) == ["Conflict", "EntryRequest"]


async def test_a_paused_bot_takes_no_yes_and_a_no_is_always_taken(sqlite_store: SqlStore) -> None:
    house = await an_asking_house(sqlite_store)
    async with at_work(house):
        request = await asked(house)
        await house.desk.do(PauseBot(bot_id="tide"), house.actor())

        with pytest.raises(Conflict, match="opens nothing now"):
            await answer(house, request.code, "approve")
        assert (await answer(house, request.code, "skip")).state is EntryState.SKIPPED
        with pytest.raises(InvalidInput, match="approve, half, skip are allowed"):
            await answer(house, request.code, "perhaps")
        with pytest.raises(NotFound, match="No entry is called"):
            await answer(house, "ZZZZZZ", "skip")


async def test_a_bot_that_is_automatic_again_withdraws_what_it_asked(sqlite_store: SqlStore) -> None:
    house = await an_asking_house(sqlite_store)
    async with at_work(house):
        await asked(house)
        await house.desk.do(SetEntryMode(bot_id="tide", is_asked=False), house.actor())
        over = await reaches(house, EntryState.WITHDRAWN)
        await until(lambda: _holds(house))
    assert over.outcome == "withdrawn"


async def test_entries_against_the_direction_are_refused_and_named(sqlite_store: SqlStore) -> None:
    house = await a_market(sqlite_store)
    await house.desk.do(SetMarketDirection(direction="short"), house.actor(Role.OPERATOR))
    await house.start_bot(strategy="always")
    async with at_work(house):

        async def is_denied() -> bool:
            return bool(await house.facts(EntryDenied))

        await until(is_denied)
        assert await orders(house) == []
        await house.desk.do(SetMarketDirection(direction="even"), house.actor(Role.OPERATOR))
        await until(lambda: _holds(house))
    reasons = {one.reason for one in await house.facts(EntryDenied) if isinstance(one, EntryDenied)}
    assert reasons == {"market_direction"}


async def test_a_running_bot_goes_on_with_its_newest_configuration_when_told(sqlite_store: SqlStore) -> None:
    house = await a_market(sqlite_store)
    bot = await house.start_bot(strategy="trend_following")

    async def version() -> int:
        async with house.store.reading() as tx:
            return await running_version(tx, await house.bot())

    async with at_work(house):

        async def is_ready() -> bool:
            return (await house.bot()).last_bar_at is not None

        await until(is_ready)
        await house.desk.do(ChangeConfig(bot_id=bot.id, parameters=(("fast_bars", 9),)), house.actor())
        await bars_pass(house, 5)
        assert await version() == 1
        await house.desk.do(ReloadConfig(bot_id=bot.id), house.actor())

        async def runs_the_newest() -> bool:
            return await version() == 2

        await until(runs_the_newest)
        with pytest.raises(Conflict, match="runs configuration 2, the newest"):
            await house.desk.do(ReloadConfig(bot_id=bot.id), house.actor())


async def test_an_archived_trade_is_left_out_of_lists_and_stays_where_it_is(sqlite_store: SqlStore) -> None:
    house = await an_asking_house(sqlite_store)
    async with sqlite_store.transaction() as tx:
        from tests.support.records import a_trade

        trade = await tx.positions.add_trade(a_trade(house.workspace.id))

    await house.desk.do(ArchiveTrade(trade_id=str(trade.number)), house.actor(Role.ADMIN))

    assert await house.trades() == []
    async with sqlite_store.reading() as tx:
        assert await tx.positions.trade(house.workspace.id, trade.id) == trade
    with pytest.raises(Conflict, match="archived already"):
        await house.desk.do(ArchiveTrade(trade_id=trade.id), house.actor(Role.ADMIN))


def test_a_signal_comes_back_from_its_plan_as_it_was() -> None:
    signal = Signal(
        enter=-1,
        entry_type=EntryType.LIMIT,
        entry_price=101.5,
        stop=110.0,
        targets=(99.0, 95.0, float("nan")),
        trail_ratio=0.02,
        score=0.7,
        tag=2,
    )

    back = signal_of(plan_of(signal))

    assert plan_of(back) == plan_of(signal)
    assert (back.entry_type, back.entry_price, back.stop) == (EntryType.LIMIT, 101.5, 110.0)
    assert plan_of(signal)["targets"] == [99.0, 95.0, None]


@pytest.mark.parametrize(("window", "drift"), [(1, "0.01"), (90_000, "0.01"), (600, "0"), (600, "0.5")])
async def test_windows_and_drifts_have_bounds(sqlite_store: SqlStore, window: int, drift: str) -> None:
    house = await an_asking_house(sqlite_store)

    with pytest.raises(InvalidInput, match="allowed"):
        await house.desk.do(
            SetEntryMode(
                bot_id="tide", is_asked=True, window=timedelta(seconds=window), drift=Decimal(drift)
            ),
            house.actor(),
        )
