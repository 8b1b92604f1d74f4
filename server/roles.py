"""What a process does for the house: everything, or one role of a deployment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What runs in a process.

    Attributes:
        name: as facts, heartbeats and health show it.
        has_api: GraphQL, webhooks, downloads and the explorer; without it only the pages of health and metrics.
        is_trading: bots, orders, alert rules and the outbox.
        has_doors: chat doors whose tokens are set.
        is_working: background jobs and their schedule.
    """

    name: str
    has_api: bool = False
    is_trading: bool = False
    has_doors: bool = False
    is_working: bool = False


EVERYTHING = Role(name="all", has_api=True, is_trading=True, has_doors=True, is_working=True)
SERVING = Role(name="serve", has_api=True)
TRADING = Role(name="trade", is_trading=True)
