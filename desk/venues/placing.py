"""An order as each venue wants it, and the venue's answer read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from desk.venue_port import OrderRequest, Placement
from desk.venues.quirks import Quirks
from desk.venues.reading import Unreadable, moment_ms, text


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCall:
    """What ccxt's `create_order` is called with."""

    arguments: tuple[str, str, str, str, str | None]
    parameters: dict[str, Any]


def order_call(request: OrderRequest, quirks: Quirks, *, last: Decimal | None = None) -> OrderCall:
    """Give the call of an order; numbers as plain text, so that no float is in between.

    Args:
        last: the price now, on the tick; needed where `buys_by_limit` says so.
    """
    parameters: dict[str, Any] = {quirks.id_parameter: quirks.to_wire(request.client_order_id)}
    kind, price = request.order_type, None
    if request.order_type == "limit":
        price = _plain(request.price)
    if buys_by_limit(request, quirks):
        assert last is not None, "the price was asked for"
        kind, price = "limit", _plain(_beyond(last, 1 + quirks.market_buy_slack, ROUND_CEILING))
        parameters["timeInForce"] = "IOC"
    if request.order_type == "stop":
        if quirks.stop_id_parameter:
            parameters[quirks.stop_id_parameter] = parameters[quirks.id_parameter]
        parameters["stopLossPrice"] = _plain(request.stop_price)
        kind = "market"
        if quirks.stop_slack and request.stop_price is not None:
            # Venues without stop-market orders get a limit so far through that it trades like one.
            kind, price = "limit", _plain(_through(request, quirks))
    return OrderCall(
        arguments=(request.pair, kind, request.side, _plain(request.quantity) or "0", price),
        parameters=parameters,
    )


def buys_by_limit(request: OrderRequest, quirks: Quirks) -> bool:
    """Tell whether a purchase at the market has to go as a limit that is filled at once or not at all."""
    return bool(quirks.market_buy_slack) and request.order_type == "market" and request.side == "buy"


def pair_call(request: OrderRequest, market: Mapping[str, Any]) -> dict[str, Any]:
    """Give the parameters of a one-cancels-other pair at Binance: the target and the stop around the price."""
    stop = {
        "Type": "STOP_LOSS",
        "StopPrice": _plain(request.stop_price),
        "ClientOrderId": request.client_order_id,
    }
    target = {
        "Type": "LIMIT_MAKER",
        "Price": _plain(request.target_price),
        "ClientOrderId": request.target_client_order_id,
    }
    above, below = (target, stop) if request.side == "sell" else (stop, target)
    return {
        "symbol": market["id"],
        "side": request.side.upper(),
        "quantity": _plain(request.quantity),
        "listClientOrderId": f"{request.client_order_id}-l",
        **{f"above{name}": value for name, value in above.items() if value},
        **{f"below{name}": value for name, value in below.items() if value},
        "newOrderRespType": "RESULT",
    }


def placement_of(answer: Any, request: OrderRequest, now_ms: int, *, is_pair: bool) -> Placement:
    """Read the answer to a placement.

    Raises:
        Unreadable: it is about another order, or says no id.
    """
    if not isinstance(answer, Mapping):
        raise Unreadable("the answer to a placement is no object")
    if not is_pair:
        stamp = answer.get("timestamp")
        return Placement(
            venue_order_id=text(answer.get("id"), "order id"),
            accepted_at_ms=now_ms if stamp is None else moment_ms(stamp, "time"),
        )
    numbers = {}
    for one in answer.get("orders") or ():
        numbers[one.get("clientOrderId")] = text(str(one.get("orderId") or ""), "order id")
    try:
        return Placement(
            venue_order_id=numbers[request.client_order_id],
            target_venue_order_id=numbers[request.target_client_order_id],
            accepted_at_ms=moment_ms(int(answer.get("transactionTime", now_ms)), "time"),
        )
    except KeyError as missing:
        raise Unreadable(f"the answer to a pair does not name the order {missing}") from None


def _through(request: OrderRequest, quirks: Quirks) -> Decimal:
    stop, is_sell = request.stop_price or Decimal(0), request.side == "sell"
    factor = 1 - quirks.stop_slack if is_sell else 1 + quirks.stop_slack
    return _beyond(stop, factor, ROUND_FLOOR if is_sell else ROUND_CEILING)


def _beyond(price: Decimal, factor: float, rounding: str) -> Decimal:
    """Give a price times a factor, with as many places as it had."""
    exponent = price.as_tuple().exponent
    step = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
    return (price * Decimal(str(factor)) / step).to_integral_value(rounding) * step


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
