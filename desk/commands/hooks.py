"""Commands about webhooks that bring signals in."""

from __future__ import annotations

from dataclasses import dataclass

from desk.commands.table import Command, asks
from desk.identity import Role


@asks(role=Role.ADMIN)
@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWebhook(Command):
    """Open a way in for signals of a bot, such as TradingView's alerts; its path is shown once.

    Attributes:
        kind: "PATH" or "HMAC".
        pairs: what it may speak of; empty = every pair of the bot.
        allow_list: addresses and networks that it listens to; empty = all.
    """

    label: str
    bot_id: str
    kind: str = "PATH"
    pairs: tuple[str, ...] = ()
    allow_list: tuple[str, ...] = ()


@asks(role=Role.ADMIN)
@dataclass(frozen=True, slots=True, kw_only=True)
class RotateWebhook(Command):
    """Give a way in for signals a new path and secret; the old ones end at once."""

    webhook_id: str


@asks(role=Role.ADMIN, reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteWebhook(Command):
    """Close a way in for signals."""

    webhook_id: str
