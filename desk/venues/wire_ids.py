"""Client order ids for venues that only take a UUID: our 25 characters as its bits, and back."""

from __future__ import annotations

import uuid

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PREFIX = "bw"
_CHARS = 23  # 115 bits after the prefix
#: The upper 13 bits of every UUID that is one of our ids.
_MARK = 0x1B7E


def to_uuid(client_order_id: str) -> str:
    """Give one of our ids as a UUID; any other text gives the UUID that follows from it.

    Example:
        >>> from_uuid(to_uuid("bwabcdefghij234567abcdefg"))
        'bwabcdefghij234567abcdefg'
    """
    body = client_order_id.removeprefix(_PREFIX)
    is_ours = client_order_id.startswith(_PREFIX) and len(body) == _CHARS
    if not is_ours or any(one not in _ALPHABET for one in body):
        return str(uuid.uuid5(uuid.NAMESPACE_OID, client_order_id))
    value = 0
    for one in body:
        value = value * 32 + _ALPHABET.index(one)
    return str(uuid.UUID(int=_MARK << (5 * _CHARS) | value))


def from_uuid(text: str) -> str:
    """Give our id back; a UUID that is not one of ours stays as it is."""
    try:
        value = uuid.UUID(text).int
    except (ValueError, AttributeError):
        return text
    if value >> (5 * _CHARS) != _MARK:
        return text
    body = ""
    for _ in range(_CHARS):
        value, digit = divmod(value, 32)
        body = _ALPHABET[digit] + body
    return _PREFIX + body
