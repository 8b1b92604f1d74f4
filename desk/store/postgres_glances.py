"""Single statements on PostgreSQL: a few connections of their own, each lent for one trip."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import asyncpg

from desk.store.connection import Dialect, Row, encode
from desk.store.postgres_wire import AWAY, SERVER_SETTINGS, STATEMENT_TIMEOUT_S, numbered, translated
from trading.errors import StoreProblem

#: Connections for single statements. More would only make PostgreSQL's processes stand in each other's way.
GLANCES = 6


class PostgresGlances:
    """Connections that read only, by the server's word; whoever asks waits for one as long as they like."""

    def __init__(self, url: str, *, connect_timeout_s: float) -> None:
        self._url = url
        self._connect_timeout_s = connect_timeout_s
        self._idle: list[Any] = []
        self._turns = asyncio.Semaphore(GLANCES)

    async def rows(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        """Run a statement and give its rows.

        After a restart of the server every idle connection is dead. The statement only reads, so it is tried on the
        next one, and in the end on a new one.

        Raises:
            StoreProblem: the server is away.
        """
        text, encoded = numbered(sql), encode(Dialect.POSTGRES, values)
        async with self._turns:
            while self._idle:
                raw = self._idle.pop()
                try:
                    with translated():
                        return await self._run(raw, text, encoded)
                except StoreProblem as problem:
                    # Too slow is no sign of a dead connection: the next one would be as slow.
                    if isinstance(problem.__cause__, TimeoutError):
                        raise
            raw = await self._connected()
            with translated():
                return await self._run(raw, text, encoded)

    async def _run(self, raw: Any, text: str, values: Sequence[Any]) -> Sequence[Row]:
        try:
            found: Sequence[Row] = await raw.fetch(text, *values)
        except BaseException as error:
            if isinstance(error, asyncpg.PostgresError) and not isinstance(error, AWAY):
                self._idle.append(raw)
            else:
                # Canceled or lost: what the connection is doing is not known any more.
                with contextlib.suppress(*AWAY):
                    raw.terminate()
            raise
        self._idle.append(raw)
        return found

    async def _connected(self) -> Any:
        try:
            return await asyncpg.connect(
                self._url,
                timeout=self._connect_timeout_s,
                command_timeout=STATEMENT_TIMEOUT_S,
                server_settings={**SERVER_SETTINGS, "default_transaction_read_only": "on"},
            )
        except (*AWAY, asyncpg.PostgresError) as error:
            raise StoreProblem(
                f"The database cannot be reached: {error}.", hint="It is tried again."
            ) from error

    async def close(self) -> None:
        """Close every connection."""
        for raw in self._idle:
            try:
                await raw.close(timeout=2.0)
            except AWAY:
                raw.terminate()
        self._idle.clear()
