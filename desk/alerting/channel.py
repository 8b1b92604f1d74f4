"""The way of an alert to a person: what every platform implements, and what it may answer.

A channel only hands over. Order per recipient, de-duplication, waiting, retries, expiry, escalation and dead letters are
the pump's; the limits of the platform (so many messages a second) are the channel's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from desk.money import MoneyKind
from desk.views import Alert, Delivery, Member
from trading.errors import Temporary


class Verdict(StrEnum):
    """What became of a message.

    SENT: the platform has it. RETRY: not now; nobody knows of it yet. REFUSED: this message or this recipient never
    (blocked, gone, malformed). DISABLED: the whole channel is off until somebody mends it (token revoked).
    """

    SENT = "sent"
    RETRY = "retry"
    REFUSED = "refused"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A channel's answer.

    Attributes:
        retry_after_s: what the platform asked for; None leaves the wait to the pump.
        holds_channel: with RETRY, nobody else on the channel may be tried before that either.
        is_doubtful: with RETRY, the message may have arrived all the same; the next try is labelled.
        reason: for the delivery's row and the dead letter; never shown to strangers.
        message_ref: the platform's id of the message, for edits and for threading what resolves it; opaque to us.
    """

    verdict: Verdict
    retry_after_s: float | None = None
    holds_channel: bool = False
    is_doubtful: bool = False
    reason: str = ""
    message_ref: str = ""


def sent(message_ref: str = "") -> Outcome:
    """The platform has it."""
    return Outcome(verdict=Verdict.SENT, message_ref=message_ref)


def retry(
    reason: str, *, after_s: float | None = None, holds_channel: bool = False, is_doubtful: bool = False
) -> Outcome:
    """Not now."""
    return Outcome(
        verdict=Verdict.RETRY,
        reason=reason,
        retry_after_s=after_s,
        holds_channel=holds_channel,
        is_doubtful=is_doubtful,
    )


def refused(reason: str) -> Outcome:
    """Never, for this message or recipient; the pump tells the person on another channel."""
    return Outcome(verdict=Verdict.REFUSED, reason=reason)


def disabled(reason: str) -> Outcome:
    """The channel is off; the pump tells everybody who waits there on another channel."""
    return Outcome(verdict=Verdict.DISABLED, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An alert on its way to one person, with everything that a renderer needs.

    Attributes:
        delivery: its id is stable over retries: use it as the platform's nonce where there is one.
        member: who reads it: language and time zone.
        bot, workspace: names, empty where the alert is about more.
        account: name of the account that it is about; empty where it is about more, or there is only one.
        money: whose money that account holds; None where it is about more, or the house has nothing but paper.
        is_silent: without sound.
        is_repeat: an earlier try may have arrived (a crash between sending and marking): label it.
        replies_to: message_ref of the alert that this one resolves or repeats, in the same conversation.
    """

    delivery: Delivery
    alert: Alert
    member: Member
    bot: str = ""
    workspace: str = ""
    account: str = ""
    money: MoneyKind | None = None
    is_silent: bool = False
    is_repeat: bool = False
    replies_to: str = ""

    @property
    def settles(self) -> bool:
        """Whether this answers what the earlier message asked: that one's buttons go."""
        return bool(self.replies_to and self.alert.params.get("settles"))

    @property
    def recipient(self) -> str:
        """Where to: an e-mail address, or the platform's own id of the person or chat."""
        return self.delivery.recipient


class Channel(Protocol):
    """A way to people: mail, Telegram, Discord."""

    @property
    def platform(self) -> str:
        """The channel's name in deliveries and in people's settings: "email", "telegram", "discord"."""
        ...

    async def send(self, notice: Notice) -> Outcome:
        """Hand a notice over.

        Whatever it raises counts as RETRY, so that one mistake stops nobody's mail: Temporary and OSError as certainly
        not arrived, everything else as doubtful.
        """
        ...


class ChannelAway(Temporary):
    """A channel's server could not be reached at all: nobody's message need find that out again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A member and where they can be reached.

    Attributes:
        addresses: recipient by platform, e.g. {"email": "ann@example.org", "telegram": "4711"}.
    """

    member: Member
    addresses: Mapping[str, str] = field(default_factory=dict)
