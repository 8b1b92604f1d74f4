"""Firings of the timetable: a row for each, unique per workspace, entry and slot, so each slot fires once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

#: What became of a slot.
FIRED, SKIPPED, FAILED = "fired", "skipped", "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """A slot of the timetable and what became of it.

    Attributes:
        slot: its label; `slot_at` is when it was due, `fired_at` when somebody took it.
        outcome: "fired", "skipped" (nobody was there in time) or "failed" (its jobs could not be planned).
        detail: why it failed.
    """

    workspace_id: str
    entry: str
    slot: str
    slot_at: datetime
    fired_at: datetime
    outcome: str
    detail: str = ""


class Firings(Protocol):
    """Firings in the store."""

    async def claim(self, firing: Firing) -> bool:
        """Write a firing; False when its slot was taken before. Of several processes one gets True."""
        ...

    async def latest(self) -> Mapping[tuple[str, str], Firing]:
        """Give the latest firing of each workspace and entry."""
        ...

    async def latest_of(self, workspace_id: str) -> Mapping[str, Firing]:
        """Give the latest firing of each entry in a workspace."""
        ...

    async def page(self, workspace_id: str, entry: str, first: int) -> Sequence[Firing]:
        """Give an entry's firings, newest first."""
        ...

    async def prune(self, workspace_id: str, entry: str, before: datetime) -> int:
        """Forget firings of slots before a time."""
        ...
