"""Stops that become an order of another number when they are triggered: told under the number that we know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from desk.venue_port import VenueOrder, VenueTrade
from desk.venues.ccxt_loader import errors
from desk.venues.quirks import Quirks
from desk.venues.reading import Unreadable, read_order

#: Orders that are remembered with the stop that they came from; the oldest are asked for again.
_MOST_KNOWN = 5_000


class Children:
    """Orders of one account that came from stops.

    Args:
        client: ccxt's client of the venue.
    """

    def __init__(self, client: Any, quirks: Quirks) -> None:
        self._client, self._quirks = client, quirks
        #: By the order's own number: the stop's number and our id; empty for an order that came from none.
        self._parents: dict[str, tuple[str, str]] = {}

    async def followed(self, stop: VenueOrder, row: Any) -> VenueOrder:
        """Give a stop as it is with what its order did, once it was triggered.

        Raises:
            Unreadable: it was triggered, and its order is not told.
        """
        info = row.get("info") if isinstance(row, Mapping) else None
        if not isinstance(info, Mapping) or info.get("state") not in ("effective", "partially_effective"):
            return stop
        numbers = [one for one in (*(info.get("ordIdList") or ()), info.get("ordId")) if one]
        if not numbers:
            raise Unreadable(f"the stop {stop.client_order_id} was triggered; its order is not named")
        number = str(numbers[0])
        found = await self._client.fetch_order(number, stop.pair)
        child = read_order(found, self._client.markets, self._quirks)
        self._remember(number, (stop.venue_order_id, stop.client_order_id))
        return replace(
            stop,
            state=child.state,
            filled_quantity=child.filled_quantity,
            average_price=child.average_price,
            updated_at_ms=child.updated_at_ms,
        )

    async def named(self, trade: VenueTrade) -> VenueTrade:
        """Give an execution under the number of the stop that it came from."""
        if trade.client_order_id:
            return trade
        parent = self._parents.get(trade.venue_order_id)
        if parent is None:
            parent = await self._asked(trade)
            self._remember(trade.venue_order_id, parent)
        return replace(trade, venue_order_id=parent[0], client_order_id=parent[1])

    async def _asked(self, trade: VenueTrade) -> tuple[str, str]:
        try:
            found = await self._client.fetch_order(trade.venue_order_id, trade.pair)
        except errors().OrderNotFound:
            # Venues forget old orders sooner than what they traded; ours are remembered by the desk.
            return trade.venue_order_id, ""
        order = read_order(found, self._client.markets, self._quirks)
        return order.venue_order_id, order.client_order_id

    def _remember(self, number: str, parent: tuple[str, str]) -> None:
        while len(self._parents) >= _MOST_KNOWN:
            del self._parents[next(iter(self._parents))]
        self._parents[number] = parent
