"""The append-only audit, chained by hash per workspace."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from desk.store.codec import canonical_json, from_json, moment
from desk.store.connection import Connection, Row
from desk.store.counters import count_audit
from desk.store.cursors import after_sequence, limit_of
from desk.store.table import Where, insert
from desk.views import AuditEntry, Page

_COLUMNS = "sequence, workspace_id, at, actor, channel, action, subject, detail, outcome, previous_hash, hash"

#: Lines verified per query.
_CHUNK = 5_000

#: Lines asked for by name per query.
_NAMED = 500


class SqlAudit:
    """The append-only audit."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def append(
        self,
        workspace_id: str,
        *,
        at: datetime,
        actor: str,
        channel: str,
        action: str,
        subject: str,
        detail: Mapping[str, Any],
        outcome: str,
    ) -> AuditEntry:
        """Write a line that carries the hash of the one before."""
        sequence, previous_hash = await count_audit(self._tx, workspace_id)
        row: dict[str, Any] = {
            "sequence": sequence,
            "workspace_id": workspace_id,
            "at": at,
            "actor": actor,
            "channel": channel,
            "action": action,
            "subject": subject,
            "detail": canonical_json(detail),
            "outcome": outcome,
            "previous_hash": previous_hash,
        }
        row["hash"] = _hash(tuple(row.values()))
        await insert(self._tx, "audit", row)
        await self._tx.write(
            "UPDATE counters SET audit_head = ? WHERE workspace_id = ?", row["hash"], workspace_id
        )
        return AuditEntry(**{**row, "detail": dict(detail)})

    async def page(self, workspace_id: str, page: Page) -> Sequence[AuditEntry]:
        """Give lines, newest first."""
        limit = limit_of(page)
        where = after_sequence(Where(workspace_id=workspace_id), page)
        sql = f"SELECT {_COLUMNS} FROM audit {where.sql} ORDER BY sequence DESC LIMIT ?"  # noqa: S608
        return [_entry(row) for row in await self._tx.rows(sql, *where.values, limit)]

    async def head(self, workspace_id: str) -> tuple[int, str]:
        """Give the sequence and the hash of the last line, as the counter names it; (0, "") before the first."""
        counted = await self._tx.row(
            "SELECT audit, audit_head FROM counters WHERE workspace_id = ?", workspace_id
        )
        return (0, "") if counted is None else (int(counted[0]), str(counted[1]))

    async def hashes(self, workspace_id: str, sequences: Collection[int]) -> Mapping[int, str]:
        """Give the hashes of lines by their sequence; those that are not there are left out."""
        found: dict[int, str] = {}
        wanted = sorted(sequences)
        for start in range(0, len(wanted), _NAMED):
            where = Where(workspace_id=workspace_id).one_of("sequence", wanted[start : start + _NAMED])
            sql = f"SELECT sequence, hash FROM audit {where.sql}"  # noqa: S608
            found.update({int(row[0]): str(row[1]) for row in await self._tx.rows(sql, *where.values)})
        return found

    async def first_bad(self, workspace_id: str) -> int | None:
        """Give the sequence of the first line that is missing or whose hash does not follow; None when all hold.

        The last line must be the one that the counter names, so that a cut tail is found too.
        """
        sequence, head = 0, ""
        while rows := await self._chunk(workspace_id, sequence):
            for row in rows:
                sequence += 1
                if row[0] != sequence or row[9] != head or row[10] != _hash(tuple(row[:10])):
                    return sequence
                head = row[10]
        last, last_hash = await self.head(workspace_id)
        return None if (sequence, head) == (last, last_hash) else min(sequence, last) + 1

    async def _chunk(self, workspace_id: str, after: int) -> Sequence[Row]:
        return await self._tx.rows(
            f"SELECT {_COLUMNS} FROM audit WHERE workspace_id = ? AND sequence > ? ORDER BY sequence LIMIT ?",  # noqa: S608
            workspace_id,
            after,
            _CHUNK,
        )


def _hash(columns: Sequence[Any]) -> str:
    """Digest a line's columns, `sequence` to `previous_hash`; each is set off by its length."""
    digest = hashlib.sha256()
    for index, value in enumerate(columns):
        text = moment(value).astimezone(UTC).isoformat(timespec="microseconds") if index == 2 else str(value)
        part = text.encode()
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(
        sequence=row[0],
        workspace_id=row[1],
        at=moment(row[2]),
        actor=row[3],
        channel=row[4],
        action=row[5],
        subject=row[6],
        detail=from_json(row[7]),
        outcome=row[8],
        previous_hash=row[9],
        hash=row[10],
    )
