"""Tables in a code block: columns side by side as far as they fit, long cells folded, nothing left half shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from rich.cells import cell_len, chop_cells

from chatops.cards import Money, Number, Price, Ratio, Table, Value
from chatops.console.render import fitting
from chatops.texts.speaker import Speaker

#: Letters side by side in an embed on a desktop; a phone scrolls the block.
WIDTH = 56
#: Stands between columns.
_GAP = "  "
#: Stands between the cells of a row that is told.
_BETWEEN = " · "
#: No column that has to be shown gets narrower than this.
_NARROWEST = 6


def table_lines(table: Table, speaker: Speaker, width: int = WIDTH) -> tuple[list[str], list[list[str]]]:
    """Give the heading's lines, and each row's lines."""
    heads = [speaker.label("column", one.name) for one in table.columns]
    cells = [[speaker.value(one) for one in row] for row in table.rows]
    shown = fitting(table, heads, cells, width)
    widths = _widths([[heads[at], *(row[at] for row in cells)] for at in shown], width)
    is_right = [any(_is_number(row[at]) for row in table.rows) for at in shown]
    needed = [max([cell_len(row[at]) for row in cells], default=0) for at in shown]
    if any(right and has < needs for right, has, needs in zip(is_right, widths, needed, strict=True)):
        # A number in two lines is misread: such a table is told row by row.
        return [], [_record([heads[at] for at in shown], [row[at] for at in shown], width) for row in cells]
    head = _row([heads[at] for at in shown], widths, is_right)
    rule = _GAP.join("─" * one for one in widths)
    rows = [_row([row[at] for at in shown], widths, is_right) for row in cells]
    return [*head, rule], rows


def _record(heads: Sequence[str], cells: Sequence[str], width: int) -> list[str]:
    """Tell a row: its first cell leads, the others follow with their headings."""
    lines = list(_folded(f"▸ {cells[0]}", width))
    line = ""
    for head, cell in zip(heads[1:], cells[1:], strict=True):
        told = f"{head} {cell}"
        if line and cell_len(line) + len(_BETWEEN) + cell_len(told) > width:
            lines.append(line)
            line = ""
        line = f"{line}{_BETWEEN}{told}" if line else f"  {told}"
        while cell_len(line) > width:
            *full, line = _folded(line, width)
            lines += full
    return [*lines, *([line] if line else [])]


def _widths(columns: Sequence[Sequence[str]], width: int) -> list[int]:
    widths = [max(1, *(cell_len(one) for one in column)) for column in columns]
    room = width - len(_GAP) * (len(columns) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widest = max(range(len(widths)), key=widths.__getitem__)
        others = sum(widths) - widths[widest]
        runner_up = max([one for at, one in enumerate(widths) if at != widest], default=0)
        # The widest gives way, down to the next one, until all fit.
        widths[widest] = max(_NARROWEST, room - others, min(runner_up, widths[widest] - 1))
    return widths


def _row(cells: Sequence[str], widths: Sequence[int], is_right: Sequence[bool]) -> list[str]:
    folded = [list(_folded(cell, width)) for cell, width in zip(cells, widths, strict=True)]
    height = max(len(one) for one in folded)
    return [
        _GAP.join(
            _padded(lines[at] if at < len(lines) else "", width, right)
            for lines, width, right in zip(folded, widths, is_right, strict=True)
        ).rstrip()
        for at in range(height)
    ]


def _folded(cell: str, width: int) -> Iterator[str]:
    """Give a cell in lines of a width: broken at spaces where that loses little room."""
    rest = cell
    while cell_len(rest) > width:
        line = chop_cells(rest, width)[0] or rest[0]
        space = line.rfind(" ")
        if space > width // 2:
            line = line[: space + 1]
        yield line.rstrip() if line.strip() else line
        rest = rest[len(line) :]
    yield rest


def _padded(text: str, width: int, is_right: bool) -> str:
    gap = " " * max(0, width - cell_len(text))
    return gap + text if is_right else text + gap


def _is_number(value: Value) -> bool:
    return isinstance(value, Money | Price | Ratio | Number | int | float | Decimal) and not isinstance(
        value, bool
    )
