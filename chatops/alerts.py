"""Alerts as cards: the same for the console, chats and mail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from chatops.because import in_words
from chatops.cards import (
    Button,
    Card,
    Column,
    Field,
    Money,
    Press,
    Price,
    Ratio,
    Table,
    Text,
    Tone,
    Value,
)
from chatops.entries import entry_buttons
from chatops.reading import mode_field, reference
from chatops.texts.catalogue import template
from desk.money import MoneyKind
from desk.views import Alert
from trading.events import Severity

#: Parameters that are ids or say what the title already says.
_HIDDEN = frozenset(
    {
        "account_id",
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
        "trouble",
        "replies_to",
        "settles",
        "of_alert",
        "untold",
        "items",
        "kinds",
        "relation",
        "rule",
        "fill_ids",
        "approval_id",
        "incident_id",
        "level",
        "is_solo",
        "job_id",
        "asked_by",
    }
)

#: Parameters that hold a code of the catalogue, and its room there.
_CODES: Mapping[str, str] = {
    "reason": "reason",
    "side": "order_side",
    "liquidity": "liquidity",
    "before": "state_name",
    "state": "approval_state",
    "entry_state": "entry_state",
    "refusal": "refusal",
    "incident": "incident",
    "after": "state_name",
    "gate": "gate_line",
    "period": "period_name",
}

#: Parameters that are said in a room of their own on one kind of alert.
_ROOMS: Mapping[tuple[str, str], str] = {
    ("entry_answered", "state"): "entry_state",
    ("entry_answered", "reason"): "refusal",
}

#: Parameters that say why, in the words of the house or of a person.
_REASONS = frozenset({"reason", "cause", "detail"})

#: Parameters that hold seconds.
_SPANS = frozenset({"lasted_s", "age_s"})

_AMOUNTS = frozenset({"pnl", "fee", "fees"})
_PRICES = frozenset({"price", "entry_price", "exit_price", "stop", "threshold", "value"})
_RATIOS = frozenset({"pnl_ratio", "drawdown", "loss"})
_TIMES = frozenset({"occurred_at", "until", "since"})

TONES: Mapping[Severity, Tone] = {
    Severity.DEBUG: Tone.PLAIN,
    Severity.INFO: Tone.PLAIN,
    Severity.WARNING: Tone.WARN,
    Severity.CRITICAL: Tone.BAD,
}


def alert_card(
    alert: Alert, *, bot: str = "", account: str = "", money: MoneyKind | None = None, is_repeat: bool = False
) -> Card:
    """Give the card of an alert.

    Args:
        bot, account: names of what it is about.
        money: whose money the account holds; None where nobody need be told.
        is_repeat: the reader may have it already; the card says so.
    """
    fields = [Field("severity", Text(f"severity.{alert.severity.value}"))]
    if bot:
        fields.append(Field("bot", bot))
    if account:
        fields.append(Field("account", account))
    if money is not None:
        fields.append(mode_field(money))
    if alert.pair:
        fields.append(Field("pair", alert.pair))
    if "is_long" in alert.params:
        fields.append(Field("side", Text("side.long" if alert.params["is_long"] else "side.short")))
    fields += [
        Field(name, parameter(_ROOMS.get((alert.kind, name), name), value))
        for name, value in alert.params.items()
        if name not in _HIDDEN and value not in (None, "", [], ())
    ]
    notes = [Text("alert.perhaps_again")] if is_repeat else []
    if alert.acknowledged_at is not None:
        notes.append(Text("alert.acknowledged", {"by": alert.acknowledged_by}))
    return Card(
        name="alert",
        title=alert_title(alert),
        tone=_tone(alert),
        body=_body(alert),
        fields=tuple(fields),
        tables=_tables(alert),
        notes=tuple(notes),
        buttons=_buttons(alert),
    )


def _body(alert: Alert) -> tuple[Text, ...]:
    if alert.kind == "rule_fired":
        params = {
            "relation": Text(f"relation.{alert.params.get('relation')}"),
            "threshold": parameter("threshold", alert.params.get("threshold")),
            "pair": alert.pair,
        }
        return (Text(f"rule.{alert.params.get('rule')}", params),)
    if alert.kind in ("unacknowledged", "still_going"):
        return (_named(str(alert.params.get("of_kind", "")), alert.pair),)
    return ()


def _buttons(alert: Alert) -> tuple[Button, ...]:
    """Offer to acknowledge what is loud, and to snooze what lasts."""
    if alert.acknowledged_at is not None:
        return ()
    known = reference(alert.id)
    if alert.kind == "approval_requested":
        code = str(alert.params.get("code", ""))
        no = Button(name="reject", press=Press.SAY, line=f"/reject {code}", params={"code": code})
        if alert.params.get("is_solo"):
            return (no,)
        return (Button(name="approve", press=Press.SAY, line=f"/approve {code}", params={"code": code}), no)
    if alert.kind == "report_ready":
        line = f"/jobs {reference(str(alert.params.get('job_id', '')))} file=report."
        return tuple(Button(name=form, press=Press.SAY, line=line + form) for form in ("pdf", "xlsx"))
    if alert.kind == "entry_asked":
        return entry_buttons(str(alert.params.get("code", "")))
    buttons = []
    if alert.severity in (Severity.WARNING, Severity.CRITICAL) and alert.kind not in _NOT_SEEN:
        buttons.append(Button(name="ack", press=Press.SAY, line=f"/ack {known}"))
    if alert.params.get("trouble") or alert.severity is Severity.CRITICAL:
        buttons.append(Button(name="snooze", press=Press.SAY, line=f"/snooze {known} for=1h"))
    return tuple(buttons)


#: Loud, but nothing that anybody has to take note of one by one.
_NOT_SEEN = frozenset({"digest", "rule_fired"})


def _tables(alert: Alert) -> tuple[Table, ...]:
    """List what a digest gathers: how many of each kind, and the newest one by one."""
    if alert.kind != "digest":
        return ()
    kinds = alert.params.get("kinds") or {}
    items = alert.params.get("items") or []
    return (
        Table(
            name="digest",
            columns=(Column("alert"), Column("n")),
            rows=tuple((Text(f"notice.{kind}"), int(count)) for kind, count in sorted(kinds.items())),
        ),
        Table(
            name="digest_items",
            is_titled=True,
            columns=(Column("at"), Column("alert"), Column("severity", 1), Column("pnl")),
            rows=tuple(
                (
                    datetime.fromisoformat(str(at)),
                    _named(str(kind), str(pair)),
                    Text(f"severity.{severity}"),
                    parameter("pnl", pnl) if pnl is not None else None,
                )
                for kind, severity, pair, at, pnl in items
            ),
        ),
    )


def _named(kind: str, pair: str) -> Text:
    return Text(f"alert.{kind}", {"pair": pair or Text("alert.everything")})


def alert_title(alert: Alert) -> Text:
    """Give the one line of an alert."""
    if alert.kind in ("unacknowledged", "still_going"):
        what = _named(str(alert.params.get("of_kind", "")), alert.pair)
        return Text(f"alert.{alert.kind}", {"what": what, "count": int(alert.params.get("count") or 1)})
    return _named(alert.kind, alert.pair)


def _tone(alert: Alert) -> Tone:
    pnl = alert.params.get("pnl")
    if alert.kind == "exit_filled" and isinstance(pnl, str):
        return Tone.GOOD if _decimal(pnl) > 0 else Tone.BAD
    return TONES[alert.severity]


def parameter(name: str, value: Any) -> Value:
    """Give a parameter of a fact as a value that a speaker can render."""
    if isinstance(value, list | tuple):
        return _listed(name, [str(one) for one in value])
    if name in _RATIOS and isinstance(value, int | float):
        return Ratio(float(value), is_signed=True)
    if name in _SPANS and isinstance(value, int | float):
        return timedelta(seconds=float(value))
    if name == "of_kind" and isinstance(value, str):
        return Text(f"notice.{value}")
    if name in _TIMES and isinstance(value, str):
        return datetime.fromisoformat(value)
    if name in _CODES and isinstance(value, str) and template("en", f"{_CODES[name]}.{value}"):
        return Text(f"{_CODES[name]}.{value}")
    if name in _REASONS and isinstance(value, str):
        return in_words(value)
    if isinstance(value, str):
        number = _decimal(value)
        if not number.is_finite():
            return value
        if name in _AMOUNTS:
            return Money(number, is_signed=name == "pnl")
        return Price(number) if name in _PRICES else number
    return value if isinstance(value, bool | int | float | datetime | Decimal) else str(value)


def _listed(name: str, values: list[str]) -> Value:
    """Give several values as one: prices in their digits, anything else as it is."""
    if name == "targets" and 0 < len(values) <= 3 and all(_decimal(one).is_finite() for one in values):
        prices = {f"tp{leg}": Price(_decimal(one)) for leg, one in enumerate(values, 1)}
        return Text(f"targets.of{len(values)}", prices)
    return " · ".join(values)


def _decimal(value: str) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation:
        return Decimal("NaN")
