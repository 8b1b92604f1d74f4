"""A report as a PDF: figures, equity, days, bots beside each other, drift, risk events, trades."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
from reportlab.platypus import Flowable, KeepTogether, Spacer, Table

from desk.clock import to_ms
from desk.money import MoneyKind
from desk.reports.drift.values import Drift
from desk.reports.figures import shown
from desk.reports.pdf_parts import (
    BODY,
    DOWN,
    FAINT_TEXT,
    HEAD,
    TITLE,
    UP,
    WIDTH,
    bars,
    built,
    chart,
    figures_table,
    lines_style,
    paragraph,
    plain,
)
from desk.reports.period.document import PeriodDocument
from desk.reports.plot import line_plot
from desk.views import EquityPoint

#: Rows of a table on paper; the workbook has every row.
MOST_TRADES, MOST_EVENTS = 300, 60

_NOTES = {
    "config_changed": "its configuration was changed meanwhile; the replay uses the present one",
    "history_cut": "its strategy began long before; the replay begins later",
    "bars_missing": "bars are missing in the store",
}

_MONEY = {MoneyKind.PAPER: "paper", MoneyKind.TEST: "test money", MoneyKind.LIVE: "LIVE: real money"}


def period_pdf(document: PeriodDocument) -> bytes:
    """Lay a report out on A4 pages."""
    facts = document.facts
    foot = f"{document.title} · {facts.workspace} · made {facts.made_at:%Y-%m-%d %H:%M} UTC"
    return built(_story(document), title=plain(document.title), foot=foot)


def _story(document: PeriodDocument) -> list[Flowable]:
    facts, ask = document.facts, document.facts.ask
    kind = _MONEY[facts.money]
    span = f"{ask.since:%Y-%m-%d %H:%M} to {ask.until:%Y-%m-%d %H:%M} UTC"
    calendar = f"calendar of {ask.zone}"
    return [
        paragraph(document.title, TITLE),
        paragraph(
            f"{facts.account.name} ({kind}, {facts.account.currency}) · {span} · {calendar}", FAINT_TEXT
        ),
        Spacer(1, 6),
        _headline(document),
        *_equity(document),
        *_days(document),
        *_bots(document),
        paragraph("Figures", HEAD),
        figures_table(document.metrics),
        *_drifts(document),
        *_risk(document),
        *_trades(document),
        Spacer(1, 8),
        paragraph(
            "Times are UTC, days those of the calendar above. Figures are net of fees; daily figures use the value at "
            "00:00 UTC, days without a trade included; a year has 365 days. A short span says little about the next.",
            FAINT_TEXT,
        ),
    ]


def _headline(document: PeriodDocument) -> Table:
    total, facts = document.total, document.facts
    equity = facts.equity[-1].equity if facts.equity else None
    cells = [
        ("Closed profit", _money(total.pnl)),
        ("Trades", str(total.trades)),
        ("Won", shown(total.win_ratio, "percent")),
        ("Fees", _money(total.fees)),
        ("Equity", _money(equity)),
        ("Risk events", str(sum(document.rules.values()))),
    ]
    table = Table(
        [[plain(name) for name, _ in cells], [plain(value) for _, value in cells]],
        colWidths=[WIDTH / len(cells)] * len(cells),
    )
    style = lines_style(has_head=True)
    style.add("FONTSIZE", (0, 1), (-1, 1), 12)
    style.add("BOTTOMPADDING", (0, 1), (-1, 1), 6)
    table.setStyle(style)
    return table


def _equity(document: PeriodDocument) -> list[Flowable]:
    points = _rising(document.facts.equity)
    if len(points) < 2:
        return []
    times = np.array([to_ms(one.at) for one in points], np.int64)
    values = np.array([float(one.equity) for one in points])
    water = values / np.maximum.accumulate(values) - 1.0
    rises = values[-1] >= values[0]
    currency = document.facts.account.currency
    return [
        paragraph(f"Equity of the account, {currency}", HEAD),
        chart(line_plot(times, values, base=float(values[0])), height=140, color=UP if rises else DOWN),
        paragraph("Drawdown from the highest value of the period so far", FAINT_TEXT),
        chart(line_plot(times, water, as_percent=True, is_zero_on_top=True, base=0.0), height=70, color=DOWN),
    ]


def _rising(points: Sequence[EquityPoint]) -> list[EquityPoint]:
    return list({one.at: one for one in points}.values())


def _days(document: PeriodDocument) -> list[Flowable]:
    if len(document.days) < 2 or not document.total.trades:
        return []
    labels = [f"{one.day:%d}" if len(document.days) > 7 else f"{one.day:%a %d}" for one in document.days]
    drawing = bars(labels, [float(one.sum.pnl) for one in document.days], height=90)
    title = f"Closed profit by day, {document.facts.account.currency}"
    return [KeepTogether([paragraph(title, HEAD), drawing])]


def _bots(document: PeriodDocument) -> list[Flowable]:
    if not document.bots:
        return []
    head = (
        "Bot",
        "Strategy",
        "Trades",
        "Won",
        "Profit",
        "Fees",
        "On its share",
        "Profit factor",
        "Per trade",
    )
    rows = [
        (
            one.name,
            one.strategy,
            str(one.sum.trades),
            shown(one.sum.win_ratio, "percent"),
            _money(one.sum.pnl),
            _money(one.sum.fees),
            shown(one.return_ratio, "percent"),
            shown(one.profit_factor, "number"),
            shown(one.expectancy, "money"),
        )
        for one in document.bots
    ]
    shares = (0.14, 0.17, 0.07, 0.09, 0.12, 0.1, 0.11, 0.1, 0.1)
    title = "Strategies beside each other" if len(document.bots) > 1 else "The bot"
    return [KeepTogether([paragraph(title, HEAD), _grid(head, rows, shares, right=range(2, 9))])]


def _drifts(document: PeriodDocument) -> list[Flowable]:
    if not document.drifts and not document.undriven:
        return []
    parts: list[Flowable] = [
        paragraph("Drift from the backtest", HEAD),
        paragraph(
            "Each bot's window was run again by the backtester with the same rules, bars, costs and limits. The gap is "
            'what the bot earned more than that, and its parts add up to it. "Same" are signals that both gave at a bar.',
        ),
    ]
    if document.drifts:
        head = (
            "Bot",
            "Same",
            "Entries",
            "Slip in / out",
            "Profit",
            "Replay",
            "Gap",
            "Signals",
            "Exits",
            "Prices",
            "Fees",
            "Size",
        )
        shares = (0.11, 0.08, 0.08, 0.11, 0.09, 0.09, 0.08, 0.08, 0.07, 0.07, 0.07, 0.07)
        parts.append(_grid(head, [_drift_row(one) for one in document.drifts], shares, right=range(1, 12)))
    for one in document.drifts:
        if len(one.points) > 2:
            parts.append(
                KeepTogether(
                    [paragraph(f"{one.bot}: earned (line) and replay (dashes)", FAINT_TEXT), _two_lines(one)]
                )
            )
        notes = [_NOTES[code] for code in one.notes]
        parts += [paragraph(f"{one.bot}: {'; '.join(notes)}.", FAINT_TEXT)] if notes else []
    parts += [
        paragraph(f"{name}: not replayed. {why}", FAINT_TEXT) for name, why in document.undriven.items()
    ]
    return parts


def _drift_row(one: Drift) -> tuple[str, ...]:
    slips = "/".join(
        "–" if slip is None else f"{slip + 0.0:.1f}".replace("-0.0", "0.0")
        for slip in (one.entry_slip_bps, one.exit_slip_bps)
    )
    return (
        one.bot,
        shown(one.signal_match, "percent"),
        f"{one.matched} of {one.matched + one.missed}",
        f"{slips} bps",
        _money(one.live_pnl),
        _money(one.replay_pnl),
        _money(one.gap),
        _money(one.by_signals),
        _money(one.by_exits),
        _money(one.by_slippage),
        _money(one.by_fees),
        _money(one.by_size),
    )


def _two_lines(one: Drift) -> Flowable:
    times = np.array([to_ms(point.at) for point in one.points], np.int64)
    live = np.array([float(point.live) for point in one.points])
    replay = np.array([float(point.replay) for point in one.points])
    reach = (float(min(live.min(), replay.min())), float(max(live.max(), replay.max())))
    plots = [line_plot(times, values, base=0.0, reach=reach) for values in (live, replay)]
    return chart(plots[0], height=80, color=UP if live[-1] >= 0 else DOWN, other=plots[1])


def _risk(document: PeriodDocument) -> list[Flowable]:
    events = document.facts.risk
    if not events:
        return [paragraph("Risk events", HEAD), paragraph("No risk rule spoke.", BODY)]
    names = {one.id: one.name for one in document.facts.bots}
    counted = ", ".join(f"{rule.replace('_', ' ')} {count}" for rule, count in document.rules.items())
    rows = [
        (
            f"{one.at:%Y-%m-%d %H:%M}",
            one.rule.replace("_", " "),
            names.get(one.bot_id, "") or "account",
            str(one.detail.get("pair") or ""),
        )
        for one in events[-MOST_EVENTS:]
    ]
    parts: list[Flowable] = [
        paragraph("Risk events", HEAD),
        paragraph(f"By rule: {counted}."),
        _grid(("At", "Rule", "Bot", "Pair"), rows, (0.2, 0.4, 0.2, 0.2)),
    ]
    if len(events) > MOST_EVENTS:
        parts.append(
            paragraph(f"{len(events) - MOST_EVENTS:,} earlier ones are in the workbook.", FAINT_TEXT)
        )
    return parts


def _trades(document: PeriodDocument) -> list[Flowable]:
    trades = document.facts.trades
    if not trades:
        return [paragraph("Trades", HEAD), paragraph("Nothing was closed.", BODY)]
    names = {one.id: one.name for one in document.facts.bots}
    zone = ZoneInfo("UTC")
    head = ("No.", "Bot", "Pair", "Side", "Quantity", "Entry", "Exit", "Profit", "%", "Closed by", "At")
    rows = [
        (
            f"{one.number}",
            names.get(one.bot_id, ""),
            one.pair,
            "long" if one.is_long else "short",
            f"{one.quantity.normalize():f}",
            f"{one.entry_price.normalize():f}",
            f"{one.exit_price.normalize():f}",
            _money(one.pnl),
            shown(one.pnl_ratio, "percent"),
            one.reason.value.replace("_", " "),
            f"{one.closed_at.astimezone(zone):%d %b %H:%M}",
        )
        for one in trades[-MOST_TRADES:]
    ]
    shares = (0.05, 0.09, 0.1, 0.06, 0.11, 0.1, 0.1, 0.09, 0.08, 0.12, 0.1)
    parts: list[Flowable] = [paragraph("Trades", HEAD), _grid(head, rows, shares, right=(0, 4, 5, 6, 7, 8))]
    if len(trades) > MOST_TRADES:
        parts.append(
            paragraph(f"{len(trades) - MOST_TRADES:,} earlier ones are in the workbook.", FAINT_TEXT)
        )
    return parts


def _grid(
    head: Sequence[str], rows: Sequence[Sequence[str]], shares: Sequence[float], *, right: Sequence[int] = ()
) -> Table:
    texts = [
        [_cut(plain(cell), share) for cell, share in zip(row, shares, strict=True)] for row in (head, *rows)
    ]
    table = Table(texts, colWidths=[WIDTH * share for share in shares], repeatRows=1)
    style = lines_style(right=tuple(right), has_head=True)
    style.add("FONTSIZE", (0, 0), (-1, -1), 6.6)
    table.setStyle(style)
    return table


def _cut(text: str, share: float) -> str:
    """Keep a cell inside its column: names are as long as people made them."""
    most = int(WIDTH * share / 3.3)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _money(amount: Decimal | None) -> str:
    return shown(None if amount is None else float(amount), "money")
