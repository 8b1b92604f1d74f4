"""Where bots, accounts and pairs stand: the words that facts use for it."""

from __future__ import annotations

from enum import StrEnum


class Desired(StrEnum):
    """What people want of a bot."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"


class Condition(StrEnum):
    """How a bot is."""

    IDLE = "IDLE"
    RECONCILING = "RECONCILING"
    READY = "READY"
    DEGRADED = "DEGRADED"
    ERROR = "ERROR"
    STOPPING = "STOPPING"


class TradingState(StrEnum):
    """What an account may do."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class Phase(StrEnum):
    """Where a bot stands with one pair."""

    IDLE = "IDLE"
    MONITORING = "MONITORING"
    SIGNAL_DETECTED = "SIGNAL_DETECTED"
    POSITION_OPEN = "POSITION_OPEN"
    POSITION_CLOSED = "POSITION_CLOSED"


#: From each phase, where it may go.
PHASES: dict[Phase, frozenset[Phase]] = {
    Phase.IDLE: frozenset({Phase.MONITORING}),
    Phase.MONITORING: frozenset({Phase.SIGNAL_DETECTED, Phase.POSITION_OPEN, Phase.IDLE}),
    Phase.SIGNAL_DETECTED: frozenset({Phase.POSITION_OPEN, Phase.MONITORING, Phase.IDLE}),
    Phase.POSITION_OPEN: frozenset({Phase.POSITION_CLOSED}),
    Phase.POSITION_CLOSED: frozenset({Phase.MONITORING, Phase.IDLE}),
}
