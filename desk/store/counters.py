"""Counters without gaps: one row per workspace, counted up in the transaction that uses the number.

Whoever counts holds the row until its commit, so numbers become visible in order and a rollback leaves no hole. All
counters of a workspace share the row, so two transactions never wait for each other crosswise.
"""

from __future__ import annotations

from desk.store.connection import Connection

_COUNT_JOURNAL = (
    "INSERT INTO counters (workspace_id, journal, trades, audit, audit_head) VALUES (?, ?, 0, 0, '') "
    "ON CONFLICT (workspace_id) DO UPDATE SET journal = counters.journal + excluded.journal RETURNING journal"
)
_COUNT_TRADES = (
    "INSERT INTO counters (workspace_id, journal, trades, audit, audit_head) VALUES (?, 0, 1, 0, '') "
    "ON CONFLICT (workspace_id) DO UPDATE SET trades = counters.trades + 1 RETURNING trades"
)
_RAISE_TRADES = (
    "INSERT INTO counters (workspace_id, journal, trades, audit, audit_head) VALUES (?, 0, ?, 0, '') "
    "ON CONFLICT (workspace_id) DO UPDATE SET trades = CASE WHEN counters.trades > excluded.trades "
    "THEN counters.trades ELSE excluded.trades END RETURNING trades"
)
_COUNT_AUDIT = (
    "INSERT INTO counters (workspace_id, journal, trades, audit, audit_head) VALUES (?, 0, 0, 1, '') "
    "ON CONFLICT (workspace_id) DO UPDATE SET audit = counters.audit + 1 RETURNING audit, audit_head"
)


async def count_journal(tx: Connection, workspace_id: str, many: int) -> int:
    """Take that many sequence numbers and give the last one."""
    row = await tx.row(_COUNT_JOURNAL, workspace_id, many)
    assert row is not None
    return int(row[0])


async def next_trade_number(tx: Connection, workspace_id: str, wanted: int) -> int:
    """Give the next trade number; a wanted one above 0 is kept, and the next ones go on above it."""
    if wanted > 0:
        await tx.row(_RAISE_TRADES, workspace_id, wanted)
        return wanted
    row = await tx.row(_COUNT_TRADES, workspace_id)
    assert row is not None
    return int(row[0])


async def count_audit(tx: Connection, workspace_id: str) -> tuple[int, str]:
    """Take the next audit sequence; give it with the hash of the line before."""
    row = await tx.row(_COUNT_AUDIT, workspace_id)
    assert row is not None
    return int(row[0]), str(row[1])
