"""Names under which orders are kept that are not simply ours."""

from __future__ import annotations

from desk.views import Order

#: Begins the client id under which an order is kept whose own row had been given up.
LATE = "late-"
#: Begins the client id under which somebody else's order is kept.
EXTERNAL = "ext-"


def name_at_venue(order: Order) -> str:
    """Give the client id that the venue knows an order by."""
    return order.client_order_id.removeprefix(LATE)


#: What decided the size of an order that took the place of a larger one which the balance did not carry.
RESIZED = "resized"
