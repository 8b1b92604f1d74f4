"""Connections to PostgreSQL, kept open and lent to one transaction each.

Smaller than the driver's own pool, and on the path of every order: lending costs two lines instead of two tasks.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import asyncpg

from desk.store.postgres_wire import AWAY, SERVER_SETTINGS, STATEMENT_TIMEOUT_S

#: How long closing waits for what is lent, and for the server's word.
CLOSE_TIMEOUT_S = 5.0


class PostgresPool:
    """At most so many connections; the one that was given back last is lent first.

    Args:
        size: connections, lent or idle.
        connect_timeout_s: how long a new connection may take.
    """

    def __init__(self, url: str, *, size: int, connect_timeout_s: float) -> None:
        self._url = url
        self._connect_timeout_s = connect_timeout_s
        self._size = size
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Any] = []
        self._lent: set[Any] = set()
        self._opening = 0

    @property
    def lent(self) -> int:
        """How many connections are handed out, or about to be."""
        return len(self._lent) + self._opening

    async def begun(self, begin: str) -> Any:
        """Lend a connection on which BEGIN succeeded.

        After a restart of the server every idle connection is dead. Nothing was sent on them, so each is dropped and
        the next one tried, in the end a new one; the caller limits the time.
        """
        await self._slots.acquire()
        self._opening += 1
        try:
            raw = await self._begun_on_one(begin)
        except BaseException:
            self._slots.release()
            raise
        finally:
            self._opening -= 1
        self._lent.add(raw)
        return raw

    async def _begun_on_one(self, begin: str) -> Any:
        while True:
            raw = self._idle.pop() if self._idle else await self._connected()
            try:
                await raw.execute(begin)
            except BaseException as error:
                drop(raw)
                if not isinstance(error, AWAY):
                    raise
            else:
                return raw

    def give_back(self, raw: Any) -> None:
        """Take a connection back; one that failed, or is still inside a transaction, is dropped."""
        self._lent.discard(raw)
        if _is_clean(raw):
            self._idle.append(raw)
        else:
            drop(raw)
        self._slots.release()

    async def close(self) -> None:
        """Close every connection; those that are lent are waited for, and ended when that takes too long."""
        taken = 0
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                while taken < self._size:
                    await self._slots.acquire()
                    taken += 1
                while self._idle:
                    await self._idle[-1].close()
                    self._idle.pop()
        except (TimeoutError, *AWAY):
            for raw in (*self._idle, *self._lent):
                drop(raw)
            self._idle.clear()
        finally:
            for _ in range(taken):
                self._slots.release()

    async def _connected(self) -> Any:
        return await asyncpg.connect(
            self._url,
            timeout=self._connect_timeout_s,
            command_timeout=STATEMENT_TIMEOUT_S,
            server_settings=SERVER_SETTINGS,
        )


def drop(raw: Any) -> None:
    """End a connection at once; the server rolls back what it had begun."""
    with contextlib.suppress(*AWAY):
        raw.terminate()


def _is_clean(raw: Any) -> bool:
    try:
        return not raw.is_closed() and not raw.is_in_transaction()
    except asyncpg.InterfaceError:
        return False
