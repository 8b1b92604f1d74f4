"""Bots, phases, history and configurations, on both databases."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from desk.identity import new_id
from desk.store import SqlStore, cursor_of
from desk.views import Bot, ConfigVersion, Page, PairPhase
from tests.support.records import NOON, a_bot, a_change, later
from trading.errors import Conflict, NotFound
from trading.events import Condition, Desired, Phase, TradingState


async def _bot(store: SqlStore, name: str = "btc-elliott") -> Bot:
    async with store.transaction() as tx:
        account = await tx.accounts.create(
            "w1", name=name, venue="paper", is_live=False, currency="USDT", capital=Decimal(1), settings={}
        )
        bot = a_bot("w1", account.id, name)
        await tx.bots.create(bot)
    return bot


async def test_a_bot_comes_back_with_its_phases_and_its_accounts_state(any_store: SqlStore) -> None:
    bot = await _bot(any_store)

    async with any_store.transaction() as tx:
        await tx.bots.set_phase("w1", bot.id, "ETH/USDT", Phase.MONITORING, later(5))
        await tx.bots.set_phase("w2", bot.id, "BTC/USDT", Phase.POSITION_OPEN, later(5))
        await tx.accounts.set_state("w1", bot.account_id, TradingState.REDUCING, "asked")
    async with any_store.reading() as tx:
        expected = replace(
            bot,
            trading_state=TradingState.REDUCING,
            phases=(bot.phases[0], PairPhase(pair="ETH/USDT", phase=Phase.MONITORING, since=later(5))),
        )
        assert await tx.bots.by_id("w1", bot.id) == expected
        assert await tx.bots.by_name("w1", bot.name) == expected
        assert await tx.bots.of_account("w1", bot.account_id) == [expected]
        assert await tx.bots.all("w1") == [expected]
        assert await tx.bots.by_id("w2", bot.id) is None
        assert await tx.bots.by_name("w2", bot.name) is None
        assert await tx.bots.of_account("w2", bot.account_id) == []
        assert await tx.bots.all("w2") == []


async def test_saving_a_bot_counts_its_version_and_refuses_a_stale_one(any_store: SqlStore) -> None:
    bot = await _bot(any_store)

    async with any_store.transaction() as tx:
        saved = await tx.bots.save(
            replace(bot, desired=Desired.RUNNING, last_bar_at=NOON), expected_version=1
        )
        free = await tx.bots.save(replace(saved, condition=Condition.READY))

    assert (saved.version, free.version) == (2, 3)
    with pytest.raises(Conflict, match="at version 3; version 1 was expected"):
        async with any_store.transaction() as tx:
            await tx.bots.save(bot, expected_version=1)
    with pytest.raises(NotFound):
        async with any_store.transaction() as tx:
            await tx.bots.save(replace(bot, workspace_id="w2"))
    async with any_store.reading() as tx:
        assert await tx.bots.by_id("w1", bot.id) == free


async def test_a_name_is_free_again_once_its_bot_is_archived(any_store: SqlStore) -> None:
    bot = await _bot(any_store)
    twin = replace(bot, id=new_id())

    with pytest.raises(Conflict, match="'btc-elliott' is there already"):
        async with any_store.transaction() as tx:
            await tx.bots.create(twin)
    with pytest.raises(NotFound):
        async with any_store.transaction() as tx:
            await tx.bots.archive(replace(bot, workspace_id="w2"), NOON)
    with pytest.raises(Conflict, match="at version 1; version 9 was expected"):
        async with any_store.transaction() as tx:
            await tx.bots.archive(replace(bot, version=9), NOON)
    async with any_store.transaction() as tx:
        await tx.bots.archive(bot, NOON)
        await tx.bots.create(twin)

    async with any_store.reading() as tx:
        assert await tx.bots.by_id("w1", bot.id) is None
        assert [one.id for one in await tx.bots.all("w1")] == [twin.id]
    with pytest.raises(NotFound):
        async with any_store.transaction() as tx:
            await tx.bots.archive(bot, NOON)


async def test_a_rename_to_a_taken_name_is_refused(any_store: SqlStore) -> None:
    await _bot(any_store, "one")
    two = await _bot(any_store, "two")

    with pytest.raises(Conflict, match="'one' is there already"):
        async with any_store.transaction() as tx:
            await tx.bots.save(replace(two, name="one"))


async def test_state_history_pages_newest_first_even_where_times_are_equal(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        for seconds in (0, 1, 1, 1, 2):
            await tx.bots.add_state_change("w1", a_change("b1", seconds))
        await tx.bots.add_state_change("w2", a_change("b1", 9))

    async with any_store.reading() as tx:
        whole = await tx.bots.history("w1", "b1", Page(first=10))
        paged = list(await tx.bots.history("w1", "b1", Page(first=2)))
        while rest := await tx.bots.history("w1", "b1", Page(first=2, after=cursor_of(paged[-1]))):
            paged += rest
    assert [one.at for one in whole] == [later(s) for s in (2, 1, 1, 1, 0)]
    assert paged == whole
    assert len({one.id for one in whole}) == 5


async def test_configurations_are_kept_one_per_version(any_store: SqlStore) -> None:
    def config(version: int) -> ConfigVersion:
        return ConfigVersion(
            id=new_id(),
            bot_id="b1",
            version=version,
            parameters={"degree": version},
            author="alice",
            reason="tuned",
            created_at=later(version),
        )

    first, second = config(1), config(2)

    async with any_store.transaction() as tx:
        await tx.bots.add_config("w1", first)
        await tx.bots.add_config("w1", second)

    with pytest.raises(Conflict):
        async with any_store.transaction() as tx:
            await tx.bots.add_config("w1", config(2))
    async with any_store.reading() as tx:
        assert await tx.bots.configs("w1", "b1") == [second, first]
        assert await tx.bots.configs("w2", "b1") == []
