"""One transaction over everything that is kept, and the database behind it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from desk.alerting.ports import Notices
from desk.chats import Chats
from desk.entry_ports import Entries
from desk.exchange_ports import ExchangeKeys
from desk.jobs.firings import Firings
from desk.models.ports import Models
from desk.news.ports import News
from desk.people_ports import Approvals, Hooks, Links, Privacy, Proofs, SignIns
from desk.ports.accounts import Accounts, Bots, CandleStore, Signals
from desk.ports.house import Alerts, Audit, Jobs, Journal, Keys, Leases, Messages
from desk.ports.orders import Execution, Fills, Metrics, Orders, Positions
from desk.ports.people import Members, Workspaces
from desk.venue_port import OrderRequest as OrderRequest
from desk.venue_port import Placement as Placement
from desk.venue_port import Venue as Venue


class Unit(Protocol):
    """The repositories, all in one transaction."""

    workspaces: Workspaces
    members: Members
    links: Links
    approvals: Approvals
    proofs: Proofs
    sessions: SignIns
    hooks: Hooks
    exchange_keys: ExchangeKeys
    privacy: Privacy
    accounts: Accounts
    bots: Bots
    candles: CandleStore
    signals: Signals
    orders: Orders
    fills: Fills
    entries: Entries
    positions: Positions
    metrics: Metrics
    journal: Journal
    alerts: Alerts
    notices: Notices
    messages: Messages
    execution: Execution
    jobs: Jobs
    firings: Firings
    news: News
    models: Models
    chats: Chats
    audit: Audit
    leases: Leases
    keys: Keys


class Store(Protocol):
    """The database. Nothing is written outside `transaction()`."""

    def transaction(self) -> AbstractAsyncContextManager[Unit]:
        """Commit at the end of the block, roll back on any exception.

        Raises:
            StoreProblem: no connection within 2 s, or the database is away.
        """
        ...

    @property
    def commits(self) -> int:
        """How many transactions this process committed here; what was read before the last one may be old."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Unit]:
        """Read without a write lock."""
        ...

    @property
    def glance(self) -> Unit:
        """Statements that stand alone, for doors: each is a snapshot of its own and holds a connection while it runs.

        It never takes the connections of `transaction` and `reading`; whoever asks waits for a turn without a limit.
        """
        ...

    async def is_current(self) -> bool:
        """Tell whether the schema is the newest."""
        ...

    async def close(self) -> None: ...
