"""Cards as Telegram's HTML: one escaper, tables as fixed-width text for a phone, pages cut between rows."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from chatops.cards import Card, Money, Number, Price, Ratio, Table, Tone, Value
from chatops.console.render import fitting
from chatops.texts.speaker import Speaker

#: What Telegram takes in a message and under a picture, in UTF-16 units; we count tags and escapes as well.
TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024

#: Fixed-width columns that a phone shows without wrapping; wider tables are told row by row.
PHONE_COLUMNS = 40
WIDEST_COLUMNS = 56

_SIGNS = {Tone.GOOD: "🟢 ", Tone.WARN: "🟡 ", Tone.BAD: "🔴 ", Tone.ASK: "❓ ", Tone.PLAIN: ""}

#: What a client would turn into a mention or a link; broken by a joiner that nobody sees.
_LIVE = re.compile(r"(?<=@)(?=\w)|(?<=:)(?=//)|(?<=\w)(?=\.[^\W\d_]{2,})", re.UNICODE)
_JOINER = "\u200c"
_TAG = re.compile(r"</?(?:b|i|pre|code)>")


def escaped(text: str) -> str:
    """Give text as HTML: no tag, no entity, no live link and no mention of its own."""
    return html.escape(_LIVE.sub(_JOINER, text), quote=False)


def fixed(text: str) -> str:
    """Give text for fixed-width HTML, where clients look for no links."""
    return html.escape(text, quote=False)


def without_tags(page: str) -> str:
    """Give a page as plain text, for when Telegram cannot read its HTML."""
    return html.unescape(_TAG.sub("", page))


def units(text: str) -> int:
    """Count a text as Telegram does, in UTF-16 units."""
    return len(text) + sum(1 for one in text if one > "\uffff")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of HTML; those of one `block` stand in one fixed-width box, begun anew with `head` on each page."""

    text: str
    block: int = 0
    head: str = ""


def pages_of(card: Card, speaker: Speaker, *, has_picture: bool = False) -> list[str]:
    """Give a card in pages that Telegram takes; beside a picture one page if it fits under it."""
    lines = list(_lines(card, speaker))
    if has_picture:
        under = _paged(lines, CAPTION_LIMIT)
        if len(under) == 1:
            return under
    return _paged(lines, TEXT_LIMIT)


def _lines(card: Card, speaker: Speaker) -> Iterator[_Line]:
    title = speaker.say(card.title)
    for index, part in enumerate(_cut(title, 600)):
        yield _Line(f"{'' if index else _SIGNS[card.tone]}<b>{escaped(part)}</b>")
    for one in card.body:
        yield from _plain(speaker.say(one))
    for field in card.fields:
        label = escaped(speaker.label("field", field.name))
        parts = _cut(speaker.value(field.value), 600) or [""]
        yield _Line(f"{label}: <b>{escaped(parts[0])}</b>")
        yield from (_Line(f"<b>{escaped(part)}</b>") for part in parts[1:])
    for number, table in enumerate(card.tables, start=1):
        if table.is_titled:
            yield _Line("")
            yield _Line(f"<b>{escaped(speaker.label('table', table.name))}</b>")
        yield from _table(table, speaker, number)
    for note in card.notes:
        yield from (_Line(f"<i>{escaped(part)}</i>") for part in _cut(speaker.say(note), 600))


def _plain(text: str) -> Iterator[_Line]:
    return (_Line(escaped(part)) for part in _cut(text, 600))


def _table(table: Table, speaker: Speaker, number: int) -> Iterator[_Line]:
    heads = [speaker.label("column", one.name) for one in table.columns]
    cells = [[speaker.value(one) for one in row] for row in table.rows]
    shown = fitting(table, heads, cells, PHONE_COLUMNS)
    widths = [max([cell_len(heads[at]), *(cell_len(row[at]) for row in cells)]) for at in shown]
    if sum(widths) + 2 * (len(shown) - 1) > WIDEST_COLUMNS:
        yield from _records(table, heads, cells)
        return
    right = [any(_is_number(row[at]) for row in table.rows) for at in shown]
    head = fixed(_row([heads[at] for at in shown], widths, right))
    for row in cells:
        yield _Line(fixed(_row([row[at] for at in shown], widths, right)), number, head)


def _records(table: Table, heads: Sequence[str], cells: Sequence[Sequence[str]]) -> Iterator[_Line]:
    """Tell a wide table row by row: the first cell leads, the others follow with their headings."""
    kept = [at for at, column in enumerate(table.columns) if column.rank < 2]
    for row in cells:
        first, *others = kept
        if len(table.columns) == 2:
            told = escaped(row[others[0]]) if units(row[others[0]]) <= 600 else ""
            if told and units(row[first]) <= 600:
                yield _Line(f"▸ <b>{escaped(row[first])}</b> {told}")
                continue
        lead = _cut(row[first], 600) or [""]
        yield _Line(f"▸ <b>{escaped(lead[0])}</b>")
        yield from (_Line(f"<b>{escaped(part)}</b>") for part in lead[1:])
        told = " · ".join(_named(heads[at], row[at]) for at in others)
        yield from (_Line(escaped(part)) for part in _cut(told, 600))


def _named(head: str, cell: str) -> str:
    """Give a value with its heading; a sign such as % stands with the value already."""
    return f"{head} {cell}" if any(one.isalnum() for one in head) else cell


def _row(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for cell, width, is_right in zip(cells, widths, right, strict=True):
        gap = " " * (width - cell_len(cell))
        padded.append(gap + cell if is_right else cell + gap)
    return "  ".join(padded).rstrip()


def _is_number(value: Value) -> bool:
    return isinstance(value, Money | Price | Ratio | Number | int | float) and not isinstance(value, bool)


def _cut(text: str, most: int) -> list[str]:
    """Cut a text so that each part, escaped, is far below a page; between words where there are any."""
    parts = []
    while len(text) > most:
        at = text.rfind(" ", most // 2, most)
        at = most if at < 0 else at + 1
        parts.append(text[:at])
        text = text[at:]
    return [*parts, text] if text else parts


def _paged(lines: Sequence[_Line], limit: int) -> list[str]:
    """Fill pages with whole lines; a box that goes on begins anew with its headings."""
    pages: list[str] = []
    parts: list[str] = []
    size = 0
    block = 0

    def close() -> None:
        nonlocal parts, size, block
        if block:
            parts.append("</pre>")
        pages.append("".join(parts).strip("\n"))
        parts, size, block = [], 0, 0

    for line in lines:
        opening = f"<pre>{line.head}" if line.block and line.block != block else ""
        closing = "</pre>" if block and line.block != block else ""
        lead = f"{closing}{'' if not parts or closing else chr(10)}{opening}"
        if opening:
            lead += "\n"
        tail = 6 if line.block else 0
        need = units(lead) + units(line.text) + tail
        if parts and size + need > limit:
            close()
            lead = f"<pre>{line.head}\n" if line.block else ""
            need = units(lead) + units(line.text) + tail
        parts.append(lead + line.text)
        size += units(lead) + units(line.text)
        block = line.block
    if parts or not pages:
        close()
    return pages
