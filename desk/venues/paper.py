"""The paper venue: it takes what a real one would take; its fills come from the engine's bar-level venue model.

Nothing leaves the process, so an order may be placed inside the transaction of its bar. What it says of orders and
trades is what this process saw; an account's rows are the truth here, because there is nobody else to ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from desk.venue_port import (
    Balance,
    Evidence,
    OrderRequest,
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
from trading.errors import NotFound
from trading.instruments import Instrument
from trading.orders import TERMINAL, OrderState, OrderType, Side


class PaperVenue:
    """Accepts orders that keep the venue's filters.

    Args:
        instruments: trading rules by pair.
    """

    name = "paper"
    is_live = False
    rules = VenueRules(visibility_delay_s=0.0, negative_answers=1, has_oco=True, has_reduce_only=True)

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = dict(instruments)
        self._orders: dict[str, VenueOrder] = {}
        self._is_closed = asyncio.Event()

    async def place(self, request: OrderRequest) -> Placement:
        """Accept an order; the same client id again is the same order.

        Raises:
            VenueRefusal: off the step, or below the minimum.
            NotFound: no such pair.
        """
        self._check(request)
        venue_order_id = f"paper-{request.client_order_id}"
        self._orders.setdefault(
            request.client_order_id,
            VenueOrder(
                client_order_id=request.client_order_id,
                venue_order_id=venue_order_id,
                pair=request.pair,
                side=Side(request.side),
                order_type=OrderType(request.order_type),
                state=OrderState.ACCEPTED,
                quantity=request.quantity,
                filled_quantity=Decimal(0),
                price=request.price,
                stop_price=request.stop_price,
            ),
        )
        return Placement(venue_order_id=venue_order_id, accepted_at_ms=0)

    async def cancel(self, pair: str, client_order_id: str) -> None:
        """Cancel an order; one that is gone already is a success."""
        known = self._orders.get(client_order_id)
        if known is not None and known.state not in TERMINAL:
            self._orders[client_order_id] = replace(known, state=OrderState.CANCELED)

    async def find(self, pair: str, client_order_id: str) -> VenueOrder | None:
        """Give an order as this process saw it; None when it was never seen here."""
        return self._orders.get(client_order_id)

    async def open_orders(self, pair: str = "") -> Sequence[VenueOrder]:
        """Give the orders of this process that rest."""
        return [one for one in self._orders.values() if one.state not in TERMINAL and pair in ("", one.pair)]

    async def closed_orders(self, pair: str, since_ms: int) -> Sequence[VenueOrder]:
        """Give the orders of this process that ended."""
        return [one for one in self._orders.values() if one.state in TERMINAL and one.pair == pair]

    async def trades(self, pair: str, since_ms: int) -> Sequence[VenueTrade]:
        """Give none: executions come from the engine and are rows already."""
        return ()

    async def balances(self) -> Mapping[str, Balance]:
        """Give none: the account's ledger is the only holder of paper money."""
        return {}

    async def positions(self) -> Sequence[VenuePosition]:
        """Give none, for the same reason."""
        return ()

    async def instruments(self) -> Mapping[str, Instrument]:
        """Give the trading rules."""
        return dict(self._instruments)

    async def last_price(self, pair: str) -> Decimal:
        """Refuse: paper has bars, not trades.

        Raises:
            VenueBusy: always.
        """
        raise VenueBusy(f"The paper venue has no last trade of {pair}; its prices are the feed's bars.")

    async def evidence(self) -> AsyncIterator[Evidence]:
        """Say once that nothing is known from before, then nothing more."""
        yield StreamGap(since_ms=0, cause="connected")
        await self._is_closed.wait()

    async def clock_offset_ms(self) -> int:
        """Give 0: it is our own clock."""
        return 0

    async def close(self) -> None:
        """End the stream."""
        self._is_closed.set()

    def _check(self, request: OrderRequest) -> None:
        instrument = self._instruments.get(request.pair)
        if instrument is None:
            raise NotFound(f"The paper venue has no pair '{request.pair}'.")
        if request.quantity <= 0 or request.quantity % instrument.step:
            raise VenueRefusal(
                f"{request.pair}: quantity {request.quantity} is not a positive multiple of the step "
                f"{instrument.step}.",
                reason=Refusal.FILTER,
            )
        if request.quantity < instrument.min_quantity:
            raise VenueRefusal(
                f"{request.pair}: quantity {request.quantity} is below the minimum {instrument.min_quantity}.",
                reason=Refusal.FILTER,
            )
        price = request.price or request.stop_price
        too_small = price is not None and price * request.quantity < instrument.min_notional
        # A venue lets a position be reduced to the end, however small the rest is.
        if too_small and not request.is_reduce_only:
            raise VenueRefusal(
                f"{request.pair}: notional {price * request.quantity if price else 0} is below the minimum "
                f"{instrument.min_notional}.",
                reason=Refusal.FILTER,
            )
