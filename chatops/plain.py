"""Cards for programs: one JSON document with raw values beside the texts."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from chatops.cards import Age, Card, Field, Money, Number, Price, Ratio, Table, Text, Value
from chatops.texts.numbers import rfc3339
from chatops.texts.speaker import Speaker


def as_json(card: Card, speaker: Speaker, *, picture: str = "", file: str = "") -> dict[str, Any]:
    """Give a card as JSON-ready values.

    Money, prices and quantities are strings, ratios numbers (0.05 = 5 %), times RFC 3339 in UTC, spans seconds, and
    an undefined value is null. `picture` and `file` are the paths of what was written.
    """
    return {
        "card": card.name,
        "title": speaker.say(card.title),
        "tone": card.tone.value,
        "error": card.problem or None,
        "body": [speaker.say(one) for one in card.body],
        "fields": [_field(one, speaker) for one in card.fields],
        "tables": [_table(one, speaker) for one in card.tables],
        "notes": [speaker.say(one) for one in card.notes],
        "buttons": [
            {
                "name": one.name,
                "label": speaker.say(Text(f"button.{one.name}", one.params)),
                "press": one.press.value,
                "token": one.token or None,
                "line": one.line or None,
            }
            for one in card.buttons
        ],
        "confirm": {"token": card.token, "type_word": card.type_word or None} if card.token else None,
        "picture": picture or None,
        "file": file or None,
    }


def _field(field: Field, speaker: Speaker) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": speaker.label("field", field.name),
        "value": raw(field.value),
        "text": speaker.value(field.value),
    }


def _table(table: Table, speaker: Speaker) -> dict[str, Any]:
    return {
        "name": table.name,
        "columns": [{"name": one.name, "label": speaker.label("column", one.name)} for one in table.columns],
        "rows": [
            {column.name: raw(cell) for column, cell in zip(table.columns, row, strict=True)}
            for row in table.rows
        ],
    }


def raw(value: Value) -> Any:
    """Give a value as JSON has it; of a text its code's last part, with the gaps where there are any."""
    match value:
        case Money():
            return format(value.amount, "f")
        case Price():
            return None if value.value is None else format(value.value, "f")
        case Decimal():
            return format(value, "f")
        case Ratio() | Number():
            return value.value
        case Age():
            return rfc3339(value.at)
        case datetime():
            return rfc3339(value)
        case timedelta():
            return value.total_seconds()
        case Text() if value.params:
            return {"code": value.code, **{name: raw(one) for name, one in value.params.items()}}
        case Text():
            return value.code.split(".", 1)[-1]
        case _:
            return value
