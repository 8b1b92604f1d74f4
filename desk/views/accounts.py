"""Read models of accounts: state, performance, locks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from trading.events import TradingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Money at one venue. `engine` settings are those of trading.engine.config, as JSON."""

    id: str
    workspace_id: str
    name: str
    venue: str
    is_live: bool
    currency: str
    capital: Decimal
    trading_state: TradingState
    state_reason: str
    settings: Mapping[str, Any]
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatus:
    """An account as of its last closed bar."""

    account_id: str
    as_of: datetime
    cash: Decimal
    equity: Decimal
    peak_equity: Decimal
    day_start_equity: Decimal
    drawdown: float
    day_change: float
    open_positions: int
    max_positions: int
    open_risk: Decimal
    trading_state: TradingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Profit and loss over a span; undefined numbers are None with a reason.

    `values` uses the metric names of trading.backtest.metrics.
    """

    bot_id: str
    since: datetime | None
    until: datetime
    trades: int
    pnl: Decimal
    fees: Decimal
    equity: Decimal
    values: Mapping[str, float | None]
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPoint:
    """Marked-to-market equity at the close of a bar."""

    at: datetime
    equity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Entries are refused for a pair (empty: all) until a time."""

    id: str
    account_id: str
    pair: str
    until: datetime
    reason: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PanicReport:
    """What a panic stop set going; positions close when the account's process takes the requests."""

    account_id: str
    account_name: str
    was_halted: bool
    positions_open: int
    positions_closing: tuple[str, ...]
    reason: str
