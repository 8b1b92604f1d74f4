"""Bring a database to the newest schema, or back, with Tortoise's own migrations.

Tortoise keeps its state in context variables; each run gets a context and a task of its own, so that nothing of it
stays behind. Two processes that start at once take turns.
"""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import os
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg
from tortoise.context import TortoiseContext
from tortoise.exceptions import BaseORMException
from tortoise.migrations.executor import MigrationTarget

from desk.store.connection import Dialect
from desk.store.fresh import make_fresh
from desk.store.location import Location, locate
from desk.store.migration_state import SharingExecutor
from desk.store.schema import APP, known_migrations, migrations_folder
from trading.errors import StoreProblem

#: Names the turn of whoever migrates; any fixed number will do.
_ADVISORY_LOCK = 7_345_221_908

#: How long to wait for another process that migrates.
_TURN_TIMEOUT_S = 60.0

#: Where Tortoise starts when everything is taken back.
EMPTY = "__first__"
NEWEST = "__latest__"


async def migrate(url: str, *, target: str = NEWEST) -> None:
    """Bring the schema to a migration: forwards, or back (which drops what came later).

    Args:
        url: as for `open_store`.
        target: the newest by default; a migration's name, or EMPTY to take everything back.

    Raises:
        StoreProblem: the database cannot be reached or changed.
        BadSetting: the URL names no database that we can use.
    """
    location = locate(url)
    try:
        await asyncio.create_task(_migrate(location, target), context=contextvars.Context())
    except (OSError, sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, BaseORMException) as error:
        raise StoreProblem(
            f"Database '{location.shown}' could not be migrated: {error}.",
            hint="Check that it is reachable and that you may write there.",
        ) from error


async def _migrate(location: Location, target: str) -> None:
    config = tortoise_config(location)
    async with _turn(location), TortoiseContext() as context:
        if target == NEWEST and await make_fresh(location):
            return
        await context.init(config, init_connections=False)
        connection = context.connections.get(location.dialect.value)
        executor = SharingExecutor(connection, config["apps"])
        _refuse_newer(location, [one.name for one in await executor.recorder.applied_migrations()])
        await executor.migrate([MigrationTarget(app_label=APP, name=target)])


def _refuse_newer(location: Location, applied: Iterable[str]) -> None:
    """An older version must not touch what a newer one wrote: it would not know its columns."""
    newer = sorted(set(applied) - set(known_migrations()))
    if newer:
        raise StoreProblem(
            f"Database '{location.shown}' has migration {newer[-1]}, which this version does not know.",
            hint="Use the newer version, or restore the backup from before it.",
        )


def tortoise_config(location: Location) -> dict[str, Any]:
    """Give what Tortoise wants to know of a database and of our models."""
    return {
        "connections": {location.dialect.value: _connection(location)},
        "apps": {
            APP: {
                "models": ["desk.store.models"],
                "default_connection": location.dialect.value,
                "migrations": package(),
            }
        },
        "use_tz": True,
        "timezone": "UTC",
    }


def _connection(location: Location) -> dict[str, Any]:
    if location.dialect is Dialect.SQLITE:
        return {
            "engine": "tortoise.backends.sqlite",
            "credentials": {"file_path": str(location.path), "foreign_keys": "OFF"},
        }
    parts = urlsplit(location.url)
    return {
        "engine": "tortoise.backends.asyncpg",
        "credentials": {
            "host": parts.hostname or "",
            "port": parts.port or 5432,
            "user": unquote(parts.username or ""),
            "password": unquote(parts.password or "") or None,
            "database": unquote(parts.path.lstrip("/")),
            "minsize": 1,
            "maxsize": 1,
        },
    }


def package() -> str:
    """Give the importable name of the migrations and see to it that it means our folder."""
    folder = migrations_folder()
    module = importlib.import_module(folder.name)
    found = [Path(one).resolve() for one in getattr(module, "__path__", [])]
    if folder not in found:
        raise StoreProblem(
            f"The name '{folder.name}' means {found or module}; {folder} was expected.",
            hint="Another package of that name is installed: remove it or rename it.",
        )
    return folder.name


@asynccontextmanager
async def _turn(location: Location) -> AsyncIterator[None]:
    """Keep other processes from migrating the same database meanwhile."""
    if location.dialect is Dialect.POSTGRES:
        connection: Any = await asyncpg.connect(location.url, timeout=10)
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _ADVISORY_LOCK, timeout=_TURN_TIMEOUT_S)
            yield
        finally:
            await connection.close()
        return
    lock = location.path.with_name(location.path.name + ".migrating")
    handle = await _locked(lock)
    try:
        yield
    finally:
        os.close(handle)


async def _locked(lock: Path) -> int:
    """Lock a file beside the database; the system frees it when the process dies."""
    handle = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    if os.name != "posix":
        return handle
    import fcntl

    for _ in range(int(_TURN_TIMEOUT_S * 20)):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(0.05)
        else:
            return handle
    os.close(handle)
    raise StoreProblem(
        f"Another process has been migrating '{lock}' for {_TURN_TIMEOUT_S:g} s.",
        hint="Wait for it, then start again.",
    )
