"""The tables, as Tortoise models: the one description that migrations and repositories go by.

Columns carry the field names of `desk.views`. Uniqueness is declared with `unique_together` because Tortoise 1.1
ignores `Meta.constraints` of a new model; partial indexes and triggers live in the migrations.
"""

from __future__ import annotations

from desk.store.models.accounts import (
    AccountRow,
    AccountSnapshotRow,
    AccountStatusRow,
    EquityPointRow,
    LockRow,
)
from desk.store.models.alerts import AlertRow, DeadLetterRow, DeliveryRow, InboxRow, OutboxRow
from desk.store.models.bots import BotPhaseRow, BotRow, ConfigVersionRow, StateChangeRow
from desk.store.models.facts import AuditRow, CounterRow, EventRow
from desk.store.models.guards import ConfirmationRow, IdempotencyKeyRow, LeaseRow
from desk.store.models.market import CandleRow, CandleSeriesRow
from desk.store.models.orders import FillRow, OrderEventRow, OrderIntentRow, OrderRow, SignalRow
from desk.store.models.people import InstallRow, MemberRow, TokenRow, UserRow, WorkspaceRow
from desk.store.models.positions import (
    BotMetricsRow,
    PositionRow,
    RiskEventRow,
    StrategyPerformanceRow,
    TradeEventRow,
    TradeRow,
)

__all__ = [
    "AccountRow",
    "AccountSnapshotRow",
    "AccountStatusRow",
    "AlertRow",
    "AuditRow",
    "BotMetricsRow",
    "BotPhaseRow",
    "BotRow",
    "CandleRow",
    "CandleSeriesRow",
    "ConfigVersionRow",
    "ConfirmationRow",
    "CounterRow",
    "DeadLetterRow",
    "DeliveryRow",
    "EquityPointRow",
    "EventRow",
    "FillRow",
    "IdempotencyKeyRow",
    "InboxRow",
    "InstallRow",
    "LeaseRow",
    "LockRow",
    "MemberRow",
    "OrderEventRow",
    "OrderIntentRow",
    "OrderRow",
    "OutboxRow",
    "PositionRow",
    "RiskEventRow",
    "SignalRow",
    "StateChangeRow",
    "StrategyPerformanceRow",
    "TokenRow",
    "TradeEventRow",
    "TradeRow",
    "UserRow",
    "WorkspaceRow",
]
