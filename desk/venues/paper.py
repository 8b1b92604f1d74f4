"""The paper venue: it takes what a real one would take; its fills come from the engine's bar-level venue model.

Nothing leaves the process, so an order may be placed inside the transaction of its bar.
"""

from __future__ import annotations

from collections.abc import Mapping

from desk.ports import OrderRequest, Placement
from trading.errors import NotFound, Rejected
from trading.instruments import Instrument
from trading.orders import OrderState


class PaperVenue:
    """Accepts orders that keep the venue's filters.

    Args:
        instruments: trading rules by pair.
    """

    name = "paper"
    is_live = False

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = dict(instruments)
        self._states: dict[str, OrderState] = {}

    async def place(self, request: OrderRequest) -> Placement:
        """Accept an order; the same client id again is the same order.

        Raises:
            Rejected: off the step, below the minimum, or no such pair.
        """
        self._check(request)
        self._states.setdefault(request.client_order_id, OrderState.ACCEPTED)
        return Placement(venue_order_id=f"paper-{request.client_order_id}", accepted_at_ms=0)

    async def cancel(self, pair: str, client_order_id: str) -> None:
        """Cancel an order; one that is gone already is a success."""
        self._states[client_order_id] = OrderState.CANCELED

    async def find(self, pair: str, client_order_id: str) -> OrderState | None:
        """Give an order's state in this process; None when it was never seen here."""
        return self._states.get(client_order_id)

    async def close(self) -> None:
        """Nothing is held open."""

    def _check(self, request: OrderRequest) -> None:
        instrument = self._instruments.get(request.pair)
        if instrument is None:
            raise NotFound(f"The paper venue has no pair '{request.pair}'.")
        if request.quantity <= 0 or request.quantity % instrument.step:
            raise Rejected(
                f"{request.pair}: quantity {request.quantity} is not a positive multiple of the step {instrument.step}."
            )
        if request.quantity < instrument.min_quantity:
            raise Rejected(
                f"{request.pair}: quantity {request.quantity} is below the minimum {instrument.min_quantity}."
            )
        price = request.price or request.stop_price
        too_small = price is not None and price * request.quantity < instrument.min_notional
        # A venue lets a position be reduced to the end, however small the rest is.
        if too_small and not request.is_reduce_only:
            raise Rejected(
                f"{request.pair}: notional {price * request.quantity if price else 0} is below the minimum "
                f"{instrument.min_notional}."
            )
