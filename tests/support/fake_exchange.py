"""An exchange that a test can look into: deterministic, exact, with the habits of real ones.

It knows nothing of the order store. `FakeVenue` speaks to it in the same process; `witness` serves it from another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from desk.venue_port import (
    Balance,
    OrderRequest,
    Placement,
    Refusal,
    VenueOrder,
    VenueRefusal,
    VenueTrade,
)
from trading.fills import Liquidity
from trading.instruments import Instrument
from trading.orders import TERMINAL, OrderState, OrderType, Side

#: Tells what happened: a kind and plain values.
Log = Callable[[str, dict[str, Any]], None]

FEE = Decimal("0.001")
PAIRS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


def instruments() -> dict[str, Instrument]:
    """Give the trading rules of the fake's pairs."""
    return {
        pair: Instrument(
            pair=pair,
            venue="fake",
            tick=Decimal("0.01"),
            step=Decimal("0.0001"),
            min_quantity=Decimal("0.0001"),
            min_notional=Decimal(5),
        )
        for pair in PAIRS
    }


@dataclass(slots=True)
class Book:
    """What the exchange holds for one account."""

    orders: dict[str, VenueOrder] = field(default_factory=dict)
    seen_ms: dict[str, int] = field(default_factory=dict)
    trades: list[tuple[int, VenueTrade]] = field(default_factory=list)
    totals: dict[str, Decimal] = field(default_factory=dict)


class FakeExchange:
    """One account at an exchange.

    Args:
        now_ms: the exchange's own time.
        dedupe: when a client id may be used again: "always" never, "open" once the first is closed, "none" always.
        history_delay_ms: lists show an order or a trade only so long after it happened.
        partial: market orders fill in so many parts, one at once and one per `tick`.
        base_fee: fees of purchases are kept in the bought asset.
    """

    def __init__(
        self,
        now_ms: Callable[[], int],
        *,
        dedupe: str = "always",
        history_delay_ms: int = 0,
        partial: int = 1,
        base_fee: bool = False,
        cash: Decimal = Decimal(1_000_000),
        log: Log | None = None,
    ) -> None:
        self.now_ms = now_ms
        self.dedupe = dedupe
        self.history_delay_ms = history_delay_ms
        self.partial = partial
        self.base_fee = base_fee
        self.instruments = instruments()
        self.prices = {pair: Decimal(100) for pair in PAIRS}
        self.book = Book(totals={"USDT": cash})
        self.events: list[VenueOrder | VenueTrade] = []
        #: So many market orders still to come find nobody on the other side and expire.
        self.unmatched = 0
        self._log = log or (lambda kind, values: None)
        self._number = 0
        self._trade_number = 0

    def place(self, request: OrderRequest) -> Placement:
        """Accept or refuse an order."""
        self._log("request", {"client_order_id": request.client_order_id})
        self._check_id(request.client_order_id)
        self._check(request)
        self._number += 1
        venue_order_id = f"v{self._number}"
        order = VenueOrder(
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
            updated_at_ms=self.now_ms(),
        )
        self.book.seen_ms[venue_order_id] = self.now_ms()
        self._log(
            "order",
            {
                "client_order_id": request.client_order_id,
                "venue_order_id": venue_order_id,
                "pair": request.pair,
                "side": request.side,
                "quantity": str(request.quantity),
            },
        )
        self._put(order)
        self._match(order)
        return Placement(venue_order_id=venue_order_id, accepted_at_ms=self.now_ms())

    def cancel(self, client_order_id: str) -> None:
        """Cancel an open order.

        Raises:
            VenueRefusal: nothing open under this id.
        """
        for order in self.book.orders.values():
            if order.client_order_id == client_order_id and order.state not in TERMINAL:
                self._put(replace(order, state=OrderState.CANCELED, updated_at_ms=self.now_ms()))
                self._log("cancel", {"client_order_id": client_order_id})
                return
        raise VenueRefusal(f"Unknown order {client_order_id}.", reason=Refusal.UNKNOWN_ORDER)

    def find(self, client_order_id: str) -> VenueOrder | None:
        """Give the newest order of an id, once it is visible."""
        found = [one for one in self.book.orders.values() if one.client_order_id == client_order_id]
        visible = [one for one in found if self._is_visible(self.book.seen_ms[one.venue_order_id])]
        return visible[-1] if visible else None

    def open_orders(self, pair: str = "") -> list[VenueOrder]:
        """Give open orders that are visible."""
        return [one for one in self._visible(pair) if one.state not in TERMINAL]

    def closed_orders(self, pair: str, since_ms: int) -> list[VenueOrder]:
        """Give ended orders that are visible."""
        return [one for one in self._visible(pair) if one.state in TERMINAL and one.updated_at_ms >= since_ms]

    def trades(self, pair: str, since_ms: int) -> list[VenueTrade]:
        """Give executions that are visible."""
        return [
            one
            for at_ms, one in self.book.trades
            if one.pair == pair and at_ms >= since_ms and self._is_visible(at_ms)
        ]

    def balances(self) -> dict[str, Balance]:
        """Give holdings; resting sells lock the asset, resting buys the cash."""
        locked: dict[str, Decimal] = {}
        for one in self.book.orders.values():
            if one.state in TERMINAL:
                continue
            base, quote = one.pair.split("/")
            left = one.quantity - one.filled_quantity
            if one.side is Side.SELL:
                locked[base] = locked.get(base, Decimal(0)) + left
            else:
                price = one.price or one.stop_price or self.prices[one.pair]
                locked[quote] = locked.get(quote, Decimal(0)) + left * price
        return {
            asset: Balance(
                asset=asset, free=total - locked.get(asset, Decimal(0)), locked=locked.get(asset, Decimal(0))
            )
            for asset, total in self.book.totals.items()
        }

    def tick(self, pair: str, price: Decimal) -> None:
        """Trade at a price: resting orders that it reaches fill."""
        self.prices[pair] = price
        for order in list(self.book.orders.values()):
            if order.pair == pair and order.state not in TERMINAL:
                self._match(order)

    def by_hand(self, pair: str, side: Side, quantity: Decimal) -> None:
        """Somebody trades on the venue's own page."""
        self._number += 1
        order = VenueOrder(
            client_order_id=f"web_{self._number}",
            venue_order_id=f"v{self._number}",
            pair=pair,
            side=side,
            order_type=OrderType.MARKET,
            state=OrderState.ACCEPTED,
            quantity=quantity,
            filled_quantity=Decimal(0),
            updated_at_ms=self.now_ms(),
        )
        self.book.seen_ms[order.venue_order_id] = self.now_ms()
        self._put(order)
        self._execute(order, quantity, self.prices[pair], Liquidity.TAKER)

    def move_money(self, asset: str, amount: Decimal) -> None:
        """Deposit or withdraw."""
        self.book.totals[asset] = self.book.totals.get(asset, Decimal(0)) + amount

    def forget(self, venue_order_id: str) -> None:
        """Lose an order, as a venue in trouble may."""
        del self.book.orders[venue_order_id]

    def _visible(self, pair: str) -> list[VenueOrder]:
        return [
            one
            for one in self.book.orders.values()
            if pair in ("", one.pair) and self._is_visible(self.book.seen_ms[one.venue_order_id])
        ]

    def _is_visible(self, since_ms: int) -> bool:
        return self.now_ms() - since_ms >= self.history_delay_ms

    def _check_id(self, client_order_id: str) -> None:
        known = [one for one in self.book.orders.values() if one.client_order_id == client_order_id]
        taken = (
            bool(known)
            if self.dedupe == "always"
            else any(one.state not in TERMINAL for one in known)
            if self.dedupe == "open"
            else False
        )
        if taken:
            raise VenueRefusal("Duplicate order sent.", reason=Refusal.DUPLICATE_ID)

    def _check(self, request: OrderRequest) -> None:
        instrument = self.instruments.get(request.pair)
        if instrument is None:
            raise VenueRefusal(f"Invalid symbol {request.pair}.")
        price = request.price or request.stop_price or self.prices[request.pair]
        if request.quantity % instrument.step or request.quantity < instrument.min_quantity:
            raise VenueRefusal("Filter failure: LOT_SIZE", reason=Refusal.FILTER)
        if (request.price or Decimal(0)) % instrument.tick or (
            request.stop_price or Decimal(0)
        ) % instrument.tick:
            raise VenueRefusal("Filter failure: PRICE_FILTER", reason=Refusal.FILTER)
        if price * request.quantity < instrument.min_notional:
            raise VenueRefusal("Filter failure: NOTIONAL", reason=Refusal.FILTER)
        if request.order_type == "stop" and request.stop_price is not None:
            last = self.prices[request.pair]
            if (request.side == "sell") is (request.stop_price >= last):
                raise VenueRefusal("Stop price would trigger immediately.", reason=Refusal.WOULD_TRIGGER)
        balances = self.balances()
        base, quote = request.pair.split("/")
        asset, needed = (
            (base, request.quantity) if request.side == "sell" else (quote, request.quantity * price)
        )
        if asset not in balances or balances[asset].free < needed:
            raise VenueRefusal("Account has insufficient balance.", reason=Refusal.BALANCE)

    def _match(self, order: VenueOrder) -> None:
        price = self.prices[order.pair]
        if order.order_type is OrderType.MARKET and self.unmatched > 0:
            self.unmatched -= 1
            self._put(replace(order, state=OrderState.EXPIRED))
            return
        if order.order_type is OrderType.STOP:
            assert order.stop_price is not None
            reached = price <= order.stop_price if order.side is Side.SELL else price >= order.stop_price
            if not reached:
                return
        if order.order_type is OrderType.LIMIT:
            assert order.price is not None
            crosses = price <= order.price if order.side is Side.BUY else price >= order.price
            if not crosses:
                return
            price = order.price if order.filled_quantity else price
        left = order.quantity - order.filled_quantity
        part = left
        if self.partial > 1 and left == order.quantity:
            step = self.instruments[order.pair].step
            part = max(step, (order.quantity / self.partial // step) * step)
        is_maker = order.order_type is OrderType.LIMIT
        self._execute(order, min(part, left), price, Liquidity.MAKER if is_maker else Liquidity.TAKER)

    def _execute(self, order: VenueOrder, quantity: Decimal, price: Decimal, liquidity: Liquidity) -> None:
        self._trade_number += 1
        now_ms = self.now_ms()
        base, quote = order.pair.split("/")
        fee = quantity * price * FEE
        in_base = self.base_fee and order.side is Side.BUY
        base_fee = quantity * FEE if in_base else Decimal(0)
        sign = 1 if order.side is Side.BUY else -1
        totals = self.book.totals
        totals[base] = totals.get(base, Decimal(0)) + sign * quantity - base_fee
        totals[quote] = (
            totals.get(quote, Decimal(0)) - sign * quantity * price - (Decimal(0) if in_base else fee)
        )
        trade = VenueTrade(
            venue_trade_id=f"t{self._trade_number}",
            venue_order_id=order.venue_order_id,
            client_order_id=order.client_order_id,
            pair=order.pair,
            side=order.side,
            price=price,
            quantity=quantity,
            fee=fee,
            liquidity=liquidity,
            traded_at_ms=now_ms,
            base_fee=base_fee,
        )
        self.book.trades.append((now_ms, trade))
        self._log(
            "trade",
            {
                "venue_trade_id": trade.venue_trade_id,
                "client_order_id": order.client_order_id,
                "pair": order.pair,
                "side": order.side.value,
                "quantity": str(quantity),
                "price": str(price),
                "fee": str(fee),
                "base_fee": str(base_fee),
            },
        )
        total = order.filled_quantity + quantity
        self.events.append(trade)
        self._put(
            replace(
                order,
                filled_quantity=total,
                average_price=price,
                state=OrderState.FILLED if total == order.quantity else OrderState.PARTIAL,
                updated_at_ms=now_ms,
            )
        )

    def _put(self, order: VenueOrder) -> None:
        self.book.orders[order.venue_order_id] = order
        self.events.append(order)

    def held(self) -> dict[str, Decimal]:
        """Give what is held beside cash."""
        return {asset: total for asset, total in self.book.totals.items() if asset != "USDT" and total}

    def placements(self) -> Sequence[str]:
        """Give the client ids of our orders, one per accepted order."""
        return [
            one.client_order_id
            for one in self.book.orders.values()
            if not one.client_order_id.startswith("web_")
        ]
