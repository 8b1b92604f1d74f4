"""Commands that ask for heavy work, and that end it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from desk.commands.table import Command, Danger, asks
from desk.identity import Role
from trading.events import (
    JobChanged,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Research(Command):
    """What every run over a history needs.

    Attributes:
        since, until: opening times of the first bar and after the last; None = as far as candles are known.
        parameters, limits: of the strategy and of the account's risk; what is left out keeps its default.
        fee, slippage: shares of the price per side.
        spread: share of the price between bid and ask; market fills pay half of it.
        fill: "through" or "touch": whether a limit needs a price beyond it.
        trailing: "close" or "venue": who moves trailing stops, the bot at each close or the venue inside the bar.
        detail: a shorter timeframe whose candles settle what came first inside a bar; empty = none.
        model: "NAME" or "NAME:VERSION": whose forecasts are read instead of those of who speaks.
    """

    strategy: str
    pairs: tuple[str, ...]
    timeframe: str = "1h"
    since: datetime | None = None
    until: datetime | None = None
    parameters: tuple[tuple[str, Any], ...] = ()
    limits: tuple[tuple[str, Any], ...] = ()
    capital: Decimal = Decimal(10_000)
    fee: Decimal = Decimal("0.001")
    slippage: Decimal = Decimal("0.0005")
    can_short: bool = True
    spread: Decimal = Decimal(0)
    fill: str = "through"
    trailing: str = "close"
    detail: str = ""
    model: str = ""


@asks(role=Role.OPERATOR, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class RunBacktest(Research):
    """Run a strategy over a history in the background."""


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptimization(Research):
    """Search a strategy's parameters over a history in the background; every trial is recorded.

    Attributes:
        grid: axes "fast=5:50:5" or "mode=a,b"; empty = a guided search over the strategy's own ranges.
        trials: of a guided search.
        objective: what is maximised.
        minimum_trades: closed trades that a winner needs.
    """

    grid: tuple[str, ...] = ()
    trials: int = 100
    objective: str = "sharpe"
    minimum_trades: int = 30


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class RunWalkForward(Research):
    """Pick parameters on one stretch and trade the next, again and again, in the background.

    Attributes:
        train, test, gap: lengths such as 90d.
        anchored: the training stretch always starts at the first bar.
    """

    train: str = "90d"
    test: str = "30d"
    gap: str = "0d"
    anchored: bool = False
    grid: tuple[str, ...] = ()
    trials: int = 30
    objective: str = "sharpe"
    minimum_trades: int = 10


@asks(role=Role.OPERATOR, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class CheckBias(Command):
    """Look for look-ahead and recursion over a history in the background.

    Attributes:
        name: a strategy, indicator or detector, or "all".
    """

    name: str
    pair: str
    timeframe: str = "1h"
    since: datetime | None = None
    until: datetime | None = None


@asks(role=Role.OPERATOR, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class CancelJob(Command):
    """End a background job; what it found so far is thrown away."""

    job_id: str


@asks(role=Role.OPERATOR, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class RetryJob(Command):
    """Start a failed or canceled job anew."""

    job_id: str


@asks(role=Role.VIEWER, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class MakeReport(Command):
    """Make a report of a day, a week or a month in the background, as PDF, workbook and CSV.

    Attributes:
        period: "day", "week" or "month".
        account_id, bot_id: id or name; neither = the only account, with all its bots.
        day: of the period that is wanted; None = the last one that is over.
        send_to: "email", "telegram", "discord", "me" for wherever your news go, or empty: the files wait with the job.
    """

    period: str = "day"
    account_id: str = ""
    bot_id: str = ""
    day: date | None = None
    send_to: str = ""
