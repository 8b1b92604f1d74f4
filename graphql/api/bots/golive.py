"""How a bot stands before real money."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api import enums as _enums  # noqa: F401 - registers the enums that annotations name
from api.ids import global_id
from api.node import shaped
from desk import golive
from desk.money import MoneyKind


@strawberry.type(
    description="One line of the report; what is not a gate is shown beside them and decides nothing."
)
class GoLiveLine:
    """`hasPassed` is null beside the gates."""

    name: str
    value: float | None = strawberry.field(
        description="What was found; null where it is undefined or missing."
    )
    needed: str
    has_passed: bool | None
    reason: str
    source: str = strawberry.field(description="Where the value is from.")


@strawberry.type(description="The go-live gate of a bot, from what it traded on paper.")
class GoLiveReport:
    """The verdict, its lines, and the doubt beside them."""

    bot_id: strawberry.ID
    bot_name: str
    is_live: bool
    money: MoneyKind
    since: datetime | None = strawberry.field(
        description="Opening of its first trade on paper; days count from here."
    )
    until: datetime
    has_passed: bool
    lines: list[GoLiveLine]
    psr: float | None = strawberry.field(description="Probability that the true Sharpe ratio is above zero.")
    sharpe_standard_error: float | None
    sharpe_false_pass_rate: float | None = strawberry.field(
        description="How often a strategy without any edge passes the Sharpe line alone over these days."
    )
    false_pass_rate: float | None = strawberry.field(
        description="How often one without any edge passes Sharpe, win rate and profit factor together."
    )
    days_needed: float | None = strawberry.field(
        description="Days of record after which this Sharpe ratio is above zero at 95 %."
    )
    win_rate_low: float | None
    win_rate_high: float | None


def go_live_report(view: golive.GoLiveReport) -> GoLiveReport:
    """Give the report."""
    interval = view.gate.win_rate_interval
    return shaped(
        GoLiveReport,
        view,
        bot_id=global_id("Bot", view.bot_id),
        lines=[shaped(GoLiveLine, one) for one in view.lines],
        psr=view.gate.psr,
        sharpe_standard_error=view.gate.sharpe_standard_error,
        sharpe_false_pass_rate=view.gate.sharpe_false_pass_rate,
        false_pass_rate=view.gate.false_pass_rate,
        days_needed=view.gate.days_needed,
        win_rate_low=interval[0] if interval else None,
        win_rate_high=interval[1] if interval else None,
    )
