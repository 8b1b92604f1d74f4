"""The only wall clock and the only sleeper."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Time as the house sees it."""

    def now(self) -> datetime:
        """Give the wall time, UTC."""

    def monotonic(self) -> float:
        """Give seconds that never step back; for durations."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Give the wall time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds that never step back; for durations."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that tests move by hand; sleepers wake when their time has come."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> datetime:
        """Give the wall time, UTC."""
        return self._now

    def monotonic(self) -> float:
        """Give seconds that never step back; for durations."""
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has passed the time."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wake = asyncio.Event()
        self._sleepers.append((self._elapsed_s + seconds, wake))
        await wake.wait()

    def advance(self, seconds: float) -> None:
        """Move time on and wake whoever is due."""
        self._now += timedelta(seconds=seconds)
        self._elapsed_s += seconds
        due = [one for one in self._sleepers if one[0] <= self._elapsed_s]
        self._sleepers = [one for one in self._sleepers if one[0] > self._elapsed_s]
        for _, wake in due:
            wake.set()


def from_ms(ts_ms: int) -> datetime:
    """Give epoch milliseconds as a UTC time."""
    return datetime.fromtimestamp(ts_ms / 1000, UTC)


def to_ms(moment: datetime) -> int:
    """Give a time as epoch milliseconds."""
    return round(moment.timestamp() * 1000)
