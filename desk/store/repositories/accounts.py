"""Accounts, their trading state and what they were worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from desk.clock import Clock
from desk.identity import new_id
from desk.store.connection import Connection
from desk.store.models import AccountRow, AccountStatusRow, EquityPointRow, LockRow
from desk.store.table import Table, Where, must_be_new, put, update
from desk.views import Account, AccountStatus, EquityPoint, Lock
from trading.errors import NotFound
from trading.events import TradingState

ACCOUNTS = Table(AccountRow, Account)
STATUS = Table(AccountStatusRow, AccountStatus)
EQUITY = Table(EquityPointRow, EquityPoint)
LOCKS = Table(LockRow, Lock)

_ADD_EQUITY = (
    "INSERT INTO equity_points (workspace_id, account_id, at, equity) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (account_id, at) DO UPDATE SET equity = excluded.equity "
    "WHERE equity_points.workspace_id = excluded.workspace_id"
)


class SqlAccounts:
    """Accounts, their trading state and their status as of the last bar."""

    def __init__(self, tx: Connection, clock: Clock) -> None:
        self._tx = tx
        self._clock = clock

    async def create(
        self,
        workspace_id: str,
        *,
        name: str,
        venue: str,
        is_live: bool,
        currency: str,
        capital: Decimal,
        settings: Mapping[str, Any],
    ) -> Account:
        """Set up an account; it may trade at once.

        Raises:
            Conflict: the name is taken in this workspace.
        """
        account = Account(
            id=new_id(),
            workspace_id=workspace_id,
            name=name,
            venue=venue,
            is_live=is_live,
            currency=currency,
            capital=capital,
            trading_state=TradingState.ACTIVE,
            state_reason="",
            settings=dict(settings),
            version=1,
            created_at=self._clock.now(),
        )
        await must_be_new(self._tx, ACCOUNTS, account, f"Account '{name}'")
        return account

    async def all(self, workspace_id: str) -> Sequence[Account]:
        """Give every account, oldest first."""
        return await ACCOUNTS.find(self._tx, Where(workspace_id=workspace_id), order="created_at, id")

    async def by_id(self, workspace_id: str, account_id: str) -> Account | None:
        """Give an account; inside a transaction its row stays locked until the end."""
        where = Where(workspace_id=workspace_id, id=account_id)
        row = await self._tx.row(ACCOUNTS.select(where) + self._tx.row_lock, *where.values)
        return None if row is None else ACCOUNTS.value(row, self._tx.dialect)

    async def set_state(self, workspace_id: str, account_id: str, state: TradingState, reason: str) -> None:
        """Say what an account may do.

        Raises:
            NotFound: no such account in this workspace.
        """
        changed = await self._tx.change(
            "UPDATE accounts SET trading_state = ?, state_reason = ?, version = version + 1 "
            "WHERE workspace_id = ? AND id = ?",
            state,
            reason,
            workspace_id,
            account_id,
        )
        if not changed:
            raise NotFound(f"No account '{account_id}' is in this workspace.", hint="List the accounts.")
        # What is shown of the last bar must not say "active" until the next one: that may be an hour.
        await self._tx.write(
            "UPDATE account_status SET trading_state = ? WHERE workspace_id = ? AND account_id = ?",
            state,
            workspace_id,
            account_id,
        )

    async def save_settings(
        self, workspace_id: str, account_id: str, settings: Mapping[str, Any], *, expected_version: int
    ) -> bool:
        """Keep an account's costs and limits; False when it is no longer at that version."""
        where = Where(workspace_id=workspace_id, id=account_id, version=expected_version)
        changes = {"settings": dict(settings), "version": expected_version + 1}
        return await update(self._tx, "accounts", changes, where, json=("settings",)) == 1

    async def save_status(self, workspace_id: str, status: AccountStatus) -> None:
        """Keep the account as of its last bar."""
        await STATUS.put(self._tx, status, key=("account_id",), workspace_id=workspace_id)

    async def status(self, workspace_id: str, account_id: str) -> AccountStatus | None:
        """Give the account as of its last bar."""
        return await STATUS.one(self._tx, Where(workspace_id=workspace_id, account_id=account_id))

    async def statuses(self, workspace_id: str) -> Sequence[AccountStatus]:
        """Give every account of a workspace as of its last bar."""
        return await STATUS.find(self._tx, Where(workspace_id=workspace_id))

    async def add_equity(self, workspace_id: str, account_id: str, points: Sequence[EquityPoint]) -> None:
        """Keep points of the equity line; a point at the same time is replaced."""
        if points:
            rows = [(workspace_id, account_id, one.at, one.equity) for one in points]
            await self._tx.write_many(_ADD_EQUITY, rows)

    async def equity(
        self, workspace_id: str, account_id: str, since: datetime | None = None
    ) -> Sequence[EquityPoint]:
        """Give the equity line, oldest first."""
        where = Where(workspace_id=workspace_id, account_id=account_id)
        if since is not None:
            where.add('"at" >= ?', since)
        return await EQUITY.find(self._tx, where, order='"at"')

    async def save_snapshot(self, workspace_id: str, account_id: str, bar_ms: int, data: bytes) -> None:
        """Keep the newest engine state."""
        row = {
            "account_id": account_id,
            "workspace_id": workspace_id,
            "bar_ms": bar_ms,
            "data": data,
            "saved_at": self._clock.now(),
        }
        await put(self._tx, "account_snapshots", row, key=("account_id",))

    async def snapshot(self, workspace_id: str, account_id: str) -> tuple[int, bytes] | None:
        """Give the newest engine state with its bar."""
        row = await self._tx.row(
            "SELECT bar_ms, data FROM account_snapshots WHERE workspace_id = ? AND account_id = ?",
            workspace_id,
            account_id,
        )
        return None if row is None else (int(row[0]), bytes(row[1]))

    async def add_lock(self, workspace_id: str, lock: Lock) -> None:
        """Refuse entries for a pair until a time."""
        await LOCKS.insert(self._tx, lock, workspace_id=workspace_id)

    async def locks(self, workspace_id: str, account_id: str, now: datetime) -> Sequence[Lock]:
        """Give the locks in force, the first to end first."""
        where = Where(workspace_id=workspace_id, account_id=account_id)
        where.add('"until" > ?', now).add("released_at IS NULL")
        return await LOCKS.find(self._tx, where, order='"until", id')

    async def release_locks(self, workspace_id: str, account_id: str, pair: str, now: datetime) -> int:
        """Release the locks of a pair, or with an empty pair every lock of the account; give how many."""
        where = Where(workspace_id=workspace_id, account_id=account_id)
        where.add('"until" > ?', now).add("released_at IS NULL")
        if pair:
            where.add("pair = ?", pair)
        return await update(self._tx, "locks", {"released_at": now}, where)
