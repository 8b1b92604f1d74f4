"""The migrated schema is the committed one on both databases, and migrations run both ways with data in place."""

from __future__ import annotations

import asyncio
import contextvars
import json
from pathlib import Path

import pytest
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector

from desk.identity import Role
from desk.store import EMPTY, SqlStore, migrate, open_store
from desk.store.fresh import script_path
from desk.store.location import locate
from desk.store.migrate import tortoise_config
from desk.store.schema import known_migrations, migrations_folder
from tests.support.records import a_bot, an_order
from tests.support.schema import EXPECTED, Schema, as_script, heard, of_postgres, of_sqlite
from trading.errors import StoreProblem

#: Rows that belong to the whole install, not to one workspace.
_SHARED = {
    "installs",
    "workspaces",
    "candles",
    "candle_series",
    "heartbeats",
    "index_readings",
    "leases",
    "news",
    "news_assets",
    "throttles",
}


def _expected() -> Schema:
    found: Schema = json.loads(EXPECTED.read_text())
    return found


async def test_sqlite_has_the_committed_schema(sqlite_store: SqlStore) -> None:
    assert of_sqlite(sqlite_store.location.path) == _expected()


async def test_postgres_has_the_committed_schema(postgres_url: str) -> None:
    assert await of_postgres(postgres_url) == _expected()


def test_every_table_is_born_with_its_workspace() -> None:
    without = {name for name, table in _expected().items() if "workspace_id" not in table["columns"]}

    assert without == _SHARED


def test_the_keys_that_carry_the_guarantee_are_unique() -> None:
    schema = _expected()

    assert schema["order_intents"]["unique"] == [["client_order_id"], ["workspace_id", "idempotency_key"]]
    assert schema["order_events"]["unique"] == [["order_id", "sequence"]]
    assert schema["fills"]["unique"] == [["account_id", "venue_trade_id"]]
    assert ["dedupe_key"] in schema["outbox"]["unique"]
    assert schema["inbox"]["unique"] == [["source", "message_id"]]
    assert schema["leases"]["key"] == ["name"]
    assert {name for name, table in schema.items() if table["is_append_only"]} == {"audit", "order_events"}


async def test_models_and_migrations_agree(tmp_path: Path) -> None:
    async def changes() -> list[str]:
        config = tortoise_config(locate(f"sqlite:{tmp_path / 'x.sqlite3'}"))
        async with TortoiseContext() as context:
            await context.init(config)
            assert context.apps is not None
            writers = await MigrationAutodetector(context.apps, config["apps"]).changes()
        return [one.as_string() for one in writers]

    assert await asyncio.create_task(changes(), context=contextvars.Context()) == []


async def test_migrations_run_down_and_up_again_with_data_in_place(any_url: str) -> None:
    store = open_store(any_url, acquire_timeout_s=10.0)
    await store.require_current()
    order_id = await _seed(store)
    await store.close()

    # Back over the partial keys and triggers only: the rows stay, and the keys come back with the next migration.
    await migrate(any_url, target=known_migrations()[-2])
    with pytest.raises(StoreProblem, match=f"lacks 1 migrations, the first is {known_migrations()[-1]}"):
        await store.require_current()
    await migrate(any_url)
    async with store.reading() as tx:
        assert await tx.orders.by_id("w1", order_id) is not None
        assert await tx.audit.first_bad("w1") is None
    await store.close()

    await migrate(any_url, target=EMPTY)
    assert not await store.is_current()
    await store.close()
    async with heard(any_url) as said:
        await migrate(any_url)
    # `python -m tests.support.schema` renews it.
    assert as_script(said) == script_path(locate(any_url).dialect).read_text(encoding="utf-8")
    async with store.reading() as tx:
        assert await tx.workspaces.all() == []
    assert await store.is_current()
    await store.close()
    location = locate(any_url)
    assert (of_sqlite(location.path) if not location.url else await of_postgres(any_url)) == _expected()


async def _seed(store: SqlStore) -> str:
    order = an_order("w1")
    async with store.transaction() as tx:
        await tx.workspaces.create("home")
        await tx.members.add("w1", name="alice", email="a@example.org", role=Role.OWNER)
        await tx.bots.create(a_bot("w1", "account-1"))
        await tx.orders.add(order, idempotency_key="k")
        await tx.audit.append(
            "w1",
            at=order.created_at,
            actor="a",
            channel="c",
            action="x",
            subject="",
            detail={},
            outcome="done",
        )
    return order.id


async def test_a_database_of_a_newer_version_is_refused(any_store: SqlStore, any_url: str) -> None:
    async with any_store.transaction() as tx:
        await tx.connection.change(
            "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '9999_later', ?)",
            (await tx.workspaces.create("x")).created_at,
        )

    assert not await any_store.is_current()
    with pytest.raises(StoreProblem, match="9999_later, which this version does not know"):
        await any_store.require_current()
    with pytest.raises(StoreProblem, match="9999_later, which this version does not know"):
        await migrate(any_url)
    async with any_store.transaction() as tx:
        await tx.connection.change("DELETE FROM tortoise_migrations WHERE name = '9999_later'")


async def test_a_database_that_cannot_be_migrated_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreProblem, match=r"x\.sqlite3' could not be migrated"):
        await migrate(f"sqlite:{tmp_path / 'none' / 'x.sqlite3'}")


async def test_two_processes_that_migrate_at_once_take_turns(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'both.sqlite3'}"

    await asyncio.gather(migrate(url), migrate(url))

    store = open_store(url)
    assert await store.is_current()
    await store.close()


def test_migrations_are_numbered_without_a_hole() -> None:
    names = known_migrations()

    assert [name[:4] for name in names] == [f"{i:04d}" for i in range(1, len(names) + 1)]
    assert all((migrations_folder() / f"{name}.py").is_file() for name in names)
