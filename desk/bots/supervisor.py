"""The supervisor: makes what people want of bots so, in whichever process holds an account's lease."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from desk.alerting.raising import raise_alerts
from desk.bots.account_loop import AccountLoop
from desk.bots.leases import HEARTBEAT_S, Lease, LeaseLost, account_lease, new_holder, release, take
from desk.bots.live_account import LiveAccount
from desk.bots.opening import needs_service
from desk.bots.state import be
from desk.bots.tools import Tools
from desk.ending import ended
from desk.views import Bot, Position
from trading.errors import BreakwaterError
from trading.events import Condition, Desired, Event

log = structlog.get_logger(__name__)

#: Accounts are looked over at least this often.
POLL_S = 0.5
#: Waits before an account that failed is tried again: 1, 2, 4 … seconds up to this.
LONGEST_WAIT_S = 30.0


@dataclass(slots=True)
class _Work:
    """An account in this process."""

    workspace_id: str
    account_id: str
    lease: Lease
    loop: AccountLoop | LiveAccount
    task: asyncio.Task[None]
    renewed_s: float


@dataclass(slots=True)
class _Failure:
    """An account that failed lately."""

    times: int
    retry_s: float


class Supervisor:
    """Starts, restarts and stops account loops."""

    def __init__(self, tools: Tools, *, holder: str = "") -> None:
        self._tools = tools
        self._holder = holder or new_holder()
        self._work: dict[str, _Work] = {}
        self._failures: dict[str, _Failure] = {}
        self._bell = asyncio.Event()
        self._live: set[str] = set()

    def wake(self) -> None:
        """Say that people may want something else now."""
        self._bell.set()
        for one in self._work.values():
            one.loop.nudge()

    @property
    def loops(self) -> Mapping[str, AccountLoop | LiveAccount]:
        """The account loops at work in this process, by account."""
        return {account_id: one.loop for account_id, one in self._work.items()}

    @property
    def holder(self) -> str:
        """How this process names itself in leases."""
        return self._holder

    async def run(self) -> None:
        """Look after every account until cancelled; then let go of them in order."""
        try:
            while True:
                try:
                    await self._look()
                except BreakwaterError as problem:
                    # The database is away: the loops stop by themselves; come back.
                    log.warning("supervisor_look_failed", error=str(problem))
                await self._rest()
        finally:
            await self._let_go()

    async def _rest(self) -> None:
        self._bell.clear()
        sleeper = asyncio.ensure_future(self._tools.clock.sleep(POLL_S))
        bell = asyncio.ensure_future(self._bell.wait())
        everything: list[asyncio.Future[Any]] = [sleeper, bell, *(one.task for one in self._work.values())]
        try:
            await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            bell.cancel()

    async def _look(self) -> None:
        for one in tuple(self._work.values()):
            if one.task.done():
                await self._ended(one)
            else:
                await self._renew(one)
        for workspace_id, account_id in await self._wanted():
            failure = self._failures.get(account_id)
            is_waiting = failure is not None and failure.retry_s > self._tools.clock.monotonic()
            if account_id not in self._work and not is_waiting:
                await self._start(workspace_id, account_id)

    async def _wanted(self) -> list[tuple[str, str]]:
        """Give the accounts whose bots have to be looked after."""
        wanted: list[tuple[str, str]] = []
        async with self._tools.store.reading() as tx:
            for workspace in await tx.workspaces.all():
                bots = await tx.bots.all(workspace.id)
                held = await tx.positions.open(workspace.id)
                accounts = dict.fromkeys(bot.account_id for bot in bots if _is_wanted(bot, held))
                live = {one.id for one in await tx.accounts.all(workspace.id) if one.is_live}
                if self._tools.open_venue is not None:
                    accounts |= dict.fromkeys(sorted(live))
                else:
                    # Without a way to its venue nobody here plays a live account, least of all on paper.
                    accounts = {one: None for one in accounts if one not in live}
                self._live |= live
                wanted += [(workspace.id, account_id) for account_id in accounts]
        return wanted

    async def _start(self, workspace_id: str, account_id: str) -> None:
        tools = self._tools
        lease = await take(tools.store, tools.clock, account_lease(account_id), self._holder)
        if lease is None:
            return
        loop = self._loop_of(workspace_id, account_id, lease)
        task = asyncio.create_task(loop.run(), name=f"account {account_id}")
        self._work[account_id] = _Work(workspace_id, account_id, lease, loop, task, tools.clock.monotonic())
        log.info("account_taken", account_id=account_id, epoch=lease.epoch)

    def _loop_of(self, workspace_id: str, account_id: str, lease: Lease) -> AccountLoop | LiveAccount:
        tools = self._tools
        if account_id not in self._live or tools.open_venue is None:
            return AccountLoop(tools, workspace_id, account_id, lease)
        return LiveAccount(tools, tools.open_venue, workspace_id, account_id, lease)

    async def _renew(self, one: _Work) -> None:
        """Keep the lease; without it the loop stops at once."""
        now_s = self._tools.clock.monotonic()
        if now_s - one.renewed_s < HEARTBEAT_S:
            return
        lease = await take(self._tools.store, self._tools.clock, one.lease.name, self._holder)
        if lease is None or lease.epoch != one.lease.epoch:
            log.warning("lease_lost", account_id=one.account_id)
            await self._cancel(one)
            return
        one.renewed_s = now_s
        if one.loop.last_ms is not None:
            self._failures.pop(one.account_id, None)

    async def _ended(self, one: _Work) -> None:
        """A loop came to its end: at rest, by a lost lease, or by a failure that people are told."""
        del self._work[one.account_id]
        problem = None if one.task.cancelled() else one.task.exception()
        if isinstance(problem, LeaseLost):
            log.warning("lease_lost", account_id=one.account_id)
            return
        await release(self._tools.store, one.lease)
        if problem is None:
            return
        failure = self._failures.setdefault(one.account_id, _Failure(times=0, retry_s=0.0))
        wait_s = min(LONGEST_WAIT_S, 2.0 ** min(failure.times, 10))
        failure.times += 1
        failure.retry_s = self._tools.clock.monotonic() + wait_s
        log.error("account_failed", account_id=one.account_id, retry_in_s=wait_s, exc_info=problem)
        await self._tell(one, problem)

    async def _tell(self, one: _Work, problem: BaseException) -> None:
        """Write on the bots why they do not run; the next try may mend it."""
        now = self._tools.clock.now()
        cause = str(problem) if isinstance(problem, BreakwaterError) else "internal error, see the log"
        async with self._tools.store.transaction() as tx:
            events: list[Event] = []
            for bot in await tx.bots.of_account(one.workspace_id, one.account_id):
                if bot.desired is Desired.STOPPED or bot.condition is Condition.ERROR:
                    continue
                _, moved = await be(tx, bot, Condition.DEGRADED, cause=cause[:500], at=now)
                events.extend(moved)
            events += await raise_alerts(tx, one.workspace_id, events, now)
            recorded = await tx.journal.append(one.workspace_id, events, now)
        self._tools.bus.publish(recorded)
        self._tools.ring()

    async def _cancel(self, one: _Work) -> None:
        self._work.pop(one.account_id, None)
        with suppress(BreakwaterError):
            await ended(one.task)

    async def _let_go(self) -> None:
        """Stop every loop between two bars and give the leases back."""
        work = tuple(self._work.values())
        for one in work:
            one.task.cancel()
        await asyncio.gather(*(one.task for one in work), return_exceptions=True)
        self._work.clear()
        for one in work:
            with suppress(BreakwaterError):
                await release(self._tools.store, one.lease)


def _is_wanted(bot: Bot, held: Sequence[Position]) -> bool:
    """Tell whether an account loop has something to do for a bot, be it only to put it to rest."""
    return needs_service(bot, held) or bot.condition is not Condition.IDLE
