"""Cards as embeds: within every limit that Discord states, over several messages where one is too small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chatops.cards import Card, Tone
from chatops.discord_bot.markdown import cut, escaped, fenced, pieces, size
from chatops.discord_bot.tables import table_lines
from chatops.texts.speaker import Speaker

#: What Discord allows (its documentation of embeds and messages).
TITLE = 256
DESCRIPTION = 4096
FIELDS = 25
FIELD_NAME = 256
FIELD_VALUE = 1024
FOOTER = 2048
#: All texts of all embeds of one message together.
TOTAL = 6000
EMBEDS = 10

#: Room kept for "2/3" in the footer of a card that takes several messages.
_SPARE = 16
#: A field longer than this has a line of its own.
_SHORT = 30
#: A name or value that shows nothing; Discord refuses an empty one.
_NOTHING = "\u200b"

COLOURS = {
    Tone.PLAIN: 0x1769C4,
    Tone.GOOD: 0x12876F,
    Tone.WARN: 0xB36B00,
    Tone.BAD: 0xC2303D,
    Tone.ASK: 0x6A4BB8,
}


@dataclass(slots=True)
class Embed:
    """One embed, as far as it is filled."""

    colour: int
    title: str = ""
    description: str = ""
    fields: list[tuple[str, str, bool]] = field(default_factory=list)
    footer: str = ""
    image: str = ""

    @property
    def size(self) -> int:
        """What counts against the total of a message."""
        return (
            size(self.title)
            + size(self.description)
            + size(self.footer)
            + sum(size(name) + size(value) for name, value, _ in self.fields)
        )

    @property
    def is_empty(self) -> bool:
        """Whether Discord would refuse it."""
        return not (self.title or self.description or self.fields or self.footer or self.image)

    def as_dict(self) -> dict[str, Any]:
        """Give it as Discord takes it."""
        found: dict[str, Any] = {"type": "rich", "color": self.colour}
        if self.title:
            found["title"] = self.title
        if self.description:
            found["description"] = self.description
        if self.fields:
            found["fields"] = [
                {"name": name, "value": value, "inline": is_inline} for name, value, is_inline in self.fields
            ]
        if self.footer:
            found["footer"] = {"text": self.footer}
        if self.image:
            found["image"] = {"url": self.image}
        return found


@dataclass(slots=True)
class Sheet:
    """The embeds of one message."""

    embeds: list[Embed]

    @property
    def size(self) -> int:
        """What counts against the total of a message."""
        return sum(one.size for one in self.embeds)


def sheets_of(card: Card, speaker: Speaker, *, picture: str = "", notes: Sequence[str] = ()) -> list[Sheet]:
    """Give a card as messages, in order.

    Args:
        picture: file name of a picture that goes with the first message.
        notes: lines below the card's own notes, in the person's language.
    """
    writer = _Writer(COLOURS[card.tone])
    writer.title(cut(speaker.say(card.title), TITLE // 2))
    for one in card.body:
        writer.paragraph(escaped(speaker.say(one)))
    for shown in card.fields:
        writer.value(speaker.label("field", shown.name), speaker.value(shown.value))
    for table in card.tables:
        if table.is_titled:
            writer.paragraph(f"**{escaped(speaker.label('table', table.name))}**", is_new=bool(card.fields))
        writer.block(*table_lines(table, speaker), is_new=bool(card.fields) and not table.is_titled)
    if picture:
        writer.sheets[0].embeds[0].image = f"attachment://{picture}"
    writer.footer([*(speaker.say(one) for one in card.notes), *notes])
    return writer.finished()


class _Writer:
    """Fills embeds and opens new ones, and new messages, where a limit is reached."""

    def __init__(self, colour: int) -> None:
        self._colour = colour
        self.sheets = [Sheet([Embed(colour)])]

    @property
    def _embed(self) -> Embed:
        return self.sheets[-1].embeds[-1]

    def title(self, title: str) -> None:
        self._embed.title = pieces(escaped(title), TITLE)[0]

    def paragraph(self, text: str, *, is_new: bool = False) -> None:
        """Add text below what is there; fields stand below text, so after fields it needs an embed of its own."""
        if is_new and self._embed.fields:
            self._open()
        for piece in pieces(text, DESCRIPTION // 2):
            self._describe(piece)

    def value(self, name: str, value: str) -> None:
        """Add a labelled value; a long one goes on in further fields without a name."""
        label = pieces(escaped(name), FIELD_NAME)[0] or _NOTHING
        is_inline = size(value) <= _SHORT
        for number, piece in enumerate(pieces(escaped(value), FIELD_VALUE)):
            shown = piece if piece.strip() else _NOTHING
            self._reserve(size(label) + size(shown))
            if len(self._embed.fields) == FIELDS:
                self._open()
            self._embed.fields.append((label if not number else _NOTHING, shown, is_inline))

    def block(self, head: list[str], rows: list[list[str]], *, is_new: bool = False) -> None:
        """Add a table; it is parted between rows, and its heading repeated."""
        if is_new and self._embed.fields:
            self._open()
        most = DESCRIPTION - 64
        lines = list(head)
        for row in _fitting_rows(rows, most - size("\n".join(head)) - 16):
            if size(fenced([*lines, *row])) > most and lines != head:
                self._describe(fenced(lines))
                lines = list(head)
            lines += row
        self._describe(fenced(lines))

    def footer(self, notes: Sequence[str]) -> None:
        """Add notes below everything; more than a footer holds becomes text."""
        text = "\n".join(one for one in notes if one.strip())
        if size(text) > FOOTER - _SPARE:
            self.paragraph(escaped(text), is_new=True)
            return
        if text:
            self._reserve(size(text))
            self._embed.footer = text

    def finished(self) -> list[Sheet]:
        """Give the messages, numbered where there are several."""
        for sheet in self.sheets:
            sheet.embeds = [one for one in sheet.embeds if not one.is_empty] or [
                Embed(self._colour, description=_NOTHING)
            ]
        if len(self.sheets) > 1:
            for number, sheet in enumerate(self.sheets, 1):
                last = sheet.embeds[-1]
                last.footer = " · ".join(one for one in (last.footer, f"{number}/{len(self.sheets)}") if one)
        return self.sheets

    def _describe(self, text: str) -> None:
        extra = 1 if self._embed.description else 0
        if size(self._embed.description) + size(text) + extra > DESCRIPTION:
            self._open()
        self._reserve(size(text) + 1)
        before = self._embed.description
        self._embed.description = f"{before}\n{text}" if before else text

    def _reserve(self, wanted: int) -> None:
        """Go to a new message where this one would exceed the total."""
        if self.sheets[-1].size + wanted > TOTAL - _SPARE:
            self.sheets.append(Sheet([Embed(self._colour)]))

    def _open(self) -> None:
        if len(self.sheets[-1].embeds) == EMBEDS:
            self.sheets.append(Sheet([Embed(self._colour)]))
        else:
            self.sheets[-1].embeds.append(Embed(self._colour))


def _fitting_rows(rows: list[list[str]], limit: int) -> list[list[str]]:
    """Give rows of which each fits into a block: a taller one is parted between its lines."""
    found: list[list[str]] = []
    for row in rows:
        part: list[str] = []
        for line in row:
            # Back-ticks grow by the character that is put between them.
            if part and size("\n".join([*part, line])) + sum(one.count("`") for one in part) > limit // 2:
                found.append(part)
                part = []
            part.append(line)
        found.append(part)
    return found
