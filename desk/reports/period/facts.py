"""The facts of a period, read from the store at once and picklable: a report is made of nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from desk.cursors import cursor_of
from desk.models.room import ModelRoom
from desk.money import MoneyKind, money_of
from desk.ports import Feed, Unit
from desk.queries import all_trades
from desk.reports.drift.material import Material, gathered
from desk.reports.drift.material import Request as DriftRequest
from desk.reports.period.asking import ReportAsk
from desk.views import Account, Bot, EquityPoint, Page, Trade
from strategies.registry import StrategyRegistry
from trading.errors import BreakwaterError, NotFound

#: Risk events that a report lists; a storm of them says no more than its first thousands.
_MOST_EVENTS = 5_000
_PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskEvent:
    """What a risk rule said.

    Attributes:
        rule: e.g. "daily_loss", "slots", "correlation"; `detail`: its figures.
    """

    at: datetime
    rule: str
    bot_id: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodFacts:
    """A period of an account, or of one bot.

    Attributes:
        money: whose the account's is.
        bots: all of the account, those that were deleted since and traded in the period included by id only.
        equity: of the account; the first point is the last one before the period, where there is one.
        drifts: what replays need, by bot id; `undriven` says why a bot has none.
    """

    ask: ReportAsk
    workspace: str
    account: Account
    money: MoneyKind
    bot: Bot | None
    bots: tuple[Bot, ...]
    trades: tuple[Trade, ...]
    equity: tuple[EquityPoint, ...]
    risk: tuple[RiskEvent, ...]
    drifts: Mapping[str, Material]
    undriven: Mapping[str, str]
    made_at: datetime


async def facts_of(
    tx: Unit,
    feed: Feed,
    registry: StrategyRegistry,
    workspace_id: str,
    ask: ReportAsk,
    now: datetime,
    *,
    models: ModelRoom | None = None,
) -> PeriodFacts:
    """Read the facts of a period.

    Args:
        models: gives the forecasts that bots were given, for their replays; None = none.

    Raises:
        NotFound: the account or the bot is not there (any more).
    """
    account = await tx.accounts.by_id(workspace_id, ask.account_id)
    workspace = await tx.workspaces.by_id(workspace_id)
    if account is None or workspace is None:
        raise NotFound(f"No account '{ask.account_id}' is in this workspace.")
    bots = tuple(await tx.bots.of_account(workspace_id, account.id))
    bot = next((one for one in bots if one.id == ask.bot_id), None)
    if ask.bot_id and bot is None:
        raise NotFound(f"No bot '{ask.bot_id}' is on account '{account.name}'.")
    found = await all_trades(tx, workspace_id, account.id, ask.bot_id, ask.since)
    trades = tuple(one for one in found if one.closed_at < ask.until)
    chosen = (bot,) if bot else bots
    drifts, undriven = await _drifts(tx, feed, registry, account, chosen, ask, models)
    return PeriodFacts(
        ask=ask,
        workspace=workspace.name,
        account=account,
        money=await money_of(tx, account),
        bot=bot,
        bots=bots,
        trades=trades,
        equity=await _equity(tx, account, ask),
        risk=await _risk(tx, account, ask),
        drifts=drifts,
        undriven=undriven,
        made_at=now,
    )


async def _drifts(
    tx: Unit,
    feed: Feed,
    registry: StrategyRegistry,
    account: Account,
    bots: tuple[Bot, ...],
    ask: ReportAsk,
    models: ModelRoom | None,
) -> tuple[dict[str, Material], dict[str, str]]:
    """Gather the replays; a bot without one does not spoil the report of the others."""
    found: dict[str, Material] = {}
    why: dict[str, str] = {}
    status = await tx.accounts.status(account.workspace_id, account.id)
    until = ask.until if status is None else min(ask.until, status.as_of)
    for bot in bots:
        if bot.last_bar_at is None or until <= ask.since:
            continue
        request = DriftRequest(bot=bot, account=account, since=ask.since, until=until)
        try:
            found[bot.id] = await gathered(tx, feed, registry, request, models=models)
        except BreakwaterError as problem:
            why[bot.id] = problem.message
    return found, why


async def _equity(tx: Unit, account: Account, ask: ReportAsk) -> tuple[EquityPoint, ...]:
    points = await tx.accounts.equity(account.workspace_id, account.id, ask.since - timedelta(days=7))
    inside = [one for one in points if ask.since <= one.at <= ask.until]
    earlier = [one for one in points if one.at < ask.since]
    if not inside:
        return ()
    if earlier:
        return (earlier[-1], *inside)
    if inside[0].at > ask.since:
        # The account began inside the period: with its capital.
        return (EquityPoint(at=ask.since, equity=Decimal(account.capital)), *inside)
    return tuple(inside)


async def _risk(tx: Unit, account: Account, ask: ReportAsk) -> tuple[RiskEvent, ...]:
    found: list[RiskEvent] = []
    # Events at the very end belong to the next period.
    page = Page(first=_PAGE, after=cursor_of({"at": ask.until, "id": 0}))
    while len(found) < _MOST_EVENTS:
        rows = await tx.positions.risk_events(account.workspace_id, page)
        for row in rows:
            is_inside = row["account_id"] == account.id and row["at"] >= ask.since
            if is_inside and (not ask.bot_id or row["bot_id"] in ("", None, ask.bot_id)):
                found.append(
                    RiskEvent(
                        at=row["at"], rule=row["rule"], bot_id=row["bot_id"] or "", detail=row["detail"]
                    )
                )
        if len(rows) < _PAGE or rows[-1]["at"] < ask.since:
            break
        page = Page(first=_PAGE, after=cursor_of(rows[-1]))
    return tuple(reversed(found))
