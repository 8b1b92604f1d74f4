"""Look over a whole database: the file, its references, its journal, its audit and its orders.

There are no foreign keys (docs/adr/0061): rows of one transaction may come in any order, and history outlives what it
speaks of. This finds what a foreign key would have refused, and more; a restore drill ends with it.
"""

from __future__ import annotations

from desk.ports import Audit
from desk.store.connection import Connection, Dialect

#: A column of a table, and the table whose id it names, in the same workspace; an empty text names nothing.
REFERENCES = (
    ("accounts", "workspace_id", "workspaces"),
    ("members", "user_id", "users"),
    ("bots", "account_id", "accounts"),
    ("orders", "account_id", "accounts"),
    ("order_events", "order_id", "orders"),
    ("order_intents", "order_id", "orders"),
    ("fills", "order_id", "orders"),
    ("positions", "account_id", "accounts"),
    ("trades", "position_id", "positions"),
    ("deliveries", "alert_id", "alerts"),
    ("outbox", "delivery_id", "deliveries"),
)

_LAST_EVENT = (
    "SELECT o.client_order_id, o.state, e.after FROM orders o JOIN order_events e ON e.order_id = o.id "
    "WHERE e.sequence = (SELECT MAX(l.sequence) FROM order_events l WHERE l.order_id = o.id) "
    "AND e.after <> o.state ORDER BY o.id LIMIT 20"
)
_JOURNAL = (
    "SELECT c.workspace_id, c.journal, COUNT(e.sequence), MIN(e.sequence), MAX(e.sequence) FROM counters c "
    "LEFT JOIN event_log e ON e.workspace_id = c.workspace_id GROUP BY c.workspace_id, c.journal"
)


async def problems(tx: Connection, audit: Audit) -> list[str]:
    """Give every problem found, one sentence each; an empty list is a sound database."""
    return [
        *await _file(tx),
        *await _references(tx),
        *await _orders(tx),
        *await _journal(tx),
        *await _audit(tx, audit),
    ]


async def _file(tx: Connection) -> list[str]:
    if tx.dialect is not Dialect.SQLITE:
        return []
    return [
        f"The file is damaged: {row[0]}." for row in await tx.rows("PRAGMA integrity_check") if row[0] != "ok"
    ]


async def _references(tx: Connection) -> list[str]:
    found = []
    for table, column, target in REFERENCES:
        same_wall = "" if target == "workspaces" else " AND t.workspace_id = c.workspace_id"
        sql = " ".join(
            [
                f"SELECT COUNT(*), MIN(c.{column}) FROM {table} c WHERE c.{column} <> '' AND NOT EXISTS",  # noqa: S608
                f"(SELECT 1 FROM {target} t WHERE t.id = c.{column}{same_wall})",  # noqa: S608
            ]
        )
        row = await tx.row(sql)
        if row is not None and row[0]:
            found.append(
                f"{row[0]} rows of {table} name a row of {target} that is not there, such as '{row[1]}'."
            )
    return found


async def _orders(tx: Connection) -> list[str]:
    return [
        f"Order '{row[0]}' is {row[1]}, but its last event says {row[2]}."
        for row in await tx.rows(_LAST_EVENT)
    ]


async def _journal(tx: Connection) -> list[str]:
    """The kept facts end at the counter and have no hole; old ones may have been retired."""
    found = []
    for workspace_id, counted, number, first, last in await tx.rows(_JOURNAL):
        if counted and (last != counted or number != last - first + 1):
            found.append(
                f"The journal of workspace '{workspace_id}' holds {number} facts from {first} to {last}; "
                f"it counted to {counted}."
            )
    return found


async def _audit(tx: Connection, audit: Audit) -> list[str]:
    found = []
    for (workspace_id,) in await tx.rows(
        "SELECT workspace_id FROM counters UNION SELECT workspace_id FROM audit ORDER BY 1"
    ):
        bad = await audit.first_bad(workspace_id)
        if bad is not None:
            found.append(f"The audit of workspace '{workspace_id}' does not follow at line {bad}.")
    return found
