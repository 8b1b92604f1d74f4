"""What every fact has."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class Severity(StrEnum):
    """How loud a fact is; alerts and quiet hours go by it."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact about one workspace.

    Attributes:
        occurred_at: when it happened in the market or at the desk, UTC.
        bot_id, pair: what it is about; empty where it is about more than that.
    """

    severity: ClassVar[Severity] = Severity.INFO

    workspace_id: str
    occurred_at: datetime
    account_id: str = ""
    bot_id: str = ""
    pair: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A fact with its place in the journal of its workspace.

    Attributes:
        sequence: counts up per workspace without gaps; the cursor of subscriptions.
        recorded_at: when it was committed, UTC.
    """

    sequence: int
    recorded_at: datetime
    event: Event = field(compare=True)


def kind_of(event: Event | type[Event]) -> str:
    """Give the wire name of a fact, e.g. "order_filled"."""
    name = event.__name__ if isinstance(event, type) else type(event).__name__
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
