"""The judge of protection: whether every stop that a position wants rests at the exchange, for all that is held."""

from __future__ import annotations

from decimal import Decimal

from desk.order_views import IncidentKind, Protection
from desk.ports import Unit
from desk.views import Filter, Page
from tests.support.fake_exchange import FakeExchange
from trading.instruments import Instrument
from trading.orders import OrderType, Side

_TELLING = (IncidentKind.UNPROTECTED, IncidentKind.DIFFERENCE)


async def unprotected(tx: Unit, workspace_id: str, account_id: str, exchange: FakeExchange) -> list[str]:
    """I6: once everything is settled, every coin of a position that is there lies under its stop or is being sold.

    Coins that are gone can lie under none; then people were told.
    """
    found = []
    incidents = await tx.execution.open_incidents(workspace_id, account_id)
    told = {one.subject for one in incidents if one.kind in _TELLING}
    for one in await tx.execution.protections(workspace_id, account_id):
        rules = exchange.instruments[one.pair]
        bare = one.quantity - await _covered(tx, one, exchange)
        free = exchange.balances()[rules.base].free if one.quantity else Decimal(0)
        if one.stop is None or not _is_enough(bare, one.stop, rules):
            continue
        if _is_enough(min(bare, free), one.stop, rules):
            found.append(f"I6: {bare} of {one.quantity} {one.pair} lies under no stop, and {free} is free.")
        if not told & {one.position_id, rules.base}:
            found.append(f"I6: nobody was told that {bare} of {one.quantity} {one.pair} lies under no stop.")
    return found


def _is_enough(quantity: Decimal, price: Decimal, rules: Instrument) -> bool:
    """Tell whether the exchange takes an order for so much."""
    whole = rules.quantity(max(Decimal(0), quantity))
    return whole > 0 and whole >= rules.min_quantity and whole * price >= rules.min_notional


async def _covered(tx: Unit, protection: Protection, exchange: FakeExchange) -> Decimal:
    ours = await tx.orders.page(
        protection.workspace_id,
        Filter(account_id=protection.account_id, extra={"position_id": protection.position_id}),
        Page(first=1_000),
    )
    ids = {one.client_order_id for one in ours}
    entry = Side.BUY if protection.is_long else Side.SELL
    return sum(
        (
            one.quantity - one.filled_quantity
            for one in exchange.open_orders(protection.pair)
            if one.order_type in (OrderType.STOP, OrderType.MARKET)
            and one.side is not entry
            and one.client_order_id in ids
        ),
        Decimal(0),
    )
