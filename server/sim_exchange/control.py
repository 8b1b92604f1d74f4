"""The control page of the simulated exchange: what tests and curious people set while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from aiohttp import web

from server.sim_exchange.faults import REQUEST_FAULTS, SOCKET_FAULTS, fault_of
from server.sim_exchange.house import SimHouse
from trading.errors import InvalidInput, NotFound, RequestProblem

_POLICIES = ("always", "open", "none")


class ControlDoor:
    """Sets faults, prices and rules; shows what is so."""

    def __init__(self, house: SimHouse) -> None:
        self._house = house

    async def answer(self, request: web.Request) -> web.Response:
        """Answer `GET /control` and `POST /control/{what}`."""
        what = request.match_info.get("what", "")
        if request.method == "GET":
            return web.json_response(self.state(), dumps=_dumps)
        try:
            values = orjson.loads(await request.read() or b"{}")
            self.set(what, values if isinstance(values, dict) else {})
        except (RequestProblem, orjson.JSONDecodeError, InvalidOperation, TypeError, ValueError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        return web.json_response(self.state(), dumps=_dumps)

    def state(self) -> dict[str, Any]:
        """Give what is set."""
        house = self._house
        return {
            "time": house.now_ms(),
            "requests": house.requests,
            "sockets": len(house.sockets),
            "faults_waiting": [one.kind for one in house.faults.waiting],
            "faults_struck": house.faults.struck,
            "dedupe": house.exchange.rules.dedupe,
            "history_delay_ms": house.exchange.rules.history_delay_ms,
            "prices": {one: str(house.exchange.price(one, house.now_ms())) for one in house.exchange.symbols},
            "orders": {key: len(one.orders) for key, one in house.exchange.wallets.items()},
        }

    def set(self, what: str, values: Mapping[str, Any]) -> None:
        """Set one thing.

        Raises:
            RequestProblem: no such thing, or a value that is not allowed.
        """
        house, faults = self._house, self._house.faults
        match what:
            case "fault" if values.get("kind") in SOCKET_FAULTS:
                self._socket_fault(values)
            case "fault":
                faults.add(fault_of(values))
            case "clear":
                faults.clear()
                house.exchange.rules.fill_shares.clear()
            case "price":
                self._tape(values).move_to(Decimal(str(values["price"])), house.now_ms())
                house.exchange.tick(house.now_ms())
                house.flush()
            case "rules":
                self._rules(values)
            case "clock":
                faults.skew_ms = int(values["skew_ms"])
            case "maintenance":
                faults.is_in_maintenance = bool(values["on"])
            case "symbol":
                name = str(values["symbol"])
                halted = house.exchange.symbol(name).halted(bool(values["halted"]))
                house.exchange.symbols[name] = halted
            case "key":
                wallet = self._wallet(values)
                wallet.may_withdraw = bool(values.get("may_withdraw", wallet.may_withdraw))
                wallet.is_revoked = bool(values.get("revoked", wallet.is_revoked))
            case "transfer":
                house.exchange.deposit(
                    self._wallet(values), str(values["asset"]), Decimal(str(values["amount"])), house.now_ms()
                )
            case _:
                raise NotFound(
                    f"There is no control '{what}'; fault, clear, price, rules, clock, maintenance, symbol, key and "
                    f"transfer are there.",
                    hint=f"Faults: {', '.join((*REQUEST_FAULTS, *SOCKET_FAULTS))}.",
                )

    def _socket_fault(self, values: Mapping[str, Any]) -> None:
        house, kind = self._house, values["kind"]
        until_ms = house.now_ms() + round(float(values.get("seconds", 1)) * 1000)
        count = int(values.get("count", 2))
        if kind == "ws_drop":
            house.drop_sockets()
        elif kind == "ws_stall":
            house.faults.stalled_until_ms = until_ms
        elif kind == "ws_refuse":
            house.faults.refused_until_ms = until_ms
        elif kind == "ws_duplicate":
            house.faults.event_copies = max(1, count)
        elif kind == "ws_shuffle":
            house.faults.shuffle_groups = max(1, count)
        else:
            house.spread(str(values.get("text", "")))

    def _rules(self, values: Mapping[str, Any]) -> None:
        rules = self._house.exchange.rules
        policy = values.get("dedupe", rules.dedupe)
        if policy not in _POLICIES:
            raise InvalidInput(f"Dedupe '{policy}' was given; {', '.join(_POLICIES)} are allowed.")
        rules.dedupe = policy
        rules.history_delay_ms = int(values.get("history_delay_ms", rules.history_delay_ms))
        rules.fees_in_quote = bool(values.get("fees_in_quote", rules.fees_in_quote))
        rules.fill_shares.extend(Decimal(str(one)) for one in values.get("fill_shares", ()))

    def _tape(self, values: Mapping[str, Any]) -> Any:
        name = str(values.get("symbol"))
        if name not in self._house.exchange.tapes:
            raise NotFound(f"There is no symbol '{name}'; {', '.join(self._house.exchange.tapes)} are.")
        return self._house.exchange.tapes[name]

    def _wallet(self, values: Mapping[str, Any]) -> Any:
        wallets = self._house.exchange.wallets
        key = str(values.get("key") or next(iter(wallets), ""))
        if key not in wallets:
            raise NotFound(f"There is no key '{key}'; {', '.join(wallets)} are.")
        return wallets[key]


def _dumps(values: Any) -> str:
    return orjson.dumps(values).decode()
