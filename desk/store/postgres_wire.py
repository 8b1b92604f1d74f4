"""What all connections to PostgreSQL have in common: limits, settings, and what its errors mean to us."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import lru_cache

import asyncpg

from desk.store.connection import AlreadyThere
from trading.errors import InvariantBroken, StoreProblem

#: A statement that runs longer than this is given up.
STATEMENT_TIMEOUT_S = 30.0

#: A transaction in which nothing happens for so long is ended by the server; ours never wait inside one.
IDLE_TIMEOUT_S = 5.0

#: What a lost or unreachable server raises.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # A connection that the server ended while it was idle notices at its next statement, by its state machine.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)


#: What a session is set to.
SERVER_SETTINGS = {
    "application_name": "breakwater",
    "timezone": "UTC",
    # A process that stands still inside a transaction must not keep its successor waiting.
    "idle_in_transaction_session_timeout": f"{IDLE_TIMEOUT_S * 1_000:.0f}",
}


@lru_cache(maxsize=2048)
def numbered(sql: str) -> str:
    """Give a statement with $1, $2… for its question marks."""
    parts = sql.split("?")
    return "".join(f"{part}${index}" for index, part in enumerate(parts[:-1], 1)) + parts[-1]


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the driver into ours."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise AlreadyThere(str(error)) from error
    except asyncpg.UndefinedTableError as error:
        raise StoreProblem(
            f"The database has another schema than this version: {error}.", hint="Run the migrations."
        ) from error
    except asyncpg.ReadOnlySQLTransactionError as error:
        raise StoreProblem(
            f"The database refuses to write: {error}.",
            hint="Write in transaction(), never in reading(); or the server became a standby.",
        ) from error
    except AWAY as error:
        raise StoreProblem(f"The database went away: {error}.", hint="It is tried again.") from error
    except asyncpg.DeadlockDetectedError as error:
        raise StoreProblem(
            f"Two transactions waited for each other: {error}.", hint="Nothing was done; try again."
        ) from error
    except asyncpg.PostgresError as error:
        raise InvariantBroken(f"The database refused a statement: {error}.") from error
