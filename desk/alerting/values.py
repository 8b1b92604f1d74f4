"""What people want to be told, and how: settings, rules of their own, open incidents. Frozen values, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from trading.events import Severity

#: Every channel at once, in a person's settings.
ALL_CHANNELS = "all"

#: Platforms from the one that people see first to the last resort.
CHANNELS: tuple[str, ...] = ("telegram", "discord", "email")


class Mode(StrEnum):
    """How loud something comes."""

    ON = "on"
    SILENT = "silent"
    OFF = "off"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSettings:
    """A person's choices.

    Attributes:
        modes: mode by "<channel or all>:<severity or kind of alert>".
        quiet_from, quiet_to: minutes of the day in the person's zone; both None = never quiet.
        digest_at: minutes of the day at which digests leave.
        least_pnl: finished trades that brought or cost less are not told.
        keyboard: rows of lines that a chat offers as buttons.
        bots: the selected bot's id by channel.
    """

    user_id: str
    workspace_id: str
    modes: Mapping[str, Mode] = field(default_factory=dict)
    quiet_from: int | None = None
    quiet_to: int | None = None
    digest_at: tuple[int, ...] = (8 * 60, 18 * 60)
    least_pnl: Decimal | None = None
    keyboard: tuple[tuple[str, ...], ...] = ()
    bots: Mapping[str, str] = field(default_factory=dict)


class RuleKind(StrEnum):
    """What a rule of one's own looks at."""

    PRICE = "price"
    PNL = "pnl"
    DRAWDOWN = "drawdown"
    SIGNAL = "signal"


class Relation(StrEnum):
    """On which side of its threshold a rule fires."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """Something that one person wants to be told, in numbers.

    Attributes:
        threshold: a price, an amount of the account's currency, or a share of one (drawdown).
        is_repeating: armed again when the value has gone back; otherwise it fires once.
        is_armed: whether it may fire.
        seen_ms: everything up to here was looked at; a spike between two looks is not missed.
    """

    id: str
    workspace_id: str
    user_id: str
    kind: RuleKind
    pair: str
    bot_id: str
    relation: Relation
    threshold: Decimal
    is_repeating: bool
    is_armed: bool
    seen_ms: int
    created_at: datetime
    fired_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertIncident:
    """A trouble that lasts: told once, then at growing intervals, and once more when it is over.

    Attributes:
        key: what the trouble is about.
        first_alert_id: the alert that opened it; `last_alert_id` the newest about it.
        count: how often it happened; `untold` how often since the last alert.
        repeat_at: from then on the next occurrence is told again.
        resolved_at: set when it is over; the next occurrence opens it anew.
    """

    workspace_id: str
    key: str
    kind: str
    severity: Severity
    first_alert_id: str
    last_alert_id: str
    count: int
    untold: int
    repeats: int
    opened_at: datetime
    last_at: datetime
    repeat_at: datetime
    resolved_at: datetime | None
    snoozed_until: datetime | None
    acknowledged_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDelivery:
    """A delivery that waits for the end of quiet hours or for a digest."""

    delivery_id: str
    workspace_id: str
    alert_id: str
    channel: str
    recipient: str
    release_at: datetime
    is_digest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """A critical alert that waits for somebody to say that it was seen."""

    alert_id: str
    workspace_id: str
    step: int
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A process that says it is alive; silence longer than `patience_s` means that it is not.

    Attributes:
        stopped_at: it went down on request; its silence is no news.
    """

    name: str
    role: str
    beat_at: datetime
    patience_s: int
    stopped_at: datetime | None
