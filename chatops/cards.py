"""Cards: what every door shows. A card holds codes with parameters and typed values; doors render them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias


class Tone(StrEnum):
    """How a card feels; doors turn it into a colour."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the catalogue: its code and what goes into the gaps."""

    code: str
    params: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with its currency; a signed one shows its plus."""

    amount: Decimal
    currency: str = ""
    is_signed: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    """A price in its own digits, two at least; None is undefined."""

    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share (0.05 = 5 %), shown as a percentage; None is undefined."""

    value: float | None
    is_signed: bool = False
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Number:
    """A statistic without a unit; None is undefined."""

    value: float | None
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Age:
    """A time that people read as "3 min ago", seen from `now`."""

    at: datetime
    now: datetime


#: What a field, a cell or a gap may hold. A plain `str` is data (a name, a pair): it is never translated.
Value: TypeAlias = (
    str
    | int
    | float
    | bool
    | Decimal
    | datetime
    | timedelta
    | Money
    | Price
    | Ratio
    | Number
    | Age
    | Text
    | None
)


@dataclass(frozen=True, slots=True)
class Field:
    """A labelled value; the label is the text code `field.<name>`."""

    name: str
    value: Value
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Column:
    """A column; its heading is the text code `column.<name>`.

    Attributes:
        rank: 0 is always shown; a narrow door leaves out the highest ranks first.
    """

    name: str
    rank: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of values; `name` is the text code `table.<name>` where `is_titled`."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    is_titled: bool = False

    def __post_init__(self) -> None:
        for row in self.rows:
            assert len(row) == len(self.columns), f"table {self.name}: {len(row)} cells in a row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture to be drawn by `desk.charts`; `name` makes the file name.

    Attributes:
        png: the picture itself where a job has drawn it already.
    """

    kind: str
    spec: Mapping[str, Any]
    name: str
    png: bytes | None = None


class Press(StrEnum):
    """What a button does."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"
    SAY = "say"


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button; its label is the text code `button.<name>`.

    Attributes:
        token: opaque, single use; names the confirmation in the database.
        line: what a SAY button says for the person.
    """

    name: str
    press: Press
    token: str = ""
    line: str = ""
    params: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that goes with the card."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A reply.

    Attributes:
        name: what kind of card it is, for programs and tests ("status", "error", "confirm").
        type_word: the word that must be typed with a confirmation; empty where a tap is enough.
        problem: the error code on an error card ("not_found", "denied"…).
        renewed_by: the line that shows the same again as it is then; a door may keep the message up to date with it.
    """

    name: str
    title: Text
    tone: Tone = Tone.PLAIN
    body: tuple[Text, ...] = ()
    fields: tuple[Field, ...] = ()
    tables: tuple[Table, ...] = ()
    chart: Chart | None = None
    notes: tuple[Text, ...] = ()
    buttons: tuple[Button, ...] = ()
    file: File | None = None
    type_word: str = ""
    problem: str = ""
    renewed_by: str = ""

    @property
    def token(self) -> str:
        """The confirmation token that a card asks with; empty on other cards."""
        return next((one.token for one in self.buttons if one.press is Press.CONFIRM), "")


def texts_of(card: Card) -> tuple[Text, ...]:
    """Give every text of a card, labels and headings included."""
    found: list[Text] = [card.title, *card.body, *card.notes]
    found += [Text(f"field.{one.name}") for one in card.fields]
    found += [Text(f"button.{one.name}", one.params) for one in card.buttons]
    for table in card.tables:
        found += [Text(f"column.{one.name}") for one in table.columns]
        if table.is_titled:
            found.append(Text(f"table.{table.name}"))
    values: list[Value] = [one.value for one in card.fields]
    values += [cell for table in card.tables for row in table.rows for cell in row]
    found += [one for one in values if isinstance(one, Text)]
    inner = [value for one in found for value in one.params.values() if isinstance(value, Text)]
    return (*found, *inner)
