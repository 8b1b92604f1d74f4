"""The database: models, repositories, transactions.

await migrate(url)
store = open_store(url, clock=clock)
async with store.transaction() as tx:
    await tx.journal.append(workspace_id, facts, now)
"""

from __future__ import annotations

from desk.cursors import cursor_of
from desk.store.migrate import EMPTY, NEWEST, migrate
from desk.store.sqlite import PATIENCE_S
from desk.store.store import ACQUIRE_TIMEOUT_S, SqlStore, open_store

__all__ = [
    "ACQUIRE_TIMEOUT_S",
    "EMPTY",
    "NEWEST",
    "PATIENCE_S",
    "SqlStore",
    "cursor_of",
    "migrate",
    "open_store",
]
