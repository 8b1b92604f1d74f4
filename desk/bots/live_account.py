"""A live account in this process: its venue, its executor, and what people want of its positions.

It is at work as long as the process holds the account's lease: also with no bot, because orders that rest at a venue
and positions that are held have to be looked after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from desk.bots.leases import Lease
from desk.bots.requests import open_requests, take_request
from desk.bots.state import be
from desk.bus import EventBus
from desk.clock import Clock
from desk.execution.executor import Executor
from desk.execution.killing import leave, stop_entries
from desk.execution.turns import Turn, Turns
from desk.ports import Store
from desk.venue_port import Venue, VenueBusy
from desk.views import Account
from trading.errors import InvariantBroken, VenueProblem
from trading.events import Condition, Desired, TradingState

log = structlog.get_logger(__name__)

#: What people want of positions is looked up at least this often.
LOOK_S = 0.5
#: A venue that cannot be opened or compared at the start is tried again after this time.
AGAIN_S = 5.0

#: Gives the venue of an account, signed in; nothing is sent by that.
OpenVenue = Callable[[Account], Awaitable[Venue]]

#: Shown on bots of a live account.
BY_HAND_ONLY = "live accounts are traded by hand; bots trade on paper"


class LiveAccount:
    """Carries one live account."""

    def __init__(
        self,
        store: Store,
        bus: EventBus,
        clock: Clock,
        open_venue: OpenVenue,
        workspace_id: str,
        account_id: str,
        lease: Lease,
        *,
        ring: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._open_venue = open_venue
        self._workspace_id = workspace_id
        self._account_id = account_id
        self._lease = lease
        self._ring = ring
        self._wake = asyncio.Event()
        #: The executor, once the venue is open; for health and metrics.
        self.executor: Executor | None = None
        #: As an account loop shows it; there are no bars here.
        self.last_ms: int | None = None
        self.has_ended = False

    def nudge(self) -> None:
        """Say that people may want something else now."""
        self._wake.set()
        if self.executor is not None:
            self.executor.ring()

    async def run(self) -> None:
        """Carry the account until cancelled.

        Raises:
            LeaseLost: another process owns the account.
            OperatorProblem: it has no key that can be used.
            StoreProblem: the database is away.
        """
        account = await self._account()
        venue = await self._open_venue(account)
        try:
            turns = Turns(self._store, self._bus, self._clock, self._lease, account, ring=self._ring)
            executor = self.executor = Executor(turns, venue, self._clock)
            while not await executor.start():
                log.warning("live_account_waits", account_id=account.id, again_in_s=AGAIN_S)
                await self._clock.sleep(AGAIN_S)
            async with asyncio.TaskGroup() as group:
                group.create_task(executor.run(), name=f"executor {account.id}")
                group.create_task(self._look_after(turns, executor), name=f"wishes {account.id}")
        except* VenueProblem as problems:
            # A venue in trouble is the executor's daily bread; what gets here is a start that was refused.
            raise VenueBusy(f"{account.name}: {problems.exceptions[0]}") from problems
        finally:
            self.executor = None
            await venue.close()

    async def _account(self) -> Account:
        async with self._store.reading() as tx:
            account = await tx.accounts.by_id(self._workspace_id, self._account_id)
        if account is None:
            raise InvariantBroken(f"Account {self._account_id} is gone while it is traded.")
        return account

    async def _look_after(self, turns: Turns, executor: Executor) -> None:
        """Make what people want of the account so."""
        while True:
            self._wake.clear()
            async with turns.turn() as turn:
                did_something = await look(turn)
            if did_something:
                executor.ring()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()


async def look(turn: Turn) -> bool:
    """Take a latched halt and requests to close into orders; tell whether there were any. Doing it twice does it once."""
    account = await turn.tx.accounts.by_id(turn.account.workspace_id, turn.account.id)
    if account is None:
        raise InvariantBroken(f"Account {turn.account.id} is gone while it is traded.")
    did_something = False
    if account.trading_state is not TradingState.ACTIVE:
        did_something = bool(
            await stop_entries(turn, account, reason=f"the account is {account.trading_state}")
        )
    for position in await turn.tx.positions.open(account.workspace_id, account.id):
        for request in await open_requests(turn.tx, position):
            await leave(turn, position, key=f"{account.id}:close:{request.id}", reason=request.reason)
            await take_request(turn.tx, account.workspace_id, request, turn.at)
            turn.touched.add(position.id)
            did_something = True
    for bot in await turn.tx.bots.of_account(account.workspace_id, account.id):
        if bot.desired is not Desired.STOPPED and bot.condition is not Condition.DEGRADED:
            _, events = await be(turn.tx, bot, Condition.DEGRADED, cause=BY_HAND_ONLY, at=turn.at)
            turn.events.extend(events)
    return did_something
