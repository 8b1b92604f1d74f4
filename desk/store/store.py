"""The database as the desk sees it: `desk.ports.Store`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from desk.clock import Clock, SystemClock
from desk.keyring import KeyRing
from desk.store.check import problems
from desk.store.connection import Dialect
from desk.store.glance import GlanceConnection
from desk.store.location import Location, locate
from desk.store.postgres import PostgresDatabase
from desk.store.repositories.personal import Personal
from desk.store.schema import applied_migrations, known_migrations
from desk.store.sqlite import PATIENCE_S, SqliteDatabase
from desk.store.transaction import Failures, Transactions
from desk.store.unit import SqlUnit
from trading.errors import StoreProblem

#: How long a transaction waits for a connection.
ACQUIRE_TIMEOUT_S = 2.0

#: Connections to PostgreSQL per process.
POOL_SIZE = 8


class SqlStore:
    """A store on SQLite or PostgreSQL."""

    def __init__(
        self, transactions: Transactions, location: Location, clock: Clock, ring: KeyRing | None = None
    ) -> None:
        self.transactions = transactions
        self.location = location
        self._clock = clock
        self._ring = ring
        self._glance = SqlUnit(GlanceConnection(transactions.database, transactions.failures), clock, ring)

    @property
    def glance(self) -> SqlUnit:
        """Statements that stand alone: each is a snapshot of its own and waits for its turn as long as its caller."""
        return self._glance

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqlUnit]:
        """Commit at the end of the block, roll back on any exception.

        Raises:
            StoreProblem: no connection within 2 s, or the database is away.
            InvariantBroken: this task already has a transaction open.
        """
        async with self.transactions.transaction() as connection:
            yield SqlUnit(connection, self._clock, self._ring)

    @property
    def commits(self) -> int:
        """How many transactions were committed through this store."""
        return self.transactions.commits

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqlUnit]:
        """Read a snapshot without a write lock.

        Raises:
            StoreProblem: no connection within 2 s, or the database is away.
        """
        async with self.transactions.reading() as connection:
            yield SqlUnit(connection, self._clock, self._ring)

    async def is_current(self) -> bool:
        """Tell whether the schema is the newest."""
        async with self.transactions.reading() as connection:
            return set(known_migrations()) == set(await applied_migrations(connection))

    async def require_current(self) -> None:
        """Go on only with the newest schema.

        Raises:
            StoreProblem: migrations are missing, or the database is newer than this version.
        """
        async with self.transactions.reading() as connection:
            applied = set(await applied_migrations(connection))
        missing = [name for name in known_migrations() if name not in applied]
        newer = sorted(applied - set(known_migrations()))
        if newer:
            raise StoreProblem(
                f"Database '{self.location.shown}' has migration {newer[-1]}, which this version does not know.",
                hint="Use the newer version, or restore the backup from before it.",
            )
        if missing:
            raise StoreProblem(
                f"Database '{self.location.shown}' lacks {len(missing)} migrations, the first is {missing[0]}.",
                hint="Run the migrations.",
            )

    async def has_plain_addresses(self) -> bool:
        """Tell whether an older version left readable addresses; needs no write lock."""
        async with self.transactions.reading() as connection:
            return await Personal(connection, self._clock, self._ring).has_plain_addresses()

    async def seal_plain_addresses(self) -> int:
        """Seal the addresses that an older version kept readable; give how many there were."""
        async with self.transactions.transaction() as connection:
            return await Personal(connection, self._clock, self._ring).seal_plain_addresses()

    async def rewrap_person_keys(self) -> int:
        """Seal every person's key with the current key of the key file; give how many changed."""
        async with self.transactions.transaction() as connection:
            return await Personal(connection, self._clock, self._ring).rewrap()

    async def check(self) -> list[str]:
        """Look over the whole database; give every problem found, one sentence each."""
        async with self.transactions.reading() as connection:
            return await problems(connection, SqlUnit(connection, self._clock).audit)

    async def close(self) -> None:
        """Close every connection."""
        await self.transactions.database.close()


def open_store(
    url: str,
    *,
    clock: Clock | None = None,
    on_fatal: Callable[[StoreProblem], None] | None = None,
    acquire_timeout_s: float = ACQUIRE_TIMEOUT_S,
    pool_size: int = POOL_SIZE,
    ring: KeyRing | None = None,
    patience_s: float = PATIENCE_S,
) -> SqlStore:
    """Give the store behind a URL; the first use connects.

    Args:
        url: `sqlite:PATH` or `postgres://user@host:port/name`.
        clock: stamps what the store itself creates; the machine's by default.
        on_fatal: called after ten failures in a row within 30 s; it should end the process.
        acquire_timeout_s: how long a transaction waits for a connection.
        pool_size: connections to PostgreSQL.
        ring: seals personal data; without one they are sealed with keys that lie in the database itself.
        patience_s: how long a transaction on SQLite waits for another process that writes.

    Raises:
        BadSetting: the URL names no database that we can use.
    """
    location = locate(url)
    used_clock = clock or SystemClock()
    database: SqliteDatabase | PostgresDatabase
    if location.dialect is Dialect.SQLITE:
        database = SqliteDatabase(location.path, acquire_timeout_s=acquire_timeout_s, patience_s=patience_s)
    else:
        database = PostgresDatabase(location.url, acquire_timeout_s=acquire_timeout_s, pool_size=pool_size)
    return SqlStore(Transactions(database, Failures(used_clock, on_fatal)), location, used_clock, ring)
