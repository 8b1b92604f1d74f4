"""A trading process with one live bot at `breakwater sim-exchange`, forked from a warm parent and killed by it.

The parent has imported everything, ccxt too, and has neither threads nor a loop: so a start costs what a start of the
account costs, not seconds of imports.
"""

from __future__ import annotations

import asyncio
import logging
import mmap
import os
import signal
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from desk.bots.supervisor import Supervisor
from desk.bots.tools import Tools
from desk.bus import EventBus
from desk.clock import SystemClock
from desk.ending import ended
from desk.execution import executor
from desk.execution.faults import arm
from desk.secrets import Secret
from desk.settings import VenueSettings
from desk.store import open_store
from desk.venues.ccxt_venue import CcxtVenue
from desk.venues.client import open_link
from desk.venues.paper import PaperVenue
from desk.venues.quirks import BINANCE
from desk.views import Account
from server.sim_exchange.app import KEY, SECRET
from strategies.registry import default_registry
from tests.support.live_bots import ScriptFeed
from trading.candles import Candles

#: Absence is proved in moments instead of half a minute: the exchange's lists are up to date at once.
QUICK = replace(BINANCE, rules=replace(BINANCE.rules, visibility_delay_s=1.0))


class Released:
    """How many bars closed, in memory that parent and children share."""

    def __init__(self, row: int) -> None:
        self._memory = mmap.mmap(-1, 8)
        self.row = row

    @property
    def row(self) -> int:
        """Bars before this row closed."""
        return int(struct.unpack("<q", self._memory[:8])[0])

    @row.setter
    def row(self, row: int) -> None:
        self._memory[:8] = struct.pack("<q", row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """What a trading process is given.

    Attributes:
        history: rows that had closed before the first process began.
    """

    url: str
    base_url: str
    ws_url: str
    ws_api_url: str
    data: Sequence[Candles]
    history: int
    released: Released
    log: str = ""

    def address(self) -> VenueSettings:
        """Give the way to the exchange."""
        return VenueSettings(
            base_url=self.base_url,
            ws_url=self.ws_url,
            ws_api_url=self.ws_api_url,
            api_key=Secret(KEY),
            api_secret=Secret(SECRET),
        )

    def start(self, point: str = "") -> int:
        """Fork it; give its pid.

        Args:
            point: it ends itself (-9) when it first passes this named point; empty: never.
        """
        pid = os.fork()
        if pid == 0:
            try:
                self._live(point)
            finally:
                os._exit(1)
        return pid

    def _live(self, point: str) -> None:
        parent = os.getppid()
        if self.log:
            file = Path(self.log).open("a", buffering=1)  # noqa: SIM115 - lives as long as the process
            structlog.configure(
                wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
                logger_factory=structlog.PrintLoggerFactory(file=file),
            )
        if point:
            arm(lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == point else None)
        asyncio.run(self._trade(parent))

    async def _trade(self, parent: int) -> None:
        # Targets are looked at sooner than in service, so that a proof is short.
        executor.WATCH_S = 0.2
        clock = SystemClock()
        feed = ScriptFeed(self.data, {}, venue="binance", history=self.history)

        async def open_venue(account: Account) -> CcxtVenue:
            return CcxtVenue(open_link(QUICK, self.address(), clock))

        tools = Tools(
            store=open_store(self.url, clock=clock),
            bus=EventBus(),
            clock=clock,
            feed=feed,
            registry=default_registry(),
            make_venue=PaperVenue,
            ring=lambda: None,
            open_venue=open_venue,
            signal_age_s=None,
        )
        running = asyncio.create_task(Supervisor(tools).run())
        told = self.history
        # A parent that is gone reads nothing of this any more.
        while not running.done() and os.getppid() == parent:
            row = self.released.row
            if row != told:
                feed.release(row)
                told = row
            await asyncio.sleep(0.01)
        await ended(running)
