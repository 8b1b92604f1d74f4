"""OKX's REST shape: answers in `data` with a code of their own, stops in a list of their own that become other orders."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from aiohttp import web

from server.sim_exchange.orders import SimOrder, Trade
from server.sim_exchange.refusals import Refusal
from server.sim_exchange.symbols import plain
from tests.support.venue_faces.face import Asked, Face, json_answer

_PAGE = 100
_STATES = {
    "NEW": "live",
    "PARTIALLY_FILLED": "partially_filled",
    "FILLED": "filled",
    "CANCELED": "canceled",
    "EXPIRED": "canceled",
}
_CODES = {
    -2010: ("51008", "Order failed. Insufficient balance."),
    -1013: ("51020", "Your order should meet or exceed the minimum order amount."),
    -2011: ("51400", "Cancellation failed as the order has been filled, canceled or does not exist."),
    -2013: ("51603", "Order does not exist."),
    -1121: ("51001", "Instrument ID does not exist."),
    -1022: ("50113", "Invalid Sign"),
    -2015: ("50111", "Invalid OK-ACCESS-KEY"),
    -1003: (
        "50011",
        "Rate limit reached. Please refer to API documentation and throttle requests accordingly.",
    ),
}
#: Requests whose refusals stand beside each order.
_PER_ORDER = ("/api/v5/trade/",)


class Okx(Face):
    """OKX."""

    venue = "okx"
    placing = "POST /api/v5/trade/batch-orders"
    passphrase = "phrase"

    def answer(self, asked: Asked) -> Any:
        path = asked.path.removeprefix("/api/v5/")
        if not path.startswith(("public/", "market/")):
            self._check(asked)
        do: Callable[[Any], Any] = {
            "GET public/time": lambda a: [{"ts": str(self.now_ms)}],
            "GET public/instruments": lambda a: [_instrument(one) for one in self.symbols],
            "GET market/ticker": lambda a: [self._ticker(a.values["instId"])],
            "GET market/candles": lambda a: self._candles(a.values, most=300),
            "GET market/history-candles": lambda a: self._candles(a.values, most=100),
            "GET market/tickers": lambda a: [self._ticker(_inst(one.name)) for one in self.symbols],
            "POST trade/batch-orders": lambda a: [self._place(one) for one in a.data],
            "POST trade/order-algo": lambda a: [self._place_stop(a.data)],
            "POST trade/cancel-order": lambda a: [self._cancel(a.data)],
            "POST trade/cancel-algos": lambda a: [self._cancel_stop(one) for one in a.data],
            "GET trade/order": lambda a: [self._find(a.values)],
            "GET trade/order-algo": lambda a: [_stop_row(self._stop(a.values))],
            "GET trade/orders-pending": lambda a: self._pending(a.values),
            "GET trade/orders-algo-pending": self._stops_pending,
            "GET trade/orders-history": lambda a: self._history(a.values),
            "GET trade/fills-history": lambda a: self._fills(a.values),
            "GET account/balance": lambda a: [self._balances()],
        }[f"{asked.method} {path}"]
        return {"code": "0", "msg": "", "data": do(asked)}

    def refused(self, asked: Asked, refusal: Refusal) -> web.Response:
        code, words = _CODES.get(refusal.code, ("51000", refusal.message))
        if "trigger immediately" in refusal.message:
            code, words = "51280", "SL trigger price must be less than the last price."
        if code in ("50111", "50113"):
            return json_answer({"msg": words, "code": code}, status=401)
        if asked.method == "POST" and asked.path.startswith(_PER_ORDER):
            row = {"clOrdId": "", "ordId": "", "sCode": code, "sMsg": words, "tag": ""}
            return json_answer({"code": "1", "data": [row], "msg": "All operations failed"})
        return json_answer({"code": code, "data": [], "msg": words})

    def _check(self, asked: Asked) -> None:
        query = f"?{asked.query}" if asked.query else ""
        said = f"{asked.headers['OK-ACCESS-TIMESTAMP']}{asked.method}{asked.path}{query}{asked.text}"
        signed = base64.b64encode(hmac.new(self.secret.encode(), said.encode(), hashlib.sha256).digest())
        if asked.headers["OK-ACCESS-KEY"] != self.key:
            raise Refusal(-2015, "key")
        if (
            asked.headers["OK-ACCESS-SIGN"] != signed.decode()
            or asked.headers["OK-ACCESS-PASSPHRASE"] != self.passphrase
        ):
            raise Refusal(-1022, "signature")

    def _place(self, row: dict[str, str]) -> dict[str, str]:
        if len(row["clOrdId"]) > 32 or not row["clOrdId"].isalnum():
            raise Refusal(-1100, "Parameter clOrdId error")
        if row["tdMode"] != "cash" or row["tgtCcy"] != "base_ccy":
            raise Refusal(-1100, "Parameter tdMode error")
        order = self.place(
            client_id=row["clOrdId"],
            symbol=_name(row["instId"]),
            side=row["side"],
            kind={"market": "MARKET", "limit": "LIMIT"}[row["ordType"]],
            quantity=row["sz"],
            price=row.get("px", "0"),
        )
        return {
            "clOrdId": order.client_id,
            "ordId": str(order.number),
            "sCode": "0",
            "sMsg": "",
            "tag": "",
            "ts": str(self.now_ms),
        }

    def _place_stop(self, row: dict[str, str]) -> dict[str, str]:
        if row["slOrdPx"] != "-1" or row["ordType"] != "conditional":
            raise Refusal(-1100, "Parameter slOrdPx error")
        # Only algoClOrdId names a stop; clOrdId is passed over here.
        order = self.place(
            client_id=row.get("algoClOrdId", ""),
            symbol=_name(row["instId"]),
            side=row["side"],
            kind="STOP_LOSS",
            quantity=row["sz"],
            stop_price=row["slTriggerPx"],
        )
        return {
            "algoId": _algo(order),
            "algoClOrdId": order.client_id,
            "clOrdId": "",
            "sCode": "0",
            "sMsg": "",
            "tag": "",
        }

    def _cancel(self, row: dict[str, str]) -> dict[str, str]:
        order = self.order_named(row["clOrdId"]) if "clOrdId" in row else self._numbered(row["ordId"])
        if order.kind == "STOP_LOSS":
            raise Refusal(-2013, "a stop is no ordinary order")
        self.cancel(order)
        return {"clOrdId": order.client_id, "ordId": str(order.number), "sCode": "0", "sMsg": ""}

    def _cancel_stop(self, row: dict[str, str]) -> dict[str, str]:
        order = self._stop(row)
        self.cancel(order)
        return {"algoId": _algo(order), "algoClOrdId": order.client_id, "sCode": "0", "sMsg": ""}

    def _find(self, values: Any) -> dict[str, Any]:
        order = (
            self.order_named(values["clOrdId"]) if "clOrdId" in values else self._numbered(values["ordId"])
        )
        if order.kind == "STOP_LOSS" and ("clOrdId" in values or order.is_waiting):
            raise Refusal(-2013, "a stop is no ordinary order")
        if self.has_forgotten and not order.is_live:
            raise Refusal(-2013, "no such order any more")
        return _row(order)

    def _stop(self, values: Any) -> SimOrder:
        if "algoClOrdId" in values:
            order = self.order_named(values["algoClOrdId"])
        else:
            order = self._numbered(values["algoId"].removeprefix("9"))
        if order.kind != "STOP_LOSS":
            raise Refusal(-2013, "no such stop")
        return order

    def _numbered(self, text: str) -> SimOrder:
        return self.order_numbered(int(text))

    def _pending(self, values: Any) -> list[dict[str, Any]]:
        return [_row(one) for one in self._of(values) if one.is_live and not one.is_waiting]

    def _stops_pending(self, asked: Asked) -> list[dict[str, Any]]:
        assert asked.values["ordType"] == "conditional", "the kind of stop has to be named"
        return [_stop_row(one) for one in self._of(asked.values) if one.is_waiting and one.is_live]

    def _history(self, values: Any) -> list[dict[str, Any]]:
        began, end = int(values.get("begin", 0)), int(values.get("end", 1 << 60))
        rows = [
            _row(one)
            for one in self._of(values)
            if not one.is_live
            and (one.kind != "STOP_LOSS" or one.is_triggered)
            and _STATES[one.status] == values["state"]
            and began <= one.at_ms < end
        ]
        return rows[: int(values.get("limit", _PAGE))]

    def _fills(self, values: Any) -> list[dict[str, Any]]:
        began, end = int(values.get("begin", 0)), int(values.get("end", 1 << 60))
        orders = self.wallet.orders
        rows = [
            _fill(one, orders[one.order_number])
            for one in self.trades()
            if _inst(one.symbol) == values.get("instId", _inst(one.symbol)) and began <= one.at_ms < end
        ]
        return rows[: int(values.get("limit", _PAGE))]

    def _of(self, values: Any) -> list[SimOrder]:
        wanted = values.get("instId")
        return [one for one in self.shown() if wanted in (None, _inst(one.symbol))]

    def _ticker(self, inst: str) -> dict[str, str]:
        name = _name(inst)
        last = plain(self.house.exchange.price(name, self.now_ms))
        bid, ask = (plain(one) for one in self.house.exchange.quote(name, self.now_ms))
        return {
            "instType": "SPOT",
            "instId": inst,
            "last": last,
            "lastSz": "0.1",
            "askPx": ask,
            "askSz": "1",
            "bidPx": bid,
            "bidSz": "1",
            "open24h": last,
            "high24h": last,
            "low24h": last,
            "volCcy24h": "1000",
            "vol24h": "10",
            "ts": str(self.now_ms),
        }

    def _candles(self, values: Any, *, most: int) -> list[list[str]]:
        step_ms = {"1m": 60_000, "1H": 3_600_000, "1D": 86_400_000, "1Dutc": 86_400_000}[values["bar"]]
        after, before = int(values.get("after", 1 << 60)), int(values.get("before", 0))
        rows = self.bars(_name(values["instId"]), step_ms, before + 1, min(after, self.now_ms))
        newest = rows[::-1][: min(most, int(values.get("limit", 100)))]
        return [
            [
                str(int(one[0])),
                *(str(value) for value in one[1:6]),
                "1",
                "1",
                "1" if self._is_over(one, step_ms) else "0",
            ]
            for one in newest
        ]

    def _is_over(self, bar: list[float], step_ms: int) -> bool:
        return bar[0] + step_ms <= self.now_ms

    def _balances(self) -> dict[str, Any]:
        rows = [
            {
                "availBal": plain(self.wallet.free.get(one, 0)),  # type: ignore[arg-type]
                "availEq": "",
                "cashBal": plain(self.wallet.total(one)),
                "ccy": one,
                "eq": plain(self.wallet.total(one)),
                "frozenBal": plain(self.wallet.locked.get(one, 0)),  # type: ignore[arg-type]
                "ordFrozen": plain(self.wallet.locked.get(one, 0)),  # type: ignore[arg-type]
                "uTime": str(self.now_ms),
            }
            for one in sorted({*self.wallet.free, *self.wallet.locked})
        ]
        return {"adjEq": "", "details": rows, "totalEq": "1", "uTime": str(self.now_ms)}


def _instrument(symbol: Any) -> dict[str, Any]:
    return {
        "instType": "SPOT",
        "instId": _inst(symbol.name),
        "instFamily": "",
        "uly": "",
        "baseCcy": symbol.base,
        "quoteCcy": symbol.quote,
        "settleCcy": "",
        "lotSz": f"{symbol.step:f}",
        "tickSz": f"{symbol.tick:f}",
        "minSz": f"{symbol.min_quantity:f}",
        "maxLmtSz": "999999999",
        "maxMktSz": "1000000",
        "lever": "",
        "state": "live",
        "listTime": "1548133413000",
        "instIdCode": 1,
    }


def _inst(name: str) -> str:
    return f"{name.removesuffix('USDT')}-USDT"


def _name(inst: str) -> str:
    return inst.replace("-", "")


def _algo(order: SimOrder) -> str:
    return f"9{order.number}"


def _row(order: SimOrder) -> dict[str, Any]:
    is_child = order.kind == "STOP_LOSS"
    last = order.trades[-1] if order.trades else None
    return {
        "accFillSz": plain(order.filled),
        "algoClOrdId": order.client_id if is_child else "",
        "algoId": _algo(order) if is_child else "",
        "attachAlgoOrds": [],
        "avgPx": plain(order.paid / order.filled) if order.filled else "",
        "cTime": str(order.at_ms),
        "category": "normal",
        "ccy": "",
        "clOrdId": "" if is_child else order.client_id,
        "fee": plain(-sum(one.fee for one in order.trades)),  # type: ignore[arg-type]
        "feeCcy": last.fee_asset if last else "",
        "fillPx": plain(last.price) if last else "",
        "fillSz": plain(last.quantity) if last else "0",
        "fillTime": str(last.at_ms) if last else "",
        "instId": _inst(order.symbol),
        "instType": "SPOT",
        "lever": "",
        "ordId": str(order.number),
        "ordType": "limit" if order.kind == "LIMIT" else "market",
        "pnl": "0",
        "posSide": "net",
        "px": plain(order.price) if order.price else "",
        "reduceOnly": "false",
        "side": order.side.lower(),
        "slOrdPx": "",
        "slTriggerPx": "",
        "state": _STATES[order.status],
        "sz": plain(order.quantity),
        "tag": "",
        "tdMode": "cash",
        "tgtCcy": "base_ccy",
        "tpOrdPx": "",
        "tpTriggerPx": "",
        "tradeId": str(last.number) if last else "",
        "uTime": str(order.updated_ms),
    }


def _stop_row(order: SimOrder) -> dict[str, Any]:
    state = "effective" if order.is_triggered else "live" if order.is_live else "canceled"
    return {
        "algoClOrdId": order.client_id,
        "algoId": _algo(order),
        "actualPx": "",
        "actualSide": "sl" if order.is_triggered else "",
        "actualSz": plain(order.filled),
        "cTime": str(order.at_ms),
        "ccy": "",
        "clOrdId": "",
        "instId": _inst(order.symbol),
        "instType": "SPOT",
        "lever": "",
        "ordId": str(order.number) if order.is_triggered else "",
        "ordIdList": [str(order.number)] if order.is_triggered else [],
        "ordPx": "",
        "ordType": "conditional",
        "posSide": "net",
        "side": order.side.lower(),
        "slOrdPx": "-1",
        "slTriggerPx": plain(order.stop_price),
        "slTriggerPxType": "last",
        "state": state,
        "sz": plain(order.quantity),
        "tag": "",
        "tdMode": "cash",
        "tgtCcy": "",
        "tpOrdPx": "",
        "tpTriggerPx": "",
        "triggerPx": "",
        "triggerTime": str(order.updated_ms) if order.is_triggered else "",
        "uTime": str(order.updated_ms),
    }


def _fill(trade: Trade, order: SimOrder) -> dict[str, Any]:
    return {
        "side": "buy" if trade.is_buyer else "sell",
        "fillSz": plain(trade.quantity),
        "fillPx": plain(trade.price),
        "fee": plain(-trade.fee),
        "feeCcy": trade.fee_asset,
        "ordId": str(trade.order_number),
        "instType": "SPOT",
        "instId": _inst(trade.symbol),
        # The order that a stop becomes carries no id of ours here.
        "clOrdId": "" if order.kind == "STOP_LOSS" else order.client_id,
        "posSide": "net",
        "billId": str(trade.number * 10),
        "tag": "",
        "execType": "M" if trade.is_maker else "T",
        "tradeId": str(trade.number),
        "ts": str(trade.at_ms),
        "fillTime": str(trade.at_ms),
    }
