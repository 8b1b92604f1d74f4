"""Facts: what happened, frozen, in the past tense. The classes are the topics; there are no topic strings.

Every fact is journalled in the transaction that changes the state, and published after the commit.
`kind` on the wire is the class name in snake case; the codec beside is the only one.
"""

from trading.events.accounts import (
    AccountReconciled,
    DailyLossReached,
    DaySummarised,
    IncidentClosed,
    IncidentOpened,
    LimitChanged,
    PairLocked,
    PairUnlocked,
    TradingHalted,
    TradingResumed,
)
from trading.events.base import Event, Recorded, Severity, kind_of
from trading.events.bots import BotConfigChanged, BotCreated, BotDeleted, BotStateChanged, StrategyFailed
from trading.events.codec import EVENT_TYPES, MARKET_DATA, as_payload, from_payload
from trading.events.entries import EntryAnswered, EntryAsked, EntryDenied, SignalDetected, SignalLapsed
from trading.events.house import (
    AlertRaised,
    ApprovalRequested,
    ApprovalSettled,
    JobChanged,
    ModelDrifted,
    ModelPromoted,
    ReportReady,
    ServiceStarted,
    ServiceStopped,
)
from trading.events.market import CandleClosed, FeedRecovered, FeedStalled, PriceMoved, WaveLabelled
from trading.events.orders import (
    OrderChanged,
    OrderFilled,
    OrderPlaced,
    PositionChanged,
    PositionClosed,
    PositionOpened,
)
from trading.events.states import PHASES, Condition, Desired, Phase, TradingState

__all__ = [
    "EVENT_TYPES",
    "MARKET_DATA",
    "PHASES",
    "AccountReconciled",
    "AlertRaised",
    "ApprovalRequested",
    "ApprovalSettled",
    "BotConfigChanged",
    "BotCreated",
    "BotDeleted",
    "BotStateChanged",
    "CandleClosed",
    "Condition",
    "DailyLossReached",
    "DaySummarised",
    "Desired",
    "EntryAnswered",
    "EntryAsked",
    "EntryDenied",
    "Event",
    "FeedRecovered",
    "FeedStalled",
    "IncidentClosed",
    "IncidentOpened",
    "JobChanged",
    "LimitChanged",
    "ModelDrifted",
    "ModelPromoted",
    "OrderChanged",
    "OrderFilled",
    "OrderPlaced",
    "PairLocked",
    "PairUnlocked",
    "Phase",
    "PositionChanged",
    "PositionClosed",
    "PositionOpened",
    "PriceMoved",
    "Recorded",
    "ReportReady",
    "ServiceStarted",
    "ServiceStopped",
    "Severity",
    "SignalDetected",
    "SignalLapsed",
    "StrategyFailed",
    "TradingHalted",
    "TradingResumed",
    "TradingState",
    "WaveLabelled",
    "as_payload",
    "from_payload",
    "kind_of",
]
