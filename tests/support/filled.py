"""Values of any data class, made from its field types: for tests that need one of everything and mind no value."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, TypeVar

T = TypeVar("T")


def filled(cls: type[T], word: str, at: datetime, /, **given: Any) -> T:
    """Give a value of a data class: what is given, the word as every other text, one as every number.

    Fields that have a default and are no texts keep it.
    """
    kind: Any = cls
    hints = typing.get_type_hints(kind)
    values = dict(given)
    for one in fields(kind):
        has_default = one.default is not MISSING or one.default_factory is not MISSING
        if one.init and one.name not in values and not (has_default and hints[one.name] is not str):
            values[one.name] = _value(hints[one.name], word, at)
    made: T = cls(**values)
    return made


def _value(hint: Any, word: str, at: datetime) -> Any:
    origin = typing.get_origin(hint)
    if origin is UnionType or origin is typing.Union:
        return _value(next(one for one in typing.get_args(hint) if one is not type(None)), word, at)
    if origin is tuple:
        return (_value(typing.get_args(hint)[0], word, at),)
    if origin is Mapping or origin is dict or hint is Mapping:
        return {}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    plain: dict[Any, Any] = {
        str: word,
        bool: False,
        int: 1,
        float: 1.0,
        Decimal: Decimal(1),
        datetime: at,
    }
    return plain[hint]
