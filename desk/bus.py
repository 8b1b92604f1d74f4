"""The event bus: facts that were committed go to whoever listens, in order.

Event classes are the topics. Each listener has a bounded queue and a task of its own; market data is conflated
for a slow listener, facts never are: a listener that cannot keep up is disconnected with its last sequence and
resumes from the journal.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass

from trading.events import MARKET_DATA, Event, Recorded


@dataclass(frozen=True, slots=True)
class SlowConsumer(Exception):
    """A listener fell behind; it may resume after `last_sequence` from the journal."""

    last_sequence: int


class Subscription:
    """One listener's queue. Iterate over it; close it when done."""

    def __init__(
        self, bus: EventBus, workspace_id: str | None, kinds: tuple[type[Event], ...], limit: int
    ) -> None:
        self._bus = bus
        self._workspace_id = workspace_id
        self._kinds = kinds
        self._limit = limit
        self._facts: deque[Recorded] = deque()
        self._market: dict[tuple[type[Event], str, str, str], Event] = {}
        self._ready = asyncio.Event()
        self._overflowed = False
        self._closed = False
        self._last_sequence = 0

    def wants(self, event: Event) -> bool:
        """Tell whether this listener asked for such facts."""
        if self._workspace_id is not None and event.workspace_id != self._workspace_id:
            return False
        return not self._kinds or isinstance(event, self._kinds)

    def offer_fact(self, recorded: Recorded) -> None:
        """Queue a journalled fact, or mark the listener as too slow."""
        if self._overflowed or not self.wants(recorded.event):
            return
        if len(self._facts) >= self._limit:
            self._overflowed = True
        else:
            self._facts.append(recorded)
        self._ready.set()

    def offer_market(self, event: Event) -> None:
        """Keep the newest of each kind, pair, timeframe and bot."""
        if self.wants(event):
            key = (type(event), event.pair, getattr(event, "timeframe", ""), event.bot_id)
            self._market[key] = event
            self._ready.set()

    def close(self) -> None:
        """Stop listening; a waiting reader ends."""
        self._closed = True
        self._bus.drop(self)
        self._ready.set()

    async def __aiter__(self) -> AsyncIterator[Recorded | Event]:
        """Give facts in order, then conflated market data.

        Raises:
            SlowConsumer: the queue overflowed; what was queued before came out first.
        """
        while True:
            while self._facts:
                recorded = self._facts.popleft()
                self._last_sequence = recorded.sequence
                yield recorded
            if self._overflowed:
                self.close()
                raise SlowConsumer(self._last_sequence)
            while self._market:
                yield self._market.pop(next(iter(self._market)))
            if self._closed:
                return
            self._ready.clear()
            if not self._facts and not self._market and not self._closed:
                await self._ready.wait()


class EventBus:
    """In-process fan-out of committed facts."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []
        self._readers: list[Callable[[str, int], None]] = []

    def subscribe(
        self, workspace_id: str | None = None, kinds: Iterable[type[Event]] = (), *, limit: int = 256
    ) -> Subscription:
        """Start to listen; None listens to every workspace. Close the subscription when done."""
        subscription = Subscription(self, workspace_id, tuple(kinds), limit)
        self._subscriptions.append(subscription)
        return subscription

    def drop(self, subscription: Subscription) -> None:
        """Forget a listener."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def publish(self, facts: Iterable[Recorded]) -> None:
        """Hand committed facts to every listener; never blocks and never raises."""
        for recorded in facts:
            for subscription in tuple(self._subscriptions):
                subscription.offer_fact(recorded)

    def publish_market(self, event: Event, *, beside: Subscription | None = None) -> None:
        """Hand market data to every listener but the one that it came through; the newest wins."""
        assert isinstance(event, MARKET_DATA), "facts go through publish, with their sequence"
        for subscription in tuple(self._subscriptions):
            if subscription is not beside:
                subscription.offer_market(event)

    def when_elsewhere(self, hear: Callable[[str, int], None]) -> None:
        """Tell `hear` (workspace, place) how far a journal reaches that another process wrote to."""
        self._readers.append(hear)

    def hear_of(self, workspace_id: str, head: int) -> None:
        """Pass on that another process' facts reach so far; whoever reads journals goes and reads."""
        for hear in self._readers:
            hear(workspace_id, head)

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._subscriptions)
