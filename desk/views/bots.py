"""Read models of bots, their configuration and what they saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from trading.events import Condition, Desired, Phase, TradingState


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPhase:
    """Where a bot stands with one pair, and since when."""

    pair: str
    phase: Phase
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A strategy with pairs, parameters and an allocation, attached to an account."""

    id: str
    workspace_id: str
    account_id: str
    name: str
    strategy: str
    pairs: tuple[str, ...]
    timeframe: str
    parameters: Mapping[str, Any]
    allocation: float
    desired: Desired
    condition: Condition
    condition_reason: str
    trading_state: TradingState
    phases: tuple[PairPhase, ...]
    resume_at: datetime | None
    last_bar_at: datetime | None
    version: int
    config_version: int
    is_live: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """A line of a bot's state history; the store gives the id."""

    at: datetime
    bot_id: str
    axis: str
    pair: str
    before: str
    after: str
    cause: str
    actor: str
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigVersion:
    """An immutable configuration of a bot."""

    id: str
    bot_id: str
    version: int
    parameters: Mapping[str, Any]
    author: str
    reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesInfo:
    """A stored candle series."""

    venue: str
    pair: str
    timeframe: str
    bars: int
    first: datetime
    last: datetime
    checksum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRecord:
    """A signal with why: conditions, sizing arithmetic, risk checks.

    Attributes:
        conditions: [{"name", "value", "threshold", "relation", "met"}].
        sizing: {"binding", "quantity", "risk", "limits": {name: quantity}} or empty when it was not sized.
        checks: [{"name", "passed", "detail"}] in evaluation order.
        outcome: "pending", "entered", "denied" or "lapsed"; `reason` says why not.
    """

    id: str
    workspace_id: str
    bot_id: str
    pair: str
    bar_at: datetime
    direction: int
    tag: str
    price: Decimal
    stop: Decimal | None
    targets: tuple[Decimal, ...]
    score: float
    conditions: tuple[Mapping[str, Any], ...]
    sizing: Mapping[str, Any]
    checks: tuple[Mapping[str, Any], ...]
    outcome: str
    reason: str
