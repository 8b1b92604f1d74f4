"""A simulated exchange and a real ccxt client that talks to it over sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from desk.clock import Clock, SystemClock
from desk.secrets import Secret
from desk.settings import VenueSettings
from desk.venues.band import Band
from desk.venues.ccxt_venue import CcxtVenue
from desk.venues.client import Link, open_link
from desk.venues.quirks import BINANCE, Quirks
from server.sim_exchange.app import KEY, SECRET, RunningSim, SimOptions, running_sim


@dataclass(frozen=True, slots=True, kw_only=True)
class SimVenue:
    """A venue and the exchange behind it."""

    venue: CcxtVenue
    link: Link
    sim: RunningSim

    def fault(self, kind: str, on: str = "POST /api/v3/order", **values: Any) -> None:
        """Let something go wrong."""
        self.sim.control.set(
            "fault", {"kind": kind, **({"on": on} if not kind.startswith("ws_") else {}), **values}
        )

    def price(self, pair: str, price: str) -> None:
        """Move a price."""
        self.sim.control.set("price", {"symbol": pair.replace("/", ""), "price": price})

    @property
    def lines(self) -> tuple[dict[str, Any], ...]:
        """What the witness wrote."""
        return self.sim.house.exchange.ledger.lines

    def orders_at_venue(self, client_order_id: str) -> int:
        """Count the orders that the witness saw with an id."""
        return sum(one["kind"] == "order" and one["client_id"] == client_order_id for one in self.lines)


def address_of(sim: RunningSim, *, key: str = KEY, secret: str = SECRET) -> VenueSettings:
    """Give the settings that lead to an exchange."""
    return VenueSettings(
        base_url=sim.base_url,
        ws_url=sim.ws_url,
        ws_api_url=sim.ws_api_url,
        api_key=Secret(key),
        api_secret=Secret(secret),
    )


@asynccontextmanager
async def open_sim_venue(
    *,
    clock: Clock | None = None,
    quirks: Quirks = BINANCE,
    band: Band | None = None,
    options: SimOptions | None = None,
) -> AsyncIterator[SimVenue]:
    """Open an exchange with still prices and a venue at it."""
    async with running_sim(options or SimOptions(volatility=0)) as sim:
        link = open_link(quirks, address_of(sim), clock or SystemClock())
        venue = CcxtVenue(link, band=band)
        try:
            yield SimVenue(venue=venue, link=link, sim=sim)
        finally:
            await venue.close()


async def until(what: Callable[[], Awaitable[bool] | bool], *, seconds: float = 15.0) -> None:
    """Wait until something is so; fail when it does not come."""
    async with asyncio.timeout(seconds):
        while True:
            found = what()
            if found is True or (not isinstance(found, bool) and await found):
                return
            await asyncio.sleep(0.02)
