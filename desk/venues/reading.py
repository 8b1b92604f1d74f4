"""The typed boundary: what a venue says becomes finite decimals, known words and whole moments, or is refused.

Nothing is guessed and nothing is left out silently: a field that is missing or strange refuses the whole message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from desk.venue_port import Balance, VenueOrder, VenueTrade
from desk.venues.quirks import Quirks
from trading.errors import InvalidInput
from trading.fills import Liquidity
from trading.instruments import Instrument
from trading.orders import OrderState, OrderType, Side

#: No price, quantity or fee of an honest venue is larger.
_MOST = Decimal(10) ** 15
#: 2009-01-03: nothing was traded earlier. 2100: nothing is traded later.
_FIRST_MS, _LAST_MS = 1_230_940_800_000, 4_102_444_800_000

#: What venues call our order id on a trade.
_ID_FIELDS = ("clientOrderId", "clOrdId", "cl_ord_id", "client_oid", "client_order_id", "algoClOrdId", "c")
#: Where a trigger price stands in a row as the venue wrote it, when ccxt leaves it there.
_TRIGGER_FIELDS = ("ref_price",)

_STATES = {
    "open": OrderState.ACCEPTED,
    "closed": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "canceling": OrderState.ACCEPTED,
    "expired": OrderState.EXPIRED,
    "rejected": OrderState.REJECTED,
}


class Unreadable(Exception):
    """A message that breaks the contract; the text says what was found."""


def decimal(found: Any, name: str, *, least: Decimal = Decimal(0), may_be_least: bool = True) -> Decimal:
    """Give a finite number in range.

    Raises:
        Unreadable: missing, not a number, NaN, infinite, out of range, or a float that lost digits on the way.
    """
    if isinstance(found, bool) or not isinstance(found, str | int | float | Decimal):
        raise Unreadable(f"{name} is {_shown(found)}; a number is needed")
    try:
        value = Decimal(repr(found)) if isinstance(found, float) else Decimal(found)
    except InvalidOperation:
        raise Unreadable(f"{name} is {_shown(found)}; a number is needed") from None
    if not value.is_finite() or abs(value) > _MOST:
        raise Unreadable(f"{name} is {_shown(found)}; a finite number is needed")
    if value < least or (value == least and not may_be_least):
        raise Unreadable(f"{name} is {_shown(found)}; more than {least} is needed")
    return value


def positive(found: Any, name: str) -> Decimal:
    """Give a number above 0."""
    return decimal(found, name, may_be_least=False)


def optional_price(found: Any, name: str) -> Decimal | None:
    """Give a price, or None where the venue says none (or 0, which many use for none)."""
    if found is None or found == "":
        return None
    return decimal(found, name) or None


def moment_ms(found: Any, name: str) -> int:
    """Give a moment in epoch milliseconds.

    Raises:
        Unreadable: not a whole number, or not in this century's trading.
    """
    if isinstance(found, bool) or not isinstance(found, int) or not _FIRST_MS <= found <= _LAST_MS:
        raise Unreadable(f"{name} is {_shown(found)}; epoch milliseconds are needed")
    return found


def text(found: Any, name: str, *, most: int = 128) -> str:
    """Give a non-empty text.

    Raises:
        Unreadable: something else, or longer than any honest one.
    """
    if not isinstance(found, str) or not found or len(found) > most:
        raise Unreadable(f"{name} is {_shown(found)}; a text of 1 to {most} characters is needed")
    return found


def pair_of(found: Any, pairs: Mapping[str, Any]) -> str:
    """Give a pair that the venue trades.

    Raises:
        Unreadable: one that it does not list.
    """
    pair = text(found, "symbol")
    if pair not in pairs:
        raise Unreadable(f"symbol is {_shown(pair)}; it is not traded here")
    return pair


def side_of(found: Any) -> Side:
    """Give the side.

    Raises:
        Unreadable: neither buy nor sell.
    """
    if found not in ("buy", "sell"):
        raise Unreadable(f"side is {_shown(found)}; buy or sell is needed")
    return Side(found)


def read_order(found: Any, pairs: Mapping[str, Any], quirks: Quirks) -> VenueOrder:
    """Give an order as the venue says that it is.

    Raises:
        Unreadable: any field breaks the contract.
    """
    row = _row(found, "order")
    quantity = positive(row.get("amount"), "amount")
    filled = decimal(row.get("filled") if row.get("filled") is not None else "0", "filled")
    if filled > quantity:
        raise Unreadable(f"filled is {filled}; at most the amount {quantity} is possible")
    stop = optional_price(_trigger_of(row), "stop price")
    own_id = row.get("clientOrderId") or _own_id(row.get("info"))
    if own_id is not None and not isinstance(own_id, str):
        raise Unreadable(f"client order id is {_shown(own_id)}; a text is needed")
    return VenueOrder(
        client_order_id=quirks.from_wire(own_id) if own_id else "",
        venue_order_id=text(row.get("id"), "order id"),
        pair=pair_of(row.get("symbol"), pairs),
        side=side_of(row.get("side")),
        order_type=_type_of(row.get("type"), stop),
        state=_state_of(row.get("status"), filled, quantity, quirks),
        quantity=quantity,
        filled_quantity=filled,
        average_price=optional_price(row.get("average"), "average") if filled else None,
        price=optional_price(row.get("price"), "price"),
        stop_price=stop,
        updated_at_ms=_updated(row, quirks),
    )


def read_trade(found: Any, pairs: Mapping[str, Any], quirks: Quirks) -> tuple[VenueTrade, str, Decimal]:
    """Give an execution, with the asset and the amount of its fee as the venue says them.

    The trade's own `fee` is in quote currency where the fee was paid in quote or base; 0 in a third asset, which the
    caller converts.

    Raises:
        Unreadable: any field breaks the contract.
    """
    row = _row(found, "trade")
    pair = pair_of(row.get("symbol"), pairs)
    base, quote = pair.split("/")[0], pair.split("/")[1].split(":")[0]
    price, quantity = positive(row.get("price"), "price"), positive(row.get("amount"), "amount")
    asset, paid = _fee_of(row.get("fee"))
    trade_id = text(row.get("id"), "trade id")
    side = side_of(row.get("side"))
    own_id = row.get("clientOrderId") or _own_id(row.get("info"))
    in_quote = paid if asset == quote else paid * price if asset == base else Decimal(0)
    maker = row.get("takerOrMaker")
    trade = VenueTrade(
        venue_trade_id=f"{pair}:{trade_id}" if quirks.counts_trades_per_pair else trade_id,
        venue_order_id=text(row.get("order"), "order id"),
        client_order_id=quirks.from_wire(own_id) if isinstance(own_id, str) and own_id else "",
        pair=pair,
        side=side,
        price=price,
        quantity=quantity,
        fee=in_quote,
        liquidity=Liquidity.MAKER if maker == "maker" else Liquidity.TAKER,
        traded_at_ms=moment_ms(row.get("timestamp"), "time"),
        base_fee=paid if asset == base and side is Side.BUY else Decimal(0),
    )
    return trade, asset, paid


def read_balances(found: Any, quirks: Quirks) -> dict[str, Balance]:
    """Give the holdings; an answer without the part that every honest one has is refused, never empty.

    Raises:
        Unreadable: the list of balances is not in the answer, or a number is none.
    """
    row = _row(found, "balances")
    free, used = row.get("free"), row.get("used")
    inner = row.get("info")
    for step in quirks.balance_path:
        try:
            inner = inner[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            raise Unreadable(f"balances have no '{step}' in them") from None
    if not isinstance(inner, list | dict) or not isinstance(free, Mapping) or not isinstance(used, Mapping):
        raise Unreadable(f"balances are {_shown(inner)}; a list is needed")
    entries = len(inner)
    if len({*free, *used}) < min(1, entries):
        raise Unreadable(f"balances have {entries} entries and none of them can be read")
    balances = {}
    for asset in sorted({*free, *used}):
        name = text(asset, "asset", most=32)
        one = Balance(
            asset=name,
            free=decimal(free.get(asset) if free.get(asset) is not None else "0", f"free {name}"),
            locked=decimal(used.get(asset) if used.get(asset) is not None else "0", f"locked {name}"),
        )
        if one.total:
            balances[name] = one
    return balances


def read_instrument(found: Any, venue: str) -> Instrument | None:
    """Give the trading rules of a spot market; None for what is no spot pair.

    Raises:
        Unreadable: a step that is none.
    """
    row = _row(found, "market")
    if not row.get("spot") or "/" not in str(row.get("symbol")):
        return None
    precision, limits = _row(row.get("precision"), "precision"), _row(row.get("limits"), "limits")
    amounts, costs = _row(limits.get("amount"), "limits"), _row(limits.get("cost"), "limits")
    try:
        return Instrument(
            pair=text(row.get("symbol"), "symbol"),
            venue=venue,
            tick=positive(precision.get("price"), "tick"),
            step=positive(precision.get("amount"), "step"),
            min_quantity=decimal(amounts.get("min") or "0", "least quantity"),
            min_notional=decimal(costs.get("min") or "0", "least notional"),
            max_quantity=optional_price(amounts.get("max"), "largest quantity"),
        )
    except InvalidInput as wrong:
        raise Unreadable(str(wrong)) from wrong


def rows(found: Any, name: str) -> Sequence[Any]:
    """Give a list.

    Raises:
        Unreadable: anything else; an error object is not an empty list.
    """
    if not isinstance(found, list):
        raise Unreadable(f"{name} is {_shown(found)}; a list is needed")
    return found


def _row(found: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise Unreadable(f"{name} is {_shown(found)}; an object is needed")
    return found


def _state_of(found: Any, filled: Decimal, quantity: Decimal, quirks: Quirks) -> OrderState:
    state = _STATES.get(quirks.states.get(found, found)) if isinstance(found, str) else None
    if state is None:
        raise Unreadable(f"status is {_shown(found)}; {', '.join(_STATES)} are known")
    if state is OrderState.FILLED and filled < quantity:
        # ccxt says closed for what ended without being filled whole.
        return OrderState.CANCELED
    if state is OrderState.ACCEPTED and filled:
        return OrderState.FILLED if filled == quantity else OrderState.PARTIAL
    return state


def _type_of(found: Any, stop: Decimal | None) -> OrderType:
    if not isinstance(found, str):
        raise Unreadable(f"type is {_shown(found)}; a word is needed")
    if stop is not None or "stop" in found:
        return OrderType.STOP
    return OrderType.LIMIT if "limit" in found else OrderType.MARKET


def _fee_of(found: Any) -> tuple[str, Decimal]:
    if found is None or found == {}:
        return "", Decimal(0)
    row = _row(found, "fee")
    if row.get("cost") is None:
        return "", Decimal(0)
    cost = decimal(row.get("cost"), "fee", least=-_MOST)
    return (text(row.get("currency"), "fee asset", most=32), cost) if cost else ("", cost)


def _own_id(info: Any) -> str:
    """Give our order id from a trade as the venue wrote it; ccxt leaves it there."""
    if not isinstance(info, Mapping):
        return ""
    found = [info[name] for name in _ID_FIELDS if isinstance(info.get(name), str) and info[name]]
    return str(found[0]) if found else ""


def _trigger_of(row: Mapping[str, Any]) -> Any:
    said = row.get("triggerPrice") or row.get("stopPrice") or row.get("stopLossPrice")
    info = row.get("info")
    if said or not isinstance(info, Mapping):
        return said
    return next((info[name] for name in _TRIGGER_FIELDS if info.get(name)), None)


def _updated(row: Mapping[str, Any], quirks: Quirks) -> int:
    for name in ("lastUpdateTimestamp", "lastTradeTimestamp"):
        if row.get(name) is not None:
            return moment_ms(row[name], name)
    info = row.get("info")
    said = info if isinstance(info, Mapping) else {}
    for name in quirks.changed_fields:
        if said.get(name):
            return _seconds_or_date(said[name], name)
    return moment_ms(row["timestamp"], "timestamp") if row.get("timestamp") is not None else 0


def _seconds_or_date(found: Any, name: str) -> int:
    try:
        said = datetime.fromisoformat(found).timestamp() if "T" in str(found) else float(found)
        return moment_ms(round(said * 1000), name)
    except (TypeError, ValueError, OverflowError):
        raise Unreadable(f"{name} is {_shown(found)}; seconds or a date are needed") from None


def _shown(found: Any) -> str:
    shown = repr(found)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
