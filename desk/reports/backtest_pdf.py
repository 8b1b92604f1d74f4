"""The backtest report as a PDF (reportlab): the same figures and charts as the page."""

from __future__ import annotations

from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer, Table, TableStyle

from desk.reports.backtest_report import (
    MONTHS,
    MOST_TRADES,
    deflated_sentence,
    interval_rows,
    month_cells,
    order_sentences,
    trade_cells,
)
from desk.reports.figures import moment, shown
from desk.reports.pdf_parts import (
    DOWN,
    FAINT,
    FAINT_TEXT,
    HEAD,
    TITLE,
    UP,
    WIDTH,
    built,
    chart,
    figures_table,
    lines_style,
    paragraph,
    plain,
    text_table,
)
from desk.reports.plot import line_plot
from desk.reports.svg import heat_cells
from trading.backtest.report import BacktestReport


def build_pdf(report: BacktestReport) -> bytes:
    """Lay the report out on A4 pages."""
    foot = f"{report.title} · {moment(report.from_ms)[:10]} to {moment(report.to_ms)[:10]}"
    return built(_story(report), title=report.title, foot=foot)


def _story(report: BacktestReport) -> list[Flowable]:
    ends_well = report.equity[-1] >= report.equity[0]
    equity = line_plot(report.ts_ms, report.equity, base=float(report.equity[0]))
    water = line_plot(report.ts_ms, report.water, as_percent=True, is_zero_on_top=True, base=0.0)
    story: list[Flowable] = [
        paragraph(report.title, TITLE),
        paragraph(
            f"{moment(report.from_ms)} to {moment(report.to_ms)} UTC · {report.timeframe} candles · {report.bars:,} bars",
            FAINT_TEXT,
        ),
        paragraph(f"Equity, {report.currency}", HEAD),
        chart(equity, height=165, color=UP if ends_well else DOWN),
        paragraph("Drawdown from the highest value so far", FAINT_TEXT),
        chart(water, height=95, color=DOWN),
        paragraph("Figures", HEAD),
        figures_table(report.metrics),
        *_belief(report),
        *_heat(report),
        *_months(report),
        *_falls(report),
        paragraph("Set-up", HEAD),
        text_table(
            [
                ("Strategy", report.strategy),
                ("Pairs", ", ".join(report.pairs)),
                *((name, str(value)) for name, value in report.params.items()),
                *report.settings.items(),
            ],
            widths=(50 * mm, WIDTH - 50 * mm),
        ),
    ]
    if report.notes:
        story.append(paragraph("Notes", HEAD))
        story += [paragraph(f"• {note}") for note in report.notes]
    story += _trades(report)
    story.append(Spacer(1, 8))
    story.append(
        paragraph(
            "Times are UTC. All figures are net of fees, slippage and spread; daily figures use the value at 00:00 "
            "UTC, days without a trade included; a year has 365 days. A past result says little about the next.",
            FAINT_TEXT,
        )
    )
    return story


def _belief(report: BacktestReport) -> list[Flowable]:
    sentence, rows, order = deflated_sentence(report), interval_rows(report), order_sentences(report)
    if not (sentence or rows or order):
        return []
    parts: list[Flowable] = [paragraph("How far to believe it", HEAD)]
    if sentence:
        parts.append(paragraph(sentence))
    if rows:
        parts.append(
            paragraph(
                "If days like these came again (stationary bootstrap of the daily returns, drawdown at daily values), "
                "95 % of the histories would fall inside:"
            )
        )
        table = Table(
            [("Figure", "This run", "2.5 %", "Median", "97.5 %"), *(tuple(map(plain, row)) for row in rows)],
            colWidths=(WIDTH * 0.36, *[WIDTH * 0.16] * 4),
        )
        table.setStyle(lines_style(right=(1, 2, 3, 4), has_head=True))
        parts.append(table)
    parts += [paragraph(one) for one in order]
    return [KeepTogether(parts)]


def _heat(report: BacktestReport) -> list[Flowable]:
    heat = report.heat
    if heat is None:
        return []
    cells = heat_cells(heat)
    columns = len(heat.x.values)
    size = max(3.4, min(7.5, 150 / columns))
    rows = [
        [str(name), *(text for text, _, _ in row)]
        for name, row in zip(reversed(heat.y.values), cells, strict=True)
    ]
    rows.append(["", *map(str, heat.x.values)])
    table = Table(
        [list(map(plain, row)) for row in rows],
        colWidths=(16 * mm, *[(WIDTH - 16 * mm) / columns] * columns),
    )
    commands: list[tuple[object, ...]] = [
        ("FONT", (0, 0), (-1, -1), "Helvetica", size),
        ("ALIGN", (0, 0), (-1, -1), "CENTER"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
    ]
    for i, row in enumerate(cells):
        for j, (_, back, ink) in enumerate(row):
            commands.append(("BACKGROUND", (j + 1, i), (j + 1, i), HexColor(back)))
            commands.append(("TEXTCOLOR", (j + 1, i), (j + 1, i), HexColor(ink)))
    table.setStyle(TableStyle(commands))
    head = f"{report.objective or 'Objective'} by {heat.y.name} (down) and {heat.x.name} (across)"
    return [paragraph(head, HEAD), table]


def _months(report: BacktestReport) -> list[Flowable]:
    if not report.months:
        return []
    filled = [month_cells(row, report.months) for row in report.months]
    rows: list[tuple[str, ...]] = [("", *MONTHS, "Year")]
    rows += [
        (
            str(year),
            *(plain(text.replace(" %", "")) for text, _, _ in cells),
            plain(total.replace(" %", "")),
        )
        for year, cells, total in filled
    ]
    table = Table(rows, colWidths=(11 * mm, *[(WIDTH - 25 * mm) / 12] * 12, 14 * mm), repeatRows=1)
    commands: list[tuple[object, ...]] = [
        ("FONT", (0, 0), (-1, -1), "Helvetica", 7),
        ("ALIGN", (0, 0), (-1, -1), "CENTER"),
        ("TEXTCOLOR", (0, 0), (-1, 0), FAINT),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("FONT", (-1, 1), (-1, -1), "Helvetica-Bold", 7),
    ]
    for i, (_, cells, _) in enumerate(filled, start=1):
        for j, (_, back, ink) in enumerate(cells, start=1):
            commands.append(("BACKGROUND", (j, i), (j, i), HexColor(back)))
            commands.append(("TEXTCOLOR", (j, i), (j, i), HexColor(ink)))
    table.setStyle(TableStyle(commands))
    return [paragraph("Months, %", HEAD), table]


def _falls(report: BacktestReport) -> list[Flowable]:
    if not report.drawdowns:
        return []
    rows = [("Depth", "Peak", "Lowest", "Recovered", "Lasted")]
    rows += [
        (
            plain(shown(one.depth, "percent")),
            moment(one.peak_ms),
            moment(one.trough_ms),
            moment(one.recovered_ms) if one.recovered_ms is not None else "not yet",
            shown(one.days, "days"),
        )
        for one in report.drawdowns
    ]
    table = Table(rows, colWidths=[WIDTH / 5] * 5)
    table.setStyle(lines_style(right=(4,), has_head=True))
    return [KeepTogether([paragraph("Deepest drawdowns", HEAD), table])]


def _trades(report: BacktestReport) -> list[Flowable]:
    if not report.trades:
        return []
    head = ("No.", "Pair", "Side", "Quantity", "Entry", "Price", "Exit", "Price", "Profit", "%", "Closed by")
    rows = [head, *(tuple(map(plain, trade_cells(trade)[:11])) for trade in report.trades[:MOST_TRADES])]
    shares = (0.05, 0.1, 0.055, 0.095, 0.135, 0.09, 0.135, 0.09, 0.085, 0.075, 0.09)
    table = Table(rows, colWidths=[WIDTH * share for share in shares], repeatRows=1)
    style = lines_style(right=(0, 3, 5, 7, 8, 9), has_head=True)
    style.add("FONTSIZE", (0, 0), (-1, -1), 6.6)
    table.setStyle(style)
    parts: list[Flowable] = [paragraph("Trades", HEAD), table]
    left_out = len(report.trades) - MOST_TRADES
    if left_out > 0:
        parts.append(paragraph(f"{left_out:,} more trades are in the exported table.", FAINT_TEXT))
    return parts
