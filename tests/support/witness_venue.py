"""The venue port over a witness process: real sockets, real silence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import orjson

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
from tests.support.fake_exchange import instruments
from tests.support.witness import order_of, plain, trade_of
from trading.instruments import Instrument

#: How long an answer may take.
ANSWER_S = 2.0


class WitnessVenue:
    """`desk.venue_port.Venue` over sockets."""

    name = "fake"
    is_live = True

    def __init__(self, port: int, *, visibility_delay_s: float = 1.0) -> None:
        self._port = port
        self.rules = VenueRules(visibility_delay_s=visibility_delay_s)
        #: When the bytes of each order went out, by client id; for latencies.
        self.sent_ns: dict[str, int] = {}

    async def call(self, op: str, *, is_write: bool = False, **given: Any) -> dict[str, Any]:
        """Ask once, on a connection of its own."""
        line = orjson.dumps({"op": op, **given}, default=plain) + b"\n"
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
        except (OSError, TimeoutError) as problem:
            raise VenueBusy(f"not connected: {problem}") from problem
        try:
            writer.write(line)
            if is_write:
                self.sent_ns[given.get("client_order_id", "")] = time.perf_counter_ns()
            async with asyncio.timeout(ANSWER_S):
                await writer.drain()
                answered = await reader.readline()
        except (OSError, TimeoutError) as problem:
            answered = b""
            why = str(problem) or "no answer in time"
        else:
            why = "the connection was closed before the answer"
        finally:
            writer.close()
        if not answered.endswith(b"\n"):
            raise OutcomeUnknown(why) if is_write else VenueBusy(why)
        answer: dict[str, Any] = orjson.loads(answered)
        if "refused" in answer:
            raise VenueRefusal(answer["refused"], reason=Refusal(answer["reason"]))
        return answer

    async def place(self, request: OrderRequest) -> Placement:
        """Place."""
        answer = await self.call("place", is_write=True, **asdict(request))
        return Placement(venue_order_id=answer["venue_order_id"], accepted_at_ms=answer["at_ms"])

    async def cancel(self, pair: str, client_order_id: str) -> None:
        """Cancel."""
        await self.call("cancel", is_write=True, client_order_id=client_order_id)

    async def find(self, pair: str, client_order_id: str) -> VenueOrder | None:
        """Find."""
        found = (await self.call("find", client_order_id=client_order_id))["order"]
        return order_of(found) if found else None

    async def open_orders(self, pair: str = "") -> Sequence[VenueOrder]:
        """Give open orders."""
        return [order_of(one) for one in (await self.call("open", pair=pair))["orders"]]

    async def closed_orders(self, pair: str, since_ms: int) -> Sequence[VenueOrder]:
        """Give closed orders."""
        answer = await self.call("closed", pair=pair, since_ms=since_ms)
        return [order_of(one) for one in answer["orders"]]

    async def trades(self, pair: str, since_ms: int) -> Sequence[VenueTrade]:
        """Give executions."""
        answer = await self.call("trades", pair=pair, since_ms=since_ms)
        return [trade_of(one) for one in answer["trades"]]

    async def balances(self) -> Mapping[str, Balance]:
        """Give holdings."""
        answer = await self.call("balances")
        return {
            one["asset"]: Balance(
                asset=one["asset"], free=Decimal(one["free"]), locked=Decimal(one["locked"])
            )
            for one in answer["balances"]
        }

    async def positions(self) -> Sequence[VenuePosition]:
        """Give none."""
        return ()

    async def instruments(self) -> Mapping[str, Instrument]:
        """Give trading rules."""
        return instruments()

    async def last_price(self, pair: str) -> Decimal:
        """Give the last price."""
        return Decimal((await self.call("price", pair=pair))["price"])

    async def evidence(self) -> AsyncIterator[Evidence]:
        """Follow by asking often."""
        after = (await self.call("events", after=-1))["next"]
        yield StreamGap(since_ms=0, cause="connected")
        while True:
            answer = await self.call("events", after=after)
            after = answer["next"]
            for one in answer["events"]:
                what = one.pop("what")
                yield trade_of(one) if what == "trade" else order_of(one)
            await asyncio.sleep(0.05)

    async def clock_offset_ms(self) -> int:
        """Give the offset."""
        answer = await self.call("time")
        return int(answer["now_ms"]) - time.time_ns() // 1_000_000

    async def close(self) -> None:
        """Nothing is held open."""
