"""Fixtures for every room: stores on both databases, and Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from desk.store import SqlStore, open_store
from tests.support.services import PostgresServer, RedisServer
from tests.support.stores import PostgresTemplate, SqliteTemplate

#: Tests share a small machine: a store waits longer for a connection than in service.
PATIENCE_S = 10.0


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    """A migrated SQLite file, made once per run."""
    return SqliteTemplate(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL, started once per run."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> Iterator[PostgresTemplate]:
    """A migrated database, made once per run."""
    template = PostgresTemplate(postgres_server)
    yield template
    template.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A real Redis, started once per run."""
    server = RedisServer()
    yield server
    server.close()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of a real Redis; choose key names of your own, the server is shared."""
    return redis_server.url


@pytest.fixture
def sqlite_url(sqlite_template: SqliteTemplate, tmp_path: Path) -> str:
    """The URL of a migrated SQLite file of this test."""
    return sqlite_template.copy(tmp_path / "store.sqlite3")


@pytest.fixture
def postgres_url(postgres_template: PostgresTemplate) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database of this test."""
    url = postgres_template.lend()
    yield url
    postgres_template.take_back(url)


@pytest.fixture
async def sqlite_store(sqlite_url: str) -> AsyncIterator[SqlStore]:
    """An empty store on SQLite."""
    store = open_store(sqlite_url, acquire_timeout_s=PATIENCE_S)
    yield store
    await store.close()


@pytest.fixture
async def postgres_store(postgres_url: str) -> AsyncIterator[SqlStore]:
    """An empty store on PostgreSQL."""
    store = open_store(postgres_url, acquire_timeout_s=PATIENCE_S)
    yield store
    await store.close()


@pytest.fixture(params=["sqlite", "postgres"])
def any_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, once per kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def any_store(any_url: str) -> AsyncIterator[SqlStore]:
    """An empty store, once per database."""
    store = open_store(any_url, acquire_timeout_s=PATIENCE_S)
    yield store
    await store.close()
