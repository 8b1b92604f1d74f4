"""The one way into a transaction: it commits whole, frees its slot in every case, and belongs to one task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from desk.clock import ManualClock
from desk.ports import Store, Unit
from desk.store import SqlStore, open_store
from desk.store.postgres import PostgresDatabase
from desk.store.transaction import FAILURE_LIMIT, Failures
from tests.support.records import NOON
from tests.support.services import free_port
from trading.errors import BadSetting, InvariantBroken, StoreProblem


async def _names(store: Store) -> list[str]:
    async with store.reading() as tx:
        return [one.name for one in await tx.workspaces.all()]


def _in_use(store: SqlStore) -> int:
    database = store.transactions.database
    return database.connections_in_use if isinstance(database, PostgresDatabase) else 0


@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError, KeyboardInterrupt])
async def test_whatever_ends_the_block_early_leaves_nothing_behind(
    any_store: SqlStore, error: type[BaseException]
) -> None:
    async def fail() -> None:
        async with any_store.transaction() as tx:
            await tx.workspaces.create("lost")
            raise error

    with pytest.raises(error):
        await fail()

    assert await _names(any_store) == []
    assert _in_use(any_store) == 0
    async with any_store.transaction() as tx:
        await tx.workspaces.create("kept")
    assert await _names(any_store) == ["kept"]


async def test_a_transaction_inside_another_is_refused_and_the_outer_one_goes_on(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        await tx.workspaces.create("outer")
        with pytest.raises(InvariantBroken, match="inside another one"):
            async with any_store.transaction():
                pass

    assert await _names(any_store) == ["outer"]


async def test_a_unit_belongs_to_its_block_and_its_task(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        kept = tx
        with pytest.raises(InvariantBroken, match="another task"):
            await asyncio.create_task(_create(tx, "child"))

    with pytest.raises(InvariantBroken, match="after its transaction ended"):
        await kept.workspaces.create("late")
    assert await _names(any_store) == []


async def _create(tx: Unit, name: str) -> None:
    await tx.workspaces.create(name)


async def test_reading_cannot_write(any_store: SqlStore) -> None:
    async def write() -> None:
        async with any_store.reading() as tx:
            await tx.workspaces.create("sneaked")

    with pytest.raises((InvariantBroken, StoreProblem), match=r"reading\(\)"):
        await write()
    assert await _names(any_store) == []


async def test_a_reader_sees_a_snapshot_while_somebody_writes(any_store: SqlStore) -> None:
    async def write() -> None:
        async with any_store.transaction() as other:
            await other.workspaces.create("new")

    async with any_store.reading() as tx:
        before = await tx.workspaces.all()
        await asyncio.create_task(write())
        after = await tx.workspaces.all()

    assert before == after == []
    assert await _names(any_store) == ["new"]


async def test_the_wait_for_a_connection_is_capped(any_url: str) -> None:
    store = open_store(any_url, acquire_timeout_s=0.2, pool_size=1)
    release = asyncio.Event()
    held = asyncio.Event()

    async def hold() -> None:
        async with store.transaction() as tx:
            await tx.workspaces.create("held")
            held.set()
            await release.wait()

    holder = asyncio.create_task(hold())
    await held.wait()
    with pytest.raises(StoreProblem, match="came free within"):
        async with store.transaction():
            pass
    release.set()
    await holder

    assert await _names(store) == ["held"]
    assert _in_use(store) == 0
    await store.close()


async def test_a_cancelled_wait_takes_no_slot(any_url: str) -> None:
    store = open_store(any_url, acquire_timeout_s=5.0, pool_size=1)

    async def wait() -> None:
        async with store.transaction():
            pass

    async with store.transaction() as tx:
        await tx.workspaces.create("first")
        waiting = [asyncio.create_task(wait()) for _ in range(3)]
        await asyncio.sleep(0.02)
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    assert await _names(store) == ["first"]
    assert _in_use(store) == 0
    await store.close()


async def test_cancelled_in_the_middle_of_work_nothing_is_torn(any_store: SqlStore) -> None:
    async def work() -> None:
        async with any_store.transaction() as tx:
            for i in range(500):
                await tx.workspaces.create(f"torn-{i}")

    for delay_s in (0.0, 0.003, 0.01, 0.02):
        task = asyncio.create_task(work())
        await asyncio.sleep(delay_s)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert await _names(any_store) == []
    assert _in_use(any_store) == 0


async def test_connections_that_died_are_replaced_without_a_word(postgres_url: str) -> None:
    store = open_store(postgres_url, pool_size=2)
    gathered = asyncio.gather(*(_in_a_transaction(store, _pause) for _ in range(2)))
    await gathered

    killer: Any = await asyncpg.connect(postgres_url)
    await killer.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await killer.close()

    for _ in range(4):
        await _in_a_transaction(store, _pause)
    assert _in_use(store) == 0
    await store.close()


async def _pause(tx: Unit) -> None:
    await tx.workspaces.all()
    await asyncio.sleep(0.01)


async def _in_a_transaction(store: SqlStore, work: Callable[[Unit], Awaitable[None]]) -> None:
    async with store.transaction() as tx:
        await work(tx)


async def test_a_database_that_cannot_be_reached_is_named_with_what_to_do(tmp_path: Path) -> None:
    missing = open_store(f"sqlite:{tmp_path / 'none' / 'x.sqlite3'}")
    nobody = open_store(f"postgres://postgres@127.0.0.1:{free_port()}/x")

    for store, found in ((missing, "x.sqlite3' cannot be used"), (nobody, "cannot be reached")):
        with pytest.raises(StoreProblem, match=found) as raised:
            async with store.transaction():
                pass
        assert raised.value.hint
        await store.close()


@pytest.mark.parametrize("url", ["sqlite:", "sqlite::memory:", "mysql://x", "nonsense", "postgres:x"])
def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(BadSetting):
        open_store(url)


def test_a_password_is_not_repeated_in_the_message() -> None:
    with pytest.raises(BadSetting) as raised:
        open_store("mysql://me:secret@host/db")
    assert "secret" not in str(raised.value)
    assert open_store("postgres://me:secret@host/db").location.shown == "host:5432/db"


def _problem() -> StoreProblem:
    return StoreProblem("away")


def test_ten_failures_in_thirty_seconds_are_fatal_once() -> None:
    clock = ManualClock(NOON)
    told: list[StoreProblem] = []
    failures = Failures(clock, told.append)

    for _ in range(FAILURE_LIMIT - 1):
        failures.record(_problem())
        clock.advance(3)
    assert told == []
    failures.record(_problem())

    assert len(told) == 1


@pytest.mark.parametrize("how", ["slow", "interrupted"])
def test_failures_far_apart_or_interrupted_by_a_success_are_not_fatal(how: str) -> None:
    clock = ManualClock(NOON)
    told: list[StoreProblem] = []
    failures = Failures(clock, told.append)

    for i in range(3 * FAILURE_LIMIT):
        failures.record(_problem())
        clock.advance(4 if how == "slow" else 0.1)
        if how == "interrupted" and i % 9 == 8:
            failures.clear()

    assert told == []


async def test_a_store_that_stays_away_tells_whoever_ends_the_process() -> None:
    told: list[StoreProblem] = []
    store = open_store(f"postgres://postgres@127.0.0.1:{free_port()}/x", on_fatal=told.append)

    for _ in range(FAILURE_LIMIT):
        with pytest.raises(StoreProblem):
            async with store.transaction():
                pass

    assert len(told) == 1
    await store.close()
