"""The results of a day, a week or a month on a page of PDF; its words come from whoever knows the reader's language."""

from __future__ import annotations

import io
from collections.abc import Sequence

from reportlab.graphics.shapes import Drawing, PolyLine
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from desk.reports.pdf_parts import paragraph

_INK, _FAINT, _GRID = HexColor("#1b2433"), HexColor("#5c6780"), HexColor("#e3e8f0")
_ACCENT = HexColor("#1769c4")
_WIDTH = A4[0] - 36 * mm

_TITLE = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=17, leading=22, textColor=_INK)
_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=9.5, leading=13, textColor=_INK)
_SMALL = ParagraphStyle("small", parent=_BODY, fontSize=8, leading=10.5)
_DIM = ParagraphStyle("dim", parent=_BODY, textColor=_FAINT)

#: A page of PDF is for people; the workbook has every row.
MOST_ROWS = 400


def period_pdf(
    *,
    title: str,
    subtitle: str,
    figures: Sequence[tuple[str, str]],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    equity: Sequence[float] = (),
) -> bytes:
    """Lay a report out: figures, the line of the equity, one row a trade."""
    sink = io.BytesIO()
    document = SimpleDocTemplate(
        sink,
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=16 * mm,
        bottomMargin=16 * mm,
        title=_ascii(title),
        invariant=1,
    )
    story = [paragraph(title, _TITLE), paragraph(subtitle, _DIM), Spacer(1, 10)]
    grid = Table([[paragraph(name, _DIM), paragraph(value, _BODY)] for name, value in figures])
    grid.hAlign = "LEFT"
    story.append(grid)
    if len(equity) > 1:
        story += [Spacer(1, 8), _line(equity)]
    if rows:
        cells = [[paragraph(one, _DIM) for one in head]]
        cells += [[paragraph(one, _SMALL) for one in row] for row in rows[:MOST_ROWS]]
        table = Table(cells, repeatRows=1)
        table.setStyle(
            TableStyle(
                [
                    ("LINEBELOW", (0, 0), (-1, -1), 0.4, _GRID),
                    ("LEFTPADDING", (0, 0), (-1, -1), 2),
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ]
            )
        )
        story += [Spacer(1, 10), table]
    if len(rows) > MOST_ROWS:
        story.append(Paragraph(f"{MOST_ROWS} / {len(rows)}", _DIM))
    document.build(story)
    return sink.getvalue()


def _line(equity: Sequence[float]) -> Drawing:
    height = 42 * mm
    low, high = min(equity), max(equity)
    span = (high - low) or 1.0
    step = max(1, len(equity) // 600)
    shown = [*equity[::step], equity[-1]]
    points = []
    for index, value in enumerate(shown):
        points += [index * _WIDTH / (len(shown) - 1), (value - low) / span * (height - 6) + 3]
    drawing = Drawing(_WIDTH, height)
    drawing.add(PolyLine(points, strokeColor=_ACCENT, strokeWidth=1.2))
    return drawing


def _ascii(found: str) -> str:
    return found.encode("ascii", "replace").decode()
