"""A period computed: figures, days, bots beside each other, what risk rules said, drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from desk.clock import to_ms
from desk.reports.drift.compare import compared
from desk.reports.drift.replay import replayed
from desk.reports.drift.values import Drift
from desk.reports.period.facts import PeriodFacts
from desk.reports.periods import GroupSum, Sum, by_group, summed
from desk.views import Bot, Trade
from strategies.registry import StrategyRegistry
from trading.backtest.metrics import REASONS, Metrics, metrics_from_trades, performance
from trading.errors import BreakwaterError


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of the owner's calendar, and what its trades came to."""

    day: date
    sum: Sum


@dataclass(frozen=True, slots=True, kw_only=True)
class BotLine:
    """A bot beside the others.

    Attributes:
        share_ratio: of the account; None for a bot that is gone. `return_ratio`: profit on that share.
        expectancy: mean profit per trade; figures are None where they are undefined.
    """

    bot_id: str
    name: str
    strategy: str
    pairs: tuple[str, ...]
    timeframe: str
    sum: Sum
    share_ratio: float | None
    return_ratio: float | None
    profit_factor: float | None
    expectancy: float | None
    largest_loss: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodDocument:
    """A report, ready to be laid out.

    Attributes:
        metrics: of the marked equity and the trades; of a single bot of its trades only.
        rules: how often each risk rule spoke.
        undriven: bots without a replay, by name, with the reason.
    """

    facts: PeriodFacts
    total: Sum
    metrics: Metrics
    days: tuple[Day, ...]
    bots: tuple[BotLine, ...]
    pairs: tuple[GroupSum, ...]
    reasons: tuple[GroupSum, ...]
    rules: Mapping[str, int]
    drifts: tuple[Drift, ...]
    undriven: Mapping[str, str]

    @property
    def title(self) -> str:
        """E.g. "paper: November 2026"."""
        ask = self.facts.ask
        who = self.facts.bot.name if self.facts.bot else self.facts.account.name
        match ask.period.value:
            case "day":
                when = f"{ask.start:%d %B %Y}"
            case "week":
                when = f"{ask.start:%d %B} to {ask.last_day:%d %B %Y}"
            case _:
                when = f"{ask.start:%B %Y}"
        return f"{who}: {when}"

    def values(self) -> dict[str, Any]:
        """Give what a job's row keeps of it."""
        ask = self.facts.ask
        return {
            "title": self.title,
            "period": ask.period.value,
            "from": ask.since.isoformat(),
            "to": ask.until.isoformat(),
            "account": self.facts.account.name,
            "bot": self.facts.bot.name if self.facts.bot else "",
            "currency": self.facts.account.currency,
            "trades": self.total.trades,
            "wins": self.total.wins,
            "pnl": self.total.pnl,
            "fees": self.total.fees,
            "equity": self.facts.equity[-1].equity if self.facts.equity else None,
            "risk_events": sum(self.rules.values()),
            "metrics": dict(self.metrics.values),
            "reasons": {name: REASONS[code] for name, code in self.metrics.reasons.items()},
            "bots": [
                {
                    "name": one.name,
                    "strategy": one.strategy,
                    "trades": one.sum.trades,
                    "pnl": one.sum.pnl,
                    "fees": one.sum.fees,
                }
                for one in self.bots
            ],
            "drift": [
                {
                    "bot": one.bot,
                    "signal_match": one.signal_match,
                    "gap": one.gap,
                    "by_slippage": one.by_slippage,
                    "by_fees": one.by_fees,
                }
                for one in self.drifts
            ],
        }


def document_of(facts: PeriodFacts, registry: StrategyRegistry) -> PeriodDocument:
    """Compute a report; the replays run here, so it takes as long as their backtests."""
    drifts: list[Drift] = []
    names = {one.id: one.name for one in facts.bots}
    undriven = {names.get(bot_id, bot_id): why for bot_id, why in facts.undriven.items()}
    for bot_id, material in facts.drifts.items():
        try:
            drifts.append(compared(material, replayed(material, registry)))
        except BreakwaterError as problem:
            undriven[names.get(bot_id, bot_id)] = problem.message
    total = summed(facts.trades)
    return PeriodDocument(
        facts=facts,
        total=total,
        metrics=_metrics(facts),
        days=_days(facts),
        bots=_bots(facts),
        pairs=by_group(facts.trades, lambda one: one.pair),
        reasons=by_group(facts.trades, lambda one: one.reason.value),
        rules=dict(Counter(one.rule for one in facts.risk).most_common()),
        drifts=tuple(drifts),
        undriven=undriven,
    )


def _metrics(facts: PeriodFacts) -> Metrics:
    pnl = [float(one.pnl) for one in facts.trades]
    if facts.bot is None and len(facts.equity) > 1:
        times, values = _rising(facts)
        return performance(times, values, trades=pnl)
    share = facts.bot.allocation if facts.bot else 1.0
    return metrics_from_trades(pnl, initial=float(facts.account.capital) * share)


def _rising(facts: PeriodFacts) -> tuple[list[int], list[float]]:
    found = {to_ms(one.at): float(one.equity) for one in facts.equity}
    return list(found), list(found.values())


def _days(facts: PeriodFacts) -> tuple[Day, ...]:
    zone = ZoneInfo(facts.ask.zone)
    groups: dict[date, list[Trade]] = {}
    for one in facts.trades:
        groups.setdefault(one.closed_at.astimezone(zone).date(), []).append(one)
    count = (facts.ask.last_day - facts.ask.start).days + 1
    days = (facts.ask.start + timedelta(days=step) for step in range(count))
    return tuple(Day(day=one, sum=summed(groups.get(one, ()))) for one in days)


def _bots(facts: PeriodFacts) -> tuple[BotLine, ...]:
    """Put the bots beside each other, the most profitable first; those that did nothing last."""
    known = {one.id: one for one in facts.bots}
    groups: dict[str, list[Trade]] = {one.id: [] for one in ((facts.bot,) if facts.bot else facts.bots)}
    for one in facts.trades:
        groups.setdefault(one.bot_id, []).append(one)
    lines = [_line(bot_id, known.get(bot_id), rows, facts.account.capital) for bot_id, rows in groups.items()]
    return tuple(sorted(lines, key=lambda one: (not one.sum.trades, -one.sum.pnl, one.name)))


def _line(bot_id: str, bot: Bot | None, rows: Sequence[Trade], capital: Decimal) -> BotLine:
    share = bot.allocation if bot else None
    found = metrics_from_trades([float(one.pnl) for one in rows], initial=float(capital) * (share or 1.0))
    return BotLine(
        bot_id=bot_id,
        name=bot.name if bot else f"gone ({bot_id[-8:]})",
        strategy=bot.strategy if bot else "",
        pairs=bot.pairs if bot else tuple(sorted({one.pair for one in rows})),
        timeframe=bot.timeframe if bot else "",
        sum=summed(rows),
        share_ratio=share,
        return_ratio=found["roi"] if share else None,
        profit_factor=found["profit_factor"],
        expectancy=found["expectancy"],
        largest_loss=found["largest_loss"],
    )
