"""The websockets of the simulated exchange: market streams, user streams and the websocket API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import orjson
from aiohttp import WSMsgType, web

from server.sim_exchange import market_pages
from server.sim_exchange.house import Listening, SimHouse
from server.sim_exchange.refusals import Refusal
from server.sim_exchange.requests import known_key, signer
from server.sim_exchange.rest import SIGNED
from server.sim_exchange.symbols import plain
from trading.errors import InvalidInput
from trading.timeframes import Timeframe

#: A socket that lags this far behind is ended.
_MOST_WAITING = 20_000
#: Market streams speak this often.
PULSE_S = 0.25

_SOCKET_ROUTES = {
    "order.place": "POST /api/v3/order",
    "order.status": "GET /api/v3/order",
    "order.cancel": "DELETE /api/v3/order",
    "openOrders.status": "GET /api/v3/openOrders",
    "myTrades": "GET /api/v3/myTrades",
    "account.status": "GET /api/v3/account",
}


class SocketDoor:
    """Serves sockets until they end."""

    def __init__(self, house: SimHouse) -> None:
        self._house = house
        self._subscriptions = 0

    async def market(self, request: web.Request) -> web.WebSocketResponse:
        """Serve `/ws/…` and `/stream`: streams by name, or the user stream of a listen key."""
        listening = Listening(queue=asyncio.Queue(_MOST_WAITING))
        tail = request.match_info.get("tail", "")
        if tail in self._house.listen_keys:
            listening.key = self._house.listen_keys[tail]
        named = [
            one for one in (*tail.split("/"), *request.query.get("streams", "").split("/")) if "@" in one
        ]
        listening.streams |= set(named)
        listening.is_combined = request.path.startswith("/stream")
        return await self._serve(request, listening, self._market_message)

    async def api(self, request: web.Request) -> web.WebSocketResponse:
        """Serve the websocket API."""
        return await self._serve(request, Listening(queue=asyncio.Queue(_MOST_WAITING)), self._api_message)

    async def _serve(self, request: web.Request, listening: Listening, handle: Any) -> web.WebSocketResponse:
        house = self._house
        if house.now_ms() < house.faults.refused_until_ms or house.faults.is_in_maintenance:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(compress=False, max_msg_size=1 << 20)
        await socket.prepare(request)
        house.sockets.add(listening)
        tasks = [
            asyncio.create_task(self._send(socket, listening)),
            asyncio.create_task(self._pulse(listening)),
        ]
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    listening.queue.put_nowait(handle(listening, message.data))
        finally:
            house.sockets.discard(listening)
            for task in tasks:
                task.cancel()
        return socket

    async def _send(self, socket: web.WebSocketResponse, listening: Listening) -> None:
        while True:
            message = await listening.queue.get()
            if message is None:
                if socket._req is not None and socket._req.transport is not None:
                    socket._req.transport.abort()
                return
            text = message if isinstance(message, str) else orjson.dumps(message).decode()
            with suppress(ConnectionError):
                await socket.send_str(text)

    async def _pulse(self, listening: Listening) -> None:
        """Send what the subscribed streams have to say, until the socket ends."""
        house = self._house
        before_ms = house.now_ms()
        while True:
            await house.clock.sleep(PULSE_S)
            now_ms = house.now_ms()
            if listening.streams and now_ms >= house.faults.stalled_until_ms:
                for stream in sorted(listening.streams):
                    for event in stream_events(house, stream, before_ms, now_ms):
                        for _ in range(house.faults.event_copies):
                            listening.queue.put_nowait(
                                {"stream": stream, "data": event} if listening.is_combined else event
                            )
            before_ms = now_ms

    def _market_message(self, listening: Listening, text: str) -> dict[str, Any]:
        asked = _decoded(text)
        names = [str(one) for one in asked.get("params", [])]
        if asked.get("method") == "SUBSCRIBE":
            listening.streams |= set(names)
        elif asked.get("method") == "UNSUBSCRIBE":
            listening.streams -= set(names)
        return {"result": None, "id": asked.get("id")}

    def _api_message(self, listening: Listening, text: str) -> dict[str, Any]:
        asked = _decoded(text)
        values = {name: str(value) for name, value in dict(asked.get("params") or {}).items()}
        try:
            result = self._api_result(listening, str(asked.get("method")), values)
        except Refusal as refusal:
            error = {"code": refusal.code, "msg": refusal.message}
            return {"id": asked.get("id"), "status": refusal.status, "error": error}
        return {"id": asked.get("id"), "status": 200, "result": result, "rateLimits": []}

    def _api_result(self, listening: Listening, method: str, values: Mapping[str, str]) -> Any:
        house = self._house
        if method in ("ping", "time"):
            return {} if method == "ping" else {"serverTime": house.now_ms()}
        if method == "userDataStream.subscribe" or method.startswith("userDataStream.subscribe."):
            wallet = self._signed(values)
            self._subscriptions += 1
            listening.key, listening.wrap = wallet.key, self._subscriptions
            return {"subscriptionId": listening.wrap}
        if method not in _SOCKET_ROUTES:
            raise Refusal(-1000, f"Unknown method '{method}'.")
        wallet = self._signed(values)
        route = _SOCKET_ROUTES[method]
        if not route.startswith("GET"):
            house.exchange.ledger.write(
                "request", house.now_ms(), route=route, key=wallet.key, values=dict(values)
            )
        return SIGNED[route](house, wallet, values)

    def _signed(self, values: Mapping[str, str]) -> Any:
        key = values.get("apiKey", "")
        known_key(self._house, key)
        # The websocket API signs the parameters in the order of their names.
        signed = sorted((name, value) for name, value in values.items() if name != "signature")
        return signer(self._house, key, f"{urlencode(signed)}&signature={values.get('signature', '')}")


def stream_events(house: SimHouse, stream: str, before_ms: int, now_ms: int) -> list[dict[str, Any]]:
    """Give the events of one market stream between two moments; an unknown stream is silent."""
    lower, _, channel = stream.partition("@")
    name = lower.upper()
    if name not in house.exchange.symbols or house.exchange.symbols[name].status != "TRADING":
        return []
    if channel.startswith("kline_"):
        return _kline_events(house, name, channel.removeprefix("kline_"), before_ms, now_ms)
    if channel in ("trade", "aggTrade"):
        return [
            _trade_event(house, name, second, channel)
            for second in range(before_ms // 1000 + 1, now_ms // 1000 + 1)
        ]
    if before_ms // 1000 == now_ms // 1000:
        return []
    if channel in ("ticker", "miniTicker"):
        return [_ticker_event(house, name, now_ms)]
    if channel == "bookTicker":
        bid, ask = house.exchange.quote(name, now_ms)
        return [{"u": now_ms, "s": name, "b": plain(bid), "B": "5.0", "a": plain(ask), "A": "5.0"}]
    return []


def _kline_events(
    house: SimHouse, name: str, interval: str, before_ms: int, now_ms: int
) -> list[dict[str, Any]]:
    try:
        step = Timeframe.parse(interval)
    except InvalidInput:
        return []
    events = []
    first, last = step.floor(before_ms), step.floor(now_ms)
    rows = house.exchange.tapes[name].bars(first, last + step.ms, step.ms).tolist()
    for at_ms, row in zip(range(first, last + 1, step.ms), rows, strict=True):
        is_closed = at_ms + step.ms <= now_ms
        # The forming bar is told once a second, a closed one as soon as it closed.
        if is_closed or before_ms // 1000 != now_ms // 1000:
            bar = market_pages.kline(house, name, step, at_ms, now_ms, row)
            events.append(_kline_event(name, interval, bar, is_closed=is_closed, now_ms=now_ms))
    return events


def _kline_event(name: str, interval: str, bar: list[Any], *, is_closed: bool, now_ms: int) -> dict[str, Any]:
    kline = {
        "t": bar[0],
        "T": bar[6],
        "s": name,
        "i": interval,
        "f": bar[0] // 1000,
        "L": bar[6] // 1000,
        "o": bar[1],
        "c": bar[4],
        "h": bar[2],
        "l": bar[3],
        "v": bar[5],
        "n": bar[8],
        "x": is_closed,
        "q": bar[7],
        "V": bar[9],
        "Q": bar[10],
        "B": "0",
    }
    return {"e": "kline", "E": now_ms, "s": name, "k": kline}


def _trade_event(house: SimHouse, name: str, second: int, channel: str) -> dict[str, Any]:
    one = market_pages.trade(house, name, second)
    number = {"t": one["id"]} if channel == "trade" else {"a": one["id"], "f": one["id"], "l": one["id"]}
    return {
        "e": channel,
        "E": one["time"],
        "s": name,
        **number,
        "p": one["price"],
        "q": one["qty"],
        "T": one["time"],
        "m": one["isBuyerMaker"],
        "M": True,
    }


def _ticker_event(house: SimHouse, name: str, now_ms: int) -> dict[str, Any]:
    page = market_pages.ticker_24h(house, name)
    letters = {
        "p": "priceChange",
        "P": "priceChangePercent",
        "w": "weightedAvgPrice",
        "x": "prevClosePrice",
        "c": "lastPrice",
        "Q": "lastQty",
        "b": "bidPrice",
        "B": "bidQty",
        "a": "askPrice",
        "A": "askQty",
        "o": "openPrice",
        "h": "highPrice",
        "l": "lowPrice",
        "v": "volume",
        "q": "quoteVolume",
        "O": "openTime",
        "C": "closeTime",
        "F": "firstId",
        "L": "lastId",
        "n": "count",
    }
    return {"e": "24hrTicker", "E": now_ms, "s": name, **{k: page[v] for k, v in letters.items()}}


def _decoded(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
