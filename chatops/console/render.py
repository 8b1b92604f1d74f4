"""Cards on a terminal: panels, tables, colours; as wide as the terminal and no wider."""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table as RichTable
from rich.text import Text as RichText

from chatops.cards import Card, Money, Number, Price, Ratio, Table, Text, Tone, Value
from chatops.console.saving import Saved
from chatops.texts.speaker import Speaker

_COLOURS = {
    Tone.PLAIN: "cyan",
    Tone.GOOD: "green",
    Tone.WARN: "yellow",
    Tone.BAD: "red",
    Tone.ASK: "magenta",
}

#: Narrower than this, nothing can be shown side by side.
NARROWEST = 40


def console_text(card: Card, speaker: Speaker, *, width: int, color: bool, saved: Saved | None = None) -> str:
    """Give a card as the terminal shows it.

    Text is never read as markup, so that a name cannot colour or forge anything.
    """
    sink = io.StringIO()
    console = Console(
        file=sink,
        width=max(width, NARROWEST),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        safe_box=True,
    )
    console.print(_panel(card, speaker, console.width - 4, saved or Saved()))
    return sink.getvalue()


def _panel(card: Card, speaker: Speaker, room: int, saved: Saved) -> Panel:
    colour = _COLOURS[card.tone]
    parts: list[RenderableType] = [RichText(speaker.say(one)) for one in card.body]
    if card.fields:
        parts.append(_fields(card, speaker))
    for table in card.tables:
        if table.is_titled:
            parts.append(RichText(speaker.label("table", table.name), style=f"bold {colour}"))
        parts.append(_table(table, speaker, room))
    for kind, path in (("chart", saved.picture), ("file", saved.file)):
        if path:
            parts.append(RichText(speaker.say(Text(f"{kind}.saved", {"path": path})), style="bold"))
    parts += [RichText(speaker.say(one), style="dim") for one in card.notes]
    return Panel(
        Group(*parts) if parts else RichText(""),
        title=RichText(speaker.say(card.title), style=f"bold {colour}"),
        title_align="left",
        border_style=colour,
        box=box.ROUNDED,
        padding=(0, 1),
    )


def _fields(card: Card, speaker: Speaker) -> RichTable:
    grid = RichTable.grid(padding=(0, 2))
    grid.add_column(no_wrap=False)
    grid.add_column(overflow="fold")
    for one in card.fields:
        style = _COLOURS[one.tone] if one.tone is not Tone.PLAIN else ""
        grid.add_row(
            RichText(speaker.label("field", one.name), style="dim"),
            RichText(speaker.value(one.value), style=style),
        )
    return grid


def _table(table: Table, speaker: Speaker, room: int) -> RichTable:
    heads = [speaker.label("column", one.name) for one in table.columns]
    cells = [[speaker.value(one) for one in row] for row in table.rows]
    shown = fitting(table, heads, cells, room)
    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for index in shown:
        is_number = any(_is_number(row[index]) for row in table.rows)
        drawn.add_column(
            RichText(heads[index]), justify="right" if is_number else "left", overflow="fold", no_wrap=False
        )
    for row, texts in zip(table.rows, cells, strict=True):
        drawn.add_row(*(RichText(texts[index], style=_style(row[index])) for index in shown))
    return drawn


def fitting(table: Table, heads: Sequence[str], cells: Sequence[Sequence[str]], room: int) -> list[int]:
    """Give the columns that fit: those of the highest rank are left out first, those of rank 0 never."""
    widths = [
        max([cell_len(head), *(cell_len(row[index]) for row in cells)]) + 3
        for index, head in enumerate(heads)
    ]
    shown = list(range(len(heads)))
    # The last column has no gap after it.
    while sum(widths[index] for index in shown) - 3 > room:
        ranked = [index for index in shown if table.columns[index].rank > 0]
        if not ranked:
            break
        shown.remove(max(ranked, key=lambda index: (table.columns[index].rank, index)))
    return shown


def _is_number(value: Value) -> bool:
    return isinstance(value, Money | Price | Ratio | Number | int | float | Decimal) and not isinstance(
        value, bool
    )


def _style(value: Value) -> str:
    if isinstance(value, Money) and value.is_signed:
        return _sign(value.amount)
    if isinstance(value, Ratio) and value.is_signed and value.value is not None:
        return _sign(value.value)
    if isinstance(value, Text):
        if value.code in {"verdict.met", "verdict.passed"}:
            return "green"
        if value.code in {"verdict.not_met", "verdict.failed"}:
            return "red"
    return ""


def _sign(amount: Decimal | float) -> str:
    return "green" if amount > 0 else "red" if amount < 0 else ""
