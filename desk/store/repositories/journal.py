"""The event log: facts with gapless sequence numbers per workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import takewhile

from desk.store.codec import as_json, from_json, moment
from desk.store.connection import Connection, Row
from desk.store.counters import count_journal
from desk.store.table import Where
from trading.errors import InvariantBroken
from trading.events import MARKET_DATA, Event, Recorded, as_payload, from_payload, kind_of

_APPEND = (
    "INSERT INTO event_log (workspace_id, sequence, kind, occurred_at, recorded_at, payload) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)


class SqlJournal:
    """The event log."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def append(self, workspace_id: str, events: Sequence[Event], at: datetime) -> tuple[Recorded, ...]:
        """Write facts and give them with their places.

        Raises:
            InvariantBroken: a fact is of another workspace, or is market data.
        """
        if not events:
            return ()
        for event in events:
            if event.workspace_id != workspace_id or isinstance(event, MARKET_DATA):
                raise InvariantBroken(
                    f"{type(event).__name__} of workspace '{event.workspace_id}' was to be journalled in "
                    f"'{workspace_id}'; facts of that workspace, not market data, are allowed."
                )
        last = await count_journal(self._tx, workspace_id, len(events))
        recorded = tuple(
            Recorded(sequence=sequence, recorded_at=at, event=event)
            for sequence, event in enumerate(events, last - len(events) + 1)
        )
        await self._tx.write_many(
            _APPEND,
            [
                (
                    workspace_id,
                    one.sequence,
                    kind_of(one.event),
                    one.event.occurred_at,
                    at,
                    as_json(as_payload(one.event)),
                )
                for one in recorded
            ],
        )
        return recorded

    async def after(
        self, workspace_id: str, sequence: int, *, limit: int = 500, kinds: Sequence[str] = ()
    ) -> Sequence[Recorded]:
        """Give the facts after a sequence number, in order; kinds are wire names."""
        where = Where(workspace_id=workspace_id).add("sequence > ?", sequence)
        if kinds:
            where.one_of("kind", kinds)
        sql = f"SELECT sequence, recorded_at, kind, payload FROM event_log {where.sql} ORDER BY sequence LIMIT ?"  # noqa: S608
        return [_recorded(row) for row in await self._tx.rows(sql, *where.values, limit)]

    async def head(self, workspace_id: str) -> int:
        """Give the last sequence number; 0 where nothing happened yet."""
        row = await self._tx.row("SELECT journal FROM counters WHERE workspace_id = ?", workspace_id)
        return 0 if row is None else int(row[0])

    async def heads(self) -> Mapping[str, int]:
        """Give the last sequence number of every workspace."""
        rows = await self._tx.rows("SELECT workspace_id, journal FROM counters")
        return {row[0]: int(row[1]) for row in rows}

    async def oldest(self, workspace_id: str) -> int:
        """Give the first sequence number that is kept; 0 where nothing is."""
        row = await self._tx.row("SELECT MIN(sequence) FROM event_log WHERE workspace_id = ?", workspace_id)
        return 0 if row is None or row[0] is None else int(row[0])

    async def forget(self, before: datetime, *, most: int) -> int:
        """Retire facts recorded before a time, from the oldest on and without a hole; the newest one stays.

        At most so many in each workspace; give how many.
        """
        forgotten = 0
        for workspace_id, head in (await self.heads()).items():
            rows = await self._tx.rows(
                "SELECT sequence, recorded_at FROM event_log WHERE workspace_id = ? AND sequence < ? "
                "ORDER BY sequence LIMIT ?",
                workspace_id,
                head,
                most,
            )
            old = [int(row[0]) for row in takewhile(lambda row: moment(row[1]) < before, rows)]
            if old:
                forgotten += await self._tx.change(
                    "DELETE FROM event_log WHERE workspace_id = ? AND sequence <= ?", workspace_id, old[-1]
                )
        return forgotten


def _recorded(row: Row) -> Recorded:
    return Recorded(
        sequence=int(row[0]), recorded_at=moment(row[1]), event=from_payload(row[2], from_json(row[3]))
    )
