"""The venue port over a fake exchange in the same process, with every kind of bad news on demand."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from desk.venue_port import (
    Balance,
    Evidence,
    OrderRequest,
    OutcomeUnknown,
    Placement,
    Refusal,
    StreamGap,
    VenueBusy,
    VenueOrder,
    VenuePosition,
    VenueRefusal,
    VenueRules,
    VenueTrade,
)
from tests.support.fake_exchange import FakeExchange
from trading.instruments import Instrument
from trading.orders import OrderType

#: What may happen to a placement.
OK = "ok"
UNSENT = "unsent"
ACCEPT_THEN_DROP = "accept_then_drop"
DROP = "drop"
LATE = "late"
REFUSED = "refused"
UNMATCHED = "unmatched"
PLACE_FATES = (OK, UNSENT, ACCEPT_THEN_DROP, DROP, LATE, REFUSED, UNMATCHED)


@dataclass(slots=True)
class Faults:
    """How likely each kind of bad news is, by a seed.

    Attributes:
        place: chance per placement of something else than a plain answer.
        read: chance per question of no answer.
        stream: chance per event of being lost, doubled or put off.
        late_s: a late acceptance comes after up to so long.
        fates: what may happen to a placement, beside a plain answer.
    """

    seed: int = 0
    place: float = 0.0
    read: float = 0.0
    stream: float = 0.0
    late_s: float = 90.0
    fates: tuple[str, ...] = PLACE_FATES[1:]


class FakeVenue:
    """`desk.venue_port.Venue` over a `FakeExchange`."""

    name = "fake"
    is_live = True

    def __init__(
        self,
        exchange: FakeExchange,
        *,
        faults: Faults | None = None,
        rules: VenueRules | None = None,
        now_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.exchange = exchange
        self.faults = faults or Faults()
        self.rules = rules or VenueRules()
        self.is_down = False
        #: Client ids in the order in which bytes went out.
        self.sent: list[str] = []
        #: What happens to the next placements, before chance is asked.
        self.script: deque[str | Exception] = deque()
        #: What the next questions raise.
        self.failing: deque[Exception] = deque()
        self.offset_ms = 0
        self._chance = random.Random(self.faults.seed)
        self._now_s = now_s
        self._late: list[tuple[float, OrderRequest]] = []
        self._told = 0
        self._closed = asyncio.Event()

    async def place(self, request: OrderRequest) -> Placement:
        """Place, with the fate that the script or chance has for it."""
        if self.is_down:
            raise VenueBusy("connection refused")
        fate: str | Exception = OK
        if self.script:
            fate = self.script.popleft()
        elif self._chance.random() < self.faults.place:
            fate = self._chance.choice(self.faults.fates)
        if isinstance(fate, Exception):
            raise fate
        if fate == UNSENT:
            raise VenueBusy("connection refused")
        self.sent.append(request.client_order_id)
        if fate == DROP:
            raise OutcomeUnknown("no answer within 10 s")
        if fate == LATE:
            self._late.append((self._now_s() + self._chance.random() * self.faults.late_s, request))
            raise OutcomeUnknown("no answer within 10 s")
        if fate == REFUSED:
            raise VenueRefusal("trading is halted", reason=Refusal.HALTED)
        if fate == UNMATCHED and request.order_type == OrderType.MARKET:
            self.exchange.unmatched += 1
        placement = self.exchange.place(request)
        if fate == ACCEPT_THEN_DROP:
            raise OutcomeUnknown("the connection was cut before the answer")
        return placement

    def settle_late(self) -> None:
        """Let requests that were under way arrive."""
        due = [one for at, one in self._late if at <= self._now_s()]
        self._late = [(at, one) for at, one in self._late if at > self._now_s()]
        for request in due:
            try:
                self.exchange.place(request)
            except Exception:
                continue

    @property
    def under_way(self) -> int:
        """How many requests have not arrived yet."""
        return len(self._late)

    async def cancel(self, pair: str, client_order_id: str) -> None:
        """Cancel."""
        self._reachable()
        self.exchange.cancel(client_order_id)

    async def find(self, pair: str, client_order_id: str) -> VenueOrder | None:
        """Find."""
        self._reachable()
        return self.exchange.find(client_order_id)

    async def open_orders(self, pair: str = "") -> Sequence[VenueOrder]:
        """Give open orders."""
        self._reachable()
        return self.exchange.open_orders(pair)

    async def closed_orders(self, pair: str, since_ms: int) -> Sequence[VenueOrder]:
        """Give closed orders."""
        self._reachable()
        return self.exchange.closed_orders(pair, since_ms)

    async def trades(self, pair: str, since_ms: int) -> Sequence[VenueTrade]:
        """Give executions."""
        self._reachable()
        return self.exchange.trades(pair, since_ms)

    async def balances(self) -> Mapping[str, Balance]:
        """Give holdings."""
        self._reachable()
        return self.exchange.balances()

    async def positions(self) -> Sequence[VenuePosition]:
        """Give none: a spot venue."""
        self._reachable()
        return ()

    async def instruments(self) -> Mapping[str, Instrument]:
        """Give trading rules."""
        self._reachable()
        return self.exchange.instruments

    async def last_price(self, pair: str) -> Decimal:
        """Give the last price."""
        self._reachable()
        return self.exchange.prices[pair]

    def told(self) -> list[Evidence]:
        """Give what the stream carries since the last call: some lost, some twice, some out of order."""
        fresh: list[Evidence] = list(self.exchange.events[self._told :])
        self._told = len(self.exchange.events)
        out: list[Evidence] = []
        for one in fresh:
            if self._chance.random() < self.faults.stream:
                fate = self._chance.choice(("lost", "twice", "first"))
                if fate == "twice":
                    out += [one, one]
                elif fate == "first":
                    out.insert(0, one)
            else:
                out.append(one)
        return out

    async def evidence(self) -> AsyncIterator[Evidence]:
        """Follow the exchange."""
        yield StreamGap(since_ms=0, cause="connected")
        while not self._closed.is_set():
            for one in self.told():
                yield one
            await asyncio.sleep(0.005)

    async def clock_offset_ms(self) -> int:
        """Give the offset."""
        self._reachable()
        return self.offset_ms

    async def close(self) -> None:
        """End the stream."""
        self._closed.set()

    def _reachable(self) -> None:
        if self.failing:
            raise self.failing.popleft()
        if self.is_down or self._chance.random() < self.faults.read:
            raise VenueBusy("no answer")
