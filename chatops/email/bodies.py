"""Cards as mail bodies: plain text that every reader shows, and HTML that needs no style sheet of its own."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from rich.cells import cell_len

from chatops.cards import Card, Money, Number, Price, Ratio, Table, Tone, Value
from chatops.texts.speaker import Speaker

_TONES = {
    Tone.PLAIN: "#1769c4",
    Tone.GOOD: "#12876f",
    Tone.WARN: "#b36b00",
    Tone.BAD: "#c2303d",
    Tone.ASK: "#6a4bb8",
}
_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_CELL = "padding:4px 10px 4px 0;border-bottom:1px solid #e3e8f0;font-size:13px"
_PAGE = "max-width:680px;margin:16px auto;background:#ffffff;border-radius:6px"


def card_as_text(card: Card, speaker: Speaker) -> str:
    """Give a card as plain text: a line per field, aligned columns for tables."""
    lines = [speaker.say(card.title), ""]
    lines += [speaker.say(one) for one in card.body]
    if card.body:
        lines.append("")
    labels = [speaker.label("field", one.name) for one in card.fields]
    width = max((cell_len(one) for one in labels), default=0)
    for label, one in zip(labels, card.fields, strict=True):
        lines.append(f"{_padded(label, width)}  {speaker.value(one.value)}")
    for table in card.tables:
        lines += ["", *_text_table(table, speaker)]
    if card.notes:
        lines += ["", *(speaker.say(one) for one in card.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _text_table(table: Table, speaker: Speaker) -> list[str]:
    heads = [speaker.label("column", one.name) for one in table.columns]
    cells = [[speaker.value(one) for one in row] for row in table.rows]
    widths = [
        max([cell_len(head), *(cell_len(row[index]) for row in cells)]) for index, head in enumerate(heads)
    ]
    title = [speaker.label("table", table.name)] if table.is_titled else []
    return [
        *title,
        "  ".join(_padded(head, width) for head, width in zip(heads, widths, strict=True)).rstrip(),
        "  ".join("-" * width for width in widths),
        *(
            "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ),
    ]


def _padded(text: str, width: int) -> str:
    return text + " " * max(0, width - cell_len(text))


def card_as_html(card: Card, speaker: Speaker, *, picture: str = "", footer: str = "") -> str:
    """Give a card as an HTML document.

    Every text is escaped, no link and no outside resource is in it.

    Args:
        picture: content id of a picture that goes with the mail; empty for none.
    """
    colour = _TONES[card.tone]
    title = escape(speaker.say(card.title))
    parts = [f'<h1 style="font-size:18px;margin:0 0 10px;color:{colour}">{title}</h1>']
    parts += [f'<p style="font-size:14px;margin:0 0 8px">{escape(speaker.say(one))}</p>' for one in card.body]
    if card.fields:
        rows = "".join(
            f'<tr><td style="{_CELL};color:#66718a">{escape(speaker.label("field", one.name))}</td>'
            f'<td style="{_CELL};color:{_TONES[one.tone] if one.tone is not Tone.PLAIN else "#1b2433"}">'
            f"{escape(speaker.value(one.value))}</td></tr>"
            for one in card.fields
        )
        parts.append(f'<table role="presentation" style="border-collapse:collapse">{rows}</table>')
    parts += [_html_table(table, speaker) for table in card.tables]
    if picture:
        parts.append(
            f'<img src="cid:{escape(picture)}" alt="{title}" style="width:100%;max-width:640px;margin-top:12px">'
        )
    parts += [
        f'<p style="font-size:12px;color:#66718a;margin:8px 0 0">{escape(speaker.say(one))}</p>'
        for one in card.notes
    ]
    foot = f'<p style="font-size:11px;color:#8a94a8;margin:18px 0 0">{escape(footer)}</p>' if footer else ""
    return (
        f'<!DOCTYPE html><html lang="{escape(speaker.language)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title></head>'
        f'<body style="margin:0;background:#eef1f6;color:#1b2433;{_FONT}">'
        f'<div style="{_PAGE};border-top:4px solid {colour};padding:18px 22px">{"".join(parts)}{foot}</div>'
        "</body></html>"
    )


#: Columns that stand side by side in a letter; beyond them those of lower rank are left out.
_MOST_COLUMNS = 8


def _html_table(table: Table, speaker: Speaker) -> str:
    table = _narrowed(table)
    heads = "".join(
        f'<th style="{_CELL};text-align:left">{escape(speaker.label("column", one.name))}</th>'
        for one in table.columns
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td style="{_CELL};text-align:{"right" if _is_number(cell) else "left"}">'
            f"{escape(speaker.value(cell))}</td>"
            for cell in row
        )
        + "</tr>"
        for row in table.rows
    )
    title = (
        f'<h2 style="font-size:14px;margin:14px 0 4px">{escape(speaker.label("table", table.name))}</h2>'
        if table.is_titled
        else ""
    )
    return f'{title}<table style="border-collapse:collapse">{f"<tr>{heads}</tr>"}{rows}</table>'


def _narrowed(table: Table) -> Table:
    shown = list(range(len(table.columns)))
    while len(shown) > _MOST_COLUMNS and any(table.columns[at].rank for at in shown):
        shown.remove(max(shown, key=lambda at: (table.columns[at].rank, at)))
    return replace(
        table,
        columns=tuple(table.columns[at] for at in shown),
        rows=tuple(tuple(row[at] for at in shown) for row in table.rows),
    )


def _is_number(value: Value) -> bool:
    return isinstance(value, Money | Price | Ratio | Number | int | float) and not isinstance(value, bool)
