"""Public market data of the simulated exchange: time, symbols, candles, trades, tickers, order book."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from server.sim_exchange.house import SimHouse
from server.sim_exchange.refusals import Refusal
from server.sim_exchange.requests import missing
from server.sim_exchange.symbols import plain
from server.sim_exchange.tape import LISTED_DAYS
from trading.errors import InvalidInput
from trading.timeframes import Timeframe

#: Most candles of one answer.
MOST_CANDLES = 1000

_DAY_MS = 86_400_000


def exchange_info(house: SimHouse, values: Mapping[str, str]) -> dict[str, Any]:
    """Give the symbols with their filters."""
    wanted = values.get("symbol")
    symbols = [house.exchange.symbol(wanted)] if wanted else list(house.exchange.symbols.values())
    return {
        "timezone": "UTC",
        "serverTime": house.now_ms(),
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
        ],
        "exchangeFilters": [],
        "symbols": [one.described() for one in symbols],
    }


def klines(house: SimHouse, values: Mapping[str, str]) -> list[list[Any]]:
    """Give candles, the one that is still forming as the last."""
    symbol = house.exchange.symbol(values.get("symbol", ""))
    step = _interval(values.get("interval", ""))
    now_ms = house.now_ms()
    limit = min(MOST_CANDLES, max(1, int(values.get("limit", "500"))))
    listed = step.floor(now_ms - LISTED_DAYS * _DAY_MS)
    end = step.floor(min(now_ms, int(values.get("endTime", now_ms)))) + step.ms
    if "startTime" in values:
        start = max(listed, step.floor(int(values["startTime"]) + step.ms - 1))
        end = min(end, start + limit * step.ms)
    else:
        start = max(listed, end - limit * step.ms)
    return [
        kline(house, symbol.name, step, at_ms, now_ms, row)
        for at_ms, row in zip(
            range(start, end, step.ms),
            house.exchange.tapes[symbol.name].bars(start, max(start, end), step.ms).tolist(),
            strict=True,
        )
    ]


def kline(
    house: SimHouse, name: str, step: Timeframe, at_ms: int, now_ms: int, row: list[float]
) -> list[Any]:
    """Give one candle as the venue writes it; a forming one ends at the present price."""
    opened, high, low, close, volume = (Decimal(repr(one)) for one in row)
    if at_ms + step.ms > now_ms:
        done = max(1, (now_ms - at_ms) // 1000) * 1000
        part = house.exchange.tapes[name].bars(at_ms, at_ms + done, 1000)
        last = house.exchange.price(name, now_ms)
        high = max(Decimal(repr(float(part[:, 1].max()))), last, opened)
        low = min(Decimal(repr(float(part[:, 2].min()))), last, opened)
        close, volume = last, Decimal(repr(round(float(part[:, 4].sum()), 3)))
    return [
        at_ms,
        plain(opened),
        plain(high),
        plain(low),
        plain(close),
        plain(volume),
        at_ms + step.ms - 1,
        plain(volume * close),
        100,
        plain(volume / 2),
        plain(volume * close / 2),
        "0",
    ]


def trades(house: SimHouse, values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give the last public trades: one a second."""
    name = house.exchange.symbol(values.get("symbol", "")).name
    limit = min(1000, int(values.get("limit", "500")))
    second = house.now_ms() // 1000
    return [trade(house, name, one) for one in range(second - limit + 1, second + 1)]


def trade(house: SimHouse, name: str, second: int) -> dict[str, Any]:
    """Give the public trade of a second."""
    price = house.exchange.price(name, second * 1000)
    quantity = house.exchange.symbols[name].min_quantity * (1 + second % 97)
    return {
        "id": second,
        "price": plain(price),
        "qty": plain(quantity),
        "quoteQty": plain(price * quantity),
        "time": second * 1000,
        "isBuyerMaker": bool(second % 2),
        "isBestMatch": True,
    }


def ticker_24h(house: SimHouse, name: str) -> dict[str, Any]:
    """Give the last day of a symbol in one line."""
    now_ms = house.now_ms()
    hour = 3_600_000
    stop = now_ms // hour * hour
    rows = house.exchange.tapes[name].bars(stop - 24 * hour, stop, hour)
    last = house.exchange.price(name, now_ms)
    bid, ask = house.exchange.quote(name, now_ms)
    opened = Decimal(repr(float(rows[0, 0])))
    volume = Decimal(repr(round(float(rows[:, 4].sum()), 3)))
    return {
        "symbol": name,
        "priceChange": f"{last - opened:.8f}",
        "priceChangePercent": f"{(last / opened - 1) * 100:.3f}",
        "weightedAvgPrice": plain((opened + last) / 2),
        "prevClosePrice": plain(opened),
        "lastPrice": plain(last),
        "lastQty": "0.01000000",
        "bidPrice": plain(bid),
        "bidQty": "5.00000000",
        "askPrice": plain(ask),
        "askQty": "5.00000000",
        "openPrice": plain(opened),
        "highPrice": plain(max(Decimal(repr(float(rows[:, 1].max()))), last)),
        "lowPrice": plain(min(Decimal(repr(float(rows[:, 2].min()))), last)),
        "volume": plain(volume),
        "quoteVolume": plain(volume * last),
        "openTime": stop - 24 * hour,
        "closeTime": now_ms,
        "firstId": 1,
        "lastId": now_ms // 1000,
        "count": 86400,
    }


def per_symbol(house: SimHouse, values: Mapping[str, str], page: Any) -> Any:
    """Answer for one symbol, for a list of them, or for all."""
    if "symbol" in values:
        return page(house, house.exchange.symbol(values["symbol"]).name)
    names = [one.strip('[]" ') for one in values.get("symbols", "").split(",") if one.strip('[]" ')]
    return [page(house, house.exchange.symbol(name).name) for name in names or house.exchange.symbols]


def ticker_price(house: SimHouse, name: str) -> dict[str, Any]:
    """Give the last price."""
    return {"symbol": name, "price": plain(house.exchange.price(name, house.now_ms()))}


def book_ticker(house: SimHouse, name: str) -> dict[str, Any]:
    """Give bid and ask."""
    bid, ask = house.exchange.quote(name, house.now_ms())
    return {
        "symbol": name,
        "bidPrice": plain(bid),
        "bidQty": "5.00000000",
        "askPrice": plain(ask),
        "askQty": "5.00000000",
    }


def depth(house: SimHouse, values: Mapping[str, str]) -> dict[str, Any]:
    """Give the order book: the same quantity on every tick."""
    symbol = house.exchange.symbol(values.get("symbol", ""))
    bid, ask = house.exchange.quote(symbol.name, house.now_ms())
    levels = min(100, int(values.get("limit", "100")))
    return {
        "lastUpdateId": house.now_ms() // 100,
        "bids": [[plain(max(symbol.tick, bid - i * symbol.tick)), "5.00000000"] for i in range(levels)],
        "asks": [[plain(ask + i * symbol.tick), "5.00000000"] for i in range(levels)],
    }


def _interval(found: str) -> Timeframe:
    if not found:
        raise missing("interval")
    try:
        return Timeframe.parse(found)
    except InvalidInput:
        raise Refusal(-1120, "Invalid interval.") from None
