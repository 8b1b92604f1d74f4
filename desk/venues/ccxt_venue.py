"""A real exchange behind the venue port, through ccxt. One adapter for all of them; what differs is in `quirks`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

import structlog

from desk.venue_port import (
    Balance,
    Evidence,
    OrderRequest,
    Placement,
    Refusal,
    VenueBusy,
    VenueOrder,
    VenuePosition,
    VenueRefusal,
    VenueTrade,
)
from desk.venues import account_stream
from desk.venues.account_looks import look_again_and_again
from desk.venues.bad_news import catchable, sorted_problem
from desk.venues.band import Band
from desk.venues.budget import Urgency
from desk.venues.children import Children
from desk.venues.client import TIMEOUT_S, Link
from desk.venues.pages import all_rows
from desk.venues.placing import OrderCall, buys_by_limit, order_call, pair_call, placement_of
from desk.venues.reading import (
    Unreadable,
    positive,
    read_balances,
    read_instrument,
    read_order,
    read_trade,
    rows,
)
from desk.venues.rights import KeyRights, rights_of
from desk.venues.timing import measured_offset_ms
from desk.venues.wire import MOST_BYTES, MOST_MARKET_BYTES, attempt
from trading.errors import BreakwaterError
from trading.instruments import Instrument
from trading.orders import TERMINAL

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Orders that ended are looked for from this long before: lists go by when an order began.
_BEFORE_MS = 86_400_000
#: An order is searched this far back where it cannot be asked for by our id.
_SEARCH_MS = 7 * 86_400_000
#: The first byte of an order goes out within this time after it was asked for, or not at all.
FIRST_BYTE_S = 2.0
#: A price of a fee's asset is used this long.
_FEE_PRICE_S = 60.0


class CcxtVenue:
    """One account at one exchange.

    Args:
        link: the way to the venue.
        band: which prices are believed; shared with the feed of the same venue.
    """

    def __init__(self, link: Link, *, band: Band | None = None) -> None:
        self._link = link
        self._client = link.client
        self._quirks = link.quirks
        self.name = link.quirks.exchange_id
        self.is_live = not link.address.sandbox
        self.rules = link.quirks.rules
        self.band = band or Band(link.clock.monotonic)
        #: Pairs with orders of ours, looked at when the stream is silent.
        self.pairs_in_play: set[str] = set()
        self._preparing = asyncio.Lock()
        self._fee_prices: dict[str, tuple[float, Decimal]] = {}
        self._children = Children(link.client, link.quirks)

    async def place(self, request: OrderRequest) -> Placement:
        """Place an order, once; a refused timestamp is measured anew and signed anew, once.

        What waits too long (for the budget, for a connection) is not sent: the caller's right to send may be over.
        """
        until_s = self._link.clock.monotonic() + FIRST_BYTE_S
        await self._prepare()
        self._check_plausible(request)
        doing = f"{request.side} {request.quantity:f} {request.pair} ({request.client_order_id})"
        self.pairs_in_play.add(request.pair)
        last = await self.last_price(request.pair) if buys_by_limit(request, self._quirks) else None

        async def send() -> Placement:
            if request.target_price is not None and self.rules.has_oco:
                answer = await self._client.private_post_orderlist_oco(
                    pair_call(request, self._market(request.pair))
                )
                return placement_of(answer, request, self._link.time.now_ms(), is_pair=True)
            call: OrderCall = order_call(request, self._quirks, last=last)
            answer = await self._client.create_order(*call.arguments, call.parameters)
            return placement_of(answer, request, self._link.time.now_ms(), is_pair=False)

        return await self._call(doing, send, Urgency.ORDER, is_write=True, until_s=until_s)

    async def cancel(self, pair: str, client_order_id: str) -> None:
        """Cancel an order by our id, or by the venue's where it takes no other."""
        await self._prepare()
        doing = f"the cancellation of {client_order_id}"
        wire_id = self._quirks.to_wire(client_order_id)
        if not self._quirks.cancel_parameter:
            found = await self.find(pair, client_order_id)
            if found is None or found.state in TERMINAL:
                return
            await self._cancel_one(doing, found.venue_order_id, pair, {})
            return
        for parameters in self._quirks.lists:
            if await self._cancel_one(
                doing, None, pair, {**parameters, self._quirks.cancel_parameter: wire_id}
            ):
                return

    async def _cancel_one(
        self, doing: str, number: str | None, pair: str, parameters: Mapping[str, Any]
    ) -> bool:
        async def send() -> None:
            await self._client.cancel_order(number, pair, dict(parameters))

        try:
            await self._call(doing, send, Urgency.CANCEL, is_write=True)
        except VenueRefusal as refusal:
            if refusal.reason is not Refusal.UNKNOWN_ORDER:
                raise
            return False
        return True

    async def find(self, pair: str, client_order_id: str) -> VenueOrder | None:
        """Ask for one order by our id; None when the venue says that there is none."""
        await self._prepare()
        if not self._quirks.find_parameter:
            return await self._search(pair, client_order_id)
        wire_id = self._quirks.to_wire(client_order_id)
        for parameters in self._quirks.lists:
            asked = {**parameters, self._quirks.find_parameter: wire_id}

            async def ask(asked: Mapping[str, Any] = asked) -> VenueOrder:
                found = await self._client.fetch_order(None, pair, dict(asked))
                order = read_order(found, self._client.markets, self._quirks)
                if order.client_order_id != client_order_id or order.pair != pair:
                    raise Unreadable(f"the order {order.client_order_id!r} came for {client_order_id!r}")
                return await self._children.followed(order, found) if self._quirks.has_children else order

            try:
                return await self._call(f"the question for {client_order_id}", ask, Urgency.ORDER)
            except VenueRefusal as refusal:
                if refusal.reason is not Refusal.UNKNOWN_ORDER:
                    raise
        return None

    async def _search(self, pair: str, client_order_id: str) -> VenueOrder | None:
        narrow = {}
        if self._quirks.search_parameter:
            narrow = {self._quirks.search_parameter: self._quirks.to_wire(client_order_id)}
        for order in await self._open(pair, narrow):
            if order.client_order_id == client_order_id:
                return order
        since_ms = self._link.time.now_ms() - _SEARCH_MS
        for order in await self._closed(pair, since_ms, narrow):
            if order.client_order_id == client_order_id:
                return order
        return None

    async def open_orders(self, pair: str = "") -> Sequence[VenueOrder]:
        """Give every open order, from every list that the venue keeps."""
        return await self._open(pair, {})

    async def _open(self, pair: str, narrow: Mapping[str, Any]) -> Sequence[VenueOrder]:
        await self._prepare()

        async def ask() -> list[VenueOrder]:
            found: dict[str, VenueOrder] = {}
            for parameters in self._quirks.lists:
                asked = {**parameters, **narrow}
                page = await self._client.fetch_open_orders(pair or None, None, None, asked)
                for row in rows(page, "open orders"):
                    order = read_order(row, self._client.markets, self._quirks)
                    found[order.venue_order_id] = order
            return [one for one in found.values() if one.state not in TERMINAL]

        orders = await self._call("the question for open orders", ask, Urgency.READ)
        self.pairs_in_play |= {one.pair for one in orders}
        return orders

    async def closed_orders(self, pair: str, since_ms: int) -> Sequence[VenueOrder]:
        """Give the orders of a pair that ended, changed since a venue time."""
        return await self._closed(pair, since_ms, {})

    async def _closed(self, pair: str, since_ms: int, narrow: Mapping[str, Any]) -> Sequence[VenueOrder]:
        await self._prepare()
        from_ms = max(0, since_ms - _BEFORE_MS)

        async def ask() -> list[VenueOrder]:
            found: dict[str, VenueOrder] = {}
            for call in self._quirks.closed_calls:
                fetch = getattr(self._client, call)
                for row in await all_rows(fetch, pair, from_ms, self._quirks, narrow):
                    order = read_order(row, self._client.markets, self._quirks)
                    found[order.venue_order_id] = order
            return [one for one in found.values() if one.state in TERMINAL and one.updated_at_ms >= since_ms]

        return await self._call(f"the question for orders of {pair}", ask, Urgency.READ)

    async def trades(self, pair: str, since_ms: int) -> Sequence[VenueTrade]:
        """Give the account's executions on a pair since a venue time, oldest first."""
        await self._prepare()

        async def ask() -> list[VenueTrade]:
            found = {}
            for row in await all_rows(self._client.fetch_my_trades, pair, since_ms, self._quirks):
                trade = await self.trade_of(row)
                found[trade.venue_trade_id] = trade
            return sorted(found.values(), key=lambda one: one.traded_at_ms)

        return await self._call(f"the question for trades of {pair}", ask, Urgency.READ)

    async def trade_of(self, row: Any) -> VenueTrade:
        """Read an execution; a fee in a third asset is converted at that asset's price."""
        trade, asset, paid = read_trade(row, self._client.markets, self._quirks)
        if self._quirks.has_children:
            trade = await self._children.named(trade)
        base, quote = trade.pair.split("/")[0], trade.pair.split("/")[1]
        if not paid or asset in (base, quote):
            return trade
        return replace(trade, fee=paid * await self._price_in(asset, quote))

    async def balances(self) -> Mapping[str, Balance]:
        """Give what the account holds."""
        await self._prepare()

        async def ask() -> dict[str, Balance]:
            return read_balances(await self._client.fetch_balance(), self._quirks)

        return await self._call("the question for balances", ask, Urgency.READ)

    async def positions(self) -> Sequence[VenuePosition]:
        """Give none: these are spot accounts, whose holdings are balances."""
        return ()

    async def instruments(self) -> Mapping[str, Instrument]:
        """Give the trading rules by pair, fresh from the venue."""

        async def ask() -> dict[str, Instrument]:
            markets = await self._client.load_markets(True)
            found = {}
            for row in markets.values():
                try:
                    one = read_instrument(row, self.name)
                except Unreadable as strange:
                    # One odd market among thousands is left out; the others can be traded.
                    log.warning("market_unreadable", venue=self.name, problem=str(strange))
                    continue
                if one is not None:
                    found[one.pair] = one
            if not found:
                raise Unreadable("the list of markets has no spot pair in it")
            return found

        return await self._call("the question for markets", ask, Urgency.READ, most_bytes=MOST_MARKET_BYTES)

    async def last_price(self, pair: str) -> Decimal:
        """Give the price of the last trade; one outside the band is no answer.

        Raises:
            VenueBusy: also when the price is not believed.
        """
        await self._prepare()

        async def ask() -> Decimal:
            ticker = await self._client.fetch_ticker(pair)
            if ticker.get("symbol") != pair:
                raise Unreadable(f"the ticker of {ticker.get('symbol')!r} came for {pair}")
            return positive(ticker.get("last"), "last price")

        price = await self._call(f"the question for the price of {pair}", ask, Urgency.READ)
        if not self.band.take(pair, price):
            raise VenueBusy(
                f"{self.name} says that {pair} trades at {price}; {self.band.good(pair)} was the last good price.",
                hint="A move this large is believed when it is confirmed.",
            )
        return price

    async def evidence(self) -> AsyncIterator[Evidence]:
        """Follow orders and trades of the account; reconnects by itself."""
        await self._prepare()
        follow = look_again_and_again if self._quirks.account_look_s else account_stream.follow
        async with aclosing(follow(self, self._link)) as items:  # type: ignore[type-var]
            async for item in items:
                yield item

    async def clock_offset_ms(self) -> int:
        """Measure venue time minus our time: the median of three questions."""

        async def ask(doing: str, act: Callable[[], Awaitable[Any]]) -> Any:
            return await self._call(doing, act, Urgency.ORDER, is_signed=False)

        return await measured_offset_ms(self._link, ask)

    async def rights(self) -> KeyRights:
        """Say what the key may do.

        Raises:
            VenueBusy, VenueRefusal: the venue did not say.
        """
        await self._prepare()
        return await self._call(
            "the question for the key's rights", lambda: rights_of(self._client), Urgency.READ
        )

    async def close(self) -> None:
        """Let go of every connection."""
        await self._link.close()

    async def _prepare(self) -> None:
        """Load the markets and the clock once."""
        if self._client.markets:
            return
        async with self._preparing:
            if not self._client.markets:
                await self.clock_offset_ms()
                await self.instruments()

    async def _call(
        self,
        doing: str,
        act: Callable[[], Awaitable[T]],
        urgency: Urgency,
        *,
        is_write: bool = False,
        is_signed: bool = True,
        most_bytes: int = MOST_BYTES,
        until_s: float = math.inf,
    ) -> T:
        """Do one thing at the venue; whatever comes out is an answer or one of the three kinds of bad news."""
        given: dict[str, Any] = {"is_write": is_write, "most_bytes": most_bytes, "until_s": until_s}
        problem = await self._try(doing, act, urgency, **given)
        if isinstance(problem, _Answered):
            return problem.value  # type: ignore[no-any-return]
        if is_signed and isinstance(problem, VenueRefusal) and problem.reason is Refusal.CLOCK:
            # A refused timestamp is certain: nothing was accepted. Measure, sign again, once.
            with suppress(VenueBusy, VenueRefusal):
                await self.clock_offset_ms()
            problem = await self._try(doing, act, urgency, **given)
            if isinstance(problem, _Answered):
                return problem.value  # type: ignore[no-any-return]
        raise problem

    async def _try(
        self,
        doing: str,
        act: Callable[[], Awaitable[T]],
        urgency: Urgency,
        *,
        is_write: bool,
        most_bytes: int,
        until_s: float,
    ) -> _Answered | BreakwaterError:
        clock = self._link.clock
        with attempt(urgency, most_bytes=most_bytes, left_s=lambda: until_s - clock.monotonic()) as watched:
            try:
                async with asyncio.timeout(TIMEOUT_S + 2.0):
                    return _Answered(await act())
            except catchable() as problem:
                return sorted_problem(problem, watched, self._quirks, doing=doing, is_write=is_write)

    def _check_plausible(self, request: OrderRequest) -> None:
        for price in (request.price, request.stop_price, request.target_price):
            if price is not None and not self.band.allows_order_at(request.pair, price):
                raise VenueRefusal(
                    f"{request.pair}: an order at {price} was stopped; the last good price is "
                    f"{self.band.good(request.pair)}.",
                    reason=Refusal.FILTER,
                    hint="Check where the price came from.",
                )
        if request.pair not in self._client.markets:
            raise VenueRefusal(f"{self.name} has no pair '{request.pair}'.", reason=Refusal.OTHER)

    def _market(self, pair: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._client.markets[pair]
        return found

    async def _price_in(self, asset: str, quote: str) -> Decimal:
        """Give the price of a fee's asset; a pair that is not traded makes the fee unknown, never free."""
        pair = f"{asset}/{quote}"
        known = self._fee_prices.get(pair)
        now_s = self._link.clock.monotonic()
        if known is not None and now_s - known[0] < _FEE_PRICE_S:
            return known[1]
        if pair not in self._client.markets:
            raise Unreadable(f"a fee was paid in {asset}, and {pair} is not traded here")
        ticker = await self._client.fetch_ticker(pair)
        price = positive(ticker.get("last"), f"price of {pair}")
        self._fee_prices[pair] = (now_s, price)
        return price


class _Answered:
    """An answer, told apart from bad news."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value
