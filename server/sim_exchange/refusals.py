"""What the simulated exchange says no with: the venue's numbers and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from server.sim_exchange.orders import STOPS, SimOrder, Wallet
from server.sim_exchange.symbols import Symbol


class Refusal(Exception):
    """An answer with an error code.

    Args:
        status: of HTTP.
        headers: for example Retry-After.
    """

    def __init__(
        self, code: int, message: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = dict(headers or {})


def unknown_symbol() -> Refusal:
    """No such symbol."""
    return Refusal(-1121, "Invalid symbol.")


def check_filters(symbol: Symbol, order: SimOrder, last: Decimal) -> None:
    """Refuse an order that breaks a filter of its symbol.

    Raises:
        Refusal: -1013 with the filter's name, -1111 for too many digits, -2010 for a trigger that is passed.
    """
    if symbol.status != "TRADING":
        raise Refusal(-1013, "Market is closed.")
    if order.quantity <= 0:
        raise Refusal(-1013, "Invalid quantity.")
    if order.quantity % symbol.step or not symbol.min_quantity <= order.quantity <= symbol.max_quantity:
        raise Refusal(-1013, "Filter failure: LOT_SIZE")
    for price in (order.price, order.stop_price):
        if price % symbol.tick:
            raise Refusal(-1013, "Filter failure: PRICE_FILTER")
    if order.price and not last / symbol.band <= order.price <= last * symbol.band:
        raise Refusal(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE")
    if (order.price or order.stop_price or last) * order.quantity < symbol.min_notional:
        raise Refusal(-1013, "Filter failure: NOTIONAL")
    _check_trigger(order, last)


def _check_trigger(order: SimOrder, last: Decimal) -> None:
    if order.kind not in STOPS:
        return
    if order.stop_price <= 0:
        raise Refusal(-1102, "Mandatory parameter 'stopPrice' was not sent, was empty/null, or malformed.")
    is_below = (order.side == "SELL") == order.kind.startswith("STOP")
    has_passed = last <= order.stop_price if is_below else last >= order.stop_price
    if has_passed:
        raise Refusal(-2010, "Stop price would trigger immediately.")


def check_counts(symbol: Symbol, order: SimOrder, wallet: Wallet) -> None:
    """Refuse one order too many.

    Raises:
        Refusal: -1013 MAX_NUM_ORDERS or MAX_NUM_ALGO_ORDERS.
    """
    live = [one for one in wallet.orders.values() if one.is_live and one.symbol == order.symbol]
    if len(live) >= symbol.max_orders:
        raise Refusal(-1013, "Filter failure: MAX_NUM_ORDERS")
    waiting = sum(one.kind in STOPS for one in live)
    if order.kind in STOPS and waiting >= symbol.max_stop_orders:
        raise Refusal(-1013, "Filter failure: MAX_NUM_ALGO_ORDERS")
