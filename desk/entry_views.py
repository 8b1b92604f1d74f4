"""Values about entries that people have a say in: semi-automatic bots, the market's direction, what waits for an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from trading.events import EntryAnswered

#: How long a person has to answer, unless the bot says otherwise.
ANSWER_WITHIN = timedelta(minutes=30)
#: How far the price may move from the one that was shown before an answer counts no more.
DRIFT_RATIO = Decimal("0.01")
#: The tag of an entry that a person asked for; no strategy made its signal.
FORCE_ENTRY = "force_entry"


class Direction(StrEnum):
    """Which way people see the market; entries against it are refused.

    LONG and SHORT let in that side only, NONE lets in neither, EVEN both.
    """

    LONG = "long"
    SHORT = "short"
    EVEN = "even"
    NONE = "none"

    def lets_in(self, side: int) -> bool:
        """Tell whether an entry of a side (+1 long, -1 short) may be made."""
        match self:
            case Direction.EVEN:
                return True
            case Direction.NONE:
                return False
            case _:
                return (side > 0) is (self is Direction.LONG)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDirection:
    """The direction that somebody set for an account."""

    account_id: str
    workspace_id: str
    direction: Direction
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BotWish:
    """What people want of a bot beside its state; the account loop looks it up before each bar.

    Attributes:
        is_asked: every entry waits for a person (semi-automatic).
        window_s: so long an entry waits; unanswered it is skipped.
        drift_ratio: so far the price may move meanwhile.
        config_version: run at least this version without a stop; 0 = the one that it was started with.
    """

    bot_id: str
    workspace_id: str
    account_id: str
    is_asked: bool = False
    window_s: int = int(ANSWER_WITHIN.total_seconds())
    drift_ratio: Decimal = DRIFT_RATIO
    config_version: int = 0
    set_by: str = ""
    set_at: datetime


class EntryState(StrEnum):
    """Where an entry that waits for a person stands."""

    WAITING = "WAITING"
    APPROVED = "APPROVED"  # whole or half, decided at the next close
    ENTERED = "ENTERED"
    REFUSED = "REFUSED"  # approved, but a limit said no at the close
    SKIPPED = "SKIPPED"
    EXPIRED = "EXPIRED"  # nobody answered in time
    DRIFTED = "DRIFTED"  # the price went too far
    WITHDRAWN = "WITHDRAWN"  # the strategy or the bot does not want it any more


#: States in which the account loop still has something to do.
OPEN_ENTRIES = (EntryState.WAITING, EntryState.APPROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRequest:
    """An entry that waits for a person's yes, or that a person asked for: the latter begins as APPROVED.

    Attributes:
        code: what people type, e.g. "K7Q2XM"; unique in the workspace.
        quantity: what would be bought or sold if it were decided now; it is sized anew at the close after the yes. One
            that a person asked for becomes no larger than this.
        plan: the strategy's signal, as plain values.
        share: 1, or 0.5 where somebody chose half.
        outcome: the limit that refused it, or why it was withdrawn.
    """

    id: str
    workspace_id: str
    account_id: str
    bot_id: str
    pair: str
    code: str
    signal_id: str
    is_long: bool
    tag: str
    price: Decimal
    stop: Decimal | None
    targets: tuple[Decimal, ...]
    quantity: Decimal
    plan: Mapping[str, Any]
    state: EntryState
    drift_ratio: Decimal
    asked_at: datetime
    expires_at: datetime
    share: Decimal = Decimal(1)
    decided_by: str = ""
    decided_at: datetime | None = None
    outcome: str = ""

    @property
    def is_by_hand(self) -> bool:
        """Whether a person asked for it: a strategy's own signal carries one of the strategy's tags."""
        return self.tag == FORCE_ENTRY and self.plan.get("tag") == -1

    def has_drifted(self, price: Decimal) -> bool:
        """Tell whether a price is too far from the one that was shown, or past the stop."""
        if self.stop is not None and (price <= self.stop if self.is_long else price >= self.stop):
            return True
        return abs(price / self.price - 1) > self.drift_ratio

    def answered(self, at: datetime, *, reason: str, actor: str = "") -> EntryAnswered:
        """Give the fact that the entry is in its state now.

        Args:
            actor: who brought it there; whoever decided it by default.
        """
        return EntryAnswered(
            workspace_id=self.workspace_id,
            occurred_at=at,
            account_id=self.account_id,
            bot_id=self.bot_id,
            pair=self.pair,
            code=self.code,
            signal_id=self.signal_id,
            state=self.state.value,
            share=self.share,
            reason=reason,
            actor=actor or self.decided_by,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEntry:
    """An entry by hand as the engine would decide it now.

    Attributes:
        price: the last close, or the limit price.
        binding: the limit that decides the size; "asked" where what was asked for is less than every limit allows.
        risk: what is lost from the price to the stop, without costs.
        plan: the signal, as plain values.
        until: it is entered at a close before then, or not at all.
    """

    bot_id: str
    account_id: str
    pair: str
    is_long: bool
    is_limit: bool
    price: Decimal
    stop: Decimal
    targets: tuple[Decimal, ...]
    quantity: Decimal
    binding: str
    risk: Decimal
    plan: Mapping[str, Any]
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryByHand:
    """An entry by hand that was accepted: what waits for the next close, and how it was planned."""

    request: EntryRequest
    planned: PlannedEntry
