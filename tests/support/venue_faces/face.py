"""A stand-in that speaks one exchange's own REST shape over sockets, above the matching of the simulated exchange.

What is behind it is the same for all; how orders, lists and refusals look is the venue's, as its documentation and
ccxt's readers of it have them. Every request is checked as the venue checks it: signature, fields, forms.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, ClassVar

import orjson
from aiohttp import web

from desk.clock import SystemClock
from desk.secrets import Secret
from desk.settings import VenueSettings
from desk.venues.ccxt_venue import CcxtVenue
from desk.venues.client import open_link
from desk.venues.quirks import QUIRKS
from server.sim_exchange.app import BALANCES
from server.sim_exchange.house import SimHouse
from server.sim_exchange.ledger import Ledger
from server.sim_exchange.orders import SimOrder, Wallet
from server.sim_exchange.refusals import Refusal
from server.sim_exchange.requests import parameters
from server.sim_exchange.symbols import Symbol

_PAGE = "<html><body>We will be back soon.</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request.

    Attributes:
        values: query and form together.
        data: the body where it is JSON.
    """

    method: str
    path: str
    query: str
    text: str
    values: Mapping[str, str]
    data: Any
    headers: Mapping[str, str]


class Face(ABC):
    """One exchange's shape."""

    #: ccxt's name of the exchange.
    venue: ClassVar[str]
    #: Method and path of a placement.
    placing: ClassVar[str]
    #: Whether the venue keeps its fees from the money.
    fees_in_quote: ClassVar[bool] = False
    key: ClassVar[str] = "face-key"
    secret: ClassVar[str] = "face-secret"
    passphrase: ClassVar[str] = ""

    def __init__(self, house: SimHouse, wallet: Wallet) -> None:
        self.house, self.wallet = house, wallet
        #: Orders that ended are not told any more when they are asked for one by one.
        self.has_forgotten = False
        #: Nothing was traded from here to there: such bars are in no list.
        self.quiet: tuple[int, int] = (0, 0)

    @abstractmethod
    def answer(self, asked: Asked) -> Any:
        """Give the answer's body.

        Raises:
            Refusal: what the matching, or the face itself, says no with.
        """

    @abstractmethod
    def refused(self, asked: Asked, refusal: Refusal) -> web.Response:
        """Give a refusal as the venue writes it."""

    @staticmethod
    def trade_id(number: int) -> str:
        """Give the venue's id of an execution."""
        return str(number)

    @property
    def now_ms(self) -> int:
        """The venue's time."""
        return self.house.now_ms()

    @property
    def symbols(self) -> list[Symbol]:
        """What is traded."""
        return list(self.house.exchange.symbols.values())

    def place(
        self,
        *,
        client_id: str,
        symbol: str,
        side: str,
        kind: str,
        quantity: str,
        price: str = "0",
        stop_price: str = "0",
        time_in_force: str = "GTC",
    ) -> SimOrder:
        """Give an order to the matching."""
        for name, one in (("quantity", quantity), ("price", price), ("stop price", stop_price)):
            if "e" in one.lower():
                raise Refusal(-1100, f"{name} {one} is no plain number")
        order = SimOrder(
            number=self.house.exchange.next_order(),
            client_id=client_id,
            symbol=symbol,
            side=side.upper(),
            kind=kind,
            quantity=Decimal(quantity),
            price=Decimal(price),
            stop_price=Decimal(stop_price),
            time_in_force=time_in_force,
            at_ms=self.now_ms,
            visible_from_ms=self.now_ms + self.house.exchange.rules.history_delay_ms,
        )
        return self.house.exchange.place(self.wallet, order, self.now_ms)

    def shown(self) -> list[SimOrder]:
        """Give what lists show, newest first, as these venues have them."""
        return list(reversed(self.house.exchange.shown(self.wallet, None, self.now_ms)))

    def trades(self) -> list[Any]:
        """Give the executions that lists show, newest first."""
        shown = {one.number for one in self.shown()}
        return [one for one in reversed(self.wallet.trades) if one.order_number in shown]

    def order_numbered(self, number: int) -> SimOrder:
        """Give an order by its number.

        Raises:
            Refusal: there is none.
        """
        if number not in self.wallet.orders:
            raise Refusal(-2013, "no such order")
        return self.wallet.orders[number]

    def order_named(self, client_id: str) -> SimOrder:
        """Give the newest order with a client id.

        Raises:
            Refusal: there is none.
        """
        for one in self.shown():
            if one.client_id == client_id:
                return one
        raise Refusal(-2013, "no such order")

    def bars(self, symbol: str, step_ms: int, from_ms: int, to_ms: int) -> list[list[float]]:
        """Give [time, open, high, low, close, volume] of what opens in [from, to), oldest first."""
        start = -(-from_ms // step_ms) * step_ms
        end = min(to_ms, self.now_ms)
        stop = start + max(0, -(-(end - start) // step_ms)) * step_ms
        rows = self.house.exchange.tapes[symbol].bars(start, stop, step_ms).tolist()
        found = [[at, *row] for at, row in zip(range(start, stop, step_ms), rows, strict=True)]
        return [one for one in found if not self.quiet[0] <= one[0] < self.quiet[1]]

    def cancel(self, order: SimOrder) -> None:
        """Cancel an order."""
        self.house.exchange.cancel(self.wallet, order, self.now_ms)


@dataclass(slots=True)
class FaceVenue:
    """An adapter and the exchange's shape that it talks to."""

    venue: CcxtVenue
    face: Face
    house: SimHouse
    #: Method and path of every request, in order.
    asked: list[str] = field(default_factory=list)

    def fault(self, kind: str, on: str = "POST", **values: Any) -> None:
        """Let something go wrong with the next request that begins so: drop_after, drop_before, html, truncate."""
        from server.sim_exchange.faults import fault_of

        self.house.faults.add(fault_of({"kind": kind, "on": on, **values}))

    def price(self, name: str, price: str) -> None:
        """Move a price."""
        self.house.exchange.tapes[name].move_to(Decimal(price), self.house.now_ms())
        self.house.exchange.tick(self.house.now_ms())

    def orders_at_venue(self, client_order_id: str) -> int:
        """Count the orders that the matching has with an id."""
        ours = QUIRKS[self.face.venue].from_wire
        return sum(ours(one.client_id) == client_order_id for one in self.face.wallet.orders.values())


@asynccontextmanager
async def a_face(
    kind: type[Face],
    *,
    look_s: float = 0.15,
    balances: Mapping[str, Decimal] = BALANCES,
    visibility_delay_s: float = 30.0,
) -> AsyncIterator[FaceVenue]:
    """Open an exchange in its own shape, and the adapter at it."""
    house = SimHouse(clock=SystemClock(), ledger=Ledger(None), volatility=0)
    wallet = house.exchange.open_wallet(kind.key, kind.secret, balances, house.now_ms())
    house.exchange.rules.fees_in_quote = kind.fees_in_quote
    face = kind(house, wallet)
    asked: list[str] = []
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _door(face, asked))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    address = VenueSettings(
        base_url=f"http://{host}:{port}",
        api_key=Secret(kind.key),
        api_secret=Secret(kind.secret),
        api_passphrase=Secret(kind.passphrase),
    )
    # The same table as in service, only faster: budget and rhythm do not change what is said.
    row = QUIRKS[kind.venue]
    rules = replace(row.rules, visibility_delay_s=visibility_delay_s)
    quirks = replace(row, rules=rules, account_look_s=look_s, per_s=10_000.0, burst=10_000.0)
    venue = CcxtVenue(open_link(quirks, address, SystemClock()))
    try:
        yield FaceVenue(venue=venue, face=face, house=house, asked=asked)
    finally:
        await venue.close()
        await runner.cleanup()


def _door(face: Face, told: list[str]) -> Any:
    async def answer(request: web.Request) -> web.StreamResponse:
        text = await request.text()
        asked = Asked(
            method=request.method,
            path=request.path,
            query=request.rel_url.raw_query_string,
            text=text,
            values=parameters("&".join(one for one in (request.query_string, _form(text)) if one)),
            data=orjson.loads(text) if text[:1] in ("{", "[") else None,
            headers=request.headers,
        )
        told.append(f"{request.method} {request.path}")
        fault = face.house.faults.strike(request.method, request.path)
        kind = fault.kind if fault else ""
        if kind == "drop_before":
            return _cut(request)
        if kind == "html":
            return web.Response(text=_PAGE, content_type="text/html")
        try:
            body = orjson.dumps(face.answer(asked))
        except Refusal as refusal:
            return face.refused(asked, refusal)
        if kind == "drop_after":
            return _cut(request)
        return web.Response(
            body=body[: len(body) // 2] if kind == "truncate" else body, content_type="application/json"
        )

    return answer


def _form(text: str) -> str:
    return "" if text[:1] in ("{", "[") else text


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def json_answer(body: Any, status: int = 200) -> web.Response:
    """Give a JSON answer."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
