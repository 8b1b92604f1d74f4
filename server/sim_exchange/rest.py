"""The REST door of the simulated exchange, where faults strike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from aiohttp import web

from server.sim_exchange import account_pages, market_pages
from server.sim_exchange.faults import Fault
from server.sim_exchange.house import SimHouse
from server.sim_exchange.orders import Wallet
from server.sim_exchange.refusals import Refusal
from server.sim_exchange.requests import known_key, parameters, signer

Public = Callable[[SimHouse, Mapping[str, str]], Any]
Signed = Callable[[SimHouse, Wallet, Mapping[str, str]], Any]

PUBLIC: Mapping[str, Public] = {
    "GET /api/v3/ping": lambda house, values: {},
    "GET /api/v3/time": lambda house, values: {"serverTime": house.now_ms()},
    "GET /api/v3/exchangeInfo": market_pages.exchange_info,
    "GET /api/v3/klines": market_pages.klines,
    "GET /api/v3/trades": market_pages.trades,
    "GET /api/v3/depth": market_pages.depth,
    "GET /api/v3/ticker/24hr": lambda h, v: market_pages.per_symbol(h, v, market_pages.ticker_24h),
    "GET /api/v3/ticker/price": lambda h, v: market_pages.per_symbol(h, v, market_pages.ticker_price),
    "GET /api/v3/ticker/bookTicker": lambda h, v: market_pages.per_symbol(h, v, market_pages.book_ticker),
}

SIGNED: Mapping[str, Signed] = {
    "POST /api/v3/order": account_pages.place,
    "GET /api/v3/order": account_pages.query,
    "DELETE /api/v3/order": account_pages.cancel,
    "POST /api/v3/orderList/oco": account_pages.place_pair,
    "GET /api/v3/openOrders": account_pages.open_orders,
    "DELETE /api/v3/openOrders": account_pages.cancel_all,
    "GET /api/v3/allOrders": account_pages.all_orders,
    "GET /api/v3/myTrades": account_pages.my_trades,
    "GET /api/v3/account": account_pages.account,
    "GET /sapi/v1/account/apiRestrictions": account_pages.key_rights,
}

_PAGE = "<html><head><title>Attention Required!</title></head><body>Checking your browser…</body></html>"


def carry_out(house: SimHouse, route: str, key: str, raw: str) -> Any:
    """Do what a request asks and give the answer.

    Raises:
        Refusal: what the venue says no with.
    """
    if route in PUBLIC:
        return PUBLIC[route](house, parameters(raw))
    if route.endswith("/api/v3/userDataStream"):
        wallet = known_key(house, key)
        listen_key = f"listen-{wallet.key}"
        house.listen_keys[listen_key] = wallet.key
        return {"listenKey": listen_key} if route.startswith("POST") else {}
    if route not in SIGNED:
        raise Refusal(-1000, f"No such page: {route}.", status=404)
    wallet = signer(house, key, raw)
    values = parameters(raw)
    if not route.startswith("GET"):
        told = {name: value for name, value in values.items() if name != "signature"}
        house.exchange.ledger.write("request", house.now_ms(), route=route, key=wallet.key, values=told)
    return SIGNED[route](house, wallet, values)


class RestDoor:
    """Answers requests, or does not."""

    def __init__(self, house: SimHouse) -> None:
        self._house = house

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        house, path = self._house, request.path
        house.requests += 1
        raw = "&".join(one for one in (request.query_string, await request.text()) if one)
        route = f"{request.method} {path}"
        if (shut := self._shut()) is not None:
            return shut
        fault = house.faults.strike(request.method, path)
        if fault is not None and (spoilt := self._instead(request, fault, route, raw)) is not None:
            return spoilt
        answer = self._answer(route, request.headers.get("X-MBX-APIKEY", ""), raw)
        return answer if fault is None else await self._spoil(request, fault, answer)

    def _answer(self, route: str, key: str, raw: str) -> web.Response:
        try:
            found = carry_out(self._house, route, key, raw)
        except Refusal as refusal:
            return _refused(refusal)
        except ValueError:
            return _refused(Refusal(-1100, "Illegal characters found in a parameter."))
        return _json(found)

    def _shut(self) -> web.Response | None:
        faults, now_ms = self._house.faults, self._house.now_ms()
        if faults.is_in_maintenance:
            return web.Response(status=503, text=_PAGE, content_type="text/html")
        if now_ms < faults.banned_until_ms:
            return _refused(_ban(faults.banned_until_ms - now_ms))
        return None

    def _instead(self, request: web.Request, fault: Fault, route: str, raw: str) -> web.Response | None:
        """Give what is said without carrying the request out; None where it is carried out."""
        match fault.kind:
            case "drop_before":
                return _cut(request)
            case "late":
                return self._carry_out_later(request, fault.seconds, route, raw)
            case "error":
                return _refused(Refusal(fault.code, fault.message, status=fault.status or 400))
            case "rate_limit":
                wait = {"Retry-After": f"{fault.seconds:g}"}
                return _refused(Refusal(-1003, "Too much request weight used.", status=429, headers=wait))
            case "ban":
                self._house.faults.banned_until_ms = self._house.now_ms() + round(fault.seconds * 1000)
                return _refused(_ban(round(fault.seconds * 1000)))
            case "html":
                return web.Response(text=_PAGE, content_type="text/html")
            case "page":
                return web.Response(status=fault.status or 502, text=_PAGE, content_type="text/html")
            case "huge":
                return web.Response(
                    body=b'{"pad":"' + b"x" * fault.bytes + b'"}', content_type="application/json"
                )
            case _:
                return None

    def _carry_out_later(self, request: web.Request, seconds: float, route: str, raw: str) -> web.Response:
        house = self._house
        try:
            # A venue that is slow checks signature and time when the request comes in.
            wallet = signer(house, request.headers.get("X-MBX-APIKEY", ""), raw)
        except Refusal as refusal:
            return _refused(refusal)
        task = asyncio.create_task(self._later(seconds, route, wallet, parameters(raw)))
        house.late.add(task)
        task.add_done_callback(house.late.discard)
        return _cut(request)

    async def _later(self, seconds: float, route: str, wallet: Wallet, values: Mapping[str, str]) -> None:
        house = self._house
        await house.clock.sleep(seconds)
        told = {name: value for name, value in values.items() if name != "signature"}
        house.exchange.ledger.write("request", house.now_ms(), route=route, key=wallet.key, values=told)
        try:
            SIGNED[route](house, wallet, values)
        except Refusal as refusal:
            house.exchange.ledger.write("late_refused", house.now_ms(), code=refusal.code, key=wallet.key)

    async def _spoil(self, request: web.Request, fault: Fault, answer: web.Response) -> web.StreamResponse:
        match fault.kind:
            case "drop_after":
                return _cut(request)
            case "hang":
                await self._house.clock.sleep(fault.seconds)
            case "truncate":
                body = answer.body if isinstance(answer.body, bytes) else b""
                return web.Response(body=body[: len(body) // 2], content_type="application/json")
            case "duplicate_answer":
                body = answer.body if isinstance(answer.body, bytes) else b""
                head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                if request.transport is not None:
                    request.transport.write(head.encode() + body)
        return answer


def _cut(request: web.Request) -> web.Response:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _json(found: Any) -> web.Response:
    return web.Response(body=orjson.dumps(found), content_type="application/json")


def _refused(refusal: Refusal) -> web.Response:
    return web.Response(
        status=refusal.status,
        body=orjson.dumps({"code": refusal.code, "msg": refusal.message}),
        content_type="application/json",
        headers=refusal.headers,
    )


def _ban(left_ms: int) -> Refusal:
    seconds = -(-left_ms // 1000)
    return Refusal(
        -1003,
        f"Way too much request weight used; IP banned for {seconds} s.",
        status=418,
        headers={"Retry-After": str(seconds)},
    )
