"""Who may read what. Commands carry their own policy in the desk; this is for reading."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import strawberry

from api.context import Info
from api.errors import ApiError, ErrorCode
from desk.identity import Role

#: Least role of each root field that reads, by its name in the schema.
READS: dict[str, Role] = {}

#: Mutations that need no token: they are how one comes in, and count against who asks from where.
OPEN: set[str] = set()


def reads(role: Role = Role.VIEWER, *, name: str = "") -> Callable[[Callable[..., Any]], Any]:
    """Make a method a root field for a least role; the docstring's first line is the description."""

    def enter(resolver: Callable[..., Any]) -> Any:
        field_name = name or _camel(resolver.__name__)
        READS[field_name] = role
        if inspect.isasyncgenfunction(resolver):
            raise TypeError(f"{field_name} is a stream: use `streams`")

        @functools.wraps(resolver)
        async def checked(self: object, info: Info, **arguments: Any) -> Any:
            require(info, role, field_name)
            return await resolver(self, info, **arguments)

        return strawberry.field(checked, name=field_name, description=_first_line(resolver))

    return enter


def opens() -> Callable[[Callable[..., Any]], Any]:
    """Make a method a mutation that needs no token; the docstring's first line is the description."""

    def enter(resolver: Callable[..., Any]) -> Any:
        field_name = _camel(resolver.__name__)
        OPEN.add(field_name)
        return strawberry.field(resolver, name=field_name, description=_first_line(resolver))

    return enter


def streams(role: Role = Role.VIEWER) -> Callable[[Callable[..., Any]], Any]:
    """Make an async generator a subscription field for a least role."""

    def enter(resolver: Callable[..., Any]) -> Any:
        field_name = _camel(resolver.__name__)
        READS[field_name] = role

        @functools.wraps(resolver)
        async def checked(self: object, info: Info, **arguments: Any) -> Any:
            require(info, role, field_name)
            async for one in resolver(self, info, **arguments):
                yield one

        return strawberry.subscription(checked, name=field_name, description=_first_line(resolver))

    return enter


def require(info: Info, role: Role, what: str) -> None:
    """Refuse whoever is below a role.

    Raises:
        ApiError: nobody is signed in, or the role is too low.
    """
    actor = info.context.actor
    if actor.role < role:
        raise ApiError(
            ErrorCode.FORBIDDEN,
            f"{what} needs the role {role.name}; you are {actor.role.name}.",
            needs=role.name,
        )


def _first_line(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").strip().splitlines()[0]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(one.title() for one in rest)
