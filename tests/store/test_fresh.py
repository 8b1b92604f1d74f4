"""An empty database is made at once, wholly or not at all; one with anything in it goes the long way."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from desk.store import open_store
from desk.store.fresh import HEADING, make_fresh
from desk.store.location import Location, locate
from desk.store.schema import known_migrations
from tests.support.services import PostgresServer


@pytest.fixture(params=["sqlite", "postgres"])
async def empty(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer
) -> AsyncIterator[Location]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield locate(f"sqlite:{tmp_path / 'empty.sqlite3'}")
        return
    connection = await asyncpg.connect(postgres_server.database_url("postgres"))
    await connection.execute("DROP DATABASE IF EXISTS fresh_one")
    await connection.execute("CREATE DATABASE fresh_one")
    yield locate(postgres_server.database_url("fresh_one"))
    await connection.execute("DROP DATABASE fresh_one WITH (FORCE)")
    await connection.close()


def _url(location: Location) -> str:
    return location.url or f"sqlite:{location.path}"


async def test_it_is_current_and_made_once(empty: Location) -> None:
    first, second = await make_fresh(empty), await make_fresh(empty)

    store = open_store(_url(empty))
    assert (first, second) == (True, False)
    assert await store.is_current()
    await store.close()


async def test_a_script_that_fails_half_way_leaves_nothing(
    empty: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.sql"
    broken.write_text(f"{HEADING}{known_migrations()[-1]}\nCREATE TABLE one (id TEXT);\nCREATE NONSENSE;\n")
    with monkeypatch.context() as patched:
        patched.setattr("desk.store.fresh.script_path", lambda dialect: broken)
        with pytest.raises((sqlite3.Error, asyncpg.PostgresError)):
            await make_fresh(empty)

    assert await make_fresh(empty)


@pytest.mark.parametrize(
    "script", ["", f"{HEADING}0001_people_accounts_and_bots\nCREATE TABLE one (id TEXT);\n"]
)
async def test_a_script_of_another_version_is_passed_over(
    script: str, empty: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old.sql"
    old.write_text(script)
    with monkeypatch.context() as patched:
        patched.setattr("desk.store.fresh.script_path", lambda dialect: old)
        assert not await make_fresh(empty)

    assert await make_fresh(empty)


async def test_a_database_with_anything_in_it_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "somebodys.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text TEXT)")
    connection.close()

    assert not await make_fresh(locate(f"sqlite:{path}"))
