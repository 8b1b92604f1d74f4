"""The Node interface, and how plain values become types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    definition: StrawberryObjectDefinition = cls.__strawberry_definition__  # type: ignore[attr-defined]
    names = [one.python_name for one in definition.fields if one.base_resolver is None and one.init]
    values = {name: others[name] if name in others else getattr(view, name) for name in names}
    return cls(**values, **{name: value for name, value in others.items() if name not in values})
