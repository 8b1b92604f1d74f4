"""Commands about bots: their life, their configuration, and real money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from desk.commands.table import Command, Danger, asks
from desk.identity import Role
from trading.events import (
    ApprovalRequested,
    ApprovalSettled,
    BotConfigChanged,
    BotCreated,
    BotDeleted,
    BotStateChanged,
    OrderFilled,
    OrderPlaced,
    PositionClosed,
)


@asks(role=Role.ADMIN, danger=Danger.TAP, causes=(BotCreated, BotStateChanged))
@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBot(Command):
    """Set up a bot in paper mode; it starts stopped."""

    name: str
    strategy: str
    pairs: tuple[str, ...]
    timeframe: str = "1h"
    parameters: tuple[tuple[str, Any], ...] = ()
    allocation: float = 1.0
    account_id: str = ""


@asks(role=Role.ADMIN, danger=Danger.TYPE, causes=(BotDeleted,))
@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteBot(Command):
    """Archive a stopped bot; its trades stay.

    Attributes:
        expected_version: of the bot, as the asker saw it; None = whatever it is.
    """

    bot_id: str
    expected_version: int | None = None


@asks(role=Role.ADMIN, danger=Danger.TAP, causes=(BotConfigChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeConfig(Command):
    """Give a bot a new configuration version; it takes effect at the next start."""

    bot_id: str
    parameters: tuple[tuple[str, Any], ...]
    reason: str = ""
    expected_version: int | None = None


@asks(
    role=Role.ADMIN,
    danger=Danger.TWO,
    causes=(BotStateChanged, ApprovalRequested, ApprovalSettled),
    needs_step_up=True,
    owner_among=True,
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GoLive(Command):
    """Move a stopped, flat bot whose gates are all passed from paper to a live account; it stays stopped.

    Attributes:
        account_id: the live account; empty = the only one.
        expected_version: of the bot, as the asker saw it; None = whatever it is.
    """

    bot_id: str
    account_id: str = ""
    expected_version: int | None = None


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(BotStateChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class GoPaper(Command):
    """Move a stopped, flat bot from live money back to a paper account; it stays stopped.

    Attributes:
        account_id: the paper account; empty = the only one.
        expected_version: of the bot, as the asker saw it; None = whatever it is.
    """

    bot_id: str
    account_id: str = ""
    expected_version: int | None = None


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(BotStateChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class StartBot(Command):
    """Start a bot: it looks for entries and manages its positions."""

    bot_id: str


@asks(role=Role.OPERATOR, causes=(BotStateChanged,), reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class PauseBot(Command):
    """Stop opening positions; open ones are still managed. With a duration it resumes by itself."""

    bot_id: str
    duration: timedelta | None = None
    reason: str = ""


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(BotStateChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeBot(Command):
    """Let a paused bot open positions again."""

    bot_id: str


@asks(
    role=Role.OPERATOR,
    danger=Danger.TAP,
    causes=(BotStateChanged, OrderPlaced, OrderFilled, PositionClosed),
    reduces_risk=True,
)
@dataclass(frozen=True, slots=True, kw_only=True)
class StopBot(Command):
    """Stop a bot; open positions keep their protective stops, or are closed if asked."""

    bot_id: str
    close_positions: bool = False
