"""Messages and what can be done to them: fields gone, numbers mangled, texts cut, times moved, bytes flipped."""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from desk.clock import SystemClock
from server.sim_exchange import account_pages, market_pages
from server.sim_exchange.faults import Faults
from server.sim_exchange.house import SimHouse
from server.sim_exchange.ledger import Ledger
from server.sim_exchange.orders import SimOrder
from server.sim_exchange.sockets import stream_events
from server.sim_exchange.symbols import Symbol
from tests.support.data import shared_data

#: What stands in the place of a value.
STRANGE: tuple[Any, ...] = (
    None,
    "",
    "0",
    "-1",
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "1e-400",
    "0x10",
    "١٢",
    "1,5",
    " 1 ",
    "9" * 60,
    "\u0000",
    "<script>",
    True,
    [],
    {},
    [[]],
    -1,
    0,
    1.5,
    10**30,
    9_999_999_999_999,
    {"code": -1000},
)

#: What a number is multiplied with.
FACTORS = ("100", "0.01", "-1", "10", "1000000", "0.000001")


def paths(document: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the way to every value."""
    items = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for key, value in items:
        yield (*before, key)
        yield from paths(value, (*before, key))


def mutant(document: Any, chance: random.Random) -> str:
    """Give a message with one to three things wrong with it."""
    changed = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        ways = list(paths(changed))
        if ways:
            _spoil(changed, chance.choice(ways), chance)
    text = json.dumps(changed)
    kind = chance.random()
    if kind < 0.06:
        return text[: chance.randrange(len(text) + 1)]
    if kind < 0.12:
        at = chance.randrange(len(text))
        return text[:at] + chr(chance.randrange(1, 0x2FF)) + text[at + 1 :]
    if kind < 0.13:
        return chance.choice(("", "null", "[]", "{}", '"x"', "<html></html>", "[" * 3000, "true", "0"))
    return text


def _spoil(document: Any, way: tuple[Any, ...], chance: random.Random) -> None:
    holder = document
    for key in way[:-1]:
        holder = holder[key]
    key = way[-1]
    act = chance.randrange(6)
    if act == 0:
        del holder[key]
    elif act == 1 and isinstance(holder, list):
        holder.insert(chance.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
    elif act == 2 and isinstance(holder, dict):
        holder[f"{key}x"] = holder.pop(key)
    elif act == 3 and _is_number(holder[key]):
        scaled = Decimal(str(holder[key])) * Decimal(chance.choice(FACTORS))
        holder[key] = f"{scaled:f}" if isinstance(holder[key], str) else int(scaled)
    else:
        holder[key] = copy.deepcopy(chance.choice(STRANGE))


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    try:
        return Decimal(str(value)).is_finite()
    except ArithmeticError:
        return False


def recorded() -> dict[str, list[Any]]:
    """Give recorded messages by what they answer; none where the shared data are not there."""
    folder = shared_data()
    if folder is None:
        return {}
    found: dict[str, list[Any]] = {}
    spot = folder / "exchange" / "nautilus" / "binance" / "spot"
    names = {
        "account": "account_response",
        "orders": "all_orders_response",
        "order": "order_response",
        "trades": "account_trades_response",
        "klines": "klines_response",
        "ticker": "ticker_24hr_response",
        "placed": "new_order_full_response",
    }
    for kind, name in names.items():
        found[kind] = [_json(spot / "http_json" / f"{name}.json")]
    found["user"] = [
        _unwrapped(_json(one)) for one in sorted((spot / "user_data_json").glob("execution*.json"))
    ]
    found["stream"] = list(_lines(folder / "exchange" / "cryptofeed" / "BINANCE.ws.1.0.txt.gz", 267))
    return found


def generated() -> dict[str, list[Any]]:
    """Give the simulated exchange's own messages, by what they answer."""
    house = SimHouse(clock=SystemClock(), ledger=Ledger(), symbols=SYMBOLS, volatility=1.0)
    house.faults = Faults()
    events: list[Any] = []
    house.exchange.listener = lambda wallet, event: events.append(event)
    wallet = house.exchange.open_wallet(
        "k", "s", {"USDT": Decimal(10**6), "ETH": Decimal(50)}, house.now_ms()
    )
    for side, kind, price in (("BUY", "MARKET", "0"), ("SELL", "MARKET", "0"), ("BUY", "LIMIT", "2000")):
        house.exchange.place(wallet, _order(house, side, kind, price), house.now_ms())
    asked = {"symbol": "ETHUSDT", "interval": "1m", "limit": "5"}
    now_ms = house.now_ms()
    streams = ("ethusdt@kline_1m", "ethusdt@ticker", "ethusdt@trade")
    return {
        "account": [account_pages.account(house, wallet, {})],
        "orders": [account_pages.all_orders(house, wallet, asked)],
        "order": list(account_pages.all_orders(house, wallet, asked)),
        "trades": [account_pages.my_trades(house, wallet, asked)],
        "klines": [market_pages.klines(house, asked)],
        "ticker": [market_pages.ticker_24h(house, "ETHUSDT")],
        "placed": [one.placed() for one in wallet.orders.values()],
        "user": [one for one in events if one["e"] == "executionReport"],
        "stream": [event for one in streams for event in stream_events(house, one, now_ms - 120_000, now_ms)],
    }


def _symbol(base: str, quote: str, price: str) -> Symbol:
    return Symbol(
        base=base,
        quote=quote,
        price=Decimal(price),
        tick=Decimal("0.00000001"),
        step=Decimal("0.00000001"),
        min_quantity=Decimal("0.00000001"),
    )


#: Every symbol that the messages name.
SYMBOLS: tuple[Symbol, ...] = (
    Symbol(
        base="ETH",
        quote="USDT",
        price=Decimal(2500),
        tick=Decimal("0.01"),
        step=Decimal("0.0001"),
        min_quantity=Decimal("0.0001"),
    ),
    _symbol("BNB", "BTC", "4.0"),
    _symbol("LTC", "BTC", "0.1"),
    _symbol("ETH", "BTC", "0.1"),
    _symbol("BTC", "USDT", "50000"),
    _symbol("NKN", "USDT", "0.35"),
    _symbol("BLZ", "ETH", "0.0001"),
    _symbol("LRC", "BTC", "0.00001"),
    _symbol("RUNE", "EUR", "8"),
)


def _order(house: SimHouse, side: str, kind: str, price: str) -> SimOrder:
    now_ms = house.now_ms()
    return SimOrder(
        number=house.exchange.next_order(),
        client_id=f"bw-{side}-{kind}",
        symbol="ETHUSDT",
        side=side,
        kind=kind,
        quantity=Decimal("0.5"),
        price=Decimal(price),
        stop_price=Decimal(0),
        time_in_force="GTC",
        at_ms=now_ms,
        visible_from_ms=now_ms,
    )


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _unwrapped(document: Mapping[str, Any]) -> Any:
    return document.get("event", document)


def _lines(path: Path, most: int) -> Iterator[Any]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            _, _, text = line.partition(": ")
            if text.startswith("{") and number < most:
                found = json.loads(text)
                yield found.get("data", found)
