"""Alerts as cards: the same for the console, chats and mail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from chatops.cards import Card, Field, Money, Price, Ratio, Text, Tone, Value
from chatops.texts.catalogue import template
from desk.views import Alert
from trading.events import Severity

#: Parameters that are ids or say what the title already says.
_HIDDEN = frozenset(
    {
        "alert_id",
        "fill_id",
        "order_id",
        "position_id",
        "trade_id",
        "signal_id",
        "client_order_id",
        "is_long",
        "axis",
        "severity",
    }
)

#: Parameters that hold a code of the catalogue, and its room there.
_CODES: Mapping[str, str] = {
    "reason": "reason",
    "side": "order_side",
    "liquidity": "liquidity",
    "before": "state_name",
    "after": "state_name",
}

_AMOUNTS = frozenset({"pnl", "fee"})
_PRICES = frozenset({"price", "entry_price", "exit_price", "stop"})
_RATIOS = frozenset({"pnl_ratio", "drawdown", "loss"})
_TIMES = frozenset({"occurred_at", "until"})

TONES: Mapping[Severity, Tone] = {
    Severity.DEBUG: Tone.PLAIN,
    Severity.INFO: Tone.PLAIN,
    Severity.WARNING: Tone.WARN,
    Severity.CRITICAL: Tone.BAD,
}


def alert_card(alert: Alert, *, bot: str = "") -> Card:
    """Give the card of an alert; `bot` is the name of the bot that it is about."""
    fields = [Field("severity", Text(f"severity.{alert.severity.value}"))]
    if bot:
        fields.append(Field("bot", bot))
    if alert.pair:
        fields.append(Field("pair", alert.pair))
    if "is_long" in alert.params:
        fields.append(Field("side", Text("side.long" if alert.params["is_long"] else "side.short")))
    fields += [
        Field(name, parameter(name, value))
        for name, value in alert.params.items()
        if name not in _HIDDEN and value not in (None, "", [], ())
    ]
    return Card(
        name="alert",
        title=alert_title(alert),
        tone=_tone(alert),
        fields=tuple(fields),
        notes=()
        if alert.acknowledged_at is None
        else (Text("alert.acknowledged", {"by": alert.acknowledged_by}),),
    )


def alert_title(alert: Alert) -> Text:
    """Give the one line of an alert."""
    return Text(f"alert.{alert.kind}", {"pair": alert.pair or Text("alert.everything")})


def _tone(alert: Alert) -> Tone:
    pnl = alert.params.get("pnl")
    if alert.kind == "exit_filled" and isinstance(pnl, str):
        return Tone.GOOD if _decimal(pnl) > 0 else Tone.BAD
    return TONES[alert.severity]


def parameter(name: str, value: Any) -> Value:
    """Give a parameter of a fact as a value that a speaker can render."""
    if isinstance(value, list | tuple):
        return " · ".join(str(one) for one in value)
    if name in _RATIOS and isinstance(value, int | float):
        return Ratio(float(value), is_signed=True)
    if name in _TIMES and isinstance(value, str):
        return datetime.fromisoformat(value)
    if name in _CODES and isinstance(value, str) and template("en", f"{_CODES[name]}.{value}"):
        return Text(f"{_CODES[name]}.{value}")
    if isinstance(value, str):
        number = _decimal(value)
        if not number.is_finite():
            return value
        if name in _AMOUNTS:
            return Money(number, is_signed=name == "pnl")
        return Price(number) if name in _PRICES else number
    return value if isinstance(value, bool | int | float | datetime | Decimal) else str(value)


def _decimal(value: str) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation:
        return Decimal("NaN")
