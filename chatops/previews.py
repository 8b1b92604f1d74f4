"""What a command would do, as a text: previews hold codes and plain values, people read amounts and roles."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from chatops.cards import Money, Price, Text, Value
from chatops.errors import role_text
from desk.identity import Role

#: What previews call amounts and prices.
_AMOUNTS = frozenset({"value", "unrealized_pnl", "pnl", "fees"})
_PRICES = frozenset({"price", "stop"})


def preview_text(code: str, params: Mapping[str, Any]) -> Text:
    """Give a preview as a text."""
    return Text(code, shown_params(params))


def shown_params(params: Mapping[str, Any]) -> dict[str, Value]:
    """Give a preview's parameters as people read them: amounts in cents, prices in their own digits, roles as texts."""
    return {name: _shown(name, value) for name, value in params.items()}


def _shown(name: str, value: Any) -> Value:
    if name in _AMOUNTS | _PRICES and not isinstance(value, bool) and (number := _decimal(value)) is not None:
        return Money(number, is_signed=name != "value") if name in _AMOUNTS else Price(number)
    if name in ("before", "after") and isinstance(value, Decimal):
        return Price(value)
    if isinstance(value, str) and value in Role.__members__:
        return role_text(Role[value])
    return value if isinstance(value, str | int | float | bool | Decimal) else str(value)


def _decimal(value: Any) -> Decimal | None:
    """Read an amount; one that lay in the database is text."""
    if isinstance(value, Decimal):
        return value
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
