"""The Node interface, and how plain values become types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

import strawberry
from strawberry.types.base import StrawberryObjectDefinition

T = TypeVar("T")


def computed(resolver: Callable[..., Any]) -> Any:
    """Make a method a field; the first line of its docstring is the description."""
    return strawberry.field(resolver, description=(resolver.__doc__ or "").strip().splitlines()[0])


@strawberry.interface(description="Anything with an id of its own.")
class Node:
    """What `node(id:)` can find."""

    id: strawberry.ID


@strawberry.type(description="A named value; numbers and switches are written as text.")
class NamedValue:
    """One entry of a small open set."""

    name: str
    value: str | None


def named_values(values: Mapping[str, Any]) -> list[NamedValue]:
    """Give a mapping as named values, in order of name."""
    return [NamedValue(name=name, value=_text(value)) for name, value in sorted(values.items())]


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(_text(one) or "" for one in value)
    return str(value)


def shaped(cls: type[T], view: object, /, **others: Any) -> T:
    """Fill a type from the attributes of the same name of a view; `others` come first."""
    kind: Any = cls
    names, get = _taken(kind, tuple(others))
    made: T = kind.__new__(kind)
    # A page has thousands of values: the generated constructor would cost as much as reading them.
    made.__dict__.update(zip(names, get(view), strict=True))
    made.__dict__.update(others)
    return made


@cache
def _taken(
    cls: type[Any], given: tuple[str, ...]
) -> tuple[tuple[str, ...], Callable[[object], tuple[Any, ...]]]:
    """Tell which attributes of a view fill a type, and give what reads them all."""
    definition: StrawberryObjectDefinition = cls.__strawberry_definition__
    own = [one.python_name for one in definition.fields if one.base_resolver is None and one.init]
    names = tuple(one for one in own if one not in given)
    get = attrgetter(*names) if names else lambda view: ()
    return names, get if len(names) != 1 else lambda view: (get(view),)
