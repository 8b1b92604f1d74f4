"""Coinbase's Advanced Trade shape: bearer tokens signed with ES256, order configurations, lists under their names."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server.sim_exchange.orders import SimOrder, Trade
from server.sim_exchange.refusals import Refusal
from server.sim_exchange.symbols import plain
from tests.support.venue_faces.face import Asked, Face, json_answer

_KEY = ec.generate_private_key(ec.SECP256R1())
_PEM = _KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
).decode()
_STATES = {
    "NEW": "OPEN",
    "PARTIALLY_FILLED": "OPEN",
    "FILLED": "FILLED",
    "CANCELED": "CANCELLED",
    "EXPIRED": "CANCELLED",
}
_WORDS = {
    -2010: ("INSUFFICIENT_FUND", "Insufficient balance in source account"),
    -1013: ("INVALID_SIZE_PRECISION", "size is off the rules"),
    -1121: ("INVALID_PRODUCT_ID", "no such product"),
}


class Coinbase(Face):
    """Coinbase Advanced Trade."""

    venue = "coinbase"
    placing = "POST /api/v3/brokerage/orders"
    fees_in_quote = True
    key = "organizations/test/apiKeys/test"
    secret = _PEM

    @staticmethod
    def trade_id(number: int) -> str:
        return _uuid(number)

    def answer(self, asked: Asked) -> Any:
        path = asked.path.removeprefix("/api/v3/brokerage/")
        if path == "/v2/time":
            return {"data": {"iso": _date(self.now_ms), "epoch": self.now_ms // 1000}}
        if path == "market/products":
            is_spot = asked.values.get("product_type", "SPOT") == "SPOT"
            return {"products": [_product(one) for one in self.symbols] if is_spot else []}
        if path.startswith("market/products/") and path.endswith("/candles"):
            return self._candles(path.split("/")[2], asked.values)
        if path.startswith("market/products/"):
            return self._ticker(path.split("/")[2])
        self._check(asked)
        do: Callable[[Any], Any] = {
            "GET transaction_summary": lambda a: {"fee_tier": {"taker_fee_rate": "0.001"}},
            "POST orders": lambda a: self._place(a.data),
            "POST orders/batch_cancel": lambda a: {"results": [self._cancel(o) for o in a.data["order_ids"]]},
            "GET orders/historical/batch": lambda a: self._orders(a.values),
            "GET orders/historical/fills": lambda a: self._fills(a.values),
            "GET accounts": lambda a: self._accounts(),
        }[f"{asked.method} {path}"]
        return do(asked)

    def refused(self, asked: Asked, refusal: Refusal) -> web.Response:
        if refusal.code == -2015:
            return web.Response(status=401, text="Unauthorized\n", content_type="text/plain")
        if refusal.code == -1003:
            body = {"error": "rate_limit_exceeded", "error_description": "too many", "message": "too many"}
            return json_answer(body, status=429)
        error, words = _WORDS.get(refusal.code, ("INVALID_ARGUMENT", refusal.message))
        if "trigger immediately" in refusal.message:
            error, words = "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE", "stop price is above the last trade"
        return json_answer(
            {
                "success": False,
                "failure_reason": "UNKNOWN_FAILURE_REASON",
                "order_id": "",
                "error_response": {
                    "error": error,
                    "message": words,
                    "error_details": "",
                    "preview_failure_reason": "UNKNOWN_PREVIEW_FAILURE_REASON",
                },
            }
        )

    def _check(self, asked: Asked) -> None:
        token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            found = jwt.decode(
                token, _KEY.public_key(), algorithms=["ES256"], audience="retail_rest_api_proxy", leeway=5
            )
        except jwt.InvalidTokenError as problem:
            raise Refusal(-2015, str(problem)) from problem
        if found["sub"] != self.key or not found["uri"].startswith(f"{asked.method} "):
            raise Refusal(-2015, "another key or another page")

    def _place(self, data: dict[str, Any]) -> dict[str, Any]:
        ((kind, given),) = data["order_configuration"].items()
        if kind == "market_market_ioc" and data["side"] == "BUY" and "quote_size" not in given:
            raise Refusal(-1100, "quote_size is needed")
        kinds = {
            "market_market_ioc": "MARKET",
            "limit_limit_gtc": "LIMIT",
            "sor_limit_ioc": "LIMIT",
            "stop_limit_stop_limit_gtc": "STOP_LOSS_LIMIT",
        }
        order = self.place(
            client_id=data["client_order_id"],
            symbol=_name(data["product_id"]),
            side=data["side"],
            kind=kinds[kind],
            quantity=given["base_size"],
            price=given.get("limit_price", "0"),
            stop_price=given.get("stop_price", "0"),
            time_in_force="IOC" if kind.endswith("ioc") else "GTC",
        )
        done = {
            "order_id": _uuid(order.number),
            "product_id": data["product_id"],
            "side": data["side"],
            "client_order_id": order.client_id,
        }
        return {"success": True, "success_response": done, "order_configuration": data["order_configuration"]}

    def _cancel(self, order_id: str) -> dict[str, Any]:
        try:
            self.cancel(self.order_numbered(uuid.UUID(order_id).int))
        except Refusal:
            return {"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER", "order_id": order_id}
        return {"success": True, "failure_reason": "UNKNOWN_CANCEL_FAILURE_REASON", "order_id": order_id}

    def _orders(self, values: Any) -> dict[str, Any]:
        wanted, state = values.get("product_id"), values.get("order_status")
        rows = [
            _row(one)
            for one in self.shown()
            if wanted in (None, _product_id(one.symbol))
            and state in (None, _STATES[one.status])
            and _is_within(values, one.at_ms, "start_date", "end_date")
        ]
        page = rows[: int(values.get("limit", 100))]
        return {
            "orders": page,
            "has_next": len(rows) > len(page),
            "cursor": "next" if len(rows) > len(page) else "",
        }

    def _fills(self, values: Any) -> dict[str, Any]:
        wanted = values.get("product_id")
        rows = [
            _fill(one)
            for one in self.trades()
            if wanted in (None, _product_id(one.symbol))
            and _is_within(values, one.at_ms, "start_sequence_timestamp", "end_sequence_timestamp")
        ]
        page = rows[: int(values.get("limit", 100))]
        return {"fills": page, "cursor": "next" if len(rows) > len(page) else ""}

    def _accounts(self) -> dict[str, Any]:
        rows = [
            {
                "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, one)),
                "name": f"{one} Wallet",
                "currency": one,
                "available_balance": {"value": plain(self.wallet.free.get(one, 0)), "currency": one},  # type: ignore[arg-type]
                "default": False,
                "active": True,
                "type": "ACCOUNT_TYPE_CRYPTO",
                "ready": True,
                "hold": {"value": plain(self.wallet.locked.get(one, 0)), "currency": one},  # type: ignore[arg-type]
            }
            for one in sorted({*self.wallet.free, *self.wallet.locked})
        ]
        return {"accounts": rows, "has_next": False, "cursor": "", "size": len(rows)}

    def _candles(self, product: str, values: Any) -> dict[str, Any]:
        step_ms = _step_ms(values["granularity"])
        began_ms, end_ms = int(values["start"]) * 1000, int(values["end"]) * 1000
        if (end_ms - began_ms) // step_ms > 350:
            raise Refusal(-1100, "number of candles requested should be less than 350")
        rows = self.bars(_name(product), step_ms, began_ms, end_ms + 1)
        names = ("open", "high", "low", "close", "volume")
        told = [
            {"start": str(int(one[0] // 1000)), **dict(zip(names, map(str, one[1:]), strict=True))}
            for one in rows
        ]
        return {"candles": told[::-1]}

    def _ticker(self, product: str) -> dict[str, Any]:
        name = _name(product)
        last = plain(self.house.exchange.price(name, self.now_ms))
        bid, ask = (plain(one) for one in self.house.exchange.quote(name, self.now_ms))
        trade = {
            "trade_id": "1",
            "product_id": product,
            "price": last,
            "size": "0.1",
            "time": _date(self.now_ms),
            "side": "BUY",
        }
        return {"trades": [trade], "best_bid": bid, "best_ask": ask}


def _step_ms(granularity: str) -> int:
    return {"ONE_MINUTE": 60_000, "ONE_HOUR": 3_600_000, "ONE_DAY": 86_400_000}[granularity]


def _is_within(values: Any, at_ms: int, start: str, end: str) -> bool:
    began, ended = values.get(start), values.get(end)
    return (began is None or at_ms >= _ms(began)) and (ended is None or at_ms < _ms(ended))


def _ms(date: str) -> int:
    return round(datetime.fromisoformat(date).timestamp() * 1000)


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _product_id(name: str) -> str:
    return f"{name.removesuffix('USDT')}-USDT"


def _name(product: str) -> str:
    return product.replace("-", "")


def _uuid(number: int) -> str:
    return str(uuid.UUID(int=number))


def _product(symbol: Any) -> dict[str, Any]:
    return {
        "product_id": _product_id(symbol.name),
        "price": str(symbol.price),
        "base_increment": f"{symbol.step:f}",
        "quote_increment": f"{symbol.tick:f}",
        "price_increment": f"{symbol.tick:f}",
        "quote_min_size": f"{symbol.min_notional:f}",
        "quote_max_size": "50000000",
        "base_min_size": f"{symbol.min_quantity:f}",
        "base_max_size": f"{symbol.max_quantity:f}",
        "base_currency_id": symbol.base,
        "quote_currency_id": symbol.quote,
        "product_type": "SPOT",
        "status": "online",
        "trading_disabled": False,
        "cancel_only": False,
        "limit_only": False,
        "post_only": False,
        "alias_to": [],
    }


def _configuration(order: SimOrder) -> dict[str, Any]:
    size, price = plain(order.quantity), plain(order.price)
    if order.kind == "STOP_LOSS_LIMIT":
        stop = {"base_size": size, "limit_price": price, "stop_price": plain(order.stop_price)}
        return {"stop_limit_stop_limit_gtc": {**stop, "stop_direction": "STOP_DIRECTION_STOP_DOWN"}}
    if order.kind == "MARKET":
        return {"market_market_ioc": {"base_size": size}}
    if order.time_in_force == "IOC":
        return {"sor_limit_ioc": {"base_size": size, "limit_price": price}}
    return {"limit_limit_gtc": {"base_size": size, "limit_price": price, "post_only": False}}


def _row(order: SimOrder) -> dict[str, Any]:
    kinds = {"MARKET": "MARKET", "LIMIT": "LIMIT", "STOP_LOSS_LIMIT": "STOP_LIMIT"}
    return {
        "order_id": _uuid(order.number),
        "product_id": _product_id(order.symbol),
        "user_id": "test",
        "order_configuration": _configuration(order),
        "side": order.side,
        "client_order_id": order.client_id,
        "status": _STATES[order.status],
        "time_in_force": "IMMEDIATE_OR_CANCEL" if order.time_in_force == "IOC" else "GOOD_UNTIL_CANCELLED",
        "created_time": _date(order.at_ms),
        "completion_percentage": plain(order.filled / order.quantity * 100),
        "filled_size": plain(order.filled),
        "average_filled_price": plain(order.paid / order.filled) if order.filled else "0",
        "fee": "",
        "number_of_fills": str(len(order.trades)),
        "filled_value": plain(order.paid),
        "pending_cancel": False,
        "size_in_quote": False,
        "total_fees": plain(sum(one.fee for one in order.trades)),  # type: ignore[arg-type]
        "size_inclusive_of_fees": False,
        "trigger_status": "STOP_PENDING" if order.is_waiting else "INVALID_ORDER_TYPE",
        "order_type": kinds[order.kind],
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": order.status == "FILLED",
        "product_type": "SPOT",
        "last_fill_time": _date(order.trades[-1].at_ms) if order.trades else None,
        "last_update_time": _date(order.updated_ms),
    }


def _fill(trade: Trade) -> dict[str, Any]:
    return {
        "entry_id": f"{trade.number:064x}",
        "trade_id": _uuid(trade.number),
        "order_id": _uuid(trade.order_number),
        "trade_time": _date(trade.at_ms),
        "trade_type": "FILL",
        "price": plain(trade.price),
        "size": plain(trade.quantity),
        "commission": plain(trade.fee),
        "product_id": _product_id(trade.symbol),
        "sequence_timestamp": _date(trade.at_ms),
        "liquidity_indicator": "MAKER" if trade.is_maker else "TAKER",
        "size_in_quote": False,
        "user_id": "test",
        "side": "BUY" if trade.is_buyer else "SELL",
    }
