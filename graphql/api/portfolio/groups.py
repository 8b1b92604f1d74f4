"""Performance by bot, strategy, pair, day, week or month: finished trades, added up."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import strawberry

from api.context import Info
from api.ids import global_id, not_found, own_id
from api.permissions import reads
from desk import views
from desk.queries import all_trades

#: Rows of one answer; the ones with the most trades, or the newest spans.
MAX_GROUPS = 400


@strawberry.enum(
    description="What finished trades are added up by; spans are of UTC and of the day of closing."
)
class PerformanceBy(enum.Enum):
    """A grouping."""

    BOT = "bot"
    STRATEGY = "strategy"
    PAIR = "pair"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@strawberry.type(description="Finished trades of one group, net of all costs.")
class PerformanceGroup:
    """`key` is a name, a pair, or the first day of the span (2026-01-05)."""

    key: str
    bot_id: strawberry.ID | None
    trades: int
    wins: int
    losses: int
    win_rate: float
    pnl: Decimal
    fees: Decimal
    gross_profit: Decimal
    gross_loss: Decimal
    profit_factor: float | None = strawberry.field(description="Null where nothing was lost.")
    best: Decimal
    worst: Decimal
    average_bars: float


@dataclass(slots=True)
class _Sum:
    trades: int = 0
    wins: int = 0
    losses: int = 0
    bars: int = 0
    fees: Decimal = Decimal(0)
    profit: Decimal = Decimal(0)
    loss: Decimal = Decimal(0)
    pnl: list[Decimal] = field(default_factory=list)

    def add(self, trade: views.Trade) -> None:
        self.trades += 1
        self.wins += trade.pnl > 0
        self.losses += trade.pnl < 0
        self.bars += trade.bars
        self.fees += trade.fees
        self.profit += max(trade.pnl, Decimal(0))
        self.loss -= min(trade.pnl, Decimal(0))
        self.pnl.append(trade.pnl)


@strawberry.type
class GroupQueries:
    """Root fields about performance by group."""

    @reads()
    async def performance_by(
        self,
        info: Info,
        by: PerformanceBy,
        account_id: strawberry.ID | None = None,
        bot_id: strawberry.ID | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[PerformanceGroup]:
        """Finished trades added up; spans newest first, others by profit, at most 400 rows."""
        held = await info.context.load.holdings()
        account = own_id("Account", account_id) if account_id else ""
        bot = own_id("Bot", bot_id) if bot_id else ""
        if account and account not in held.accounts:
            raise not_found(account_id or "")
        if bot and await info.context.load.bot.load(bot) is None:
            raise not_found(bot_id or "")
        async with info.context.house.store.reading() as unit:
            trades = [
                one
                for one in await all_trades(unit, info.context.workspace_id, account, bot, since)
                if until is None or one.closed_at < until
            ]
        bots = {one: await info.context.load.bot.load(one) for one in {each.bot_id for each in trades}}
        return _grouped(trades, by, bots)


def _grouped(
    trades: Iterable[views.Trade], by: PerformanceBy, bots: Mapping[str, views.Bot | None]
) -> list[PerformanceGroup]:
    sums: dict[str, _Sum] = {}
    key = _key(by, bots)
    for one in trades:
        sums.setdefault(key(one), _Sum()).add(one)
    found = [_shown(name, total, by, bots) for name, total in sums.items()]
    if by in _SPANS:
        found.sort(key=lambda one: one.key, reverse=True)
    else:
        found.sort(key=lambda one: (-one.pnl, one.key))
    return found[:MAX_GROUPS]


def _day(at: datetime) -> str:
    return at.date().isoformat()


def _week(at: datetime) -> str:
    return (at.date() - timedelta(days=at.weekday())).isoformat()


def _month(at: datetime) -> str:
    return at.date().replace(day=1).isoformat()


_SPANS: Mapping[PerformanceBy, Callable[[datetime], str]] = {
    PerformanceBy.DAY: _day,
    PerformanceBy.WEEK: _week,
    PerformanceBy.MONTH: _month,
}


def _key(by: PerformanceBy, bots: Mapping[str, views.Bot | None]) -> Callable[[views.Trade], str]:
    if by in _SPANS:
        span = _SPANS[by]
        return lambda trade: span(trade.closed_at)
    if by is PerformanceBy.PAIR:
        return lambda trade: trade.pair
    if by is PerformanceBy.BOT:
        return lambda trade: trade.bot_id
    strategies = {bot_id: bot.strategy if bot else "" for bot_id, bot in bots.items()}
    return lambda trade: strategies[trade.bot_id]


def _shown(
    name: str, total: _Sum, by: PerformanceBy, bots: Mapping[str, views.Bot | None]
) -> PerformanceGroup:
    is_bot = by is PerformanceBy.BOT
    bot = bots.get(name) if is_bot else None
    return PerformanceGroup(
        key=bot.name if bot else name,
        bot_id=strawberry.ID(global_id("Bot", name)) if is_bot else None,
        trades=total.trades,
        wins=total.wins,
        losses=total.losses,
        win_rate=total.wins / total.trades,
        pnl=total.profit - total.loss,
        fees=total.fees,
        gross_profit=total.profit,
        gross_loss=total.loss,
        profit_factor=float(total.profit / total.loss) if total.loss else None,
        best=max(total.pnl),
        worst=min(total.pnl),
        average_bars=total.bars / total.trades,
    )
