"""The account loop: one engine per account, one transaction per bar time (or per few, when bars come fast).

match → book → decide → book → save, then publish. A crash anywhere leaves the last committed bar, and the same bars
give the same rows again: nothing is lost and nothing is done twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from desk.alerting.raising import raise_alerts
from desk.bots.bar_rows import candle_events, status_of
from desk.bots.bar_step import BarStep
from desk.bots.context import Context
from desk.bots.decisions import Decisions
from desk.bots.housekeeping import Housekeeping
from desk.bots.leases import Lease
from desk.bots.ledger import Ledger
from desk.bots.memory import pack
from desk.bots.opening import Opened, keep_history, open_account
from desk.bots.state import put_to_rest
from desk.bots.tools import Tools
from desk.bots.waiting import Waiting
from desk.clock import from_ms
from desk.ending import ended
from desk.execution.faults import faultpoint
from desk.execution.order_path import OrderPath
from desk.ports import ClosedBars, Unit
from desk.views import EquityPoint
from trading.events import CandleClosed, Event, Recorded

log = structlog.get_logger(__name__)

#: What people want is looked up at least this often, also when nobody rings.
POLL_S = 0.5


class AccountLoop:
    """Carries one account from bar to bar while it holds the account's lease."""

    def __init__(self, tools: Tools, workspace_id: str, account_id: str, lease: Lease) -> None:
        self._tools = tools
        self._workspace_id = workspace_id
        self._account_id = account_id
        self._lease = lease
        self._wake = asyncio.Event()
        #: The feed gave its last bar; the bots wait.
        self.has_ended = False
        #: Open time of the last committed bar.
        self.last_ms: int | None = None

    def nudge(self) -> None:
        """Say that people may want something else now."""
        self._wake.set()

    async def run(self) -> None:
        """Carry the account until nothing needs it, or until cancelled.

        Raises:
            LeaseLost: another process owns the account.
            BreakwaterError: what the supervisor tells people and tries again.
        """
        while True:
            tools = self._tools
            opened = await open_account(
                tools.store, tools.feed, tools.registry, self._workspace_id, self._account_id
            )
            if opened is None:
                await self._put_to_rest()
                return
            session = _Session(tools, self._lease, opened)
            await session.begin()
            self.last_ms = session.last_ms
            if not await self._carry(session):
                return

    async def _put_to_rest(self) -> None:
        """Write that stopped bots are at rest, where a process ended before it could."""
        tools = self._tools
        async with tools.store.transaction() as tx:
            await self._lease.guard(tx, tools.clock)
            now = tools.clock.now()
            events = await put_to_rest(tx, self._workspace_id, self._account_id, now)
            recorded = await tx.journal.append(self._workspace_id, events, now)
        tools.bus.publish(recorded)

    async def _carry(self, session: _Session) -> bool:
        """Take bars until the bots at work change; tell whether to open again."""
        self.has_ended = False
        waiting = Waiting(self._wake)
        plan = session.opened.plan
        bars = self._tools.feed.bars(plan.pairs, str(plan.timeframe), after_ms=session.last_ms)
        reader = asyncio.create_task(waiting.read(bars))
        try:
            while True:
                batch = waiting.take()
                if not batch:
                    if reader.done():
                        # A feed that failed says why; one that ended is at rest.
                        reader.result()
                        session.has_ended = True
                    if not self._wake.is_set():
                        await self._rest()
                        batch = waiting.take()
                self._wake.clear()
                if await session.take(batch):
                    return True
                self.last_ms = session.last_ms
                self.has_ended = session.has_ended
        finally:
            await ended(reader)

    async def _rest(self) -> None:
        """Wait for a bar, a nudge, or the next look at what people want."""
        sleeper = asyncio.ensure_future(self._tools.clock.sleep(POLL_S))
        bell = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({sleeper, bell}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            bell.cancel()


class _Session:
    """An opened account between two openings."""

    def __init__(self, tools: Tools, lease: Lease, opened: Opened) -> None:
        self._tools = tools
        self._lease = lease
        self.opened = opened
        self.last_ms = opened.last_ms
        self.has_ended = False
        plan = opened.plan
        self._venue = tools.make_venue({line.pair: line.instrument for line in plan.lines})
        ledger = Ledger(opened.memory, opened.phases, opened.positions, restore_epoch=tools.restore_epoch)
        decisions = Decisions(opened.memory, opened.phases, ledger, restore_epoch=tools.restore_epoch)
        self._ledger = ledger
        self._step = BarStep(opened, decisions, tools.clock, tools.models)
        self._keeping = Housekeeping(opened, ledger, decisions, tools.clock)

    async def begin(self) -> None:
        """Store the history, tell that the bots are ready."""
        await keep_history(self.opened, self._tools.store)
        async with self._tools.store.transaction() as tx:
            await self._lease.guard(tx, self._tools.clock)
            context = self._context(tx, self._tools.clock.now())
            await self._keeping.begin(context)
            recorded = await self._commit(tx, context, [], [])
        self._publish(recorded, ())

    async def take(self, batch: Sequence[ClosedBars]) -> bool:
        """Take bars in one transaction; tell whether the bots at work changed."""
        tools = self._tools
        market_data: list[CandleClosed] = []
        equity: list[EquityPoint] = []
        async with tools.store.transaction() as tx:
            await self._lease.guard(tx, tools.clock)
            context = self._context(tx, tools.clock.now())
            is_over = await self._keeping.look(context, has_bars=bool(batch), has_ended=self.has_ended)
            if not is_over:
                for group in batch:
                    await self._take_bar(context, group)
                    equity.append(
                        EquityPoint(at=context.at, equity=self._ledger.equity(context, self.opened.engine))
                    )
                    market_data += candle_events(context, self.opened, group)
            recorded = await self._commit(tx, context, equity, list(batch) if not is_over else [])
        if batch and not is_over:
            self.last_ms = batch[-1].ts_ms
        self._publish(recorded, market_data)
        return is_over

    async def _take_bar(self, context: Context, group: ClosedBars) -> None:
        context.bar_ms = group.ts_ms
        context.at = context.path.at = from_ms(group.ts_ms + self.opened.plan.timeframe.ms)
        await self._step.match(context, group, self._ledger)
        await self._keeping.obey(context)
        await self._step.decide(context, group)
        await self._keeping.tell_failures(context)

    async def _commit(
        self,
        tx: Unit,
        context: Context,
        equity: Sequence[EquityPoint],
        batch: Sequence[ClosedBars],
    ) -> tuple[Recorded, ...]:
        opened, now = self.opened, self._tools.clock.now()
        account = opened.plan.account
        if batch:
            for fresh in opened.market.take_fresh():
                await tx.candles.add(fresh)
            await self._ledger.mark(context, opened.engine)
            await tx.accounts.add_equity(account.workspace_id, account.id, equity)
            equity_now = self._ledger.equity(context, opened.engine)
            await tx.accounts.save_status(account.workspace_id, status_of(context, opened, equity_now))
            await tx.bots.saw_bar(
                account.workspace_id,
                list(dict.fromkeys(line.bot.id for line in opened.plan.lines)),
                context.at,
            )
        last_ms = batch[-1].ts_ms if batch else self.last_ms
        if last_ms is not None and (batch or context.events):
            await tx.accounts.save_snapshot(
                account.workspace_id, account.id, last_ms, pack(opened.memory, opened.engine.snapshot())
            )
            faultpoint("k14")
        raised = await raise_alerts(tx, account.workspace_id, context.events, now)
        return await tx.journal.append(account.workspace_id, [*context.events, *raised], now)

    def _context(self, tx: Unit, at: datetime) -> Context:
        events: list[Event] = []
        path = OrderPath(tx=tx, venue=self._venue, epoch=self._lease.epoch, at=at, events=events)
        return Context(
            tx=tx, plan=self.opened.plan, path=path, at=at, bar_ms=self.last_ms or 0, events=events
        )

    def _publish(self, recorded: Sequence[Recorded], market_data: Sequence[CandleClosed]) -> None:
        self._tools.bus.publish(recorded)
        for one in market_data:
            self._tools.bus.publish_market(one)
        if recorded:
            self._tools.ring()
