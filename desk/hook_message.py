"""What a hook may say: a small JSON object, every field checked, nothing else allowed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from trading.errors import InvalidInput

#: Bytes of a message.
LARGEST = 16 * 1024

_FIELDS = frozenset({"alertId", "time", "pair", "action", "price", "stop", "targets", "score", "tag"})
_NEEDED = ("alertId", "time", "pair", "action")

#: What a signal may want, and its direction.
ACTIONS = {"long": 1, "buy": 1, "short": -1, "sell": -1, "exit": 0, "flat": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class HookMessage:
    """A message that has the right shape."""

    alert_id: str
    at: datetime
    pair: str
    direction: int
    price: Decimal | None = None
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    score: float = 0.0
    tag: str = ""


def read_message(body: bytes) -> HookMessage:
    """Read a message.

    Raises:
        InvalidInput: it is not JSON, a field is missing, unknown or out of range.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidInput("The body is not JSON; one JSON object is allowed.") from None
    if not isinstance(found, dict):
        raise InvalidInput("The body is no JSON object; one is allowed.")
    unknown = sorted(str(one)[:40] for one in set(found) - _FIELDS)
    missing = [one for one in _NEEDED if one not in found]
    if unknown or missing:
        raise InvalidInput(
            f"Unknown fields: {', '.join(unknown[:5]) or 'none'}; missing: {', '.join(missing) or 'none'}. "
            f"Allowed are {', '.join(sorted(_FIELDS))}."
        )
    action = _text(found, "action", 16).casefold()
    if action not in ACTIONS:
        raise InvalidInput(f"`action` was another word; {', '.join(ACTIONS)} are allowed.")
    targets = found.get("targets", [])
    if not isinstance(targets, list) or len(targets) > 3:
        raise InvalidInput("`targets` must be a list of at most three prices.")
    return HookMessage(
        alert_id=_text(found, "alertId", 100),
        at=_moment(found["time"]),
        pair=_text(found, "pair", 40).upper(),
        direction=ACTIONS[action],
        price=_price(found.get("price"), "price"),
        stop=_price(found.get("stop"), "stop"),
        targets=tuple(one for one in (_price(each, "targets") for each in targets) if one is not None),
        score=_score(found.get("score", 0.0)),
        tag=_text(found, "tag", 60, least=0) if "tag" in found else "",
    )


def _text(found: dict[str, Any], name: str, most: int, *, least: int = 1) -> str:
    value = found[name]
    if not isinstance(value, str) or not least <= len(value) <= most or not value.isprintable():
        raise InvalidInput(f"`{name}` must be a text of {least} to {most} printable characters.")
    return value


def _moment(value: Any) -> datetime:
    problem = InvalidInput("`time` must be RFC 3339 with a time zone, or seconds since 1970.")
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            if at.tzinfo is None:
                raise problem
            return at.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise problem from None
    raise problem


def _price(value: Any, name: str) -> Decimal | None:
    if value is None:
        return None
    problem = InvalidInput(f"`{name}` must be a price above 0, as a number or text of at most 38 digits.")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise problem
    text = str(value)
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise problem from None
    if len(text) > 40 or not price.is_finite() or price <= 0 or abs(price.adjusted()) > 18:
        raise problem
    return price


def _score(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 1:
        raise InvalidInput("`score` must be a number from -1 to 1.")
    return float(value)
