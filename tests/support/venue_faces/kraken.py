"""Kraken's REST shape: forms signed with SHA-512, errors in a list beside status 200, lists of all pairs by offset."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from aiohttp import web

from server.sim_exchange.orders import SimOrder, Trade
from server.sim_exchange.refusals import Refusal
from tests.support.venue_faces.face import Asked, Face, json_answer

_PAGE = 50
_STATES = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "closed",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
}
_WORDS = {
    -2010: "EOrder:Insufficient funds",
    -1013: "EOrder:Invalid price",
    -2011: "EOrder:Unknown order",
    -2013: "EOrder:Unknown order",
    -1121: "EQuery:Unknown asset pair",
    -1022: "EAPI:Invalid signature",
    -2015: "EAPI:Invalid key",
    -1021: "EAPI:Invalid nonce",
    -1003: "EOrder:Rate limit exceeded",
}


class Kraken(Face):
    """Kraken."""

    venue = "kraken"
    placing = "POST /0/private/AddOrder"
    fees_in_quote = True
    secret = base64.b64encode(b"a secret of this test").decode()
    _nonce = 0

    @staticmethod
    def trade_id(number: int) -> str:
        return f"T{number}-AAAAA-BBBBBB"

    def answer(self, asked: Asked) -> Any:
        path = asked.path.removeprefix("/0/")
        if path.startswith("private/"):
            self._check(asked)
        do: Callable[[Any], Any] = {
            "public/Time": lambda v: {"unixtime": self.now_ms // 1000},
            "public/AssetPairs": lambda v: {_id(one.name): self._pair(one) for one in self.symbols},
            "public/Ticker": self._ticker,
            "public/OHLC": self._candles,
            "private/AddOrder": self._add,
            "private/CancelOrder": self._cancel,
            "private/OpenOrders": self._open,
            "private/ClosedOrders": self._closed,
            "private/TradesHistory": self._trades,
            "private/BalanceEx": lambda v: self._balances(),
        }[path]
        return {"error": [], "result": do(asked.values)}

    def refused(self, asked: Asked, refusal: Refusal) -> web.Response:
        words = _WORDS.get(refusal.code, f"EGeneral:Invalid arguments:{refusal.message}")
        if "Filter failure: NOTIONAL" in refusal.message:
            words = "EOrder:Cost minimum not met"
        return json_answer({"error": [words]})

    def _check(self, asked: Asked) -> None:
        nonce = asked.values.get("nonce", "")
        inner = hashlib.sha256((nonce + asked.text).encode()).digest()
        signed = hmac.new(base64.b64decode(self.secret), asked.path.encode() + inner, hashlib.sha512).digest()
        if asked.headers.get("API-Key") != self.key:
            raise Refusal(-2015, "key")
        if asked.headers.get("API-Sign") != base64.b64encode(signed).decode():
            raise Refusal(-1022, "signature")
        if int(nonce) <= self._nonce:
            raise Refusal(-1021, "nonce")
        self._nonce = int(nonce)

    def _pair(self, symbol: Any) -> dict[str, Any]:
        places = -symbol.tick.normalize().as_tuple().exponent
        return {
            "altname": _altname(symbol.name),
            "wsname": f"{_altname(symbol.base)}/{symbol.quote}",
            "aclass_base": "currency",
            "base": "XXBT" if symbol.base == "BTC" else symbol.base,
            "aclass_quote": "currency",
            "quote": symbol.quote,
            "pair_decimals": places,
            "lot_decimals": -symbol.step.normalize().as_tuple().exponent,
            "lot_multiplier": 1,
            "leverage_buy": [],
            "leverage_sell": [],
            "fees": [[0, 0.26]],
            "fees_maker": [[0, 0.16]],
            "fee_volume_currency": "ZUSD",
            "ordermin": str(symbol.min_quantity),
            "costmin": str(symbol.min_notional),
            "tick_size": str(symbol.tick),
            "status": "online",
        }

    def _ticker(self, values: Any) -> dict[str, Any]:
        if "pair" not in values:
            return {_id(one.name): self._ticker({"pair": one.name})[_id(one.name)] for one in self.symbols}
        name = _name(values["pair"])
        last = str(self.house.exchange.price(name, self.now_ms))
        bid, ask = (str(one) for one in self.house.exchange.quote(name, self.now_ms))
        row = {
            "a": [ask, "1", "1.000"],
            "b": [bid, "1", "1.000"],
            "c": [last, "0.1"],
            "v": ["10", "20"],
            "p": [last, last],
            "t": [10, 20],
            "l": [last, last],
            "h": [last, last],
            "o": last,
        }
        return {_id(name): row}

    def _candles(self, values: Any) -> dict[str, Any]:
        step_ms = int(values["interval"]) * 60_000
        name = _name(values["pair"])
        # However far back it was asked for: the newest 720.
        rows = self.bars(name, step_ms, self.now_ms - 721 * step_ms, self.now_ms)[-720:]
        since_ms = int(float(values.get("since", 0))) * 1000
        told = [
            [one[0] // 1000, *(str(value) for value in one[1:5]), str(one[4]), str(one[5]), 7]
            for one in rows
            if one[0] > since_ms
        ]
        return {_id(name): told, "last": int(rows[-1][0] // 1000)}

    def _add(self, values: Any) -> dict[str, Any]:
        kinds = {"market": "MARKET", "limit": "LIMIT", "stop-loss": "STOP_LOSS"}
        if values["ordertype"] not in kinds:
            raise Refusal(-1116, "ordertype")
        is_stop = values["ordertype"] == "stop-loss"
        if len(values.get("cl_ord_id", "")) not in (0, 32, 36):
            raise Refusal(-1100, "cl_ord_id")
        order = self.place(
            client_id=values.get("cl_ord_id", ""),
            symbol=_name(values["pair"]),
            side=values["type"],
            kind=kinds[values["ordertype"]],
            quantity=values["volume"],
            price="0" if is_stop or values["ordertype"] == "market" else values["price"],
            stop_price=values["price"] if is_stop else "0",
        )
        return {"txid": [_txid(order.number)], "descr": {"order": _told(order)}}

    def _cancel(self, values: Any) -> dict[str, Any]:
        if "cl_ord_id" in values:
            self.cancel(self.order_named(values["cl_ord_id"]))
        else:
            self.cancel(self.order_numbered(int(values["txid"][1:6])))
        return {"count": 1}

    def _open(self, values: Any) -> dict[str, Any]:
        rows = [one for one in self._listed(values) if one.is_live]
        return {"open": {_txid(one.number): _row(one) for one in rows}}

    def _closed(self, values: Any) -> dict[str, Any]:
        start_ms = float(values.get("start", 0)) * 1000
        rows = [
            one
            for one in self._listed(values)
            if not one.is_live and (one.at_ms >= start_ms or one.updated_ms >= start_ms)
        ]
        page = rows[int(values.get("ofs", 0)) :][:_PAGE]
        return {"closed": {_txid(one.number): _row(one) for one in page}, "count": len(rows)}

    def _listed(self, values: Any) -> list[SimOrder]:
        wanted = values.get("cl_ord_id")
        return [one for one in self.shown() if wanted in (None, one.client_id)]

    def _trades(self, values: Any) -> dict[str, Any]:
        start_ms = float(values.get("start", 0)) * 1000
        rows = [one for one in self.trades() if one.at_ms >= start_ms]
        page = rows[int(values.get("ofs", 0)) :][:_PAGE]
        return {"trades": {self.trade_id(one.number): _trade(one) for one in page}, "count": len(rows)}

    def _balances(self) -> dict[str, Any]:
        assets = {*self.wallet.free, *self.wallet.locked}
        return {
            ("XXBT" if one == "BTC" else one): {
                "balance": str(self.wallet.total(one)),
                "hold_trade": str(self.wallet.locked.get(one, 0)),
            }
            for one in sorted(assets)
        }


def _altname(name: str) -> str:
    return name.replace("BTC", "XBT")


def _id(name: str) -> str:
    return _altname(name)


def _name(pair: str) -> str:
    return pair.replace("XBT", "BTC").replace("/", "")


def _txid(number: int) -> str:
    return f"O{number:05d}-AAAAA-BBBBBB"


def _told(order: SimOrder) -> str:
    kind = {"MARKET": "market", "LIMIT": f"limit {order.price}"}.get(
        order.kind, f"stop loss {order.stop_price}"
    )
    return f"{order.side.lower()} {order.quantity} {_altname(order.symbol)} @ {kind}"


def _row(order: SimOrder) -> dict[str, Any]:
    is_stop = order.kind == "STOP_LOSS"
    kind = {"MARKET": "market", "LIMIT": "limit", "STOP_LOSS": "stop-loss"}[order.kind]
    row = {
        "refid": None,
        "userref": 0,
        "cl_ord_id": order.client_id,
        "status": _STATES[order.status],
        "opentm": order.at_ms / 1000,
        "starttm": 0,
        "expiretm": 0,
        "descr": {
            "pair": _altname(order.symbol),
            "type": order.side.lower(),
            "ordertype": kind,
            "price": str(order.stop_price if is_stop else order.price),
            "price2": "0",
            "leverage": "none",
            "order": _told(order),
            "close": "",
        },
        "vol": str(order.quantity),
        "vol_exec": str(order.filled),
        "cost": str(order.paid),
        "fee": str(sum(one.fee for one in order.trades)),
        "price": str(order.paid / order.filled) if order.filled else "0.00000",
        "stopprice": "0.00000",
        "limitprice": "0.00000",
        "misc": "",
        "oflags": "fciq",
    }
    if not order.is_live:
        row |= {"reason": None, "closetm": order.updated_ms / 1000}
    return row


def _trade(trade: Trade) -> dict[str, Any]:
    return {
        "ordertxid": _txid(trade.order_number),
        "postxid": "TKH2SE-M7IF5-CFI7LT",
        "pair": _altname(trade.symbol),
        "time": trade.at_ms / 1000,
        "type": "buy" if trade.is_buyer else "sell",
        "ordertype": "market",
        "price": str(trade.price),
        "cost": str(trade.price * trade.quantity),
        "fee": str(trade.fee),
        "vol": str(trade.quantity),
        "margin": "0.00000",
        "misc": "",
        "trade_id": trade.number,
        "maker": trade.is_maker,
    }
