"""What the PDF reports are made of: styles, texts that the built-in fonts can show, tables and charts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import Drawing, Line, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table, TableStyle

from desk.reports.figures import lines_of
from desk.reports.plot import LinePlot, nice_steps
from trading.backtest.metrics import Metrics

#: Usable width: the page without margins and without the frame's own padding of 6 points a side.
WIDTH = A4[0] - 32 * mm - 12
INK, FAINT, GRID = HexColor("#1b2433"), HexColor("#5c6780"), HexColor("#e3e8f0")
UP, DOWN, PANE = HexColor("#12876f"), HexColor("#c2303d"), HexColor("#f7f9fc")

BODY = ParagraphStyle(
    "body", fontName="Helvetica", fontSize=9, leading=12.5, textColor=INK, alignment=TA_LEFT
)
FAINT_TEXT = ParagraphStyle("faint", parent=BODY, textColor=FAINT, fontSize=8, leading=11)
TITLE = ParagraphStyle("title", parent=BODY, fontName="Helvetica-Bold", fontSize=18, leading=22)
HEAD = ParagraphStyle(
    "head",
    parent=BODY,
    fontName="Helvetica-Bold",
    fontSize=11.5,
    leading=15,
    spaceBefore=12,
    spaceAfter=4,
    keepWithNext=1,
)
CELL = ParagraphStyle("cell", parent=BODY, fontSize=8, leading=10)
WHY = ParagraphStyle("why", parent=BODY, fontSize=6.8, leading=8.2, textColor=FAINT)


def built(story: list[Flowable], *, title: str, foot: str) -> bytes:
    """Lay a story out on A4 pages with a foot and page numbers."""
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=16 * mm,
        rightMargin=16 * mm,
        topMargin=15 * mm,
        bottomMargin=16 * mm,
        title=title,
        author="Breakwater",
    )

    def page(canvas: Canvas, _: SimpleDocTemplate) -> None:
        canvas.setFont("Helvetica", 7)
        canvas.setFillColor(FAINT)
        canvas.drawString(16 * mm, 9 * mm, plain(foot))
        canvas.drawRightString(A4[0] - 16 * mm, 9 * mm, str(canvas.getPageNumber()))

    document.build(story, onFirstPage=page, onLaterPages=page)
    return out.getvalue()


#: Characters that the built-in fonts lack: the minus sign, comparisons, and the narrow space of French numbers.
_SHOWN_AS = {"\u2212": "-", "≥": ">=", "≤": "<=", "\u202f": "\u00a0"}


def plain(text: str) -> str:
    """Keep to what the built-in fonts hold: Latin-1 and the usual dashes."""
    for found, shown in _SHOWN_AS.items():
        text = text.replace(found, shown)
    return text.encode("cp1252", "replace").decode("cp1252")


def paragraph(text: str, style: ParagraphStyle = BODY) -> Paragraph:
    """Give a text in which nothing is markup."""
    return Paragraph(escape(plain(text)), style)


def chart(
    plot: LinePlot, *, height: float, color: HexColor, other: LinePlot | None = None, width: float = WIDTH
) -> Drawing:
    """Draw a line with its area down to the base; `other` is a second, dashed one on the same axes."""
    left, right, top, bottom = 2.0, 46.0, 4.0, 14.0
    inner_width: float = width - left - right
    inner_height = height - top - bottom
    drawing = Drawing(width, height)

    def x(at: float) -> float:
        return left + at * inner_width

    def y(at: float) -> float:
        return bottom + at * inner_height

    for tick in plot.y_ticks:
        drawing.add(Line(left, y(tick.at), x(1), y(tick.at), strokeColor=GRID, strokeWidth=0.6))
        drawing.add(String(x(1) + 4, y(tick.at) - 2.4, plain(tick.label), fontSize=6.8, fillColor=FAINT))
    for tick in plot.x_ticks:
        anchor = "start" if tick.at < 0.04 else "end" if tick.at > 0.96 else "middle"
        drawing.add(String(x(tick.at), 3, tick.label, fontSize=6.8, fillColor=FAINT, textAnchor=anchor))
    floor = y(min(max(plot.base, 0.0), 1.0) if plot.base is not None else 0.0)
    line = [value for px, py in plot.points for value in (x(px), y(py))]
    area = [x(plot.points[0][0]), floor, *line, x(plot.points[-1][0]), floor]
    drawing.add(Polygon(area, fillColor=color, fillOpacity=0.12, strokeColor=None, strokeWidth=0))
    if plot.base is not None and 0.0 <= plot.base <= 1.0:
        drawing.add(
            Line(left, floor, x(1), floor, strokeColor=FAINT, strokeWidth=0.6, strokeDashArray=[3, 2])
        )
    if other is not None:
        beside = [value for px, py in other.points for value in (x(px), y(py))]
        drawing.add(PolyLine(beside, strokeColor=FAINT, strokeWidth=1.0, strokeDashArray=[4, 2]))
    drawing.add(PolyLine(line, strokeColor=color, strokeWidth=1.1))
    return drawing


def bars(labels: Sequence[str], values: Sequence[float], *, height: float, width: float = WIDTH) -> Drawing:
    """Draw amounts as bars around nought, with as many of the labels as fit."""
    left, right, top, bottom = 2.0, 46.0, 4.0, 14.0
    low, high = min(0.0, *values), max(0.0, *values)
    if high - low <= 0.0:
        low, high = -1.0, 1.0
    room, inner = height - top - bottom, width - left - right
    drawing = Drawing(width, height)

    def y(value: float) -> float:
        return bottom + (value - low) / (high - low) * room

    for step in nice_steps(low, high, 4):
        drawing.add(Line(left, y(step), left + inner, y(step), strokeColor=GRID, strokeWidth=0.6))
        label = plain(f"{step + 0.0:,.6g}")
        drawing.add(String(left + inner + 4, y(step) - 2.4, label, fontSize=6.8, fillColor=FAINT))
    slot = inner / len(values)
    every = -(-len(values) * 26 // int(inner))
    for place, (label, value) in enumerate(zip(labels, values, strict=True)):
        x = left + place * slot
        foot, size = min(y(0.0), y(value)), abs(y(value) - y(0.0))
        color = UP if value >= 0 else DOWN
        drawing.add(
            Rect(x + slot * 0.15, foot, slot * 0.7, size, fillColor=color, strokeColor=None, strokeWidth=0)
        )
        if place % every == 0:
            middle = x + slot / 2
            drawing.add(String(middle, 3, plain(label), fontSize=6.8, fillColor=FAINT, textAnchor="middle"))
    drawing.add(Line(left, y(0.0), left + inner, y(0.0), strokeColor=FAINT, strokeWidth=0.6))
    return drawing


def lines_style(*, right: Sequence[int] = (), has_head: bool = False) -> TableStyle:
    """Give the style of a table with lines between its rows; `right` are columns of numbers."""
    commands: list[tuple[object, ...]] = [
        ("FONT", (0, 0), (-1, -1), "Helvetica", 8),
        ("TEXTCOLOR", (0, 0), (-1, -1), INK),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, GRID),
        ("TOPPADDING", (0, 0), (-1, -1), 1.6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    if has_head:
        commands += [
            ("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 7.5),
            ("TEXTCOLOR", (0, 0), (-1, 0), FAINT),
        ]
    commands += [("ALIGN", (column, 0), (column, -1), "RIGHT") for column in right]
    return TableStyle(commands)


def text_table(rows: Sequence[Sequence[str]], *, widths: Sequence[float]) -> Table:
    """Give a table whose cells break their lines."""
    table = Table([[paragraph(cell, CELL) for cell in row] for row in rows], colWidths=widths)
    table.setStyle(lines_style())
    return table


def figures_table(metrics: Metrics) -> Table:
    """Give the groups of figures in two columns; what is undefined says why."""
    groups = lines_of(metrics)
    half = WIDTH / 2 - 4 * mm

    def column(chosen: Sequence[int]) -> list[Flowable]:
        parts: list[Flowable] = []
        for k in chosen:
            title, lines = groups[k]
            rows = [
                (
                    [paragraph(words, CELL), *([paragraph(why, WHY)] if why else [])],
                    plain(value),
                )
                for words, value, why in lines
            ]
            table = Table(rows, colWidths=(half - 26 * mm, 26 * mm))
            table.setStyle(lines_style(right=(1,)))
            parts += [
                paragraph(title, ParagraphStyle("g", parent=CELL, fontName="Helvetica-Bold", spaceBefore=4)),
                table,
            ]
        return parts

    outer = Table([[column((0, 2)), column((1, 3))]], colWidths=(WIDTH / 2, WIDTH / 2))
    outer.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    return outer
