"""MetaTrader 5's values and ours: orders, deals, positions and symbols at the typed boundary."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from desk.venue_port import Balance, OrderRequest, VenueOrder, VenuePosition, VenueTrade
from desk.venues.reading import Unreadable, decimal, positive, text
from trading.fills import Liquidity
from trading.instruments import Instrument
from trading.orders import OrderState, OrderType, Side

#: Quote currencies that end a symbol's name, longest first.
_QUOTES = ("USDT", "USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "NZD")


def symbol_name(pair: str) -> str:
    """Give the terminal's name of a pair."""
    return pair.replace("/", "")


def pair_of(symbol: Any) -> str:
    """Give the pair of a symbol's name.

    Raises:
        Unreadable: it does not end with a known quote currency.
    """
    name = text(symbol, "symbol", most=32)
    for quote in _QUOTES:
        if name.endswith(quote) and len(name) > len(quote):
            return f"{name.removesuffix(quote)}/{quote}"
    raise Unreadable(f"symbol is {name!r}; a name that ends with {', '.join(_QUOTES)} is needed")


def order_request(terminal: Any, request: OrderRequest, size: Decimal, *, magic: int) -> dict[str, Any]:
    """Give an order as `order_send` takes it; the package takes floats, so the last step goes through repr."""
    is_buy = request.side == "buy"
    kinds = {
        "market": terminal.ORDER_TYPE_BUY if is_buy else terminal.ORDER_TYPE_SELL,
        "limit": terminal.ORDER_TYPE_BUY_LIMIT if is_buy else terminal.ORDER_TYPE_SELL_LIMIT,
        "stop": terminal.ORDER_TYPE_BUY_STOP if is_buy else terminal.ORDER_TYPE_SELL_STOP,
    }
    is_market = request.order_type == "market"
    price = request.stop_price if request.order_type == "stop" else request.price
    return {
        "action": terminal.TRADE_ACTION_DEAL if is_market else terminal.TRADE_ACTION_PENDING,
        "symbol": symbol_name(request.pair),
        "volume": float(request.quantity / size),
        "type": kinds[request.order_type],
        "magic": magic,
        "comment": request.client_order_id,
        "type_time": terminal.ORDER_TIME_GTC,
        "type_filling": terminal.ORDER_FILLING_IOC if is_market else terminal.ORDER_FILLING_RETURN,
        **({} if price is None else {"price": float(price)}),
    }


def contract_size(symbol: Any) -> Decimal:
    """Give how much of the base asset one lot is."""
    return positive(getattr(symbol, "trade_contract_size", None), "contract size")


def order_of(terminal: Any, row: Any, size: Decimal, *, is_open: bool) -> VenueOrder:
    """Read an order; the terminal counts lots, we count the base asset."""
    states: Mapping[int, OrderState] = {
        terminal.ORDER_STATE_PLACED: OrderState.ACCEPTED,
        terminal.ORDER_STATE_STARTED: OrderState.ACCEPTED,
        terminal.ORDER_STATE_PARTIAL: OrderState.PARTIAL,
        terminal.ORDER_STATE_FILLED: OrderState.FILLED,
        terminal.ORDER_STATE_CANCELED: OrderState.CANCELED,
        terminal.ORDER_STATE_EXPIRED: OrderState.EXPIRED,
        terminal.ORDER_STATE_REJECTED: OrderState.REJECTED,
    }
    state = states.get(row.state)
    if state is None:
        raise Unreadable(f"order state is {row.state!r}")
    buys = {terminal.ORDER_TYPE_BUY, terminal.ORDER_TYPE_BUY_LIMIT, terminal.ORDER_TYPE_BUY_STOP}
    limits = {terminal.ORDER_TYPE_BUY_LIMIT, terminal.ORDER_TYPE_SELL_LIMIT}
    stops = {terminal.ORDER_TYPE_BUY_STOP, terminal.ORDER_TYPE_SELL_STOP}
    kind = (
        OrderType.LIMIT if row.type in limits else OrderType.STOP if row.type in stops else OrderType.MARKET
    )
    whole = positive(row.volume_initial, "volume") * size
    left = decimal(row.volume_current, "volume left") * size
    price = decimal(row.price_open, "price")
    stamp = row.time_setup if is_open else row.time_done
    return VenueOrder(
        client_order_id=str(row.comment or ""),
        venue_order_id=str(int(row.ticket)),
        pair=pair_of(row.symbol),
        side=Side.BUY if row.type in buys else Side.SELL,
        order_type=kind,
        state=state,
        quantity=whole,
        filled_quantity=whole - left,
        price=price or None if kind is OrderType.LIMIT else None,
        stop_price=price or None if kind is OrderType.STOP else None,
        updated_at_ms=int(stamp) * 1000,
    )


def trade_of(terminal: Any, row: Any, size: Decimal, comments: Mapping[str, str]) -> VenueTrade | None:
    """Read a deal; None for what is no trade (deposits, corrections)."""
    sides = {terminal.DEAL_TYPE_BUY: Side.BUY, terminal.DEAL_TYPE_SELL: Side.SELL}
    side = sides.get(row.type)
    if side is None:
        return None
    order = str(int(row.order))
    return VenueTrade(
        venue_trade_id=str(int(row.ticket)),
        venue_order_id=order,
        client_order_id=comments.get(order, str(row.comment or "")),
        pair=pair_of(row.symbol),
        side=side,
        price=positive(row.price, "price"),
        quantity=positive(row.volume, "volume") * size,
        # The terminal books costs as negative money.
        fee=-decimal(row.commission, "commission", least=Decimal(-(10**12)))
        - decimal(getattr(row, "fee", 0.0), "fee", least=Decimal(-(10**12))),
        liquidity=Liquidity.TAKER,
        traded_at_ms=int(getattr(row, "time_msc", int(row.time) * 1000)),
    )


def balances_of(row: Any) -> Mapping[str, Balance]:
    """Read the account's money."""
    asset = text(row.currency, "currency", most=16)
    margin = decimal(row.margin, "margin")
    equity = decimal(row.equity, "equity", least=Decimal(-(10**12)))
    return {asset: Balance(asset=asset, free=equity - margin, locked=margin)}


def position_of(terminal: Any, row: Any, size: Decimal) -> VenuePosition:
    """Read a position."""
    held = positive(row.volume, "volume") * size
    return VenuePosition(
        pair=pair_of(row.symbol), quantity=held if row.type == terminal.POSITION_TYPE_BUY else -held
    )


def instrument_of(row: Any) -> Instrument | None:
    """Read a symbol; None for names that are no pair."""
    try:
        pair = pair_of(row.name)
    except Unreadable:
        return None
    size = contract_size(row)
    return Instrument(
        pair=pair,
        venue="mt5",
        tick=positive(row.trade_tick_size, "tick"),
        step=positive(row.volume_step, "step") * size,
        min_quantity=decimal(row.volume_min, "least volume") * size,
        max_quantity=positive(row.volume_max, "largest volume") * size,
        min_notional=Decimal(0),
        can_short=True,
    )


def price_of(row: Any) -> Decimal:
    """Read a tick."""
    last = decimal(row.last, "last price")
    if last:
        return last
    return (positive(row.bid, "bid") + positive(row.ask, "ask")) / 2
