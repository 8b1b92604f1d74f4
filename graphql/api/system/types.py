"""How the house itself is."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.context import HouseHealth
from api.node import shaped


@strawberry.type(description="One part of the house.")
class ComponentStatus:
    """Whether it works, in words."""

    name: str
    is_ok: bool
    detail: str


@strawberry.type(description="How the process is; the health pages say the same.")
class SystemStatus:
    """Live, ready, degraded, and part by part."""

    is_live: bool
    is_ready: bool
    is_degraded: bool
    loop_lag_ms: float
    version: str
    started_at: datetime
    feed: str
    venue: str
    now: datetime
    components: list[ComponentStatus]


def system_status(report: HouseHealth, *, feed: str, venue: str, now: datetime) -> SystemStatus:
    """Give the report with what the feed says of itself."""
    return shaped(
        SystemStatus,
        report,
        feed=feed,
        venue=venue,
        now=now,
        components=[shaped(ComponentStatus, one) for one in report.components],
    )
