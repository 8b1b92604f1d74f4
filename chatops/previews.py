"""What a command would do, as a text: previews hold codes and plain values, people read amounts and roles."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from chatops.alerts import parameter
from chatops.because import because
from chatops.cards import Money, Price, Ratio, Text, Value
from chatops.errors import role_text
from desk.identity import Role
from desk.limits import COUNTS, OFF

#: What previews call amounts and prices.
_AMOUNTS = frozenset({"value", "unrealized_pnl", "pnl", "fees"})
_PRICES = frozenset({"price", "stop"})
#: Words for a side, and where their texts stand.
_SIDES = {"buy": "order_side", "sell": "order_side", "long": "side", "short": "side"}


def preview_text(code: str, params: Mapping[str, Any]) -> Text:
    """Give a preview as a text."""
    shown = shown_params(params)
    if code.startswith("confirm.SetLimit"):
        name = str(params["limit"])
        shown |= {one: _limit(name, str(params[one])) for one in ("before", "after")}
    return Text(code, shown)


def limit_shown(name: str, value: float | None) -> Value:
    """Give a limit's value as people read it: a share, a count, or off."""
    if value is None:
        return Text("limit_of.off")
    return int(value) if name in COUNTS else Ratio(value)


def _limit(name: str, written: str) -> Value:
    return limit_shown(name, None if written == OFF else float(written))


def shown_params(params: Mapping[str, Any]) -> dict[str, Value]:
    """Give a preview's parameters as people read them: amounts in cents, prices in their own digits, roles as texts."""
    currency = str(params.get("currency", ""))
    return {name: _shown(name, value, currency) for name, value in params.items()}


def _shown(name: str, value: Any, currency: str) -> Value:
    if name == "side" and value in _SIDES:
        return Text(f"{_SIDES[value]}.{value}")
    if name == "targets" and _decimal(str(value).partition(",")[0]) is not None:
        return parameter("targets", str(value).split(", "))
    if name == "reason":
        return because(str(value))
    if name == "binding":
        return Text(f"limit.{value}")
    if name == "risk" and (number := _decimal(value)) is not None:
        return Money(number, currency)
    if name in _AMOUNTS | _PRICES and not isinstance(value, bool) and (number := _decimal(value)) is not None:
        return Money(number, currency, is_signed=name != "value") if name in _AMOUNTS else Price(number)
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
