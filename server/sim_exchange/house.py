"""The simulated venue as one object: exchange, faults, clock and the queues of its sockets."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

from desk.clock import Clock, to_ms
from server.sim_exchange.faults import Faults
from server.sim_exchange.ledger import Ledger
from server.sim_exchange.matching import Exchange
from server.sim_exchange.orders import Wallet
from server.sim_exchange.symbols import SYMBOLS, Symbol

#: Prices act on resting orders this often.
TICK_S = 0.1


@dataclass(slots=True, kw_only=True, eq=False)
class Listening:
    """One socket that hears events.

    Attributes:
        key: wallet that it hears; empty for market data only.
        wrap: subscription number that user events are wrapped with; None for the bare event.
        streams: market streams it subscribed to.
    """

    queue: asyncio.Queue[dict[str, Any] | str | None]
    key: str = ""
    wrap: int | None = None
    streams: set[str] = field(default_factory=set)
    is_combined: bool = False


class SimHouse:
    """Everything that handlers need."""

    def __init__(
        self,
        *,
        clock: Clock,
        ledger: Ledger,
        seed: int = 7,
        volatility: float = 1.0,
        symbols: tuple[Symbol, ...] = SYMBOLS,
    ) -> None:
        self.clock = clock
        self.faults = Faults()
        self.exchange = Exchange(
            ledger=ledger, seed=seed, volatility=volatility, symbols=symbols, listener=self._hear
        )
        self.sockets: set[Listening] = set()
        self.listen_keys: dict[str, str] = {}
        self.late: set[asyncio.Task[None]] = set()
        self.requests = 0
        self._held: list[tuple[Wallet, dict[str, Any]]] = []
        self._order = random.Random(seed)  # noqa: S311 - a market, not a secret

    def now_ms(self) -> int:
        """Give the venue's time."""
        return to_ms(self.clock.now()) + self.faults.skew_ms

    def spread(self, message: dict[str, Any] | str) -> None:
        """Give a message to every socket as it is."""
        for one in self.sockets:
            one.queue.put_nowait(message)

    def drop_sockets(self) -> int:
        """End every socket."""
        for one in self.sockets:
            one.queue.put_nowait(None)
        return len(self.sockets)

    async def run(self) -> None:
        """Let prices act until cancelled."""
        while True:
            await self.clock.sleep(TICK_S)
            self.exchange.tick(self.now_ms())
            self.flush()

    def flush(self) -> None:
        """Send what a shuffle still holds back."""
        held, self._held = self._held, []
        self._order.shuffle(held)
        for wallet, event in held:
            self._send(wallet, event)

    def _hear(self, wallet: Wallet, event: dict[str, Any]) -> None:
        if self.faults.shuffle_groups > 1:
            self._held.append((wallet, event))
            if len(self._held) >= self.faults.shuffle_groups:
                self.flush()
            return
        self._send(wallet, event)

    def _send(self, wallet: Wallet, event: dict[str, Any]) -> None:
        if self.now_ms() < self.faults.stalled_until_ms:
            return
        for one in self.sockets:
            if one.key == wallet.key:
                message = event if one.wrap is None else {"subscriptionId": one.wrap, "event": event}
                for _ in range(self.faults.event_copies):
                    one.queue.put_nowait(message)
