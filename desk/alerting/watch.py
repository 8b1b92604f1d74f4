"""What alerting does by itself as time goes by: release what waited, repeat troubles, escalate, look at people's rules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

import structlog

from desk.alerting.dead_man import look_for_silence
from desk.alerting.personal_rules import look_at_rules
from desk.alerting.steps import Done, escalate, release_held, repeat_troubles
from desk.alerting.thresholds import ThresholdWatch
from desk.bus import EventBus
from desk.clock import Clock
from desk.identity import new_id
from desk.live_prices import LivePrices
from desk.ports import Store, Unit
from trading.errors import BreakwaterError

log = structlog.get_logger(__name__)

#: How often it looks.
LOOK_S = 1.0
#: Only one process looks; another takes over when this one has been silent for so long.
LEASE = "alert-watch"
LEASE_S = 15.0


class AlertWatch:
    """Looks once a second, in one process at a time.

    Args:
        prices: between bars; without them rules about prices go by closed bars.
    """

    def __init__(
        self,
        store: Store,
        bus: EventBus,
        clock: Clock,
        ring: Callable[[], None],
        *,
        prices: LivePrices | None = None,
    ) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._ring = ring
        self._prices = prices or LivePrices(clock)
        self._thresholds = ThresholdWatch()
        self._holder = new_id()

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            while True:
                try:
                    if await self._leads():
                        await self.look()
                except BreakwaterError as problem:
                    log.warning("alert_watch_failed", error=str(problem))
                await self._clock.sleep(LOOK_S)
        finally:
            with suppress(BreakwaterError):
                async with self._store.transaction() as tx:
                    await tx.leases.release(LEASE, self._holder)

    async def _leads(self) -> bool:
        async with self._store.transaction() as tx:
            return await tx.leases.take(LEASE, self._holder, self._clock.now(), LEASE_S) is not None

    async def look(self) -> int:
        """Do everything that is due; give how many alerts were written or let go."""
        async with self._store.reading() as tx:
            workspaces = [one.id for one in await tx.workspaces.all()]
        done = 0
        for workspace_id in workspaces:
            for step in (
                release_held,
                repeat_troubles,
                escalate,
                self._rules,
                look_for_silence,
                self._thresholds.look,
            ):
                done += await self._in_transaction(workspace_id, step)
        if done:
            self._ring()
        return done

    async def _rules(self, tx: Unit, workspace_id: str, now: datetime) -> Done:
        return await look_at_rules(tx, workspace_id, now, self._prices)

    async def _in_transaction(
        self, workspace_id: str, step: Callable[[Unit, str, datetime], Awaitable[Done]]
    ) -> int:
        now = self._clock.now()
        try:
            async with self._store.transaction() as tx:
                done = await step(tx, workspace_id, now)
                recorded = await tx.journal.append(workspace_id, done.events, now)
        except BreakwaterError as problem:
            # One workspace's trouble is not everybody's; the next look tries again.
            log.warning("alert_step_failed", step=step.__name__, error=str(problem))
            return 0
        self._bus.publish(recorded)
        return done.count
