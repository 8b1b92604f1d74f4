"""How the process is: kept alive, let in, started; and part by part for people."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from api.context import Component, HouseHealth
from desk.clock import Clock
from desk.ports import Store
from trading.errors import BreakwaterError

#: A loop that is so late is dead to the world.
MAX_LAG_S = 10.0

#: The database must answer within this time.
STORE_S = 2.0

#: How often the loop's lateness is measured.
PROBE_S = 0.5

#: Says how a part is; an exception means badly.
Check = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class _Verdict:
    component: Component
    is_vital: bool


class Health:
    """Keeps the process' own state and asks the parts for theirs.

    Args:
        checks: further parts; one that fails makes the house degraded, not unready.
    """

    def __init__(
        self, store: Store, clock: Clock, *, version: str, checks: Mapping[str, Check] | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._version = version
        self._checks = dict(checks or {})
        self._started_at = clock.now()
        self._last_beat = clock.monotonic()
        self._lag_s = 0.0
        self.is_started = False
        self.is_stopping = False

    @property
    def lag_s(self) -> float:
        """How late the event loop is."""
        overdue = self._clock.monotonic() - self._last_beat - PROBE_S
        return max(self._lag_s, overdue, 0.0)

    @property
    def is_live(self) -> bool:
        """Whether the process should be kept."""
        return self.lag_s <= MAX_LAG_S

    async def beat(self) -> None:
        """Measure the loop's lateness, until canceled."""
        while True:
            before = self._clock.monotonic()
            await asyncio.sleep(PROBE_S)
            self._last_beat = self._clock.monotonic()
            self._lag_s = max(0.0, self._last_beat - before - PROBE_S)

    async def report(self) -> HouseHealth:
        """Ask every part."""
        verdicts = [await self._store_verdict(), *[await self._verdict(*one) for one in self._checks.items()]]
        is_ready = self.is_started and not self.is_stopping
        return HouseHealth(
            is_live=self.is_live,
            is_ready=is_ready and all(one.component.is_ok for one in verdicts if one.is_vital),
            is_degraded=any(not one.component.is_ok for one in verdicts),
            loop_lag_ms=round(self.lag_s * 1000, 1),
            version=self._version,
            started_at=self._started_at,
            components=tuple(one.component for one in verdicts),
        )

    async def _store_verdict(self) -> _Verdict:
        async def ask() -> str:
            return "" if await self._store.is_current() else "its schema is not the newest: run the migration"

        found = await self._asked("store", ask)
        if found.is_ok and found.detail:
            found = Component(name="store", is_ok=False, detail=found.detail)
        return _Verdict(found, is_vital=True)

    async def _verdict(self, name: str, check: Check) -> _Verdict:
        return _Verdict(await self._asked(name, check), is_vital=False)

    async def _asked(self, name: str, check: Check) -> Component:
        try:
            async with asyncio.timeout(STORE_S):
                return Component(name=name, is_ok=True, detail=await check())
        except TimeoutError:
            return Component(name=name, is_ok=False, detail=f"no answer within {STORE_S:g} s")
        except (BreakwaterError, OSError) as problem:
            return Component(name=name, is_ok=False, detail=str(problem))
