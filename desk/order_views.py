"""What the order path knows beside an order's own row, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from trading.orders import Reason


class RequestKind(StrEnum):
    """What people ask of the process that owns an account."""

    RECONCILE = "reconcile"
    ACCEPT_DIFFERENCES = "accept_differences"
    RESET_BREAKER = "reset_breaker"
    MEND = "mend"  # somebody changed the exits of a position


class IncidentKind(StrEnum):
    """What went wrong and has to be looked at."""

    UNRESOLVED = "unresolved"  # an order whose fate cannot be told
    LATE_ACCEPTANCE = "late_acceptance"  # a burned id appeared at the venue
    LOST_ORDER = "lost_order"  # an accepted order that the venue no longer knows
    DIFFERENCE = "difference"  # the venue holds something else than our fills say
    UNPROTECTED = "unprotected"  # an open position has no stop at the venue
    EXIT_REFUSED = "exit_refused"  # the venue keeps refusing to sell at a target
    KEY_REFUSED = "key_refused"  # the venue does not take our key any more
    CLOCK = "clock"  # our clock is too far from the venue's
    VENUE_AWAY = "venue_away"  # the breaker opened
    EXTERNAL = "external"  # somebody traded at the venue by hand
    OVERFILL = "overfill"  # more was filled than ordered


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWatch:
    """How an order is looked after.

    Attributes:
        valid_until: an intent that was not claimed by then is dropped; None = never.
        rest_until: a resting entry that is not filled by then is cancelled; None = never.
        reprices_left: so often the rest of a timed-out entry is placed anew, nearer to the market.
        claimed_at, epoch: when and under which lease it was sent; None and 0 before.
        cancel_reason: somebody wants it gone; empty for nobody.
        negatives: complete answers of the venue that it is not there, since `first_negative_at`.
        next_look_at: the venue is not asked again before.
        is_burned: absence was proved; the id must never appear again.
        target_order_id: the limit leg of a one-cancels-other pair that is sent together with this stop.
    """

    order_id: str
    workspace_id: str
    account_id: str
    valid_until: datetime | None = None
    rest_until: datetime | None = None
    reprices_left: int = 0
    claimed_at: datetime | None = None
    epoch: int = 0
    cancel_reason: str = ""
    negatives: int = 0
    first_negative_at: datetime | None = None
    next_look_at: datetime | None = None
    is_burned: bool = False
    target_order_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that people must look at; open until it is settled.

    Attributes:
        subject: an order id, an asset or a pair; one incident per kind and subject is open at a time.
    """

    id: str
    workspace_id: str
    account_id: str
    kind: IncidentKind
    subject: str
    detail: Mapping[str, Any]
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """One comparison of an account with its venue.

    Attributes:
        outcome: "running", "agreed", "differs" or "incomplete".
        seen_ms: venue time up to which trades were asked for.
    """

    id: str
    workspace_id: str
    account_id: str
    began_at: datetime
    ended_at: datetime | None
    outcome: str
    seen_ms: int
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRequest:
    """Something that the process owning an account is asked to do."""

    id: str
    workspace_id: str
    account_id: str
    kind: RequestKind
    params: Mapping[str, Any]
    actor: str
    asked_at: datetime
    taken_at: datetime | None = None
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitLevel:
    """A target of a protection record.

    Attributes:
        leg: 1…3.
        filled: what its own fills took; after the first of them `quantity` stays as it is.
        share: of the entry, 0–1; `quantity` follows the entry's fills by it. 0 = the quantity is as given.
    """

    leg: int
    price: Decimal
    quantity: Decimal
    filled: Decimal = Decimal(0)
    share: Decimal = Decimal(0)

    @property
    def left(self) -> Decimal:
        """What is still to be sold."""
        return self.quantity - self.filled


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """The exits of one open position: the one owner of its stop and targets.

    Attributes:
        quantity: what the position holds, confirmed fills only.
        revision: counts up with every change.
        stop_reason: why the stop stands where it does; None for a plain one.
    """

    position_id: str
    workspace_id: str
    account_id: str
    bot_id: str
    pair: str
    is_long: bool
    quantity: Decimal
    stop: Decimal | None
    targets: tuple[ExitLevel, ...] = ()
    trail_ratio: float | None = None
    revision: int = 0
    updated_at: datetime
    stop_reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the venue held when we first looked: it was there before us and is not ours to sell."""

    account_id: str
    workspace_id: str
    holdings: Mapping[str, str]
    taken_at: datetime
    flows: Mapping[str, str] = field(default_factory=dict)
