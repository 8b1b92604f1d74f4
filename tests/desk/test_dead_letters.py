"""Dead letters: tried again once, or settled; and the way back to an earlier configuration."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from desk.commands import ChangeConfig, CreateBot, DiscardDeadLetter, ReplayDeadLetter, RollBackConfig
from desk.identity import Role, new_id
from desk.jobs.queueing import new_job
from desk.store import SqlStore
from desk.views import Bot, DeadLetter, JobState, Page
from tests.desk.desk_house import DeskHouse, a_house, market
from tests.support.records import a_delivery, an_alert
from trading.errors import Conflict, Denied, NotFound

SERIES = market(bars=5)


def a_letter(house: DeskHouse, source: str, kind: str, **payload: str) -> DeadLetter:
    return DeadLetter(
        id=new_id(),
        workspace_id=house.workspace.id,
        source=source,
        kind=kind,
        payload=payload,
        payload_hash="ab",
        cause="ValueError: x",
        trace_id="",
        attempts=5,
        created_at=house.clock.now(),
        replayed_at=None,
    )


async def bury(house: DeskHouse, letter: DeadLetter) -> DeadLetter:
    async with house.store.transaction() as tx:
        await tx.messages.bury(letter)
    return letter


async def replay(house: DeskHouse, letter: DeadLetter) -> DeadLetter:
    done = await house.desk.do(ReplayDeadLetter(letter_id=letter.id), house.actor())
    assert isinstance(done.view, DeadLetter)
    return done.view


async def discard(house: DeskHouse, letter: DeadLetter) -> DeadLetter:
    done = await house.desk.do(DiscardDeadLetter(letter_id=letter.id), house.actor())
    assert isinstance(done.view, DeadLetter)
    return done.view


async def test_the_letter_of_a_job_queues_the_job_anew_once(sqlite_store: SqlStore) -> None:
    house = await a_house(sqlite_store, SERIES)
    job = new_job(house.workspace.id, "backtest", title="x", input={}, now=house.clock.now())
    async with house.store.transaction() as tx:
        await tx.jobs.add(replace(job, state=JobState.FAILED, finished_at=house.clock.now(), error="x"))
    letter = await bury(house, a_letter(house, "jobs", "backtest", job_id=job.id))

    first = await replay(house, letter)
    async with house.store.transaction() as tx:
        claimed = await tx.jobs.claim(job.id, "hand", house.clock.now(), 60.0)
    again = await replay(house, letter)

    assert first.replayed_at is not None
    assert first.settled_by == house.actor().label
    assert claimed is not None
    assert again == first
    async with house.store.reading() as tx:
        found = await tx.jobs.by_id(house.workspace.id, job.id)
    assert found is not None
    assert found.state is JobState.RUNNING


async def test_the_letter_of_an_alert_puts_its_delivery_back_into_the_queue(sqlite_store: SqlStore) -> None:
    house = await a_house(sqlite_store, SERIES)
    alert = replace(an_alert(house.workspace.id), created_at=house.clock.now(), kind="test")
    delivery = a_delivery(alert)
    async with house.store.transaction() as tx:
        await tx.alerts.add(alert, [delivery])
        await tx.alerts.mark_failed(delivery.id, "blocked", None)
        waiting, _ = await tx.alerts.pending()
    letter = await bury(
        house, a_letter(house, "alert:telegram", "test", alert_id=alert.id, delivery_id=delivery.id)
    )

    await replay(house, letter)

    assert waiting == 0
    async with house.store.reading() as tx:
        assert (await tx.alerts.pending())[0] == 1
        assert await tx.messages.buried(house.workspace.id, Page(), is_open=True) == []
        assert [one.id for one in await tx.messages.buried(house.workspace.id, Page(), is_open=False)] == [
            letter.id
        ]


async def test_an_alert_that_came_to_its_age_is_not_sent_again_and_its_letter_waits(
    sqlite_store: SqlStore,
) -> None:
    house = await a_house(sqlite_store, SERIES)
    alert = replace(
        an_alert(house.workspace.id), created_at=house.clock.now() - timedelta(hours=2), kind="test"
    )
    delivery = a_delivery(alert)
    async with house.store.transaction() as tx:
        await tx.alerts.add(alert, [delivery])
        await tx.alerts.mark_failed(delivery.id, "blocked", None)
    letter = await bury(
        house, a_letter(house, "alert:email", "test", alert_id=alert.id, delivery_id=delivery.id)
    )

    with pytest.raises(Conflict, match="within 1:00:00"):
        await replay(house, letter)

    async with house.store.reading() as tx:
        found = await tx.messages.letter(house.workspace.id, letter.id)
    assert found is not None
    assert found.replayed_at is None


async def test_a_persons_words_are_not_said_again_but_settled(sqlite_store: SqlStore) -> None:
    house = await a_house(sqlite_store, SERIES)
    letter = await bury(house, a_letter(house, "telegram", "chat_message", text="/panic"))

    with pytest.raises(Conflict, match="in their name"):
        await replay(house, letter)
    settled = await discard(house, letter)

    assert settled.discarded_at is not None
    assert await discard(house, letter) == settled
    with pytest.raises(Conflict, match="discarded by"):
        await replay(house, letter)


async def test_a_replayed_letter_cannot_be_discarded_and_a_strange_one_is_not_found(
    sqlite_store: SqlStore,
) -> None:
    house = await a_house(sqlite_store, SERIES)
    letter = await bury(house, a_letter(house, "jobs", "backtest", job_id="gone"))
    async with house.store.transaction() as tx:
        assert await tx.messages.mark_replayed(house.workspace.id, letter.id, house.clock.now(), by="ann")
        assert not await tx.messages.mark_discarded(
            house.workspace.id, letter.id, house.clock.now(), by="ann"
        )

    with pytest.raises(Conflict, match="replayed by ann"):
        await discard(house, letter)
    with pytest.raises(NotFound, match="dlq"):
        await discard(house, replace(letter, id="other"))
    with pytest.raises(Denied):
        await house.desk.do(ReplayDeadLetter(letter_id=letter.id), house.actor(Role.OPERATOR))


async def _a_bot_with_three_configurations(house: DeskHouse) -> Bot:
    bot = (
        await house.desk.do(
            CreateBot(name="tide", strategy="trend_following", pairs=("BTC/USDT",), timeframe="15m"),
            house.actor(),
        )
    ).view
    for fast in (11, 12):
        bot = (
            await house.desk.do(ChangeConfig(bot_id=bot.id, parameters=(("fast_bars", fast),)), house.actor())
        ).view
    assert isinstance(bot, Bot)
    return bot


async def test_a_configuration_is_gone_back_to_as_a_new_version(sqlite_store: SqlStore) -> None:
    house = await a_house(sqlite_store, SERIES)
    bot = await _a_bot_with_three_configurations(house)
    async with house.store.reading() as tx:
        first = next(one for one in await tx.bots.configs(house.workspace.id, bot.id) if one.version == 1)

    before = (await house.desk.do(RollBackConfig(bot_id="tide"), house.actor())).view
    oldest = (await house.desk.do(RollBackConfig(bot_id="tide", version=1), house.actor())).view

    assert (before.config_version, before.parameters["fast_bars"]) == (4, 11)
    assert oldest.config_version == 5
    assert {**oldest.parameters, "allocation": oldest.allocation} == first.parameters
    async with house.store.reading() as tx:
        newest = (await tx.bots.configs(house.workspace.id, bot.id))[0]
    assert (newest.version, newest.reason) == (5, "back to 1")


@pytest.mark.parametrize(
    ("wanted", "kind", "words"),
    [
        (RollBackConfig(bot_id="tide", version=3), Conflict, "an earlier one"),
        (RollBackConfig(bot_id="tide", version=9), NotFound, "1, 2 can be gone back to"),
        (RollBackConfig(bot_id="tide", version=1, expected_version=2), Conflict, "was expected"),
    ],
)
async def test_a_way_back_that_leads_nowhere_is_refused(
    sqlite_store: SqlStore, wanted: RollBackConfig, kind: type[Exception], words: str
) -> None:
    house = await a_house(sqlite_store, SERIES)
    await _a_bot_with_three_configurations(house)

    with pytest.raises(kind, match=words):
        await house.desk.do(wanted, house.actor())
