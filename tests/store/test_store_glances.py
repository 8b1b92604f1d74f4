"""Statements that stand alone: fresh, refused when they write, and answered in any crowd."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from desk.store import SqlStore, open_store
from desk.store.connection import Dialect
from desk.store.postgres import PostgresDatabase
from desk.store.postgres_glances import GLANCES
from tests.support.services import free_port
from trading.errors import InvariantBroken, StoreProblem


async def _names(store: SqlStore) -> list[str]:
    return [one.name for one in await store.glance.workspaces.all()]


async def test_a_glance_sees_what_was_committed_and_nothing_else(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        await tx.workspaces.create("home")
        during = await _names(any_store)
    after = await _names(any_store)

    assert (during, after) == ([], ["home"])


async def test_a_glance_cannot_write(any_store: SqlStore) -> None:
    with pytest.raises(InvariantBroken, match=r"open a transaction\(\) to write"):
        await any_store.glance.workspaces.create("sneaked")
    with pytest.raises((InvariantBroken, StoreProblem)):
        await any_store.glance.connection.rows("DELETE FROM workspaces RETURNING id")

    assert await _names(any_store) == []


async def test_a_crowd_of_tasks_is_answered_whole_and_counts_as_no_failure(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        made = await tx.workspaces.create("home")

    found = await asyncio.gather(*(any_store.glance.workspaces.by_id(made.id) for _ in range(100)))

    assert found == [made] * 100
    assert any_store.transactions.failures.in_a_row == 0


async def test_one_wrong_statement_spoils_no_other(any_store: SqlStore) -> None:
    wrong = any_store.glance.connection.rows("SELECT nothing FROM nowhere")
    found = await asyncio.gather(wrong, *(_names(any_store) for _ in range(9)), return_exceptions=True)

    assert isinstance(found[0], StoreProblem)
    assert found[1:] == [[]] * 9


async def test_who_gives_up_waiting_harms_nobody(any_store: SqlStore) -> None:
    slow = {
        Dialect.POSTGRES: "SELECT pg_sleep(1)",
        Dialect.SQLITE: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT max(i) FROM n",
    }[any_store.transactions.database.dialect]
    waiting = [asyncio.create_task(any_store.glance.connection.rows(slow)) for _ in range(GLANCES)]
    await asyncio.sleep(0.02)
    for one in waiting:
        one.cancel()
    given_up = await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(one, asyncio.CancelledError) for one in given_up)
    async with asyncio.timeout(20):
        assert await asyncio.gather(*(_names(any_store) for _ in range(2 * GLANCES))) == [[]] * (2 * GLANCES)


async def test_connections_that_died_meanwhile_are_replaced_without_a_word(postgres_url: str) -> None:
    store = open_store(postgres_url)
    await asyncio.gather(*(_names(store) for _ in range(2 * GLANCES)))
    stranger: Any = await asyncpg.connect(postgres_url)
    ended = await stranger.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'breakwater'"
    )
    await stranger.close()

    found = await asyncio.gather(*(_names(store) for _ in range(2 * GLANCES)))
    await store.close()

    assert len(ended) == GLANCES
    assert found == [[]] * (2 * GLANCES)
    assert store.transactions.failures.in_a_row == 0


async def test_a_database_that_is_away_is_a_failure_that_counts() -> None:
    store = open_store(f"postgres://postgres@127.0.0.1:{free_port()}/none", acquire_timeout_s=0.5)

    with pytest.raises(StoreProblem, match="cannot be reached"):
        await _names(store)

    assert store.transactions.failures.in_a_row == 1
    await store.close()


async def test_trading_finds_a_connection_however_many_glance(postgres_url: str) -> None:
    store = open_store(postgres_url, acquire_timeout_s=1.0, pool_size=1)
    crowd = [
        asyncio.create_task(store.glance.connection.rows("SELECT pg_sleep(0.3)")) for _ in range(4 * GLANCES)
    ]
    await asyncio.sleep(0)

    async with store.transaction() as tx:
        await tx.workspaces.create("traded")
    still_waiting = sum(not one.done() for one in crowd)
    for one in crowd:
        one.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)

    assert still_waiting > 0
    assert isinstance(store.transactions.database, PostgresDatabase)
    assert await _names(store) == ["traded"]
    await store.close()
