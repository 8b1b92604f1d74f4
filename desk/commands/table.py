"""How a command declares its role, its danger and the facts it may cause, and the one table they all enter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from desk.identity import Role
from trading.events import (
    Event,
)


class Danger(StrEnum):
    """What a person must do before it happens, at doors where a slip is easy."""

    NONE = "none"
    TAP = "tap"  # preview, then Confirm within 60 s, single use
    TYPE = "type"  # also type the bot's name or the amount
    TWO = "two"  # and a different admin or owner approves it


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who may ask, how carefully, and what it may cause.

    Attributes:
        needs_step_up: whoever asks proved who they are within the last five minutes.
        owner_among: of the two that `Danger.TWO` asks for, one is an owner.
        needs_step_up_for_two: the same proof, only where this very command needs a second person.
    """

    name: str
    role: Role
    danger: Danger
    causes: tuple[type[Event], ...]
    reduces_risk: bool
    summary: str
    needs_step_up: bool = False
    owner_among: bool = False
    needs_step_up_for_two: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something that was asked for."""

    policy: ClassVar[Policy]


#: Every command by its class name.
COMMANDS: dict[str, type[Command]] = {}


C = TypeVar("C", bound=type[Command])


def private(default: str = "") -> Any:
    """Declare an argument that is personal data: the audit shows stars."""
    return field(default=default, metadata={"is_private": True})


def asks(
    *,
    role: Role,
    danger: Danger = Danger.NONE,
    causes: tuple[type[Event], ...] = (),
    reduces_risk: bool = False,
    needs_step_up: bool = False,
    owner_among: bool = False,
    needs_step_up_for_two: bool = False,
) -> Callable[[C], C]:
    """Declare a command's policy and enter it in the table; the docstring's first line is the summary."""

    def enter(cls: C) -> C:
        summary = (cls.__doc__ or "").strip().splitlines()[0]
        cls.policy = Policy(
            name=cls.__name__,
            role=role,
            danger=danger,
            causes=causes,
            reduces_risk=reduces_risk,
            summary=summary,
            needs_step_up=needs_step_up,
            owner_among=owner_among,
            needs_step_up_for_two=needs_step_up_for_two,
        )
        COMMANDS[cls.__name__] = cls
        return cls

    return enter
