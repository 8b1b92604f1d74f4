"""A fake exchange as a process of its own, with a ledger that reaches the disk: the witness of crash tests.

    python -m tests.support.witness FOLDER [--dedupe always] [--delay-ms 0] [--partial 1]

It is never restarted while its clients are killed. It prints its port, answers one JSON line per connection, and
writes every request, order, execution and holding to FOLDER/ledger.jsonl before it answers.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import sys
import time
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from desk.venue_port import OrderRequest, VenueOrder, VenueRefusal, VenueTrade
from tests.support.fake_exchange import FakeExchange

_MONEY = ("quantity", "price", "stop_price", "target_price")


def plain(value: Any) -> Any:
    """Give a value as JSON: decimals as text."""
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(type(value).__name__)


class Witness:
    """Serves one exchange."""

    def __init__(self, folder: Path, *, dedupe: str, delay_ms: int, partial: int) -> None:
        self._ledger = (folder / "ledger.jsonl").open("ab")
        self.exchange = FakeExchange(
            lambda: time.time_ns() // 1_000_000,
            dedupe=dedupe,
            history_delay_ms=delay_ms,
            partial=partial,
            log=self._note,
        )
        self._chance = random.Random(1)
        #: Chance that an order is accepted and its answer lost; that it is lost; that it arrives late.
        self.fates: dict[str, float] = {}
        self._late: set[asyncio.Task[None]] = set()

    def _note(self, kind: str, values: dict[str, Any]) -> None:
        self._ledger.write(orjson.dumps({"kind": kind, **values}, default=plain) + b"\n")
        self._ledger.flush()
        os.fsync(self._ledger.fileno())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one line."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            line = await reader.readline()
            if line:
                answer = await self._answer(orjson.loads(line))
                if answer is not None:
                    writer.write(orjson.dumps(answer, default=plain) + b"\n")
                    await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return await getattr(self, f"_{asked.pop('op')}")(**asked)  # type: ignore[no-any-return]
        except VenueRefusal as refusal:
            return {"refused": refusal.message, "reason": refusal.reason.value}

    async def _place(self, **given: Any) -> dict[str, Any] | None:
        read: dict[str, Any] = {
            name: Decimal(value) if name in _MONEY and value is not None else value
            for name, value in given.items()
        }
        request = OrderRequest(**read)
        dice = self._chance.random()
        if dice < self.fates.get("drop", 0.0):
            return None
        if dice < self.fates.get("drop", 0.0) + self.fates.get("late", 0.0):
            task = asyncio.create_task(self._arrive(request))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            return None
        placement = self.exchange.place(request)
        if dice > 1.0 - self.fates.get("accept_then_drop", 0.0):
            return None
        return {"venue_order_id": placement.venue_order_id, "at_ms": placement.accepted_at_ms}

    async def _arrive(self, request: OrderRequest) -> None:
        await asyncio.sleep(self._chance.random() * self.fates.get("late_s", 1.0))
        with contextlib.suppress(VenueRefusal):
            self.exchange.place(request)

    async def _cancel(self, client_order_id: str) -> dict[str, Any]:
        self.exchange.cancel(client_order_id)
        return {}

    async def _find(self, client_order_id: str) -> dict[str, Any]:
        found = self.exchange.find(client_order_id)
        return {"order": asdict(found) if found else None}

    async def _open(self, pair: str) -> dict[str, Any]:
        return {"orders": [asdict(one) for one in self.exchange.open_orders(pair)]}

    async def _closed(self, pair: str, since_ms: int) -> dict[str, Any]:
        return {"orders": [asdict(one) for one in self.exchange.closed_orders(pair, since_ms)]}

    async def _trades(self, pair: str, since_ms: int) -> dict[str, Any]:
        return {"trades": [asdict(one) for one in self.exchange.trades(pair, since_ms)]}

    async def _balances(self) -> dict[str, Any]:
        return {"balances": [asdict(one) for one in self.exchange.balances().values()]}

    async def _price(self, pair: str) -> dict[str, Any]:
        return {"price": self.exchange.prices[pair]}

    async def _events(self, after: int) -> dict[str, Any]:
        fresh = self.exchange.events[after:] if after >= 0 else []
        return {
            "next": len(self.exchange.events),
            "events": [
                {"what": "trade" if isinstance(one, VenueTrade) else "order", **asdict(one)} for one in fresh
            ],
        }

    async def _time(self) -> dict[str, Any]:
        return {"now_ms": self.exchange.now_ms()}

    async def _tick(self, pair: str, price: str) -> dict[str, Any]:
        self.exchange.tick(pair, Decimal(price))
        return {}

    async def _told(self, **given: Any) -> dict[str, Any]:
        """Hear an alert, as a person does: it cannot be unheard."""
        self._note("told", given)
        return {}

    async def _control(self, fates: dict[str, float]) -> dict[str, Any]:
        self.fates = fates
        return {"under_way": len(self._late)}

    async def _book(self) -> dict[str, Any]:
        """Give everything, for the judge."""
        return {
            "orders": [asdict(one) for one in self.exchange.book.orders.values()],
            "trades": [asdict(one) for _, one in self.exchange.book.trades],
            "totals": dict(self.exchange.book.totals),
            "under_way": len(self._late),
        }


def order_of(values: dict[str, Any]) -> VenueOrder:
    """Read an order."""
    from trading.orders import OrderState, OrderType, Side

    money = ("quantity", "filled_quantity", "average_price", "price", "stop_price")
    read: dict[str, Any] = {
        name: Decimal(one) if name in money and one is not None else one for name, one in values.items()
    }
    read |= {
        "side": Side(values["side"]),
        "order_type": OrderType(values["order_type"]),
        "state": OrderState(values["state"]),
    }
    return VenueOrder(**read)


def trade_of(values: dict[str, Any]) -> VenueTrade:
    """Read an execution."""
    from trading.fills import Liquidity
    from trading.orders import Side

    money = ("price", "quantity", "fee", "base_fee")
    read: dict[str, Any] = {name: Decimal(one) if name in money else one for name, one in values.items()}
    read |= {"side": Side(values["side"]), "liquidity": Liquidity(values["liquidity"])}
    return VenueTrade(**read)


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dedupe", default="always")
    parser.add_argument("--delay-ms", type=int, default=0)
    parser.add_argument("--partial", type=int, default=1)
    asked = parser.parse_args()
    witness = Witness(asked.folder, dedupe=asked.dedupe, delay_ms=asked.delay_ms, partial=asked.partial)
    server = await asyncio.start_server(witness.serve, "127.0.0.1", 0, limit=1 << 24)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main())
    sys.exit(0)
