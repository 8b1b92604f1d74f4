"""Client order ids: short, deterministic, and never used twice, not even by a database that went back in time."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from desk.views import Order
from trading.errors import InvalidInput

#: RFC 4648 base32 in lower case: letters and digits that every venue takes.
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PREFIX = "bw"
_OWNER_CHARS, _EPOCH_CHARS, _NUMBER_CHARS, _CHECK_CHARS = 10, 3, 8, 2
_LENGTH = len(_PREFIX) + _OWNER_CHARS + _EPOCH_CHARS + _NUMBER_CHARS + _CHECK_CHARS

#: Namespace of ids that follow from what a row is about.
_NAMESPACE = uuid.UUID("b7ea4a7e-6a1f-5c1e-9d6b-0b5ea0a7e201")


class Origin(IntEnum):
    """Who numbers an order."""

    INTENT = 0  # the engine
    PROTECTION = 1  # a paper account's executions of protection
    HAND = 2  # the account itself: by hand, exits at a venue, what replaces an order


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOrderId:
    """The parts of a client order id."""

    owner: str
    restore_epoch: int
    origin: Origin
    number: int


def client_order_id(
    account_id: str, *, number: int, restore_epoch: int = 0, origin: Origin = Origin.INTENT
) -> str:
    """Give the id of an order: account, restore epoch, number and a check, 25 characters.

    The account's id is unique to an install; the restore epoch counts up after every restored backup.

    Raises:
        InvalidInput: number or epoch do not fit.
    """
    body = (
        owner_part(account_id)
        + _base32(restore_epoch, _EPOCH_CHARS)
        + _base32(number * 4 + int(origin), _NUMBER_CHARS)
    )
    return _PREFIX + body + _check(body)


def read_client_order_id(text: str) -> ClientOrderId | None:
    """Give the parts of one of our ids; None for anybody else's."""
    if len(text) != _LENGTH or not text.startswith(_PREFIX):
        return None
    body, check = text[len(_PREFIX) : -_CHECK_CHARS], text[-_CHECK_CHARS:]
    if any(one not in _ALPHABET for one in body) or _check(body) != check:
        return None
    number = _number(body[_OWNER_CHARS + _EPOCH_CHARS :])
    if number % 4 not in set(Origin):
        return None
    return ClientOrderId(
        owner=body[:_OWNER_CHARS],
        restore_epoch=_number(body[_OWNER_CHARS : _OWNER_CHARS + _EPOCH_CHARS]),
        origin=Origin(number % 4),
        number=number // 4,
    )


def as_wanted(order: Order) -> tuple[datetime, int]:
    """Give the key that sorts an account's orders as they were wanted; those of one moment go by their number."""
    parts = read_client_order_id(order.client_order_id)
    return order.created_at, parts.number if parts else 0


def owner_part(account_id: str) -> str:
    """Give the part that names an account: 50 bits of a hash."""
    digest = hashlib.sha256(account_id.encode()).digest()
    return _base32(int.from_bytes(digest[:8], "big") >> 14, _OWNER_CHARS)


def stable_id(account_id: str, kind: str, key: object) -> str:
    """Give the row id that follows from what the row is about: the same bar after a crash gives the same row."""
    return str(uuid.uuid5(_NAMESPACE, f"{account_id}|{kind}|{key}"))


def _base32(value: int, chars: int) -> str:
    if not 0 <= value < 32**chars:
        raise InvalidInput(f"{value} was given for a client order id; 0 to {32**chars - 1} is allowed.")
    out = ""
    for _ in range(chars):
        value, digit = divmod(value, 32)
        out = _ALPHABET[digit] + out
    return out


def _number(text: str) -> int:
    value = 0
    for one in text:
        value = value * 32 + _ALPHABET.index(one)
    return value


def _check(body: str) -> str:
    digest = hashlib.sha256(body.encode()).digest()
    return _base32(int.from_bytes(digest[:2], "big") >> 6, _CHECK_CHARS)
