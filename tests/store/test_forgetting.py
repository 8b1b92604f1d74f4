"""Old records are forgotten in small portions; what somebody still needs stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from desk.identity import new_id
from desk.store import SqlStore
from desk.views import DeadLetter, Page
from tests.support.records import NOON, later
from trading.events import BotCreated

CUTOFF = later(100)


async def _facts(store: SqlStore, workspace_id: str, *seconds: float) -> None:
    for second in seconds:
        fact = BotCreated(workspace_id=workspace_id, occurred_at=NOON, name="x", strategy="y")
        async with store.transaction() as tx:
            await tx.journal.append(workspace_id, [fact], later(second))


async def _kept(store: SqlStore, workspace_id: str) -> list[int]:
    async with store.reading() as tx:
        return [one.sequence for one in await tx.journal.after(workspace_id, 0)]


async def test_facts_are_retired_from_the_oldest_on_and_leave_no_hole(any_store: SqlStore) -> None:
    # The fourth was recorded late by a clock that was set: nothing behind it goes before it is old itself.
    await _facts(any_store, "w1", 1, 2, 3, 200, 4, 300)
    await _facts(any_store, "w2", 1, 2)

    async with any_store.transaction() as tx:
        first = await tx.journal.forget(CUTOFF, most=2)
    async with any_store.transaction() as tx:
        second = await tx.journal.forget(CUTOFF, most=2)
        third = await tx.journal.forget(CUTOFF, most=2)

    assert (first, second, third) == (3, 1, 0)
    assert await _kept(any_store, "w1") == [4, 5, 6]
    # The newest fact of a quiet workspace stays: numbers go on from it.
    assert await _kept(any_store, "w2") == [2]
    assert await any_store.check() == []
    await _facts(any_store, "w2", 400)
    assert await _kept(any_store, "w2") == [2, 3]


async def test_answers_and_confirmations_that_ran_out_are_forgotten(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        for second in (1, 2, 200):
            await tx.keys.store_answer("w1", f"key-{second}", "hash", {"a": 1}, later(second))
            await tx.keys.add_confirmation(
                "w1",
                f"token-{second}",
                user_id="u",
                channel="api",
                command_hash="c",
                expires_at=later(second),
            )

    async with any_store.transaction() as tx:
        first = await tx.keys.forget(CUTOFF, most=1)
        rest = await tx.keys.forget(CUTOFF, most=100)
        none = await tx.keys.forget(CUTOFF, most=100)

    assert (first, rest, none) == (2, 2, 0)
    async with any_store.transaction() as tx:
        assert await tx.keys.stored_answer("w1", "key-1") is None
        assert await tx.keys.stored_answer("w1", "key-200") == ("hash", {"a": 1})


def _letter(at: datetime) -> DeadLetter:
    return DeadLetter(
        id=new_id(),
        workspace_id="w1",
        source="jobs",
        kind="x",
        payload={},
        payload_hash="h",
        cause="c",
        trace_id="",
        attempts=1,
        created_at=at,
        replayed_at=None,
    )


async def test_settled_letters_go_and_those_that_wait_stay_however_old(any_store: SqlStore) -> None:
    waiting, replayed, discarded, fresh = (_letter(NOON - timedelta(days=400)) for _ in range(4))
    async with any_store.transaction() as tx:
        for one in (waiting, replayed, discarded, fresh):
            await tx.messages.bury(one)
        await tx.messages.mark_replayed("w1", replayed.id, later(1), by="ann")
        await tx.messages.mark_discarded("w1", discarded.id, later(2), by="ann")
        await tx.messages.mark_discarded("w1", fresh.id, later(200), by="ann")
        await tx.messages.first_time("w1", "hook", "old", later(1))
        await tx.messages.first_time("w1", "hook", "new", later(200))

    async with any_store.transaction() as tx:
        gone = await tx.messages.forget(CUTOFF, most=100)

    assert gone == 3
    async with any_store.transaction() as tx:
        left = await tx.messages.buried("w1", Page(first=10))
        assert {one.id for one in left} == {waiting.id, fresh.id}
        assert replace(waiting) in left
        assert await tx.messages.first_time("w1", "hook", "old", later(300))
        assert not await tx.messages.first_time("w1", "hook", "new", later(300))
