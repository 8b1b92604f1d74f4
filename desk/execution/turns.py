"""The owner's transactions: one at a time per account, each refused without the lease, facts published after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import structlog

from desk.alerting.raising import raise_alerts
from desk.bus import EventBus
from desk.clock import Clock
from desk.errors import StoreBusy
from desk.ports import Store, Unit
from desk.views import Account, FillRecord, Order, Position
from trading.events import Event, Recorded

log = structlog.get_logger(__name__)

#: A transaction that no connection was free for is begun so often; each try waits for about two seconds.
BUSY_TRIES = 3


class Guard(Protocol):
    """The right to write for an account."""

    @property
    def epoch(self) -> int: ...

    async def guard(self, tx: Unit, clock: Clock) -> None:
        """Refuse a transaction of somebody who no longer owns the account."""
        ...


@dataclass(slots=True)
class Turn:
    """One transaction of the owner.

    Attributes:
        events: facts, journalled before the commit.
        touched: positions whose exits must be looked at before the commit.
        freed: those of them of which an exit has ended: what it locked is free for another.
        steps: the venue's quantity step by pair; less than one step of a position cannot be sold.
        bars_held: tells how many bars a position was held.
    """

    tx: Unit
    at: datetime
    account: Account
    events: list[Event] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    freed: set[str] = field(default_factory=set)
    steps: Mapping[str, Decimal] = field(default_factory=dict)
    bars_held: Callable[[Position], int] = lambda position: 0


class Listener(Protocol):
    """Who is told of what happened to orders, in the transaction in which it is written: the account's engine."""

    async def filled(self, turn: Turn, order: Order, fill: FillRecord) -> None:
        """An execution was booked; `order` is as it is after it."""
        ...

    async def ended(self, turn: Turn, order: Order) -> None:
        """An order will not fill any more."""
        ...

    async def in_doubt(self, turn: Turn, order: Order, *, is_over: bool) -> None:
        """The fate of an order is unknown, or is known again."""
        ...


class Deaf:
    """Nobody is told: an account without bots."""

    async def filled(self, turn: Turn, order: Order, fill: FillRecord) -> None:
        """Nothing follows."""

    async def ended(self, turn: Turn, order: Order) -> None:
        """Nothing follows."""

    async def in_doubt(self, turn: Turn, order: Order, *, is_over: bool) -> None:
        """Nothing follows."""


class Turns:
    """Opens turns of one account."""

    def __init__(
        self,
        store: Store,
        bus: EventBus,
        clock: Clock,
        lease: Guard,
        account: Account,
        *,
        ring: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.lease = lease
        self.account = account
        self._bus = bus
        self._ring = ring
        self._gate = asyncio.Lock()
        #: What memory beside the rows (an engine) may hold is out of step: a turn failed after it was changed.
        self.is_torn = False
        #: The venue's quantity step by pair.
        self.steps: Mapping[str, Decimal] = {}
        #: Bars that a position was held; an account without an engine counts none.
        self.bars_held: Callable[[Position], int] = lambda position: 0
        #: Called in a turn before its commit, for what every turn ends with.
        self.before_commit: list[Callable[[Turn], Awaitable[None]]] = []

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Open a transaction as the owner; its facts are journalled with it and published after it.

        Raises:
            LeaseLost: somebody else owns the account.
            StoreProblem: the database is away; nothing was written.
        """
        async with self._gate:
            # A turn that cannot begin changes nothing, so nothing is out of step after it.
            opened, tx = await self._begun(self.store.transaction, as_owner=True)
            try:
                async with opened:
                    turn = Turn(
                        tx=tx,
                        at=self.clock.now(),
                        account=self.account,
                        steps=self.steps,
                        bars_held=self.bars_held,
                    )
                    yield turn
                    for last in self.before_commit:
                        await last(turn)
                    recorded: Sequence[Recorded] = ()
                    if turn.events:
                        workspace_id = self.account.workspace_id
                        raised = await raise_alerts(tx, workspace_id, turn.events, turn.at)
                        recorded = await tx.journal.append(workspace_id, [*turn.events, *raised], turn.at)
            except BaseException:
                self.is_torn = True
                raise
        self._bus.publish(recorded)
        if recorded:
            self._ring()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Unit]:
        """Read a snapshot.

        Raises:
            StoreProblem: the database is away.
        """
        opened, tx = await self._begun(self.store.reading, as_owner=False)
        async with opened:
            yield tx

    async def _begun(
        self, begin: Callable[[], AbstractAsyncContextManager[Unit]], *, as_owner: bool
    ) -> tuple[AsyncExitStack, Unit]:
        """Begin a transaction; where the database is only busy, a few times.

        Ending the account for it would tear down its venue and its stream, and leave more to do for a busy database.
        The lease says when it was too long: it is looked at after every wait.
        """
        for left in reversed(range(BUSY_TRIES)):
            try:
                async with AsyncExitStack() as opening:
                    tx = await opening.enter_async_context(begin())
                    if as_owner:
                        await self.lease.guard(tx, self.clock)
                    return opening.pop_all(), tx
            except StoreBusy as busy:
                if not left:
                    raise
                log.warning("turn_waits", account_id=self.account.id, error=busy.message)
        raise AssertionError("the last try returns or raises")
