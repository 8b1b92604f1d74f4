"""A live account in this process: its venue, its executor, its bots, and what people want of its positions.

It is at work as long as the process holds the account's lease: also with no bot, because orders that rest at a venue
and positions that are held have to be looked after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal

import structlog

from desk.bots.leases import Lease, LeaseLost
from desk.bots.live_room import LiveRoom
from desk.bots.requests import open_requests, take_request
from desk.bots.tools import OpenVenue, Tools
from desk.bots.waiting import Waiting
from desk.ending import ended
from desk.execution.executor import Executor
from desk.execution.killing import leave, stop_entries
from desk.execution.turns import Turn, Turns
from desk.venue_port import VenueBusy
from desk.views import Account, Position
from trading.errors import InvalidInput, InvariantBroken, StoreProblem, VenueProblem
from trading.events import Condition, TradingState
from trading.instruments import Instrument
from trading.risk.partial import part_to_close

log = structlog.get_logger(__name__)

#: What people want of positions is looked up at least this often.
LOOK_S = 0.5
#: A venue that cannot be opened or compared at the start is tried again after this time.
AGAIN_S = 5.0
#: Bots that could not begin to trade are tried again after this time.
BEGIN_AGAIN_S = 10.0


class LiveAccount:
    """Carries one live account."""

    def __init__(
        self, tools: Tools, open_venue: OpenVenue, workspace_id: str, account_id: str, lease: Lease
    ) -> None:
        self._tools = tools
        self._clock = tools.clock
        self._open_venue = open_venue
        self._workspace_id = workspace_id
        self._account_id = account_id
        self._lease = lease
        self._wake = asyncio.Event()
        self._bars_wake = asyncio.Event()
        #: The executor, once the venue is open; for health and metrics.
        self.executor: Executor | None = None
        #: The bots' engine, once the account is carried.
        self.room: LiveRoom | None = None
        #: As an account loop shows it: open time of the last bar that bots decided on.
        self.last_ms: int | None = None
        self.has_ended = False

    def nudge(self) -> None:
        """Say that people may want something else now."""
        self._wake.set()
        self._bars_wake.set()
        if self.executor is not None:
            self.executor.ring()

    async def run(self) -> None:
        """Carry the account until cancelled.

        Raises:
            LeaseLost: another process owns the account.
            OperatorProblem: it has no key that can be used.
            StoreProblem: the database is away.
        """
        tools = self._tools
        account = await self._account()
        venue = await self._open_venue(account)
        try:
            turns = Turns(tools.store, tools.bus, self._clock, self._lease, account, ring=tools.ring)
            room = self.room = LiveRoom(tools, turns, venue)
            executor = self.executor = Executor(turns, venue, self._clock, listener=room)
            while not await self._begin(room, executor):
                log.warning("live_account_waits", account_id=account.id, again_in_s=AGAIN_S)
                await self._clock.sleep(AGAIN_S)
            async with asyncio.TaskGroup() as group:
                group.create_task(executor.run(), name=f"executor {account.id}")
                group.create_task(self._look_after(turns, executor, room), name=f"wishes {account.id}")
                group.create_task(self._trade(turns, executor, room), name=f"bots {account.id}")
        except VenueProblem as problem:
            # A venue in trouble is the executor's daily bread; what gets here is a start that was refused.
            raise VenueBusy(f"{account.name}: {problem}") from problem
        except BaseExceptionGroup as group_of_causes:
            raise first_cause(group_of_causes, account.name) from group_of_causes
        finally:
            self.executor = self.room = None
            await venue.close()

    async def _account(self) -> Account:
        async with self._tools.store.reading() as tx:
            account = await tx.accounts.by_id(self._workspace_id, self._account_id)
        if account is None:
            raise InvariantBroken(f"Account {self._account_id} is gone while it is traded.")
        return account

    async def _begin(self, room: LiveRoom, executor: Executor) -> bool:
        """Read the engine from the rows, then compare with the venue: what was missed reaches the engine too."""
        try:
            await room.open()
        except VenueProblem as problem:
            log.warning("trading_rules_not_told", account_id=self._account_id, error=str(problem))
            return False
        return await executor.start()

    async def _look_after(self, turns: Turns, executor: Executor, room: LiveRoom) -> None:
        """Make what people want of the account so."""
        while True:
            self._wake.clear()
            room.is_ready = executor.takes_risk
            async with turns.turn() as turn:
                await room.look(turn)
                did_something = await look(turn, room, executor.guardian.instruments)
                is_news = bool(turn.events) or did_something
            if is_news:
                executor.ring()
            if room.is_over:
                self._bars_wake.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()

    async def _trade(self, turns: Turns, executor: Executor, room: LiveRoom) -> None:
        """Let the bots trade, bar by bar; open anew whenever the bots at work change."""
        is_first = True
        while True:
            cause = ""
            try:
                if (is_first and room.opened is not None) or await room.open():
                    await room.warm()
                    room.is_ready = executor.takes_risk
                    await self._carry(executor, room)
                    continue
                cause = room.cause
            except VenueProblem as problem:
                cause = problem.message
            finally:
                is_first = False
            if cause:
                async with turns.turn() as turn:
                    await room.tell(turn, Condition.DEGRADED, cause)
            await self._rest(BEGIN_AGAIN_S)

    async def _carry(self, executor: Executor, room: LiveRoom) -> None:
        """Take bars until the bots at work change."""
        waiting = Waiting(self._bars_wake)
        opened = room.opened
        assert opened is not None
        plan = opened.plan
        bars = self._tools.feed.bars(plan.pairs, str(plan.timeframe), after_ms=room.last_ms)
        reader = asyncio.create_task(waiting.read(bars))
        try:
            while not room.is_over:
                batch = waiting.take(1)
                if batch:
                    await room.take(batch[0], is_newest=not len(waiting))
                    self.last_ms = room.last_ms
                    executor.ring()
                    continue
                if reader.done():
                    # A feed that failed says why; one that ended is at rest.
                    reader.result()
                    self.has_ended = True
                await self._rest(LOOK_S)
        finally:
            with suppress(VenueProblem):
                await ended(reader)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bars_wake.wait()
        self._bars_wake.clear()


def first_cause(group: BaseExceptionGroup[BaseException], name: str) -> BaseException:
    """Give what ended an account out of everything that failed together: whoever supervises acts on its kind."""
    leaves = list(_leaves(group))
    for kind in (LeaseLost, StoreProblem, VenueProblem):
        for one in leaves:
            if isinstance(one, kind):
                return VenueBusy(f"{name}: {one}") if isinstance(one, VenueProblem) else one
    return leaves[0]


def _leaves(problem: BaseException) -> Iterator[BaseException]:
    if isinstance(problem, BaseExceptionGroup):
        for one in problem.exceptions:
            yield from _leaves(one)
    else:
        yield problem


async def look(turn: Turn, room: LiveRoom, instruments: Mapping[str, Instrument]) -> bool:
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
        if room.looks_after(position):
            continue
        for request in await open_requests(turn.tx, position):
            refusal = ""
            try:
                quantity = leaving_part(position, request.share, instruments.get(position.pair))
            except InvalidInput as problem:
                refusal = problem.message
            else:
                key = f"{account.id}:close:{request.id}"
                await leave(turn, position, key=key, reason=request.reason, quantity=quantity)
            await take_request(turn.tx, account.workspace_id, request, turn.at, refusal=refusal)
            turn.touched.add(position.id)
            did_something = True
    return did_something


def leaving_part(position: Position, share: Decimal, instrument: Instrument | None) -> Decimal:
    """Give what of a position that no bot looks after leaves: whole steps, and no dust behind.

    Raises:
        InvalidInput: a part that the venue would not take, or whose rules are not known yet.
    """
    if share >= 1:
        return position.quantity
    if instrument is None:
        raise InvalidInput(
            f"The trading rules of {position.pair} are not known yet; a part of it cannot be measured.",
            hint="Ask again once the venue answers, or close all.",
        )
    part = part_to_close(
        position.quantity, share, instrument=instrument, price=position.mark_price, stop=position.stop
    )
    return part.quantity
