"""A secret that cannot be printed: repr, str, format, JSON and pickle are stars."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

#: What stands where a secret would stand.
STARS = "***"


def token_hash(token: str) -> str:
    """Give the digest under which a one-time token is stored; enough for values of 128 random bits and more."""
    return hashlib.sha256(token.encode()).hexdigest()


class Secret:
    """A value that leaves only through `reveal()`, at the one place that needs it.

    Example:
        >>> f"{Secret('hunter2')}"
        '***'
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the value itself."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return STARS

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(STARS, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        # What is pickled may lie on a disk or cross a queue: the value stays here.
        return Secret, (STARS,)
