"""The go-live gate of a bot from what it really traded (trading-rules.md, B.6), line by line, each with where it is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from desk.bots.memory import unpack
from desk.bots.plan import limits_of
from desk.clock import Clock, to_ms
from desk.money import MoneyKind, money_of
from desk.ports import Store, Unit
from desk.ports.outside import REPLAY, SIMULATED
from desk.queries import all_trades
from desk.views import Account, Bot, Filter, Job, JobState, Page, Trade
from trading.backtest.metrics import Metrics, performance
from trading.errors import NotFound, nearest
from trading.risk.gates import GateReport, GateThresholds, WatchReport, go_live_gate, watch

_DAY = timedelta(days=1)

#: Runs of the past that are looked through for one of the same strategy, pairs and timeframe.
_RUNS = 100

#: Figures of a run that stand beside the gate, by its kind of job: name in the report and in the run's metrics.
_BESIDE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "backtest": (("backtest_sharpe", "sharpe"), ("backtest_max_drawdown", "max_drawdown")),
    "walk_forward": (("walk_forward_sharpe", "sharpe"), ("walk_forward_roi", "roi")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GoLiveLine:
    """One line of the report.

    Attributes:
        name: a gate (days, trades, sharpe, win_rate, profit_factor), or something that is shown beside the gates.
        value: what was found; None where it is undefined or missing.
        needed: what is asked, with its sign; empty beside the gates.
        has_passed: None beside the gates: it decides nothing.
        reason: why it did not pass, or why there is no value.
        source: where the value is from: "paper trades", "backtest <job>", "limits of <account>".
    """

    name: str
    value: float | None
    needed: str
    has_passed: bool | None
    reason: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoLiveReport:
    """How a bot stands before real money.

    Attributes:
        since: when its first trade on paper was opened; None before that. Days count from here.
        until: as of when; a replay has a time of its own.
        gate: every line of the gate and the doubt beside it.
        now: how the bot stands against the thresholds that are watched while it runs.
        money: what it trades as of now.
        beside: what is shown with it and decides nothing: earlier runs, the account's limits.
    """

    bot_id: str
    since: datetime | None
    until: datetime
    gate: GateReport
    now: WatchReport
    bot_name: str = ""
    is_live: bool = False
    money: MoneyKind = MoneyKind.PAPER
    beside: tuple[GoLiveLine, ...] = ()

    @property
    def has_passed(self) -> bool:
        """Whether every line of the gate passed."""
        return self.gate.has_passed

    @property
    def lines(self) -> tuple[GoLiveLine, ...]:
        """Every gate, then what stands beside them."""
        gates = tuple(
            GoLiveLine(
                name=one.gate.value,
                value=one.value,
                needed=one.needed,
                has_passed=one.has_passed,
                reason=one.reason,
                source="paper trades",
            )
            for one in self.gate.lines
        )
        return (*gates, *self.beside)

    @property
    def refusal(self) -> str:
        """Give one sentence that names the lines that did not pass; empty when all did."""
        failed = [
            f"{one.gate.value} is {'undefined' if one.value is None else format(one.value, '.4g')} ({one.needed} is needed)"
            for one in self.gate.failures
        ]
        return "; ".join(failed)


def record_of(trades: Sequence[Trade], *, capital: Decimal, until: datetime) -> tuple[Metrics, float]:
    """Give the figures of closed trades, oldest first, and the days since the first was opened.

    The daily returns are those of the profit booked by each 00:00 UTC, days without a trade included. The last
    value stands at `until`, so that a day that is not over counts with what it brought so far.
    """
    pnl = np.array([float(one.pnl) for one in trades])
    start = min((one.opened_at for one in trades), default=until)
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
    return performance(ts_ms, equity, trades=pnl.tolist()), (until - start) / _DAY


def judge(
    bot_id: str,
    trades: Sequence[Trade],
    *,
    capital: Decimal,
    until: datetime,
    thresholds: GateThresholds | None = None,
    bot_name: str = "",
    money: MoneyKind = MoneyKind.PAPER,
    beside: tuple[GoLiveLine, ...] = (),
) -> GoLiveReport:
    """Judge a bot by its closed trades against its share of the capital.

    Args:
        trades: closed ones, oldest first.
        capital: what the bot sizes against, in the account's currency.
    """
    pnl = np.array([float(one.pnl) for one in trades])
    figures, days = record_of(trades, capital=capital, until=until)
    return GoLiveReport(
        bot_id=bot_id,
        since=min((one.opened_at for one in trades), default=None),
        until=until,
        gate=go_live_gate(
            figures, days_on_paper=days, trade_pnl=pnl, initial=float(capital), thresholds=thresholds
        ),
        now=watch(figures, days_running=days, before=frozenset(), thresholds=thresholds),
        bot_name=bot_name,
        is_live=money is not MoneyKind.PAPER,
        money=money,
        beside=beside,
    )


async def golive_report(
    store: Store, clock: Clock, workspace_id: str, bot_id: str, *, thresholds: GateThresholds | None = None
) -> GoLiveReport:
    """Judge a bot by the trades in the store.

    Raises:
        NotFound: no such bot in this workspace.
    """
    async with store.reading() as tx:
        return await report_of(tx, clock.now(), workspace_id, bot_id, thresholds=thresholds)


async def report_of(
    tx: Unit,
    now: datetime,
    workspace_id: str,
    bot_id: str,
    *,
    thresholds: GateThresholds | None = None,
) -> GoLiveReport:
    """Judge a bot inside a transaction: by what it traded on paper, also when it is live by now.

    Raises:
        NotFound: no such bot in this workspace.
    """
    bot = await tx.bots.by_id(workspace_id, bot_id)
    if bot is None:
        ids = [one.id for one in await tx.bots.all(workspace_id)]
        raise NotFound(f"No bot '{bot_id}' in this workspace.", hint=nearest(bot_id, ids) or None)
    accounts = {one.id: one for one in await tx.accounts.all(workspace_id)}
    own = accounts[bot.account_id]
    traded = await all_trades(tx, workspace_id, "", bot.id, None)
    trades = [one for one in traded if not accounts[one.account_id].is_live]
    paper = own if not own.is_live else accounts[trades[-1].account_id] if trades else own
    status = await tx.accounts.status(workspace_id, paper.id)
    until = status.as_of if status else now
    if own.is_live and trades:
        # What came after the switch is not the paper's merit, nor its idle days.
        until = trades[-1].closed_at
    return judge(
        bot.id,
        trades,
        capital=paper.capital * Decimal(repr(bot.allocation)),
        until=until,
        thresholds=thresholds,
        bot_name=bot.name,
        money=await money_of(tx, own),
        beside=(*await _runs(tx, bot), *_limits(own)),
    )


async def refusal_of_real_money(
    tx: Unit, bot: Bot, now: datetime, *, days: float = GateThresholds().days
) -> str:
    """Say why a record proves nothing about real money, whatever its figures are; empty where it may.

    Prices that were made up, and days that a file played in minutes, pass every gate.
    """
    saved = await tx.accounts.snapshot(bot.workspace_id, bot.account_id)
    market = unpack(saved[1])[0].venue if saved else ""
    if market == REPLAY or market.startswith(SIMULATED):
        return f"its record is of the market {market}, not of an exchange"
    age = (now - bot.created_at) / _DAY
    if age < days:
        return f"it was made {age:.1f} days ago ({days:g} by the wall clock are needed, whatever a replay played)"
    return ""


async def _runs(tx: Unit, bot: Bot) -> tuple[GoLiveLine, ...]:
    """Give the figures of the newest finished runs of the bot's strategy on its pairs."""
    found: list[GoLiveLine] = []
    for kind, figures in _BESIDE.items():
        wanted = Filter(extra={"state": JobState.DONE, "kind": kind})
        page = await tx.jobs.page(bot.workspace_id, wanted, Page(first=_RUNS))
        job = next((one for one in page if _is_of(one, bot)), None)
        for name, metric in figures:
            value = job.result.get("metrics", {}).get(metric) if job is not None else None
            found.append(
                GoLiveLine(
                    name=name,
                    value=None if value is None else float(value),
                    needed="",
                    has_passed=None,
                    reason=""
                    if job is not None
                    else f"No finished {kind.replace('_', '-')} of this bot's strategy.",
                    source=f"{kind} {job.id}" if job is not None else kind,
                )
            )
    return tuple(found)


def _is_of(job: Job, bot: Bot) -> bool:
    given = job.input
    return (
        given.get("strategy") == bot.strategy
        and given.get("timeframe") == bot.timeframe
        and set(bot.pairs) <= set(given.get("pairs", ()))
    )


def _limits(account: Account) -> tuple[GoLiveLine, ...]:
    limits = limits_of(account.settings)
    return tuple(
        GoLiveLine(
            name=f"limit_{name}",
            value=None if value is None else float(value),
            needed="",
            has_passed=None,
            reason="" if value is not None else "It is switched off.",
            source=f"limits of {account.name}",
        )
        for name, value in (
            ("max_drawdown", limits.max_drawdown),
            ("daily_loss", limits.daily_loss),
            ("max_positions", limits.max_positions),
            ("portfolio_risk", limits.portfolio_risk),
        )
    )
