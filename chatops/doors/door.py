"""A door as whoever runs it sees it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class DoorState(StrEnum):
    """How a door stands.

    STARTING: not there yet. WAITING: another process holds its lease. OPEN: it hears and answers. TROUBLED: the platform
    cannot be reached, or somebody else polls with the same token. DISABLED: the platform refuses us for good, such as
    a revoked token. RESTING: it failed too often in a row and is tried again later.
    """

    STARTING = "STARTING"
    WAITING = "WAITING"
    OPEN = "OPEN"
    TROUBLED = "TROUBLED"
    DISABLED = "DISABLED"
    RESTING = "RESTING"


class Door(Protocol):
    """A way in for people on a platform."""

    name: str

    @property
    def state(self) -> DoorState:
        """How it stands, as far as the door itself knows."""
        ...

    @property
    def detail(self) -> str:
        """What is wrong, for health and logs; empty when nothing is."""
        ...

    @property
    def heard_at(self) -> float:
        """Monotonic time of its last sign of life; a watchdog restarts a door that gives none."""
        ...

    async def run(self) -> None:
        """Hear and answer until cancelled.

        Raises:
            DoorDisabled: it is off until somebody mends it; every other exception means "restart me".
        """
        ...
