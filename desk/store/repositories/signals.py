"""Signals with their conditions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from desk.store.connection import Connection
from desk.store.cursors import filtered, newest
from desk.store.models import SignalRow
from desk.store.table import Table, Where, update
from desk.views import Filter, Page, SignalRecord
from trading.errors import InvalidInput, NotFound

#: Waiting signals that one bar takes.
MOST_AT_ONCE = 500

SIGNALS = Table(SignalRow, SignalRecord)


class SqlSignals:
    """Signals with their conditions."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def add(self, signal: SignalRecord) -> None:
        """Write a signal."""
        await SIGNALS.insert(self._tx, signal)

    async def settle(self, workspace_id: str, signal_id: str, *, outcome: str, reason: str) -> None:
        """Say what became of a signal.

        Raises:
            NotFound: no such signal in this workspace.
        """
        where = Where(workspace_id=workspace_id, id=signal_id)
        if not await update(self._tx, "signals", {"outcome": outcome, "reason": reason}, where):
            raise NotFound(f"No signal '{signal_id}' is in this workspace.", hint="List the signals.")

    async def place(self, workspace_id: str, signal_id: str, *, outcome: str, bar_at: datetime) -> None:
        """Say at which bar a signal counts.

        Raises:
            NotFound: no such signal in this workspace.
        """
        where = Where(workspace_id=workspace_id, id=signal_id)
        if not await update(self._tx, "signals", {"outcome": outcome, "bar_at": bar_at}, where):
            raise NotFound(f"No signal '{signal_id}' is in this workspace.", hint="List the signals.")

    async def waiting(
        self, workspace_id: str, bot_id: str, pair: str, *, outcome: str, since: datetime
    ) -> Sequence[SignalRecord]:
        """Give the signals of a bot on a pair with that outcome, oldest first."""
        where = Where(workspace_id=workspace_id, bot_id=bot_id, pair=pair, outcome=outcome)
        where.add("bar_at >= ?", since)
        return await SIGNALS.find(self._tx, where, order="bar_at, id", limit=MOST_AT_ONCE)

    async def heard(
        self, workspace_id: str, bot_id: str, pair: str, *, outcome: str, since: datetime, until: datetime
    ) -> Sequence[SignalRecord]:
        """Give the signals of a bot on a pair with that outcome and bars in a range, oldest first."""
        where = Where(workspace_id=workspace_id, bot_id=bot_id, pair=pair, outcome=outcome)
        where.add("bar_at >= ?", since).add("bar_at <= ?", until)
        return await SIGNALS.find(self._tx, where, order="bar_at, id")

    async def by_id(self, workspace_id: str, signal_id: str) -> SignalRecord | None:
        """Give a signal."""
        return await SIGNALS.one(self._tx, Where(workspace_id=workspace_id, id=signal_id))

    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[SignalRecord]:
        """Give signals, newest first; `extra` may name outcome, direction and tag."""
        if wanted.account_id:
            raise InvalidInput("Filter 'account_id' was given; bot_id and pair are allowed for signals.")
        where = filtered(
            SIGNALS, workspace_id, wanted, moment="bar_at", extra=("outcome", "direction", "tag")
        )
        if wanted.is_open is not None:
            where.add("outcome = ?" if wanted.is_open else "outcome <> ?", "pending")
        return await newest(self._tx, SIGNALS, where, page, moment="bar_at")
