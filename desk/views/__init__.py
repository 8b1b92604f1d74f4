"""Read models: frozen values that leave the store and that every door shows. Times are UTC, money is Decimal."""

from desk.views.accounts import Account, AccountStatus, EquityPoint, Lock, PanicReport, Performance
from desk.views.bots import Bot, ConfigVersion, PairPhase, SeriesInfo, SignalRecord, StateChange
from desk.views.house import (
    Alert,
    AuditEntry,
    DeadLetter,
    Delivery,
    Filter,
    Job,
    JobEnd,
    JobFile,
    JobsOpen,
    JobState,
    Page,
)
from desk.views.people import ApiToken, Install, IssuedToken, Member, Workspace
from desk.views.trading import FillRecord, Leg, Order, Position, Trade

__all__ = [
    "Account",
    "AccountStatus",
    "Alert",
    "ApiToken",
    "AuditEntry",
    "Bot",
    "ConfigVersion",
    "DeadLetter",
    "Delivery",
    "EquityPoint",
    "FillRecord",
    "Filter",
    "Install",
    "IssuedToken",
    "Job",
    "JobEnd",
    "JobFile",
    "JobState",
    "JobsOpen",
    "Leg",
    "Lock",
    "Member",
    "Order",
    "Page",
    "PairPhase",
    "PanicReport",
    "Performance",
    "Position",
    "SeriesInfo",
    "SignalRecord",
    "StateChange",
    "Trade",
    "Workspace",
]
