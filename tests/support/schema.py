"""Describe the schema of a migrated database, the same for both kinds, and what the migrations say to an empty one.

Renew the committed list and the scripts of empty databases with

python -m tests.support.schema
"""

from __future__ import annotations

import json
import re
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.backends.sqlite.client import SqliteClient

from desk.store import migrate
from desk.store.connection import Dialect
from desk.store.fresh import HEADING, script_path
from desk.store.location import locate
from desk.store.schema import known_migrations
from tests.support.services import PostgresServer
from tests.support.stores import run

#: The list that every migrated database must match.
EXPECTED = Path(__file__).resolve().parents[1] / "store" / "schema.json"

#: What belongs to the machinery of migrations.
_FOREIGN = ("tortoise_migrations", "sqlite_sequence")

Schema = dict[str, dict[str, Any]]


def of_sqlite(path: Path) -> Schema:
    """Describe an SQLite file."""
    connection = sqlite3.connect(path)
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: _sqlite_table(connection, name) for name in sorted(names) if name not in _FOREIGN}
    finally:
        connection.close()


def _sqlite_table(connection: sqlite3.Connection, table: str) -> dict[str, Any]:
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    described = _empty([row[1] for row in columns if not row[3] and not row[5]])
    described["columns"] = [row[1] for row in columns]
    described["key"] = [row[1] for row in columns if row[5]]
    for _, name, is_unique, origin, is_partial in connection.execute(f"PRAGMA index_list({table})"):
        fields = [row[2] for row in connection.execute(f"PRAGMA index_info({name})")]
        condition = ""
        if is_partial:
            sql = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
            condition = _condition(sql)
        if origin != "pk":
            _add(described, name, fields, condition, is_unique=bool(is_unique))
    triggers = connection.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
    ).fetchall()
    described["is_append_only"] = len([row for row in triggers if "append-only" in row[0]]) == 2
    return described


async def of_postgres(url: str) -> Schema:
    """Describe a PostgreSQL database."""
    connection: Any = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = sorted(row[0] for row in rows if row[0] not in _FOREIGN)
        return {name: await _postgres_table(connection, name) for name in names}
    finally:
        await connection.close()


async def _postgres_table(connection: Any, table: str) -> dict[str, Any]:
    columns = await connection.fetch(
        "SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 "
        "AND NOT attisdropped ORDER BY attnum",
        table,
    )
    described = _empty([row[0] for row in columns if not row[1]])
    described["columns"] = [row[0] for row in columns]
    indexes = await connection.fetch(
        "SELECT c.relname, i.indisunique, i.indisprimary, pg_get_indexdef(i.indexrelid), "
        "ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY k(n, o) "
        "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n ORDER BY k.o) "
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::text::regclass",
        table,
    )
    for name, is_unique, is_primary, sql, fields in indexes:
        if is_primary:
            described["key"] = list(fields)
        else:
            _add(described, name, list(fields), _condition(sql), is_unique=is_unique)
    triggers = await connection.fetch(
        "SELECT tgtype FROM pg_trigger WHERE tgrelid = $1::text::regclass AND tgname LIKE '%append_only'",
        table,
    )
    # BEFORE (2), DELETE (8), UPDATE (16) and TRUNCATE (32).
    described["is_append_only"] = [row[0] & 58 for row in triggers] == [58]
    return described


def _empty(nullable: list[str]) -> dict[str, Any]:
    return {
        "columns": [],
        "nullable": nullable,
        "key": [],
        "unique": [],
        "indexes": {},
        "is_append_only": False,
    }


def _add(described: dict[str, Any], name: str, fields: list[str], condition: str, *, is_unique: bool) -> None:
    if is_unique:
        described["unique"] = sorted(
            [*described["unique"], [*fields, *([f"WHERE {condition}"] if condition else [])]]
        )
    else:
        described["indexes"][name] = [*fields, *([f"WHERE {condition}"] if condition else [])]
        described["indexes"] = dict(sorted(described["indexes"].items()))


def _condition(sql: str) -> str:
    """Give the condition of a partial index as its columns and literals: each database writes it its own way."""
    _, _, condition = sql.partition(" WHERE ")
    words = re.findall(r"'[^']*'|\b(?!text\b|IN\b|ANY\b|ARRAY\b)[A-Za-z_]+", condition)
    return " ".join(words)


@asynccontextmanager
async def heard(url: str) -> AsyncIterator[list[str]]:
    """Give what changes a database in this block by Tortoise's hand, statement by statement."""
    said: list[str] = []
    client: Any = SqliteClient if locate(url).dialect is Dialect.SQLITE else AsyncpgDBClient

    def listening(method: Any) -> Any:
        async def run_it(self: Any, query: str, *values: Any) -> Any:
            if query.split(maxsplit=1)[0].upper() not in ("SELECT", "PRAGMA", "DELETE"):
                said.append(query.strip().rstrip(";"))
            return await method(self, query, *values)

        return run_it

    with (
        patch.object(client, "execute_query", listening(client.execute_query)),
        patch.object(client, "execute_script", listening(client.execute_script)),
    ):
        yield said


def as_script(said: list[str]) -> str:
    """Write statements as the script of an empty database."""
    return f"{HEADING}{known_migrations()[-1]}\n" + "".join(f"{one};\n" for one in said)


async def _write_script(url: str) -> None:
    async with heard(url) as said:
        await migrate(url, target=known_migrations()[-1])
    script_path(locate(url).dialect).write_text(as_script(said), encoding="utf-8")


def main() -> None:
    """Write the list and the scripts anew from freshly migrated databases."""
    with tempfile.TemporaryDirectory() as folder, closing(PostgresServer()) as server:
        path = Path(folder) / "schema.sqlite3"
        run(_write_script(f"sqlite:{path}"))
        EXPECTED.write_text(json.dumps(of_sqlite(path), indent=1) + "\n")
        run(_write_script(server.database_url("postgres")))


if __name__ == "__main__":
    main()
