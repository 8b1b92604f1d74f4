"""Commands about the upkeep of the house: dead letters, and the way back to an earlier configuration."""

from __future__ import annotations

from dataclasses import dataclass

from desk.commands.table import Command, Danger, asks
from desk.identity import Role
from trading.events import BotConfigChanged, JobChanged


@asks(role=Role.ADMIN, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDeadLetter(Command):
    """Try a buried job or alert again, once; a chat message is sent again by whoever wrote it."""

    letter_id: str


@asks(role=Role.ADMIN, danger=Danger.TAP)
@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardDeadLetter(Command):
    """Settle a dead letter without trying it again; it stays in the list with who did so."""

    letter_id: str


@asks(role=Role.ADMIN, danger=Danger.TAP, causes=(BotConfigChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackConfig(Command):
    """Give a bot an earlier configuration again, as a new version; it takes effect at the next start.

    Attributes:
        version: the configuration to go back to; 0 = the one before the newest.
    """

    bot_id: str
    version: int = 0
    expected_version: int | None = None
