"""Accounts, positions, trades, equity and performance."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, cast

import strawberry

from api import enums as _enums  # noqa: F401 - registers the enums that annotations name
from api.context import Info
from api.ids import global_id
from api.node import NamedValue, Node, computed, named_values, shaped
from desk import views
from desk.money import MoneyKind
from trading.events import TradingState
from trading.orders import Reason

if TYPE_CHECKING:
    from api.bots.types import Bot

BotRef = Annotated["Bot", strawberry.lazy("api.bots.types")]


@strawberry.type(description="An account as of its last closed bar.")
class AccountStatus:
    """Money and limits; `asOf` says how fresh."""

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


@strawberry.type(description="Money at one venue.")
class Account(Node):
    """An account; `isLive` where its orders go to a venue, `money` says whether that is a test environment."""

    id: strawberry.ID
    name: str
    venue: str
    is_live: bool
    currency: str
    capital: Decimal
    trading_state: TradingState
    state_reason: str
    version: int
    created_at: datetime
    own_id: strawberry.Private[str]

    @computed
    def status(self, info: Info) -> AccountStatus | None:
        """As of the last closed bar; null before the first one."""
        held = info.context.load.at_hand
        if held is None:
            return cast("AccountStatus | None", _loaded_status(info, self.own_id))
        found = held.statuses.get(self.own_id)
        return shaped(AccountStatus, found) if found else None

    @computed
    async def money(self, info: Info) -> MoneyKind:
        """Whose money it is: paper, a venue's test environment, or real."""
        return await money_in(info, self.own_id, is_live=self.is_live)


@strawberry.type(description="One take-profit leg.")
class TargetLeg:
    """A step of the ladder."""

    price: Decimal
    quantity: Decimal
    is_filled: bool


@strawberry.type(description="An open or closed position. Unrealised profit is at `markPrice`.")
class Position(Node):
    """What a bot holds."""

    id: strawberry.ID
    account_id: strawberry.ID
    bot_id: strawberry.ID
    signal_id: strawberry.ID | None
    pair: str
    is_long: bool
    is_open: bool
    quantity: Decimal
    entry_quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    stop: Decimal | None
    initial_stop: Decimal | None
    targets: list[TargetLeg]
    trail_ratio: float | None
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    tag: str
    opened_at: datetime
    closed_at: datetime | None
    as_of: datetime
    own_bot_id: strawberry.Private[str]

    @computed
    def bot(self, info: Info) -> BotRef | None:
        """The bot that holds it."""
        return bot_of(info, self.own_bot_id)


@strawberry.type(description="A finished round trip, net of all costs.")
class Trade(Node):
    """A trade; `number` is what people type in chat."""

    id: strawberry.ID
    number: int
    account_id: strawberry.ID
    bot_id: strawberry.ID
    position_id: strawberry.ID
    signal_id: strawberry.ID | None
    pair: str
    is_long: bool
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    pnl: Decimal
    pnl_ratio: float
    fees: Decimal
    reason: Reason
    tag: str
    exit_tag: str
    bars: int
    opened_at: datetime
    closed_at: datetime
    own_bot_id: strawberry.Private[str]

    @computed
    def bot(self, info: Info) -> BotRef | None:
        """The bot that made it."""
        return bot_of(info, self.own_bot_id)


@strawberry.type(description="A figure; null where it is undefined, with the reason.")
class Metric:
    """One figure of performance."""

    name: str
    value: float | None
    reason: str | None


@strawberry.type(description="Profit and loss over a span.")
class Performance:
    """Net of all costs; metric names are those of the backtest."""

    bot_id: strawberry.ID | None
    since: datetime | None
    until: datetime
    trades: int
    pnl: Decimal
    fees: Decimal
    equity: Decimal
    metrics: list[Metric]


@strawberry.type(description="Marked-to-market equity at the close of a bar.")
class EquityPoint:
    """One point of the curve."""

    at: datetime
    equity: Decimal


@strawberry.type(description="Entries are refused for a pair (empty: all) until a time.")
class PairLock:
    """A lock."""

    account_id: strawberry.ID
    pair: str
    until: datetime
    reason: str
    actor: str


@strawberry.type(description="A line of a position's life: stop moves, targets, partial exits.")
class TradeEvent:
    """What happened to a position."""

    at: datetime
    kind: str
    detail: list[NamedValue]


async def money_in(info: Info, account_id: str, *, is_live: bool) -> MoneyKind:
    """Give what an account trades; of one that is not there any more, what is said is the graver."""
    found = await info.context.load.money.load(account_id)
    return found or (MoneyKind.LIVE if is_live else MoneyKind.PAPER)


def account(view: views.Account) -> Account:
    """Give an account."""
    return shaped(Account, view, id=global_id("Account", view.id), own_id=view.id)


def position(view: views.Position) -> Position:
    """Give a position."""
    return shaped(
        Position,
        view,
        **_references(view),
        id=global_id("Position", view.id),
        is_open=view.closed_at is None,
        targets=[shaped(TargetLeg, one) for one in view.legs],
        own_bot_id=view.bot_id,
    )


def trade(view: views.Trade) -> Trade:
    """Give a finished trade."""
    return shaped(
        Trade,
        view,
        **_references(view),
        id=global_id("Trade", view.id),
        position_id=global_id("Position", view.position_id),
        own_bot_id=view.bot_id,
    )


def performance(view: views.Performance) -> Performance:
    """Give the figures of a span."""
    names = sorted({*view.values, *view.reasons})
    metrics = [Metric(name=one, value=view.values.get(one), reason=view.reasons.get(one)) for one in names]
    return shaped(Performance, view, bot_id=global_id("Bot", view.bot_id) or None, metrics=metrics)


def lock(view: views.Lock) -> PairLock:
    """Give a lock."""
    return shaped(PairLock, view, account_id=global_id("Account", view.account_id))


def trade_event(row: dict[str, object]) -> TradeEvent:
    """Give a line of a position's life."""
    detail = row.get("detail")
    return TradeEvent(
        at=row["at"],  # type: ignore[arg-type]
        kind=str(row["kind"]),
        detail=named_values(detail if isinstance(detail, dict) else {}),
    )


def bot_of(info: Info, bot_id: str) -> BotRef | None:
    """Give the bot of a row: at once where it is in memory, else something to wait for."""
    held = info.context.load.at_hand
    found = held.bots.get(bot_id) if held else None
    if held is None or found is None:
        # graphql-core waits for what can be waited for, whatever the signature says.
        return cast("BotRef | None", _loaded_bot(info, bot_id))
    return held.once("bot", found, _shown_bot)


async def _loaded_status(info: Info, account_id: str) -> AccountStatus | None:
    found = (await info.context.load.holdings()).statuses.get(account_id)
    return shaped(AccountStatus, found) if found else None


async def _loaded_bot(info: Info, bot_id: str) -> BotRef | None:
    found = await info.context.load.bot.load(bot_id) if bot_id else None
    return _shown_bot(found) if found else None


def _shown_bot(view: views.Bot) -> BotRef:
    from api.bots.types import bot

    return bot(view)


def _references(view: views.Position | views.Trade) -> dict[str, str | None]:
    return {
        "account_id": global_id("Account", view.account_id),
        "bot_id": global_id("Bot", view.bot_id),
        "signal_id": global_id("Signal", view.signal_id) or None,
    }
