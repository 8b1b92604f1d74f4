"""The matching of the simulated exchange: wallets, orders and what the price does to them. No network, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from server.sim_exchange.ledger import Ledger
from server.sim_exchange.orders import SimOrder, Trade, Wallet
from server.sim_exchange.refusals import Refusal, check_counts, check_filters, unknown_symbol
from server.sim_exchange.symbols import SYMBOLS, Symbol
from server.sim_exchange.tape import Tape

#: Share of a trade that the venue keeps, from what is received.
FEE = Decimal("0.001")
#: Balances have so many places; a fee is rounded up to them, so that what is told is what is kept.
_PLACES = Decimal("1E-8")

#: Told of every event of a wallet, in order.
Listener = Callable[[Wallet, dict[str, Any]], None]


@dataclass(slots=True, kw_only=True)
class Rules:
    """What people can set about the venue while it runs.

    Attributes:
        dedupe: client ids refused as duplicates: "always", among "open" orders only, or "none".
        history_delay_ms: queries and lists show an order only after this long.
        fill_shares: the next orders that trade fill only this share and rest, or expire, with what is left.
        fees_in_quote: fees are kept from the money; otherwise from what is received.
    """

    dedupe: str = "open"
    history_delay_ms: int = 0
    fill_shares: list[Decimal] = field(default_factory=list)
    fees_in_quote: bool = False


class Exchange:
    """Every symbol, wallet and order.

    Args:
        listener: told of executions and balances, for the user streams.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        seed: int = 7,
        volatility: float = 1.0,
        symbols: tuple[Symbol, ...] = SYMBOLS,
        listener: Listener | None = None,
    ) -> None:
        self.ledger = ledger
        self.symbols = {one.name: one for one in symbols}
        self.tapes = {one.name: Tape(one, seed=seed, volatility=volatility) for one in symbols}
        self.wallets: dict[str, Wallet] = {}
        self.rules = Rules()
        self.listener = listener
        self._orders = 1000
        self._trades = 500_000
        self._lists = 0

    def open_wallet(self, key: str, secret: str, balances: Mapping[str, Decimal], at_ms: int) -> Wallet:
        """Give a key its wallet."""
        wallet = Wallet(key=key, secret=secret, free=dict(balances))
        self.wallets[key] = wallet
        self._note_balances(wallet, at_ms, "opened")
        return wallet

    def deposit(self, wallet: Wallet, asset: str, amount: Decimal, at_ms: int) -> None:
        """Add to a balance, or take away: a transfer that no order explains."""
        wallet.free[asset] = wallet.free.get(asset, Decimal(0)) + amount
        self._note_balances(wallet, at_ms, "transfer")
        self._tell(wallet, {"e": "balanceUpdate", "E": at_ms, "a": asset, "d": f"{amount:.8f}", "T": at_ms})

    def symbol(self, name: str) -> Symbol:
        """Give a symbol by its name."""
        if name not in self.symbols:
            raise unknown_symbol()
        return self.symbols[name]

    def price(self, name: str, now_ms: int) -> Decimal:
        """Give the last price of a symbol."""
        return self.tapes[name].price(now_ms)

    def quote(self, name: str, now_ms: int) -> tuple[Decimal, Decimal]:
        """Give bid and ask: one tick beside the last price."""
        last, tick = self.price(name, now_ms), self.symbols[name].tick
        return max(tick, last - tick), last + tick

    def place(self, wallet: Wallet, order: SimOrder, now_ms: int) -> SimOrder:
        """Accept an order and match it at once.

        Raises:
            Refusal: duplicate id, filter, balance or trigger.
        """
        symbol = self.symbol(order.symbol)
        self._check_duplicate(wallet, order)
        check_filters(symbol, order, self.price(order.symbol, now_ms))
        check_counts(symbol, order, wallet)
        if order.list_number < 0:
            self._lock(wallet, order, now_ms)
        self._enter(wallet, order, now_ms)
        self._match(wallet, order, now_ms, is_taker=True)
        if order.is_live and order.time_in_force in ("IOC", "FOK") and not order.is_waiting:
            self._end(wallet, order, "EXPIRED", now_ms)
        return order

    def place_pair(self, wallet: Wallet, above: SimOrder, below: SimOrder, now_ms: int) -> None:
        """Accept a one-cancels-other pair: one lock for both.

        Raises:
            Refusal: either order breaks a rule; then none is accepted.
        """
        symbol = self.symbol(above.symbol)
        for one in (above, below):
            self._check_duplicate(wallet, one)
            check_filters(symbol, one, self.price(one.symbol, now_ms))
            check_counts(symbol, one, wallet)
        self._lists += 1
        # The leg that pays more holds the lock; the other leans on it.
        holder, other = (above, below) if above.price >= below.price else (below, above)
        self._lock(wallet, holder, now_ms)
        for one in (holder, other):
            one.list_number = self._lists
            self._enter(wallet, one, now_ms)

    def find(
        self, wallet: Wallet, symbol: str, *, number: int | None, client_id: str | None, now_ms: int
    ) -> SimOrder:
        """Give an order by its number or its client id; of several with one id, the newest.

        Raises:
            Refusal: -2013, there is none or it is not shown yet.
        """
        for order in reversed(wallet.orders.values()):
            is_it = order.number == number if number is not None else order.client_id == client_id
            if is_it and order.symbol == symbol and order.visible_from_ms <= now_ms:
                return order
        raise Refusal(-2013, "Order does not exist.")

    def shown(self, wallet: Wallet, symbol: str | None, now_ms: int) -> list[SimOrder]:
        """Give the orders that lists show, oldest first."""
        return [
            one
            for one in wallet.orders.values()
            if one.visible_from_ms <= now_ms and symbol in (None, one.symbol)
        ]

    def cancel(self, wallet: Wallet, order: SimOrder, now_ms: int) -> SimOrder:
        """Cancel an order, and the other one of its pair.

        Raises:
            Refusal: -2011, it is not live any more.
        """
        if not order.is_live:
            raise Refusal(-2011, "Unknown order sent.")
        order.cancel_client_id = order.cancel_client_id or f"cancel-{order.number}"
        self._end(wallet, order, "CANCELED", now_ms)
        return order

    def tick(self, now_ms: int) -> None:
        """Let the prices of this moment do their work on every resting order."""
        for wallet in self.wallets.values():
            for order in [one for one in wallet.orders.values() if one.is_live]:
                if order.is_live and self.symbols[order.symbol].status == "TRADING":
                    self._match(wallet, order, now_ms, is_taker=False)

    def next_order(self) -> int:
        """Give the number of the next order."""
        self._orders += 1
        return self._orders

    def _check_duplicate(self, wallet: Wallet, order: SimOrder) -> None:
        policy = self.rules.dedupe
        if policy == "none":
            return
        same = [one for one in wallet.orders.values() if one.client_id == order.client_id]
        if any(one.is_live or policy == "always" for one in same):
            raise Refusal(-2010, "Duplicate order sent.")

    def _enter(self, wallet: Wallet, order: SimOrder, now_ms: int) -> None:
        wallet.orders[order.number] = order
        order.updated_ms = now_ms
        self.ledger.write(
            "order",
            now_ms,
            key=wallet.key,
            order=order.number,
            client_id=order.client_id,
            symbol=order.symbol,
            side=order.side,
            type=order.kind,
            quantity=str(order.quantity),
            price=str(order.price),
            stop_price=str(order.stop_price),
        )
        self._tell(wallet, order.report("NEW", now_ms))

    def _lock(self, wallet: Wallet, order: SimOrder, now_ms: int) -> None:
        symbol = self.symbols[order.symbol]
        asset = symbol.quote if order.side == "BUY" else symbol.base
        need = order.quantity
        if order.side == "BUY":
            ask = self.quote(order.symbol, now_ms)[1]
            need = order.quantity * (order.price or max(order.stop_price, ask))
        if wallet.free.get(asset, Decimal(0)) < need:
            raise Refusal(-2010, "Account has insufficient balance for requested action.")
        wallet.lock(asset, need)
        order.locked = need

    def _match(self, wallet: Wallet, order: SimOrder, now_ms: int, *, is_taker: bool) -> None:
        bid, ask = self.quote(order.symbol, now_ms)
        if order.is_waiting:
            if is_taker or not _is_reached(order, self.price(order.symbol, now_ms)):
                return
            order.is_triggered = True
            is_taker = True
        is_buy = order.side == "BUY"
        at = ask if is_buy else bid
        if order.price and (at > order.price if is_buy else at < order.price):
            return
        if order.kind == "LIMIT_MAKER" and is_taker:
            self._end(wallet, order, "EXPIRED", now_ms)
            return
        price = at if is_taker or not order.price else order.price
        quantity = self._fillable(order)
        if quantity > 0:
            self._fill(wallet, order, price, quantity, now_ms, is_maker=not is_taker)
        if order.is_live and not order.price:
            # What is left of a market order has nobody to trade with.
            self._end(wallet, order, "EXPIRED", now_ms)

    def _fillable(self, order: SimOrder) -> Decimal:
        if not self.rules.fill_shares:
            return order.left
        step = self.symbols[order.symbol].step
        share = self.rules.fill_shares.pop(0)
        return (order.left * share / step).to_integral_value(ROUND_FLOOR) * step

    def _fill(
        self,
        wallet: Wallet,
        order: SimOrder,
        price: Decimal,
        quantity: Decimal,
        now_ms: int,
        *,
        is_maker: bool,
    ) -> None:
        symbol = self.symbols[order.symbol]
        self._trades += 1
        is_buy = order.side == "BUY"
        received, paid = (quantity, price * quantity) if is_buy else (price * quantity, quantity)
        in_quote = self.rules.fees_in_quote or not is_buy
        trade = Trade(
            number=self._trades,
            order_number=order.number,
            symbol=order.symbol,
            price=price,
            quantity=quantity,
            fee=((price * quantity if in_quote else received) * FEE).quantize(_PLACES, ROUND_CEILING),
            fee_asset=symbol.quote if in_quote else symbol.base,
            at_ms=now_ms,
            is_buyer=is_buy,
            is_maker=is_maker,
        )
        pays, gets = (symbol.quote, symbol.base) if is_buy else (symbol.base, symbol.quote)
        self._release(wallet, order, pays)
        wallet.free[pays] = wallet.free.get(pays, Decimal(0)) - paid
        wallet.free[gets] = wallet.free.get(gets, Decimal(0)) + received
        wallet.free[trade.fee_asset] -= trade.fee
        order.filled += quantity
        order.paid += price * quantity
        order.updated_ms = now_ms
        order.trades.append(trade)
        wallet.trades.append(trade)
        order.status = "FILLED" if order.left == 0 else "PARTIALLY_FILLED"
        if order.is_live:
            need = order.left if not is_buy else order.left * (order.price or price)
            kept = min(need, wallet.free[pays])
            wallet.lock(pays, kept)
            order.locked = kept
        self.ledger.write(
            "fill",
            now_ms,
            key=wallet.key,
            order=order.number,
            client_id=order.client_id,
            trade=trade.number,
            symbol=order.symbol,
            side=order.side,
            price=str(price),
            quantity=str(quantity),
            fee=str(trade.fee),
            fee_asset=trade.fee_asset,
        )
        self._note_balances(wallet, now_ms, f"trade {trade.number}")
        self._tell(wallet, order.report("TRADE", now_ms, trade))
        self._tell_balances(wallet, (pays, gets), now_ms)
        if order.list_number >= 0:
            self._end_partners(wallet, order, now_ms)

    def _release(self, wallet: Wallet, order: SimOrder, asset: str) -> None:
        holder = order
        if order.list_number >= 0 and not order.locked:
            holder = next((one for one in self._partners(wallet, order) if one.locked), order)
        wallet.lock(asset, -holder.locked)
        holder.locked = Decimal(0)

    def _end(self, wallet: Wallet, order: SimOrder, status: str, now_ms: int) -> None:
        symbol = self.symbols[order.symbol]
        asset = symbol.quote if order.side == "BUY" else symbol.base
        wallet.lock(asset, -order.locked)
        order.locked = Decimal(0)
        order.status, order.updated_ms = status, now_ms
        self.ledger.write(
            "ended", now_ms, key=wallet.key, order=order.number, client_id=order.client_id, status=status
        )
        self._tell(wallet, order.report(status, now_ms))
        if order.list_number >= 0:
            self._end_partners(wallet, order, now_ms)

    def _end_partners(self, wallet: Wallet, order: SimOrder, now_ms: int) -> None:
        for other in self._partners(wallet, order):
            if other.is_live:
                self._end(wallet, other, "EXPIRED" if order.status == "FILLED" else "CANCELED", now_ms)

    def _partners(self, wallet: Wallet, order: SimOrder) -> list[SimOrder]:
        return [
            one for one in wallet.orders.values() if one.list_number == order.list_number and one is not order
        ]

    def _note_balances(self, wallet: Wallet, at_ms: int, cause: str) -> None:
        total = {asset: str(wallet.total(asset)) for asset in {*wallet.free, *wallet.locked}}
        self.ledger.write("balances", at_ms, key=wallet.key, cause=cause, total=total)

    def _tell_balances(self, wallet: Wallet, assets: tuple[str, str], at_ms: int) -> None:
        rows = [
            {"a": one["asset"], "f": one["free"], "l": one["locked"]}
            for one in wallet.balances()
            if one["asset"] in assets
        ]
        self._tell(wallet, {"e": "outboundAccountPosition", "E": at_ms, "u": at_ms, "B": rows})

    def _tell(self, wallet: Wallet, event: dict[str, Any]) -> None:
        if self.listener is not None:
            self.listener(wallet, event)


def _is_reached(order: SimOrder, last: Decimal) -> bool:
    is_below = (order.side == "SELL") == order.kind.startswith("STOP")
    return last <= order.stop_price if is_below else last >= order.stop_price
