"""The backtest report as a PDF (reportlab): the same figures and charts as the page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import Drawing, Line, Polygon, PolyLine, String
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from desk.reports.backtest_report import (
    MONTHS,
    MOST_TRADES,
    deflated_sentence,
    interval_rows,
    month_cells,
    order_sentences,
    trade_cells,
)
from desk.reports.figures import lines_of, moment, shown
from desk.reports.plot import LinePlot, line_plot
from desk.reports.svg import heat_cells
from trading.backtest.report import BacktestReport

#: Usable width: the page without margins and without the frame's own padding of 6 points a side.
_WIDTH = A4[0] - 32 * mm - 12
_INK, _FAINT, _GRID = HexColor("#1b2433"), HexColor("#5c6780"), HexColor("#e3e8f0")
_UP, _DOWN, _PANE = HexColor("#12876f"), HexColor("#c2303d"), HexColor("#f7f9fc")

_BODY = ParagraphStyle(
    "body", fontName="Helvetica", fontSize=9, leading=12.5, textColor=_INK, alignment=TA_LEFT
)
_FAINT_TEXT = ParagraphStyle("faint", parent=_BODY, textColor=_FAINT, fontSize=8, leading=11)
_TITLE = ParagraphStyle("title", parent=_BODY, fontName="Helvetica-Bold", fontSize=18, leading=22)
_HEAD = ParagraphStyle(
    "head",
    parent=_BODY,
    fontName="Helvetica-Bold",
    fontSize=11.5,
    leading=15,
    spaceBefore=12,
    spaceAfter=4,
    keepWithNext=1,
)
_CELL = ParagraphStyle("cell", parent=_BODY, fontSize=8, leading=10)
_WHY = ParagraphStyle("why", parent=_BODY, fontSize=6.8, leading=8.2, textColor=_FAINT)


def build_pdf(report: BacktestReport) -> bytes:
    """Lay the report out on A4 pages."""
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=16 * mm,
        rightMargin=16 * mm,
        topMargin=15 * mm,
        bottomMargin=16 * mm,
        title=report.title,
        author="Breakwater",
    )
    foot = _plain(f"{report.title} · {moment(report.from_ms)[:10]} to {moment(report.to_ms)[:10]}")

    def page(canvas: Canvas, _: SimpleDocTemplate) -> None:
        canvas.setFont("Helvetica", 7)
        canvas.setFillColor(_FAINT)
        canvas.drawString(16 * mm, 9 * mm, foot)
        canvas.drawRightString(A4[0] - 16 * mm, 9 * mm, str(canvas.getPageNumber()))

    document.build(_story(report), onFirstPage=page, onLaterPages=page)
    return out.getvalue()


def _plain(text: str) -> str:
    """Keep to what the built-in fonts hold: Latin-1 and the usual dashes."""
    text = text.replace("\u2212", "-").replace("≥", ">=").replace("≤", "<=")
    return text.encode("cp1252", "replace").decode("cp1252")


def _paragraph(text: str, style: ParagraphStyle = _BODY) -> Paragraph:
    return Paragraph(escape(_plain(text)), style)


def _story(report: BacktestReport) -> list[Flowable]:
    ends_well = report.equity[-1] >= report.equity[0]
    equity = line_plot(report.ts_ms, report.equity, base=float(report.equity[0]))
    water = line_plot(report.ts_ms, report.water, as_percent=True, is_zero_on_top=True, base=0.0)
    story: list[Flowable] = [
        _paragraph(report.title, _TITLE),
        _paragraph(
            f"{moment(report.from_ms)} to {moment(report.to_ms)} UTC · {report.timeframe} candles · {report.bars:,} bars",
            _FAINT_TEXT,
        ),
        _paragraph(f"Equity, {report.currency}", _HEAD),
        _chart(equity, height=165, color=_UP if ends_well else _DOWN),
        _paragraph("Drawdown from the highest value so far", _FAINT_TEXT),
        _chart(water, height=95, color=_DOWN),
        _paragraph("Figures", _HEAD),
        _figures(report),
        *_belief(report),
        *_heat(report),
        *_months(report),
        *_falls(report),
        _paragraph("Set-up", _HEAD),
        _rows(
            [
                ("Strategy", report.strategy),
                ("Pairs", ", ".join(report.pairs)),
                *((name, str(value)) for name, value in report.params.items()),
                *report.settings.items(),
            ],
            widths=(50 * mm, _WIDTH - 50 * mm),
        ),
    ]
    if report.notes:
        story.append(_paragraph("Notes", _HEAD))
        story += [_paragraph(f"• {note}") for note in report.notes]
    story += _trades(report)
    story.append(Spacer(1, 8))
    story.append(
        _paragraph(
            "Times are UTC. All figures are net of fees, slippage and spread; daily figures use the value at 00:00 "
            "UTC, days without a trade included; a year has 365 days. A past result says little about the next.",
            _FAINT_TEXT,
        )
    )
    return story


def _chart(plot: LinePlot, *, height: float, color: HexColor) -> Drawing:
    left, right, top, bottom = 2.0, 46.0, 4.0, 14.0
    inner_width: float = _WIDTH - left - right
    inner_height = height - top - bottom
    drawing = Drawing(_WIDTH, height)

    def x(at: float) -> float:
        return left + at * inner_width

    def y(at: float) -> float:
        return bottom + at * inner_height

    for tick in plot.y_ticks:
        drawing.add(Line(left, y(tick.at), x(1), y(tick.at), strokeColor=_GRID, strokeWidth=0.6))
        drawing.add(String(x(1) + 4, y(tick.at) - 2.4, _plain(tick.label), fontSize=6.8, fillColor=_FAINT))
    for tick in plot.x_ticks:
        anchor = "start" if tick.at < 0.04 else "end" if tick.at > 0.96 else "middle"
        drawing.add(String(x(tick.at), 3, tick.label, fontSize=6.8, fillColor=_FAINT, textAnchor=anchor))
    floor = y(min(max(plot.base, 0.0), 1.0) if plot.base is not None else 0.0)
    line = [value for px, py in plot.points for value in (x(px), y(py))]
    area = [x(plot.points[0][0]), floor, *line, x(plot.points[-1][0]), floor]
    drawing.add(Polygon(area, fillColor=color, fillOpacity=0.12, strokeColor=None, strokeWidth=0))
    if plot.base is not None and 0.0 <= plot.base <= 1.0:
        drawing.add(
            Line(left, floor, x(1), floor, strokeColor=_FAINT, strokeWidth=0.6, strokeDashArray=[3, 2])
        )
    drawing.add(PolyLine(line, strokeColor=color, strokeWidth=1.1))
    return drawing


def _figures(report: BacktestReport) -> Table:
    groups = lines_of(report.metrics)
    half = _WIDTH / 2 - 4 * mm

    def column(chosen: Sequence[int]) -> list[Flowable]:
        parts: list[Flowable] = []
        for k in chosen:
            title, lines = groups[k]
            rows = [
                (
                    [_paragraph(words, _CELL), *([_paragraph(why, _WHY)] if why else [])],
                    _plain(value),
                )
                for words, value, why in lines
            ]
            table = Table(rows, colWidths=(half - 26 * mm, 26 * mm))
            table.setStyle(_lines_style(right=(1,)))
            parts += [
                _paragraph(
                    title, ParagraphStyle("g", parent=_CELL, fontName="Helvetica-Bold", spaceBefore=4)
                ),
                table,
            ]
        return parts

    outer = Table([[column((0, 2)), column((1, 3))]], colWidths=(_WIDTH / 2, _WIDTH / 2))
    outer.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    return outer


def _lines_style(*, right: Sequence[int] = (), has_head: bool = False) -> TableStyle:
    commands: list[tuple[object, ...]] = [
        ("FONT", (0, 0), (-1, -1), "Helvetica", 8),
        ("TEXTCOLOR", (0, 0), (-1, -1), _INK),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _GRID),
        ("TOPPADDING", (0, 0), (-1, -1), 1.6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    if has_head:
        commands += [
            ("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 7.5),
            ("TEXTCOLOR", (0, 0), (-1, 0), _FAINT),
        ]
    commands += [("ALIGN", (column, 0), (column, -1), "RIGHT") for column in right]
    return TableStyle(commands)


def _rows(rows: Sequence[Sequence[str]], *, widths: Sequence[float]) -> Table:
    table = Table([[_paragraph(cell, _CELL) for cell in row] for row in rows], colWidths=widths)
    table.setStyle(_lines_style())
    return table


def _belief(report: BacktestReport) -> list[Flowable]:
    sentence, rows, order = deflated_sentence(report), interval_rows(report), order_sentences(report)
    if not (sentence or rows or order):
        return []
    parts: list[Flowable] = [_paragraph("How far to believe it", _HEAD)]
    if sentence:
        parts.append(_paragraph(sentence))
    if rows:
        parts.append(
            _paragraph(
                "If days like these came again (stationary bootstrap of the daily returns, drawdown at daily values), "
                "95 % of the histories would fall inside:"
            )
        )
        table = Table(
            [("Figure", "This run", "2.5 %", "Median", "97.5 %"), *(tuple(map(_plain, row)) for row in rows)],
            colWidths=(_WIDTH * 0.36, *[_WIDTH * 0.16] * 4),
        )
        table.setStyle(_lines_style(right=(1, 2, 3, 4), has_head=True))
        parts.append(table)
    parts += [_paragraph(one) for one in order]
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
        [list(map(_plain, row)) for row in rows],
        colWidths=(16 * mm, *[(_WIDTH - 16 * mm) / columns] * columns),
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
    return [_paragraph(head, _HEAD), table]


def _months(report: BacktestReport) -> list[Flowable]:
    if not report.months:
        return []
    filled = [month_cells(row, report.months) for row in report.months]
    rows: list[tuple[str, ...]] = [("", *MONTHS, "Year")]
    rows += [
        (
            str(year),
            *(_plain(text.replace(" %", "")) for text, _, _ in cells),
            _plain(total.replace(" %", "")),
        )
        for year, cells, total in filled
    ]
    table = Table(rows, colWidths=(11 * mm, *[(_WIDTH - 25 * mm) / 12] * 12, 14 * mm), repeatRows=1)
    commands: list[tuple[object, ...]] = [
        ("FONT", (0, 0), (-1, -1), "Helvetica", 7),
        ("ALIGN", (0, 0), (-1, -1), "CENTER"),
        ("TEXTCOLOR", (0, 0), (-1, 0), _FAINT),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("FONT", (-1, 1), (-1, -1), "Helvetica-Bold", 7),
    ]
    for i, (_, cells, _) in enumerate(filled, start=1):
        for j, (_, back, ink) in enumerate(cells, start=1):
            commands.append(("BACKGROUND", (j, i), (j, i), HexColor(back)))
            commands.append(("TEXTCOLOR", (j, i), (j, i), HexColor(ink)))
    table.setStyle(TableStyle(commands))
    return [_paragraph("Months, %", _HEAD), table]


def _falls(report: BacktestReport) -> list[Flowable]:
    if not report.drawdowns:
        return []
    rows = [("Depth", "Peak", "Lowest", "Recovered", "Lasted")]
    rows += [
        (
            _plain(shown(one.depth, "percent")),
            moment(one.peak_ms),
            moment(one.trough_ms),
            moment(one.recovered_ms) if one.recovered_ms is not None else "not yet",
            shown(one.days, "days"),
        )
        for one in report.drawdowns
    ]
    table = Table(rows, colWidths=[_WIDTH / 5] * 5)
    table.setStyle(_lines_style(right=(4,), has_head=True))
    return [KeepTogether([_paragraph("Deepest drawdowns", _HEAD), table])]


def _trades(report: BacktestReport) -> list[Flowable]:
    if not report.trades:
        return []
    head = ("No.", "Pair", "Side", "Quantity", "Entry", "Price", "Exit", "Price", "Profit", "%", "Closed by")
    rows = [head, *(tuple(map(_plain, trade_cells(trade)[:11])) for trade in report.trades[:MOST_TRADES])]
    shares = (0.05, 0.1, 0.055, 0.095, 0.135, 0.09, 0.135, 0.09, 0.085, 0.075, 0.09)
    table = Table(rows, colWidths=[_WIDTH * share for share in shares], repeatRows=1)
    style = _lines_style(right=(0, 3, 5, 7, 8, 9), has_head=True)
    style.add("FONTSIZE", (0, 0), (-1, -1), 6.6)
    table.setStyle(style)
    parts: list[Flowable] = [_paragraph("Trades", _HEAD), table]
    left_out = len(report.trades) - MOST_TRADES
    if left_out > 0:
        parts.append(_paragraph(f"{left_out:,} more trades are in the exported table.", _FAINT_TEXT))
    return parts
