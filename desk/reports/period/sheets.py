"""A report as tables: what the workbook holds, sheet by sheet, and the rows of its CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from desk.reports.exports import Sheet
from desk.reports.figures import GROUPS
from desk.reports.period.document import PeriodDocument
from desk.views import Trade
from trading.backtest.metrics import REASONS

TRADE_COLUMNS = (
    "number",
    "bot",
    "strategy",
    "pair",
    "side",
    "quantity",
    "entry_price",
    "exit_price",
    "pnl",
    "pnl_ratio",
    "fees",
    "reason",
    "tag",
    "exit_tag",
    "bars",
    "opened_at",
    "closed_at",
)


def trade_rows(document: PeriodDocument) -> list[Sequence[Any]]:
    """Give a row for each trade, oldest first."""
    bots = {one.id: one for one in document.facts.bots}

    def row(one: Trade) -> Sequence[Any]:
        bot = bots.get(one.bot_id)
        return (
            one.number,
            bot.name if bot else one.bot_id,
            bot.strategy if bot else "",
            one.pair,
            "long" if one.is_long else "short",
            one.quantity,
            one.entry_price,
            one.exit_price,
            one.pnl,
            one.pnl_ratio,
            one.fees,
            one.reason,
            one.tag,
            one.exit_tag,
            one.bars,
            one.opened_at,
            one.closed_at,
        )

    return [row(one) for one in document.facts.trades]


def sheets_of(document: PeriodDocument) -> list[Sheet]:
    """Give the sheets of the workbook."""
    facts = document.facts
    names = {one.id: one.name for one in facts.bots}
    return [
        Sheet(name="Summary", columns=("figure", "value", "why it is undefined"), rows=_summary(document)),
        Sheet(
            name="Days",
            columns=("day", "trades", "wins", "pnl", "fees"),
            rows=[
                (one.day.isoformat(), one.sum.trades, one.sum.wins, one.sum.pnl, one.sum.fees)
                for one in document.days
            ],
        ),
        Sheet(
            name="Bots",
            columns=(
                "bot",
                "strategy",
                "pairs",
                "timeframe",
                "trades",
                "win_ratio",
                "pnl",
                "fees",
                "share",
                "return",
                "profit_factor",
                "expectancy",
                "largest_loss",
            ),
            rows=[
                (
                    one.name,
                    one.strategy,
                    ", ".join(one.pairs),
                    one.timeframe,
                    one.sum.trades,
                    one.sum.win_ratio,
                    one.sum.pnl,
                    one.sum.fees,
                    one.share_ratio,
                    one.return_ratio,
                    one.profit_factor,
                    one.expectancy,
                    one.largest_loss,
                )
                for one in document.bots
            ],
        ),
        Sheet(
            name="Drift",
            columns=(
                "bot",
                "from",
                "to",
                "signal_match",
                "confirmed",
                "signals",
                "missed",
                "entry_slip_bps",
                "exit_slip_bps",
                "pnl",
                "replay_pnl",
                "gap",
                "by_signals",
                "by_exits",
                "by_slippage",
                "by_fees",
                "by_size",
                "notes",
            ),
            rows=[
                (
                    one.bot,
                    one.since,
                    one.until,
                    one.signal_match,
                    one.confirmed,
                    one.signals,
                    one.missed,
                    one.entry_slip_bps,
                    one.exit_slip_bps,
                    one.live_pnl,
                    one.replay_pnl,
                    one.gap,
                    one.by_signals,
                    one.by_exits,
                    one.by_slippage,
                    one.by_fees,
                    one.by_size,
                    ", ".join(one.notes),
                )
                for one in document.drifts
            ],
        ),
        Sheet(
            name="Risk",
            columns=("at", "rule", "bot", "detail"),
            rows=[(one.at, one.rule, names.get(one.bot_id, one.bot_id), one.detail) for one in facts.risk],
        ),
        Sheet(name="Trades", columns=TRADE_COLUMNS, rows=trade_rows(document)),
        Sheet(name="Equity", columns=("at", "equity"), rows=[(one.at, one.equity) for one in facts.equity]),
    ]


def _summary(document: PeriodDocument) -> list[Sequence[Any]]:
    facts, total = document.facts, document.total
    rows: list[Sequence[Any]] = [
        ("workspace", facts.workspace, ""),
        ("account", facts.account.name, ""),
        ("bot", facts.bot.name if facts.bot else "all", ""),
        ("from", facts.ask.since, ""),
        ("to", facts.ask.until, ""),
        ("currency", facts.account.currency, ""),
        ("equity at the end", facts.equity[-1].equity if facts.equity else None, ""),
        ("closed profit", total.pnl, ""),
        ("fees", total.fees, ""),
        ("closed trades", total.trades, ""),
        ("risk events", sum(document.rules.values()), ""),
    ]
    for _, lines in GROUPS:
        for name, words, _ in lines:
            why = document.metrics.reasons.get(name)
            rows.append((words, document.metrics[name], REASONS[why] if why else ""))
    return rows
