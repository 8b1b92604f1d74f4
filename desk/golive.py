"""The go-live gate of a bot from what it really traded (trading-rules.md, B.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from desk.clock import Clock, to_ms
from desk.ports import Store
from desk.queries import all_trades
from desk.views import Trade
from trading.backtest.metrics import performance
from trading.errors import NotFound, nearest
from trading.risk.gates import GateReport, GateThresholds, WatchReport, go_live_gate, watch

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoLive:
    """How a bot stands before real money.

    Attributes:
        since: when its first trade was opened; None before that. Days count from here.
        until: as of when; a replay has a time of its own.
        gate: every line of the gate and the doubt beside it.
        now: how the bot stands against the thresholds that are watched while it runs.
    """

    bot_id: str
    since: datetime | None
    until: datetime
    gate: GateReport
    now: WatchReport

    @property
    def has_passed(self) -> bool:
        """Whether every line of the gate passed."""
        return self.gate.has_passed


def judge(
    bot_id: str,
    trades: Sequence[Trade],
    *,
    capital: Decimal,
    until: datetime,
    thresholds: GateThresholds | None = None,
) -> GoLive:
    """Judge a bot by its closed trades against its share of the capital.

    The daily returns are those of the profit booked by each 00:00 UTC, days without a trade included. The last
    value stands at `until`, so that a day that is not over counts with what it brought so far.

    Args:
        trades: closed ones, oldest first.
        capital: what the bot sizes against, in the account's currency.
    """
    pnl = np.array([float(one.pnl) for one in trades])
    since = min((one.opened_at for one in trades), default=None)
    start = since or until
    moments = [start]
    midnight = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    while midnight < until:
        moments.append(midnight)
        midnight += _DAY
    if until > moments[-1]:
        moments.append(until)
    closed = np.array([to_ms(one.closed_at) for one in trades], np.int64)
    ts_ms = np.array([to_ms(one) for one in moments], np.int64)
    booked = np.concatenate(([0.0], np.cumsum(pnl)))
    equity = float(capital) + booked[np.searchsorted(closed, ts_ms, side="right")]
    figures = performance(ts_ms, equity, trades=pnl.tolist())
    days = (until - start) / _DAY
    return GoLive(
        bot_id=bot_id,
        since=since,
        until=until,
        gate=go_live_gate(
            figures, days_on_paper=days, trade_pnl=pnl, initial=float(capital), thresholds=thresholds
        ),
        now=watch(figures, days_running=days, before=frozenset(), thresholds=thresholds),
    )


async def golive_report(
    store: Store, clock: Clock, workspace_id: str, bot_id: str, *, thresholds: GateThresholds | None = None
) -> GoLive:
    """Judge a bot by the trades in the store.

    Raises:
        NotFound: no such bot in this workspace.
    """
    async with store.reading() as tx:
        bot = await tx.bots.by_id(workspace_id, bot_id)
        if bot is None:
            ids = [one.id for one in await tx.bots.all(workspace_id)]
            raise NotFound(f"No bot '{bot_id}' in this workspace.", hint=nearest(bot_id, ids) or None)
        account = next(one for one in await tx.accounts.all(workspace_id) if one.id == bot.account_id)
        trades = await all_trades(tx, workspace_id, account.id, bot.id, None)
        status = await tx.accounts.status(workspace_id, account.id)
    return judge(
        bot.id,
        trades,
        capital=account.capital * Decimal(repr(bot.allocation)),
        until=status.as_of if status else clock.now(),
        thresholds=thresholds,
    )
