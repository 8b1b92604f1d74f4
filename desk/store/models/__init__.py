"""The tables, as Tortoise models: the one description that migrations and repositories go by.

Columns carry the field names of `desk.views`. Uniqueness is declared with `unique_together` because Tortoise 1.1
ignores `Meta.constraints` of a new model; partial indexes and triggers live in the migrations.
"""

from __future__ import annotations

from desk.store.models.access import (
    ApprovalRow,
    ChatLinkRow,
    CredentialRow,
    LinkCodeRow,
    StepUpRow,
    ThrottleRow,
)
from desk.store.models.accounts import (
    AccountRow,
    AccountSnapshotRow,
    AccountStatusRow,
    EquityPointRow,
    LockRow,
)
from desk.store.models.alerts import AlertRow, DeadLetterRow, DeliveryRow, InboxRow, OutboxRow
from desk.store.models.bots import BotPhaseRow, BotRow, ConfigVersionRow, StateChangeRow
from desk.store.models.chats import (
    ChatButtonRow,
    ChatPlaceRow,
    ChatReplyRow,
    ChatUpdateRow,
    LivingMessageRow,
)
from desk.store.models.entries import BotWishRow, EntryRequestRow, MarketDirectionRow
from desk.store.models.exchange_keys import ExchangeKeyRow
from desk.store.models.execution import (
    AccountRequestRow,
    BaselineRow,
    IncidentRow,
    OrderNumberRow,
    OrderWatchRow,
    ProtectionRow,
    ReconciliationRow,
)
from desk.store.models.facts import AuditRow, CounterRow, EventRow
from desk.store.models.firings import FiringRow
from desk.store.models.guards import ConfirmationRow, IdempotencyKeyRow, LeaseRow
from desk.store.models.jobs import JobFileRow, JobRow
from desk.store.models.learned import ModelDriftRow, ModelPromotionRow, ModelVersionRow
from desk.store.models.market import CandleRow, CandleSeriesRow
from desk.store.models.news import IndexReadingRow, NewsAssetRow, NewsRow
from desk.store.models.notices import (
    AlertIncidentRow,
    AlertMessageRow,
    AlertRuleRow,
    EscalationRow,
    HeartbeatRow,
    HeldDeliveryRow,
    NoticeSettingsRow,
)
from desk.store.models.orders import FillRow, OrderEventRow, OrderIntentRow, OrderRow, SignalRow
from desk.store.models.people import InstallRow, MemberRow, TokenRow, UserRow, WorkspaceRow
from desk.store.models.personal import PersonalDataRow, PersonKeyRow
from desk.store.models.positions import (
    ArchivedTradeRow,
    BotMetricsRow,
    PositionRow,
    RiskEventRow,
    StrategyPerformanceRow,
    TradeEventRow,
    TradeRow,
)
from desk.store.models.sessions import (
    InvitationRow,
    RefreshTokenRow,
    SessionRow,
    TokenFactRow,
    WebhookRow,
)

__all__ = [
    "AccountRequestRow",
    "AccountRow",
    "AccountSnapshotRow",
    "AccountStatusRow",
    "AlertIncidentRow",
    "AlertMessageRow",
    "AlertRow",
    "AlertRuleRow",
    "ApprovalRow",
    "ArchivedTradeRow",
    "AuditRow",
    "BaselineRow",
    "BotMetricsRow",
    "BotPhaseRow",
    "BotRow",
    "BotWishRow",
    "CandleRow",
    "CandleSeriesRow",
    "ChatButtonRow",
    "ChatLinkRow",
    "ChatPlaceRow",
    "ChatReplyRow",
    "ChatUpdateRow",
    "ConfigVersionRow",
    "ConfirmationRow",
    "CounterRow",
    "CredentialRow",
    "DeadLetterRow",
    "DeliveryRow",
    "EntryRequestRow",
    "EquityPointRow",
    "EscalationRow",
    "EventRow",
    "ExchangeKeyRow",
    "FillRow",
    "FiringRow",
    "HeartbeatRow",
    "HeldDeliveryRow",
    "IdempotencyKeyRow",
    "InboxRow",
    "IncidentRow",
    "IndexReadingRow",
    "InstallRow",
    "InvitationRow",
    "JobFileRow",
    "JobRow",
    "LeaseRow",
    "LinkCodeRow",
    "LivingMessageRow",
    "LockRow",
    "MarketDirectionRow",
    "MemberRow",
    "ModelDriftRow",
    "ModelPromotionRow",
    "ModelVersionRow",
    "NewsAssetRow",
    "NewsRow",
    "NoticeSettingsRow",
    "OrderEventRow",
    "OrderIntentRow",
    "OrderNumberRow",
    "OrderRow",
    "OrderWatchRow",
    "OutboxRow",
    "PersonKeyRow",
    "PersonalDataRow",
    "PositionRow",
    "ProtectionRow",
    "ReconciliationRow",
    "RefreshTokenRow",
    "RiskEventRow",
    "SessionRow",
    "SignalRow",
    "StateChangeRow",
    "StepUpRow",
    "StrategyPerformanceRow",
    "ThrottleRow",
    "TokenFactRow",
    "TokenRow",
    "TradeEventRow",
    "TradeRow",
    "UserRow",
    "WebhookRow",
    "WorkspaceRow",
]
