"""`breakwater sim-exchange` in a process of its own, and its ledger as a witness."""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from desk.venues.quirks import BINANCE
from tests.support.order_checker import Witnessed

_ROOT = Path(__file__).resolve().parents[2]
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
#: Of the largest position, so much is left behind by fees at most.
_DUST = Decimal("0.02")


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which something was held and less than all of it was behind a stop at the exchange."""

    began_ms: int
    ended_ms: int

    @property
    def seconds(self) -> float:
        """Give how long it lasted."""
        return (self.ended_ms - self.began_ms) / 1_000


class SimProcess:
    """The exchange: prices stand still until they are moved; every line of its ledger is on the disk."""

    def __init__(self, ledger: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'graphql'}"}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "server", "sim-exchange", "--port", "0", "--volatility", "0"),
                *("--json", "--ledger", str(ledger)),
            ],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            # It ends with whoever began it, however that ends. No thread runs yet.
            preexec_fn=lambda: _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509
        )
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline())
        self.base_url: str = said["base_url"]
        self.ws_url: str = said["ws_url"]
        self.ws_api_url: str = said["ws_api_url"]
        self._door = http.client.HTTPConnection(self.base_url.removeprefix("http://"), timeout=10)
        self._ledger = ledger.open("rb")
        self._half = b""
        self.lines: list[dict[str, Any]] = []

    def control(self, what: str, **values: Any) -> None:
        """Set something; what a price fills is in the ledger when this returns."""
        body = json.dumps(values)
        try:
            self._door.request("POST", f"/control/{what}", body)
            answer = self._door.getresponse()
        except (http.client.HTTPException, ConnectionError):
            self._door.close()
            self._door.request("POST", f"/control/{what}", body)
            answer = self._door.getresponse()
        text = answer.read()
        assert answer.status == 200, text

    def price(self, pair: str, price: Decimal) -> None:
        """Move a price."""
        self.control("price", symbol=pair.replace("/", ""), price=str(price))

    def read(self) -> list[dict[str, Any]]:
        """Give every line of the ledger so far."""
        raw = self._half + self._ledger.read()
        whole, _, self._half = raw.rpartition(b"\n")
        self.lines += [orjson.loads(one) for one in whole.splitlines()]
        return self.lines

    def of(self, kind: str) -> Iterator[dict[str, Any]]:
        """Give the lines of one kind, of those read so far."""
        return (one for one in self.lines if one["kind"] == kind)

    def fills(self) -> int:
        """Count the executions so far."""
        self.read()
        return sum(1 for _ in self.of("fill"))

    def start(self) -> dict[str, Decimal]:
        """Give what the account held before anything was traded."""
        first = next(one for one in self.of("balances") if one["cause"] == "opened")
        return {asset: Decimal(one) for asset, one in first["total"].items()}

    def witnessed(self, pair: str) -> Witnessed:
        """Give the ledger as the judge reads it."""
        self.read()
        orders = list(self.of("order"))
        base = pair.partition("/")[0]
        ours = {one["order"]: BINANCE.from_wire(one["client_id"]) for one in orders}
        left = {one["order"]: Decimal(one["quantity"]) for one in orders}
        trades = {}
        for one in self.of("fill"):
            quantity = Decimal(one["quantity"])
            left[one["order"]] -= quantity
            trades[f"{pair}:{one['trade']}"] = (
                ours[one["order"]],
                quantity if one["side"] == "BUY" else -quantity,
                Decimal(one["fee"]) if one["fee_asset"] == base else Decimal(0),
            )
        ended = {one["order"] for one in self.of("ended")}
        last = list(self.of("balances"))[-1]
        return Witnessed(
            orders=[(ours[one["order"]], str(one["order"])) for one in orders],
            trades=trades,
            open_ids=frozenset(
                ours[number] for number, rest in left.items() if rest > 0 and number not in ended
            ),
            totals={asset: Decimal(one) for asset, one in last["total"].items()},
            requests=[
                BINANCE.from_wire(one["values"]["newClientOrderId"])
                for one in self.of("request")
                if one["route"] == "POST /api/v3/order"
            ],
        )

    def gaps(self, pair: str) -> list[Gap]:
        """Give the times in which a position was not wholly behind stops, as the ledger has them.

        What fees in the coin leave behind, less than a step of each position, is dust and needs no stop.
        """
        base = pair.partition("/")[0]
        held, most, stops = Decimal(0), Decimal(0), dict[int, Decimal]()
        found, since = [], None
        for one in self.read():
            match one["kind"]:
                case "order" if one["type"].startswith("STOP_LOSS"):
                    stops[one["order"]] = Decimal(one["quantity"])
                case "fill":
                    quantity = Decimal(one["quantity"])
                    sign = 1 if one["side"] == "BUY" else -1
                    held += sign * quantity - (Decimal(one["fee"]) if one["fee_asset"] == base else 0)
                    most = max(most, held)
                    if one["order"] in stops:
                        stops[one["order"]] -= quantity
                case "ended":
                    stops.pop(one["order"], None)
                case _:
                    continue
            is_bare = held - sum(stops.values(), Decimal(0)) > most * _DUST
            if is_bare and since is None:
                since = one["at_ms"]
            elif not is_bare and since is not None:
                found.append(Gap(since, one["at_ms"]))
                since = None
        return found

    def close(self) -> None:
        """End it."""
        self._door.close()
        self._ledger.close()
        self.process.kill()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
