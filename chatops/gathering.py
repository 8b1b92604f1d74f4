"""What the words about results show: finished trades and equity of one bot, or of one account with all its bots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chatops import kinds
from chatops.arguments import Argument
from chatops.cards import Field
from chatops.reading import account_named, account_text, accounts_of, wanted_bot
from chatops.room import Asked
from desk.money import MoneyKind, kinds_of
from desk.ports import Unit
from desk.queries import all_trades
from desk.views import Account, Bot, EquityPoint, Trade

#: Whose results: a bot's, or an account's.
WHOSE = (
    Argument(name="bot", read=kinds.name, only_named=True, offers="bot"),
    Argument(name="account", read=kinds.name, only_named=True),
)

_GRAVEST_FIRST = tuple(reversed(MoneyKind))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultBook:
    """What the results of a span are made of.

    Attributes:
        whose: says which account it is, where there are several.
    """

    bot: Bot | None
    account: Account | None
    equity: tuple[EquityPoint, ...]
    trades: tuple[Trade, ...]
    until: datetime
    whose: tuple[Field, ...] = ()

    @property
    def currency(self) -> str:
        return self.account.currency if self.account else ""

    @property
    def name(self) -> str:
        return self.bot.name if self.bot else self.account.name if self.account else ""


async def market_time(asked: Asked, tx: Unit, account_id: str) -> datetime:
    """Give what spans of an account count back from: its last bar, for a replay or a simulation has a time of its own."""
    status = await tx.accounts.status(asked.workspace_id, account_id)
    return status.as_of if status else asked.now


async def gathered(asked: Asked, *, days: int | None = None) -> ResultBook:
    """Read trades and equity; without `days` all of them.

    Where neither a bot nor an account is named, real money comes before test money before paper.
    """
    bot = await wanted_bot(asked, asked.args["bot"])
    async with asked.store.reading() as tx:
        accounts = await accounts_of(asked, tx)
        money = await kinds_of(tx, asked.workspace_id, accounts.values())
        if asked.args["account"] is not None:
            account: Account | None = await account_named(asked, tx)
            bot = bot if bot is not None and account is not None and bot.account_id == account.id else None
        elif bot is not None:
            account = accounts.get(bot.account_id)
        else:
            ordered = sorted(accounts.values(), key=lambda one: _GRAVEST_FIRST.index(money[one.id]))
            account = next(iter(ordered), None)
        if account is None:
            return ResultBook(bot=bot, account=None, equity=(), trades=(), until=asked.now)
        until = await market_time(asked, tx, account.id)
        since = until - timedelta(days=days) if days is not None else None
        trades = await all_trades(tx, asked.workspace_id, account.id, bot.id if bot else "", since)
        points = await tx.accounts.equity(asked.workspace_id, account.id, since)
    return ResultBook(
        bot=bot,
        account=account,
        equity=tuple(points),
        trades=trades,
        until=until,
        whose=(Field("account", account_text(account, money)),) if len(accounts) > 1 else (),
    )
