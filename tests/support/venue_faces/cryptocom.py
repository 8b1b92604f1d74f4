"""Crypto.com's Exchange shape: JSON envelopes with a number, signed over sorted parameters, every answer with a code."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from aiohttp import web

from server.sim_exchange.orders import SimOrder, Trade
from server.sim_exchange.refusals import Refusal
from server.sim_exchange.symbols import plain
from tests.support.venue_faces.face import Asked, Face, json_answer

_STATES = {
    "NEW": "ACTIVE",
    "PARTIALLY_FILLED": "ACTIVE",
    "FILLED": "FILLED",
    "CANCELED": "CANCELED",
    "EXPIRED": "EXPIRED",
}
#: Code of the venue, its word, and the HTTP status that comes with it.
_CODES = {
    -2010: (306, "INSUFFICIENT_AVAILABLE_BALANCE", 500),
    -1013: (415, "BELOW_MIN_ORDER_SIZE", 500),
    -2011: (40401, "ORDER_NOT_FOUND", 400),
    -2013: (40401, "ORDER_NOT_FOUND", 400),
    -1022: (40101, "UNAUTHORIZED", 401),
    -2015: (40101, "UNAUTHORIZED", 401),
    -1003: (42901, "TOO_MANY_REQUESTS", 429),
}


class CryptoCom(Face):
    """Crypto.com Exchange."""

    venue = "cryptocom"
    placing = "POST /exchange/v1/private/create-order"

    def answer(self, asked: Asked) -> Any:
        method = asked.path.removeprefix("/exchange/v1/")
        if method.startswith("public/"):
            values = asked.values
        else:
            self._check(asked, method)
            values = asked.data["params"]
        do: Callable[[Any], Any] = {
            "public/get-instruments": lambda v: {"data": [_instrument(one) for one in self.symbols]},
            "public/get-tickers": self._tickers,
            "public/get-candlestick": self._candles,
            "private/create-order": self._place,
            "private/cancel-order": self._cancel,
            "private/get-open-orders": self._open,
            "private/get-order-history": self._history,
            "private/get-trades": self._trades,
            "private/user-balance": lambda v: {"data": [self._balances()]},
        }[method]
        return {"id": 1, "method": method, "code": 0, "result": do(values)}

    def refused(self, asked: Asked, refusal: Refusal) -> web.Response:
        code, words, status = _CODES.get(refusal.code, (40004, "BAD_REQUEST", 400))
        if "trigger immediately" in refusal.message:
            code, words, status = 40003, "INVALID_REF_PRICE", 400
        return json_answer({"id": 1, "code": code, "message": words}, status=status)

    def _check(self, asked: Asked, method: str) -> None:
        said = asked.data
        if said["api_key"] != self.key:
            raise Refusal(-2015, "key")
        told = f"{method}{said['id']}{said['api_key']}{_sorted(said['params'])}{said['nonce']}"
        if said["sig"] != hmac.new(self.secret.encode(), told.encode(), hashlib.sha256).hexdigest():
            raise Refusal(-1022, "signature")

    def _place(self, values: dict[str, Any]) -> dict[str, str]:
        kinds = {"MARKET": "MARKET", "LIMIT": "LIMIT", "STOP_LOSS": "STOP_LOSS"}
        if len(values["client_oid"]) > 36:
            raise Refusal(-1100, "client_oid")
        order = self.place(
            client_id=values["client_oid"],
            symbol=values["instrument_name"].replace("_", ""),
            side=values["side"],
            kind=kinds[values["type"]],
            quantity=values["quantity"],
            price=values.get("price", "0"),
            stop_price=values.get("ref_price", "0"),
        )
        return {"order_id": str(order.number), "client_oid": order.client_id}

    def _cancel(self, values: dict[str, Any]) -> dict[str, str]:
        order = self.order_numbered(int(values["order_id"]))
        self.cancel(order)
        return {"order_id": str(order.number), "client_oid": order.client_id}

    def _open(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"data": [_row(one) for one in self._of(values) if one.is_live]}

    def _history(self, values: dict[str, Any]) -> dict[str, Any]:
        rows = [_row(one) for one in self._of(values) if _is_within(values, one.at_ms)]
        return {"data": rows[: int(values.get("limit", 100))]}

    def _trades(self, values: dict[str, Any]) -> dict[str, Any]:
        orders = self.wallet.orders
        wanted = values.get("instrument_name")
        rows = [
            _trade(one, orders[one.order_number])
            for one in self.trades()
            if wanted in (None, _instrument_name(one.symbol)) and _is_within(values, one.at_ms)
        ]
        return {"data": rows[: int(values.get("limit", 100))]}

    def _of(self, values: dict[str, Any]) -> list[SimOrder]:
        wanted = values.get("instrument_name")
        return [one for one in self.shown() if wanted in (None, _instrument_name(one.symbol))]

    def _tickers(self, values: Any) -> dict[str, Any]:
        rows = []
        for symbol in self.symbols:
            name = _instrument_name(symbol.name)
            if values.get("instrument_name", name) != name:
                continue
            last = plain(self.house.exchange.price(symbol.name, self.now_ms))
            bid, ask = (plain(one) for one in self.house.exchange.quote(symbol.name, self.now_ms))
            row = {"i": name, "h": last, "l": last, "a": last, "c": "0", "b": bid, "k": ask}
            rows.append({**row, "v": "10", "vv": "1000", "bs": "1", "ks": "1", "t": self.now_ms})
        return {"data": rows}

    def _candles(self, values: Any) -> dict[str, Any]:
        step_ms = {"1m": 60_000, "1h": 3_600_000, "1D": 86_400_000}[values["timeframe"]]
        name = values["instrument_name"].replace("_", "")
        # The last ones of the span, at most as many as were asked for, the end itself left out.
        rows = self.bars(
            name, step_ms, int(values.get("start_ts", 0)), min(int(values["end_ts"]), self.now_ms)
        )
        names = ("o", "h", "l", "c", "v")
        told = [{"t": int(one[0]), **dict(zip(names, map(str, one[1:]), strict=True))} for one in rows]
        return {"interval": values["timeframe"], "data": told[-min(300, int(values.get("count", 25))) :]}

    def _balances(self) -> dict[str, Any]:
        rows = [
            {
                "instrument_name": one,
                "quantity": plain(self.wallet.total(one)),
                "reserved_qty": plain(self.wallet.locked.get(one, 0)),  # type: ignore[arg-type]
                "market_value": "1",
            }
            for one in sorted({*self.wallet.free, *self.wallet.locked})
        ]
        return {"total_available_balance": "1", "instrument_name": "USD", "position_balances": rows}


def _sorted(given: Any) -> str:
    """Join parameters as the venue signs them: names in order, each followed by its value."""
    if isinstance(given, dict):
        return "".join(f"{name}{_sorted(given[name])}" for name in sorted(given))
    if isinstance(given, list):
        return "".join(_sorted(one) for one in given)
    return "null" if given is None else str(given)


def _is_within(values: dict[str, Any], at_ms: int) -> bool:
    # The end itself is left out.
    return int(values.get("start_time", 0)) <= at_ms < int(values.get("end_time", 1 << 60))


def _instrument_name(name: str) -> str:
    return f"{name.removesuffix('USDT')}_USDT"


def _instrument(symbol: Any) -> dict[str, Any]:
    return {
        "symbol": _instrument_name(symbol.name),
        "inst_type": "CCY_PAIR",
        "display_name": f"{symbol.base}/{symbol.quote}",
        "base_ccy": symbol.base,
        "quote_ccy": symbol.quote,
        "quote_decimals": 2,
        "quantity_decimals": 5,
        "price_tick_size": f"{symbol.tick:f}",
        "qty_tick_size": f"{symbol.step:f}",
        "max_leverage": "50",
        "tradable": True,
        "expiry_timestamp_ms": 0,
        "margin_buy_enabled": False,
        "margin_sell_enabled": False,
    }


def _row(order: SimOrder) -> dict[str, Any]:
    last = order.trades[-1] if order.trades else None
    return {
        "account_id": "test",
        "order_id": str(order.number),
        "client_oid": order.client_id,
        "order_type": order.kind,
        "time_in_force": "GOOD_TILL_CANCEL",
        "side": order.side,
        "exec_inst": [],
        "quantity": plain(order.quantity),
        "limit_price": plain(order.price) if order.price else "",
        "ref_price": plain(order.stop_price) if order.stop_price else "",
        "order_value": plain(order.quantity * (order.price or order.stop_price)),
        "maker_fee_rate": "0.001",
        "taker_fee_rate": "0.001",
        "avg_price": plain(order.paid / order.filled) if order.filled else "0",
        "cumulative_quantity": plain(order.filled),
        "cumulative_value": plain(order.paid),
        "cumulative_fee": plain(sum(one.fee for one in order.trades)),  # type: ignore[arg-type]
        "status": "PENDING" if order.is_waiting and order.is_live else _STATES[order.status],
        "update_user_id": "test",
        "order_date": "2026-01-01",
        "instrument_name": _instrument_name(order.symbol),
        "fee_instrument_name": last.fee_asset if last else "USDT",
        "create_time": order.at_ms,
        "create_time_ns": str(order.at_ms * 1_000_000),
        "update_time": order.updated_ms,
    }


def _trade(trade: Trade, order: SimOrder) -> dict[str, Any]:
    return {
        "account_id": "test",
        "event_date": "2026-01-01",
        "journal_type": "TRADING",
        "traded_quantity": plain(trade.quantity),
        "traded_price": plain(trade.price),
        "fees": plain(-trade.fee),
        "order_id": str(trade.order_number),
        "trade_id": str(trade.number),
        "trade_match_id": str(trade.number * 10),
        "client_oid": order.client_id,
        "taker_side": "MAKER" if trade.is_maker else "TAKER",
        "side": "BUY" if trade.is_buyer else "SELL",
        "instrument_name": _instrument_name(trade.symbol),
        "fee_instrument_name": trade.fee_asset,
        "create_time": trade.at_ms,
        "create_time_ns": str(trade.at_ms * 1_000_000),
    }
