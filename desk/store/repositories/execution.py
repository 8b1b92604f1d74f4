"""Watches, protection, incidents, comparisons with the venue, and requests to the owner of an account."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from desk.order_views import (
    AccountRequest,
    Baseline,
    Incident,
    IncidentKind,
    OrderWatch,
    Protection,
    Reconciliation,
)
from desk.store.connection import Connection
from desk.store.cursors import newest
from desk.store.models import (
    AccountRequestRow,
    BaselineRow,
    IncidentRow,
    OrderWatchRow,
    ProtectionRow,
    ReconciliationRow,
)
from desk.store.repositories.orders import IS_UNSETTLED
from desk.store.table import Table, Where, update
from desk.views import Page

WATCHES = Table(OrderWatchRow, OrderWatch)
INCIDENTS = Table(IncidentRow, Incident)
RECONCILIATIONS = Table(ReconciliationRow, Reconciliation)
REQUESTS = Table(AccountRequestRow, AccountRequest)
BASELINES = Table(BaselineRow, Baseline)
PROTECTIONS = Table(ProtectionRow, Protection)


class SqlExecution:
    """What the order path keeps beside orders."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def next_number(self, workspace_id: str, account_id: str) -> int:
        """Count up the account's own orders and give the number; held until the commit."""
        row = await self._tx.row(
            "INSERT INTO order_numbers (account_id, workspace_id, number) VALUES (?, ?, 1) "
            "ON CONFLICT (account_id) DO UPDATE SET number = order_numbers.number + 1 RETURNING number",
            account_id,
            workspace_id,
        )
        assert row is not None
        return int(row[0])

    async def watch(self, watch: OrderWatch) -> None:
        """Look after an order from now on, or differently."""
        await WATCHES.put(self._tx, watch, key=("order_id",))

    async def watch_of(self, workspace_id: str, order_id: str) -> OrderWatch | None:
        """Give how an order is looked after."""
        return await WATCHES.one(self._tx, Where(workspace_id=workspace_id, order_id=order_id))

    async def watches(self, workspace_id: str, account_id: str) -> Mapping[str, OrderWatch]:
        """Give the watches of the orders that may still change, by order."""
        where = Where(workspace_id=workspace_id, account_id=account_id).add(
            f"order_id IN (SELECT id FROM orders WHERE workspace_id = ? AND account_id = ? AND {IS_UNSETTLED})",  # noqa: S608
            workspace_id,
            account_id,
        )
        return {one.order_id: one for one in await WATCHES.find(self._tx, where)}

    async def burned(self, workspace_id: str, account_id: str) -> Sequence[OrderWatch]:
        """Give the orders whose absence was proved."""
        where = Where(workspace_id=workspace_id, account_id=account_id, is_burned=True)
        return await WATCHES.find(self._tx, where, order="claimed_at")

    async def protect(self, protection: Protection) -> None:
        """Write the exits of a position."""
        await PROTECTIONS.put(self._tx, protection, key=("position_id",))

    async def protection_of(self, workspace_id: str, position_id: str) -> Protection | None:
        """Give the exits of a position."""
        return await PROTECTIONS.one(self._tx, Where(workspace_id=workspace_id, position_id=position_id))

    async def protections(self, workspace_id: str, account_id: str) -> Sequence[Protection]:
        """Give the exits of every position that has some."""
        where = Where(workspace_id=workspace_id, account_id=account_id)
        return await PROTECTIONS.find(self._tx, where, order="position_id")

    async def release(self, workspace_id: str, position_id: str) -> None:
        """Forget the exits of a position that is closed."""
        await self._tx.change(
            "DELETE FROM protections WHERE workspace_id = ? AND position_id = ?", workspace_id, position_id
        )

    async def open_incident(self, incident: Incident) -> bool:
        """Open an incident; False when one about the same is open already."""
        where = Where(
            workspace_id=incident.workspace_id,
            account_id=incident.account_id,
            kind=incident.kind,
            subject=incident.subject,
        ).add("closed_at IS NULL")
        if await INCIDENTS.one(self._tx, where) is not None:
            return False
        await INCIDENTS.insert(self._tx, incident)
        return True

    async def close_incidents(
        self, workspace_id: str, account_id: str, kind: IncidentKind, subject: str, *, by: str, at: datetime
    ) -> int:
        """Settle the open incidents about something; give how many there were."""
        where = Where(workspace_id=workspace_id, account_id=account_id, kind=kind.value, subject=subject).add(
            "closed_at IS NULL"
        )
        return await update(self._tx, "incidents", {"closed_at": at, "closed_by": by}, where)

    async def open_incidents(self, workspace_id: str, account_id: str) -> Sequence[Incident]:
        """Give what is not settled, oldest first."""
        where = Where(workspace_id=workspace_id, account_id=account_id).add("closed_at IS NULL")
        return await INCIDENTS.find(self._tx, where, order="opened_at, id")

    async def incidents(self, workspace_id: str, page: Page) -> Sequence[Incident]:
        """Give incidents, newest first."""
        return await newest(self._tx, INCIDENTS, Where(workspace_id=workspace_id), page, moment="opened_at")

    async def save_reconciliation(self, run: Reconciliation) -> None:
        """Write a comparison, or how it ended."""
        await RECONCILIATIONS.put(self._tx, run, key=("id",))

    async def last_reconciliation(
        self, workspace_id: str, account_id: str, *, is_complete: bool = False
    ) -> Reconciliation | None:
        """Give the newest comparison (that got every answer)."""
        where = Where(workspace_id=workspace_id, account_id=account_id)
        if is_complete:
            where.one_of("outcome", ("agreed", "differs"))
        found = await RECONCILIATIONS.find(self._tx, where, order="began_at DESC, id DESC", limit=1)
        return found[0] if found else None

    async def ask(self, request: AccountRequest) -> None:
        """Leave a request for the process that owns the account."""
        await REQUESTS.insert(self._tx, request)

    async def requests(self, workspace_id: str, account_id: str) -> Sequence[AccountRequest]:
        """Give the requests that nobody took yet, oldest first."""
        where = Where(workspace_id=workspace_id, account_id=account_id).add("taken_at IS NULL")
        return await REQUESTS.find(self._tx, where, order="asked_at, id")

    async def request(self, workspace_id: str, request_id: str) -> AccountRequest | None:
        """Give a request with its answer."""
        return await REQUESTS.one(self._tx, Where(workspace_id=workspace_id, id=request_id))

    async def answer(self, workspace_id: str, request_id: str, answer: str, at: datetime) -> bool:
        """Write that a request was done; False when it was before."""
        where = Where(workspace_id=workspace_id, id=request_id).add("taken_at IS NULL")
        return await update(self._tx, "account_requests", {"taken_at": at, "answer": answer}, where) == 1

    async def baseline(self, workspace_id: str, account_id: str) -> Baseline | None:
        """Give what the venue held when we first looked."""
        return await BASELINES.one(self._tx, Where(workspace_id=workspace_id, account_id=account_id))

    async def save_baseline(self, baseline: Baseline) -> None:
        """Keep what the venue held, or what came and went since."""
        await BASELINES.put(self._tx, baseline, key=("account_id",))

    async def held(self, workspace_id: str, account_id: str) -> Mapping[str, Decimal]:
        """Give Σ fills per pair: what was bought less what was sold and what the venue kept as fee."""
        rows = await self._tx.rows(
            "SELECT pair, side, quantity, base_fee FROM fills WHERE workspace_id = ? AND account_id = ?",
            workspace_id,
            account_id,
        )
        found: dict[str, Decimal] = {}
        for pair, side, quantity, base_fee in rows:
            signed = Decimal(quantity) if side == "buy" else -Decimal(quantity)
            found[pair] = found.get(pair, Decimal(0)) + signed - Decimal(base_fee or 0)
        return found

    async def paid(self, workspace_id: str, account_id: str) -> Mapping[str, Decimal]:
        """Give Σ cash per quote currency of all fills; fees that were kept in base are not paid in quote."""
        rows = await self._tx.rows(
            "SELECT pair, side, quantity, price, fee, base_fee FROM fills WHERE workspace_id = ? "
            "AND account_id = ?",
            workspace_id,
            account_id,
        )
        found: dict[str, Decimal] = {}
        for pair, side, quantity, price, fee, base_fee in rows:
            quote = str(pair).partition("/")[2].partition(":")[0]
            value = Decimal(quantity) * Decimal(price)
            paid = -value if side == "buy" else value
            if not Decimal(base_fee or 0):
                paid -= Decimal(fee)
            found[quote] = found.get(quote, Decimal(0)) + paid
        return found

    async def known_trades(self, account_id: str, trade_ids: Collection[str]) -> set[str]:
        """Give those of some trades that are booked."""
        where = Where(account_id=account_id).one_of("venue_trade_id", trade_ids)
        rows = await self._tx.rows(f"SELECT venue_trade_id FROM fills {where.sql}", *where.values)  # noqa: S608
        return {str(row[0]) for row in rows}
