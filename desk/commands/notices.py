"""Commands about alerts, and about how the product speaks to a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from desk.commands.table import Command, asks
from desk.identity import Role
from trading.events import (
    AlertRaised,
)


@asks(role=Role.OPERATOR)
@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeAlert(Command):
    """Say that an alert was seen."""

    alert_id: str


@asks(role=Role.OPERATOR, causes=(AlertRaised,))
@dataclass(frozen=True, slots=True, kw_only=True)
class SnoozeAlert(Command):
    """Hear nothing more of a trouble for a while; it may still be resolved meanwhile."""

    alert_id: str
    duration: timedelta = timedelta(hours=1)


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeNotices(Command):
    """Choose what one is told, where, how loud and when.

    Attributes:
        subjects: severities or kinds of alert; `mode` (on, silent, off, digest, default) is set for each.
        channel: email, telegram, discord or all.
        quiet_hours: "23:00-07:00" in one's own time zone, or "off".
        digest_at: times of day at which digests leave, "08:00,18:00".
        least_pnl: finished trades that brought or cost less are not told; "0" tells all.
    """

    subjects: tuple[str, ...] = ()
    channel: str = "all"
    mode: str = ""
    quiet_hours: str = ""
    digest_at: str = ""
    least_pnl: str = ""


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class AddAlertRule(Command):
    """Be told when a price, the day's result, a drawdown or a signal's confidence passes a threshold."""

    kind: str
    relation: str = "above"
    threshold: Decimal = Decimal(0)
    pair: str = ""
    bot_id: str = ""
    is_repeating: bool = False


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAlertRule(Command):
    """Forget one of one's own alert rules."""

    rule_id: str


@asks(role=Role.VIEWER, causes=(AlertRaised,))
@dataclass(frozen=True, slots=True, kw_only=True)
class SendTestAlert(Command):
    """Send oneself an alert on every channel, to see that they arrive."""


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class SelectBot(Command):
    """Choose the bot that one's lines mean on this channel; an empty one means none."""

    bot_id: str = ""


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class SetKeyboard(Command):
    """Choose the lines that a chat offers as keys, row by row; none restores the usual ones."""

    rows: tuple[tuple[str, ...], ...] = ()
