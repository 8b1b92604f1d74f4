"""What may be asked of a venue, and how fast: one budget per venue and process, cancels first."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from desk.clock import Clock


class Urgency(IntEnum):
    """Who goes first when the budget is short."""

    CANCEL = 0
    ORDER = 1
    READ = 2
    MARKET_DATA = 3


class GateClosed(Exception):
    """The venue asked for silence, and this call is not one that may break it."""

    def __init__(self, left_s: float, *, is_ban: bool) -> None:
        super().__init__(f"the venue asked for silence, {left_s:.1f} s are left")
        self.left_s = left_s
        self.is_ban = is_ban


@dataclass(slots=True)
class Budget:
    """Tokens that come back with time; a call costs what the venue says that it weighs.

    Attributes:
        per_s: tokens that come back each second.
        burst: tokens that can be saved.
        share: of the venue's own limit that we use at most before only orders and cancels go.
    """

    clock: Clock
    per_s: float = 20.0
    burst: float = 100.0
    share: float = 0.8
    _tokens: float = field(default=0.0, init=False)
    _as_of_s: float | None = field(default=None, init=False)
    _quiet_until_s: float = field(default=0.0, init=False)
    _is_ban: bool = field(default=False, init=False)
    _waiting: list[tuple[int, int, asyncio.Event]] = field(default_factory=list, init=False)
    _count: int = field(default=0, init=False)

    def check_gate(self, urgency: Urgency) -> None:
        """Refuse a call while the venue wants silence; cancels may always be tried.

        Raises:
            GateClosed: how long still.
        """
        left_s = self._quiet_until_s - self.clock.monotonic()
        if left_s > 0 and urgency is not Urgency.CANCEL:
            raise GateClosed(left_s, is_ban=self._is_ban)

    async def take(self, cost: float, urgency: Urgency) -> None:
        """Wait until the call may be made: the most urgent first, then in order."""
        cost = min(cost, self.burst)
        self._count += 1
        turn = asyncio.Event()
        mine = (int(urgency), self._count, turn)
        heapq.heappush(self._waiting, mine)
        try:
            while True:
                self._refill()
                is_first = self._waiting[0] is mine
                if is_first and self._tokens >= cost:
                    self._tokens -= cost
                    return
                # The first in line waits for tokens; the others for somebody to leave the line.
                wait_s = max(0.001, (cost - self._tokens) / self.per_s) if is_first else 0.05
                await self.clock.sleep(wait_s)
        finally:
            self._waiting.remove(mine)
            heapq.heapify(self._waiting)

    def observe(self, status: int, headers: Mapping[str, str], retry_after_s: float | None) -> None:
        """Learn from an answer: silence that was asked for, and how much of the limit is used."""
        if status in (418, 429):
            wait_s = retry_after_s if retry_after_s is not None else (120.0 if status == 418 else 10.0)
            self._quiet_until_s = max(self._quiet_until_s, self.clock.monotonic() + wait_s)
            self._is_ban = status == 418
        used = headers.get("X-MBX-USED-WEIGHT-1M", "")
        if used.isdigit() and int(used) > self.share * self.per_s * 60:
            self._refill()
            self._tokens = min(self._tokens, 0.0)

    def _refill(self) -> None:
        now_s = self.clock.monotonic()
        if self._as_of_s is None:
            self._tokens = self.burst
        else:
            self._tokens = min(self.burst, self._tokens + (now_s - self._as_of_s) * self.per_s)
        self._as_of_s = now_s


#: One budget per venue address: the venue counts by address, not by connection.
_SHARED: dict[tuple[str, str], Budget] = {}


def shared_budget(venue: str, address: str, *, clock: Clock, per_s: float, burst: float) -> Budget:
    """Give the budget that everybody in this process shares for a venue."""
    found = _SHARED.get((venue, address))
    if found is None or found.clock is not clock:
        found = _SHARED[(venue, address)] = Budget(clock=clock, per_s=per_s, burst=burst)
    return found
