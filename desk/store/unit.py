"""All repositories on one connection of one transaction."""

from __future__ import annotations

from desk.alerting.ports import Notices
from desk.chats import Chats
from desk.clock import Clock
from desk.entry_ports import Entries
from desk.exchange_ports import ExchangeKeys
from desk.jobs.firings import Firings
from desk.keyring import KeyRing
from desk.models.ports import Models
from desk.news.ports import News
from desk.people_ports import Approvals, Hooks, Links, Privacy, Proofs, SignIns
from desk.ports import (
    Accounts,
    Alerts,
    Audit,
    Bots,
    CandleStore,
    Execution,
    Fills,
    Jobs,
    Journal,
    Keys,
    Leases,
    Members,
    Messages,
    Metrics,
    Orders,
    Positions,
    Signals,
    Workspaces,
)
from desk.store.connection import Connection
from desk.store.repositories.accounts import SqlAccounts
from desk.store.repositories.alerts import SqlAlerts
from desk.store.repositories.approvals import SqlApprovals
from desk.store.repositories.audit import SqlAudit
from desk.store.repositories.bots import SqlBots
from desk.store.repositories.candles import SqlCandles
from desk.store.repositories.chats import SqlChats
from desk.store.repositories.entries import SqlEntries
from desk.store.repositories.exchange_keys import SqlExchangeKeys
from desk.store.repositories.execution import SqlExecution
from desk.store.repositories.fills import SqlFills
from desk.store.repositories.firings import SqlFirings
from desk.store.repositories.hooks import SqlHooks
from desk.store.repositories.jobs import SqlJobs
from desk.store.repositories.journal import SqlJournal
from desk.store.repositories.keys import SqlKeys
from desk.store.repositories.learned import SqlModels
from desk.store.repositories.leases import SqlLeases
from desk.store.repositories.links import SqlLinks
from desk.store.repositories.members import SqlMembers
from desk.store.repositories.messages import SqlMessages
from desk.store.repositories.metrics import SqlMetrics
from desk.store.repositories.news import SqlNews
from desk.store.repositories.notices import SqlNotices
from desk.store.repositories.orders import SqlOrders
from desk.store.repositories.positions import SqlPositions
from desk.store.repositories.privacy import SqlPrivacy
from desk.store.repositories.proofs import SqlProofs
from desk.store.repositories.sessions import SqlSessions
from desk.store.repositories.signals import SqlSignals
from desk.store.repositories.workspaces import SqlWorkspaces


class SqlUnit:
    """The repositories of `desk.ports.store.Unit`, for one task and one block."""

    def __init__(self, connection: Connection, clock: Clock, ring: KeyRing | None = None) -> None:
        self.connection = connection
        self.workspaces: Workspaces = SqlWorkspaces(connection, clock)
        self.members: Members = SqlMembers(connection, clock, ring)
        self.links: Links = SqlLinks(connection, clock, ring)
        self.approvals: Approvals = SqlApprovals(connection, clock, ring)
        self.proofs: Proofs = SqlProofs(connection, clock, ring)
        self.sessions: SignIns = SqlSessions(connection)
        self.hooks: Hooks = SqlHooks(connection, clock, ring)
        self.exchange_keys: ExchangeKeys = SqlExchangeKeys(connection, clock, ring)
        self.privacy: Privacy = SqlPrivacy(connection, clock, ring)
        self.accounts: Accounts = SqlAccounts(connection, clock)
        self.bots: Bots = SqlBots(connection)
        self.candles: CandleStore = SqlCandles(connection)
        self.signals: Signals = SqlSignals(connection)
        self.orders: Orders = SqlOrders(connection)
        self.fills: Fills = SqlFills(connection)
        self.entries: Entries = SqlEntries(connection)
        self.positions: Positions = SqlPositions(connection)
        self.metrics: Metrics = SqlMetrics(connection)
        self.journal: Journal = SqlJournal(connection)
        self.alerts: Alerts = SqlAlerts(connection)
        self.notices: Notices = SqlNotices(connection)
        self.messages: Messages = SqlMessages(connection)
        self.execution: Execution = SqlExecution(connection)
        self.jobs: Jobs = SqlJobs(connection)
        self.firings: Firings = SqlFirings(connection)
        self.news: News = SqlNews(connection)
        self.models: Models = SqlModels(connection)
        self.chats: Chats = SqlChats(connection)
        self.audit: Audit = SqlAudit(connection)
        self.leases: Leases = SqlLeases(connection)
        self.keys: Keys = SqlKeys(connection)
