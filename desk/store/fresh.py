"""Make an empty database at once: what the migrations say to one is written down beside them, for each dialect.

Going through all migrations takes seconds, most of them spent on working out what the models were at each step. An
empty database needs only the last word; one with anything in it goes the long way (`desk.store.migrate`).
`python -m tests.support.schema` writes the scripts, and a test holds them against the migrations.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg

from desk.clock import SystemClock
from desk.store.connection import Dialect
from desk.store.location import Location
from desk.store.schema import APP, known_migrations, migrations_folder

#: The first line of a script, and the newest migration that it holds.
HEADING = "-- An empty database, up to "


def script_path(dialect: Dialect) -> Path:
    """Give where the script of a dialect is kept."""
    return migrations_folder() / f"fresh_{dialect.value}.sql"


async def make_fresh(location: Location) -> bool:
    """Make the newest schema in an empty database, wholly or not at all.

    Returns:
        False, and nothing was touched: the database is not empty, or there is no script of the newest migration.
    """
    path = script_path(location.dialect)
    script = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not script.startswith(f"{HEADING}{known_migrations()[-1]}\n"):
        return False
    if location.dialect is Dialect.SQLITE:
        return await asyncio.to_thread(_fresh_sqlite, location.path, script)
    return await _fresh_postgres(location.url, script)


def _fresh_sqlite(path: Path, script: str) -> bool:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() != (0,):
            return False
        at = SystemClock().now().isoformat(sep=" ")
        applied = ", ".join(f"('{APP}', '{name}', '{at}')" for name in known_migrations())
        connection.executescript(
            f"BEGIN;\n{script}\nINSERT INTO tortoise_migrations (app, name, applied_at) VALUES {applied};\nCOMMIT;"
        )
    return True


async def _fresh_postgres(url: str, script: str) -> bool:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        found = await connection.fetchval(
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema()"
        )
        if found:
            return False
        at = SystemClock().now()
        async with connection.transaction():
            await connection.execute(script)
            await connection.executemany(
                "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ($1, $2, $3)",
                [(APP, name, at) for name in known_migrations()],
            )
    finally:
        await connection.close()
    return True
