"""A bot beside its replay."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import strawberry

from api.ids import global_id
from api.node import shaped
from desk.reports.drift import values
from trading.orders import Reason

#: Newest trades, and points of the two lines, in one answer.
MOST_TRADES = 200
MOST_POINTS = 500

strawberry.enum(values.Outcome, name="DriftOutcome", description="How a trade stands beside its replay.")


@strawberry.type(description="A trade beside its twin of the replay.")
class DriftTrade:
    """Null profit: that side did not make it, or it is open still."""

    pair: str
    is_long: bool
    outcome: values.Outcome
    opened_at: datetime
    number: int | None = strawberry.field(description="Of the bot's trade, as in `trades`.")
    live_pnl: Decimal | None
    replay_pnl: Decimal | None
    live_reason: Reason | None
    replay_reason: Reason | None
    entry_slip_bps: float | None = strawberry.field(
        description="How much worse the entry was than the twin's, in hundredths of a percent."
    )
    exit_slip_bps: float | None


@strawberry.type(description="Profit so far, of the bot and of its replay.")
class DriftPoint:
    """A point of both lines."""

    at: datetime
    live: Decimal
    replay: Decimal


@strawberry.type(
    description="A bot beside the replay of its window by the backtester. `gap` is the sum of the five parts."
)
class Drift:
    """Drift."""

    bot_id: strawberry.ID
    bot: str
    strategy: str
    currency: str
    since: datetime = strawberry.field(
        description="Earlier than asked for where a position was held then: the replay begins flat."
    )
    until: datetime
    bars: int
    live_trades: int
    replay_trades: int
    matched: int = strawberry.field(description="Entries that both made at the same bar.")
    signals: int
    confirmed: int = strawberry.field(description="Signals that the replay gives at the same bar.")
    missed: int = strawberry.field(description="Entries of the replay that the bot did not make.")
    signal_match: float | None = strawberry.field(
        description="Confirmed signals, of all that either side had; null without any."
    )
    entry_slip_bps: float | None
    exit_slip_bps: float | None
    live_pnl: Decimal
    replay_pnl: Decimal
    live_fees: Decimal
    replay_fees: Decimal
    gap: Decimal = strawberry.field(description="What the bot earned more than its replay.")
    by_signals: Decimal = strawberry.field(description="Trades that only one of them made.")
    by_exits: Decimal = strawberry.field(description="Trades that they left otherwise.")
    by_slippage: Decimal = strawberry.field(description="Other prices of the same fills.")
    by_fees: Decimal
    by_size: Decimal
    notes: list[str] = strawberry.field(description='Codes: "config_changed", "history_cut", "bars_missing".')
    trades: list[DriftTrade] = strawberry.field(description="The newest 200, oldest first.")
    points: list[DriftPoint] = strawberry.field(description="Up to 500, evenly chosen.")


def drift(view: values.Drift) -> Drift:
    """Give a drift."""
    return shaped(
        Drift,
        view,
        bot_id=global_id("Bot", view.bot_id),
        notes=list(view.notes),
        trades=[shaped(DriftTrade, one) for one in view.trades[-MOST_TRADES:]],
        points=[shaped(DriftPoint, one) for one in _thinned(view.points)],
    )


def _thinned(points: tuple[values.DriftPoint, ...]) -> list[values.DriftPoint]:
    """Keep the first, the last, and every so many in between."""
    if len(points) <= MOST_POINTS:
        return list(points)
    last = len(points) - 1
    return [points[round(place * last / (MOST_POINTS - 1))] for place in range(MOST_POINTS)]
