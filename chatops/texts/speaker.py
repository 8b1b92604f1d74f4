"""A speaker: turns codes and values into one person's language, in that person's time zone."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from chatops.cards import Age, Money, Number, Price, Ratio, Text, Value
from chatops.texts import numbers
from chatops.texts.catalogue import fill, template

#: Data longer than this is cut on a card; the whole stays in the database and the API.
MAX_DATA = 1_000

#: Formatting characters that may stay: joiners that names in several scripts need.
_KEPT = frozenset("\u200c\u200d")


def harmless(data: str, limit: int = MAX_DATA) -> str:
    """Give data without control characters, direction overrides or lone surrogates, on one line.

    An escape sequence, a forged line or reversed text in a name must not reach a terminal or a mail.
    """
    shown = "".join(
        one if unicodedata.category(one)[0] != "C" or one in _KEPT else " " if one.isspace() else "�"
        for one in data[:limit]
    )
    return shown.replace("\u2028", " ").replace("\u2029", " ") + ("…" if len(data) > limit else "")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Renders texts for one person."""

    language: str = "en"
    time_zone: str = "UTC"

    def say(self, text: Text) -> str:
        """Give a text in the person's language; a code without a text shows its last part and its parameters."""
        rendered = {name: self.value(value) for name, value in text.params.items()}
        sentence = template(self.language, text.code, text.params.get("n", text.params.get("count")))
        if sentence is None:
            return self._unnamed(text.code, rendered)
        return fill(sentence, rendered)

    def label(self, kind: str, name: str) -> str:
        """Give the text `<kind>.<name>`."""
        return self.say(Text(f"{kind}.{name}"))

    def value(self, value: Value) -> str:
        """Give a value as the person reads it."""
        habits = numbers.habits_of(self.language)
        match value:
            case None:
                return numbers.UNDEFINED
            case Text():
                return self.say(value)
            case bool():
                return self.say(Text("word.yes" if value else "word.no"))
            case Money():
                return numbers.money(value.amount, harmless(value.currency), habits, signed=value.is_signed)
            case Price():
                return numbers.price(value.value, habits)
            case Ratio():
                return numbers.percent(value.value, habits, digits=value.digits, signed=value.is_signed)
            case Number():
                if value.value is None:
                    return numbers.UNDEFINED
                return numbers.number(value.value, habits, digits=value.digits)
            case Age():
                return self.say(Text("word.ago", {"span": value.now - value.at}))
            case datetime():
                return numbers.moment(value, self.language, numbers.zone_of(self.time_zone))
            case timedelta():
                return numbers.span(value, habits)
            case int() | float() | Decimal():
                return numbers.number(value, habits)
            case str():
                return harmless(value)

    def _unnamed(self, code: str, rendered: Mapping[str, str]) -> str:
        name = harmless(code.rsplit(".", 1)[-1].replace("_", " "))
        gaps = ", ".join(f"{name} {value}" for name, value in rendered.items())
        return f"{name} ({gaps})" if gaps else name
