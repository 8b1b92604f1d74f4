"""From a mutation to a desk command and back: idempotency, expected versions, user errors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

import strawberry

from api.context import Info
from api.errors import ApiError, ErrorCode, UserError, user_error
from api.permissions import require
from desk.commands import Command
from desk.desk import Outcome
from desk.errors import VersionMoved
from trading.errors import BreakwaterError, Denied, InvariantBroken, KeyBusy, KeyReused

#: The command behind each mutation, by the mutation's name in the schema.
MUTATIONS: dict[str, type[Command]] = {}

#: Mutations that move money; at most one of them per operation.
MONEY: set[str] = set()


@strawberry.type
class Payload:
    """What every payload ends with."""

    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Business refusals; the object is null when there are any."
    )
    idempotent_replay: bool = strawberry.field(
        default=False, description="The same key was answered before; nothing was done again."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a command.

    Attributes:
        view: what the handler gave; None for a replay or a refusal.
        kept: the values stored under the idempotency key.
    """

    view: Any = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    errors: list[UserError] = field(default_factory=list)
    is_replay: bool = False

    @property
    def has_moved(self) -> bool:
        """Whether it was refused because the object is at another version: the payload then shows it as it is now."""
        return any(one.code is ErrorCode.VERSION_CONFLICT for one in self.errors)


def mutates(command: type[Command], *, moves_money: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Make a method the mutation of a command; name and description are the command's own."""

    def enter(resolver: Callable[..., Any]) -> Any:
        name = command.__name__[0].lower() + command.__name__[1:]
        MUTATIONS[name] = command
        if moves_money:
            MONEY.add(name)

        @functools.wraps(resolver)
        async def run(self: object, info: Info, **arguments: Any) -> Any:
            return await resolver(self, info, **arguments)

        needs = f" Needs the role {command.policy.role.name}."
        return strawberry.field(run, name=name, description=command.policy.summary + needs)

    return enter


async def carry_out(
    info: Info,
    build: Callable[[], Command],
    *,
    key: UUID | None = None,
    keep: Callable[[Any], Mapping[str, Any]] | None = None,
) -> Done:
    """Do a command and turn refusals into user errors.

    Args:
        build: makes the command from the input; its refusals count too.
        key: the client's idempotency key.
        keep: what of the handler's view is stored under the key, JSON-ready.

    Raises:
        ApiError: nobody is signed in, or the role is too low.
    """
    actor = info.context.actor
    try:
        command = build()
    except BreakwaterError as problem:
        # Who may not do it at all is told so, and not what was wrong with the asking.
        require(info, MUTATIONS[info.field_name].policy.role, info.field_name)
        return Done(errors=[user_error(problem)])
    # A key belongs to one person: the same key of somebody else is another key.
    own_key = str(uuid5(key, actor.user_id)) if key else ""
    try:
        try:
            outcome = await _do(info, command, own_key, keep)
        finally:
            info.context.load.forget()
    except KeyReused as problem:
        return Done(errors=[user_error(problem, code=ErrorCode.IDEMPOTENCY_CONFLICT, field="idempotencyKey")])
    except KeyBusy as problem:
        return Done(errors=[user_error(problem, code=ErrorCode.IDEMPOTENCY_IN_PROGRESS)])
    except InvariantBroken:
        raise
    except Denied as problem:
        needed = type(command).policy.role
        if actor.role < needed:
            raise ApiError(ErrorCode.FORBIDDEN, str(problem), needs=needed.name) from problem
        return Done(errors=[user_error(problem)])
    except VersionMoved as problem:
        return Done(errors=[user_error(problem, field="expectedVersion")])
    except BreakwaterError as problem:
        return Done(errors=[user_error(problem)])
    if outcome.is_replay:
        return Done(kept=outcome.answer or {}, is_replay=True)
    return Done(view=outcome.view, kept=keep(outcome.view) if keep else {})


async def _do(
    info: Info, command: Command, key: str, keep: Callable[[Any], Mapping[str, Any]] | None
) -> Outcome:
    desk, actor = info.context.house.desk, info.context.actor
    try:
        return await desk.do(command, actor, idempotency_key=key, answer=keep)
    except KeyBusy:
        # The twin committed while we ran; its answer is there now.
        return await desk.do(command, actor, idempotency_key=key, answer=keep)


def kept_id(view: Any) -> dict[str, str]:
    """Keep the id of what a command gave."""
    return {"id": view.id}
