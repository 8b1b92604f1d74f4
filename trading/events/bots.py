"""Facts about bots as people set them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trading.events.base import Event, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class BotCreated(Event):
    """A bot was set up; it trades nothing until it is started."""

    name: str
    strategy: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotDeleted(Event):
    """A bot was removed; its history stays."""

    name: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotStateChanged(Event):
    """One of the four axes of a bot's state moved: desired, condition, trading_state or phase."""

    axis: str
    before: str
    after: str
    cause: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotConfigChanged(Event):
    """A bot has a new immutable configuration version."""

    version: int
    reason: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyFailed(Event):
    """A strategy raised; its bot stopped, the house stays up."""

    severity: ClassVar[Severity] = Severity.CRITICAL

    strategy: str
    detail: str
