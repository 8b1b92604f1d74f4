"""Single statements on SQLite: threads that take what waits and answer it together.

Crossing to a thread and back costs more than most statements. Under load many wait, and one crossing serves them all.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from desk.store.connection import Dialect, Row, encode

#: Threads; one is enough for speed, the other goes on while a long statement runs.
THREADS = 2

#: Most statements of one crossing.
TOGETHER = 8


@dataclass(slots=True, eq=False)
class _Asked:
    sql: str
    values: Sequence[Any]
    answer: asyncio.Future[Sequence[Row]]
    loop: asyncio.AbstractEventLoop


#: What came of a statement: its rows, or why there are none.
_Done = tuple[_Asked, Sequence[Row] | Exception]


class SqliteGlances:
    """Readers that run single statements, each in a snapshot of its own.

    Args:
        connect: opens a connection that only reads.
        problem: turns an error of SQLite into ours.
    """

    def __init__(
        self, *, connect: Callable[[], sqlite3.Connection], problem: Callable[[sqlite3.Error], Exception]
    ) -> None:
        self._connect = connect
        self._problem = problem
        self._waiting: SimpleQueue[_Asked | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    async def rows(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        """Run a statement and give its rows."""
        if not self._threads:
            self._start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[Row]] = loop.create_future()
        self._waiting.put(_Asked(sql, encode(Dialect.SQLITE, values), answer, loop))
        try:
            return await answer
        except sqlite3.Error as error:
            raise self._problem(error) from error

    async def close(self) -> None:
        """Answer what was asked, close the connections and end the threads."""
        threads, self._threads = self._threads, []
        for _ in threads:
            self._waiting.put(None)
        for one in threads:
            await asyncio.get_running_loop().run_in_executor(None, one.join)

    def _start(self) -> None:
        self._threads = [
            threading.Thread(target=self._serve, name=f"sqlite-glance-{at}", daemon=True)
            for at in range(THREADS)
        ]
        for one in self._threads:
            one.start()

    def _serve(self) -> None:
        connection: sqlite3.Connection | None = None
        while True:
            taken = self._take()
            asked = [one for one in taken if one is not None]
            done: list[_Done] = []
            for one in asked:
                try:
                    connection = connection or self._connect()
                    done.append((one, connection.execute(one.sql, one.values).fetchall()))
                except Exception as error:  # noqa: BLE001 - the asker gets it
                    done.append((one, error))
            if done:
                _hand_over(done)
            if len(asked) < len(taken):
                if connection is not None:
                    connection.close()
                return

    def _take(self) -> deque[_Asked | None]:
        taken: deque[_Asked | None] = deque([self._waiting.get()])
        while taken[-1] is not None and len(taken) < TOGETHER:
            try:
                taken.append(self._waiting.get_nowait())
            except Empty:
                break
        return taken


def _hand_over(done: list[_Done]) -> None:
    try:
        done[0][0].loop.call_soon_threadsafe(_answer, done)
    except RuntimeError:
        return  # The loop is closed: nobody waits any more.


def _answer(done: list[_Done]) -> None:
    for asked, found in done:
        # Whoever was canceled meanwhile does not wait any more.
        if asked.answer.done():
            continue
        if isinstance(found, Exception):
            asked.answer.set_exception(found)
        else:
            asked.answer.set_result(found)
