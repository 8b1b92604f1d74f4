"""Read use cases that need more than one row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from desk.clock import Clock, to_ms
from desk.ports import Store, Unit
from desk.views import Account, Bot, EquityPoint, Filter, Page, Performance, Trade
from trading.backtest.metrics import Metrics, metrics_from_trades, performance
from trading.errors import NotFound, nearest

#: Trades are read in pages of this many.
_PAGE = 5_000


class Queries:
    """Figures over trades and equity, for every door."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def performance(
        self, workspace_id: str, bot_id: str, since: datetime | None = None, *, account_id: str = ""
    ) -> Performance:
        """Give profit and loss of a bot, or with an empty id of an account: the named one, or the workspace's first.

        A bot is judged by its trades against its share of the capital; an account by its marked equity too.

        Raises:
            NotFound: no such bot, or no account yet.
        """
        async with self._store.reading() as tx:
            bot = await _bot(tx, workspace_id, bot_id) if bot_id else None
            account = await _account(tx, workspace_id, bot.account_id if bot else account_id)
            trades = await all_trades(tx, workspace_id, account.id, bot.id if bot else "", since)
            status = await tx.accounts.status(workspace_id, account.id)
            points = await tx.accounts.equity(workspace_id, account.id, since)
            held = [
                one
                for one in await tx.positions.open(workspace_id, account.id)
                if bot is None or one.bot_id == bot.id
            ]
        pnl = sum((one.pnl for one in trades), start=Decimal(0))
        share = account.capital * (Decimal(repr(bot.allocation)) if bot else 1)
        open_pnl = sum((one.realized_pnl + one.unrealized_pnl for one in held), start=Decimal(0))
        figures = _figures(trades, () if bot else points, initial=share)
        return Performance(
            bot_id=bot.id if bot else "",
            since=since,
            # A replay has a time of its own: it is asked about as of its last bar.
            until=status.as_of if status else self._clock.now(),
            trades=len(trades),
            pnl=pnl,
            fees=sum((one.fees for one in trades), start=Decimal(0)),
            equity=status.equity if status and bot is None else share + pnl + open_pnl,
            values=dict(figures.values),
            reasons=dict(figures.reasons),
        )


async def all_trades(
    tx: Unit, workspace_id: str, account_id: str, bot_id: str, since: datetime | None
) -> tuple[Trade, ...]:
    """Give every finished trade of an account or bot, oldest first."""
    found: dict[str, Trade] = {}
    until: datetime | None = None
    while True:
        wanted = Filter(account_id=account_id, bot_id=bot_id, since=since, until=until)
        page = await tx.positions.trades(workspace_id, wanted, Page(first=_PAGE))
        fresh = {one.id: one for one in page if one.id not in found}
        found.update(fresh)
        if len(page) < _PAGE or not fresh:
            return tuple(reversed(found.values()))
        # The next page begins with the trades of the same moment, which are known by then.
        until = page[-1].closed_at + timedelta(microseconds=1)


def _figures(trades: Sequence[Trade], points: Sequence[EquityPoint], *, initial: Decimal) -> Metrics:
    pnl = [float(one.pnl) for one in trades]
    if len(points) < 2:
        return metrics_from_trades(pnl, initial=float(initial))
    return performance([to_ms(one.at) for one in points], [float(one.equity) for one in points], trades=pnl)


async def _bot(tx: Unit, workspace_id: str, bot_id: str) -> Bot:
    bot = await tx.bots.by_id(workspace_id, bot_id)
    if bot is None:
        ids = [one.id for one in await tx.bots.all(workspace_id)]
        raise NotFound(f"No bot '{bot_id}' in this workspace.", hint=nearest(bot_id, ids) or None)
    return bot


async def _account(tx: Unit, workspace_id: str, account_id: str) -> Account:
    accounts = await tx.accounts.all(workspace_id)
    found = next((one for one in accounts if account_id in ("", one.id)), None)
    if found is None:
        raise NotFound("This workspace has no account yet.", hint="`breakwater up --demo` makes one.")
    return found
