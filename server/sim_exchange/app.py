"""The simulated exchange as a server: in a process of its own, or inside a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from desk.clock import Clock, SystemClock
from desk.ending import ended
from server.sim_exchange.control import ControlDoor
from server.sim_exchange.house import SimHouse
from server.sim_exchange.ledger import Ledger
from server.sim_exchange.rest import RestDoor
from server.sim_exchange.sockets import SocketDoor
from server.sim_exchange.symbols import SYMBOLS, Symbol
from trading.errors import OperatorProblem

#: The key that is there from the beginning.
KEY, SECRET = "sim-key", "sim-secret"

#: What a fresh wallet holds.
BALANCES: Mapping[str, Decimal] = {
    "USDT": Decimal(100_000),
    "BTC": Decimal(2),
    "ETH": Decimal(20),
    "SOL": Decimal(200),
    "ADA": Decimal(20_000),
    "XRP": Decimal(0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimOptions:
    """How the exchange is opened.

    Attributes:
        port: 0 takes a free one.
        ledger: file of the witness; None = memory.
        volatility: 0 = prices stand still until somebody moves them.
        keys: secrets by API key; every key gets a wallet with `balances`.
    """

    host: str = "127.0.0.1"
    port: int = 0
    ledger: Path | None = None
    seed: int = 7
    volatility: float = 1.0
    symbols: tuple[Symbol, ...] = SYMBOLS
    keys: Mapping[str, str] = field(default_factory=lambda: {KEY: SECRET})
    balances: Mapping[str, Decimal] = field(default_factory=lambda: dict(BALANCES))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSim:
    """An open exchange and where it is."""

    house: SimHouse
    control: ControlDoor
    host: str
    port: int

    @property
    def base_url(self) -> str:
        """Of REST."""
        return f"http://{self.host}:{self.port}"

    @property
    def ws_url(self) -> str:
        """Of the market streams."""
        return f"ws://{self.host}:{self.port}/ws"

    @property
    def ws_api_url(self) -> str:
        """Of the websocket API."""
        return f"ws://{self.host}:{self.port}/ws-api/v3"


@asynccontextmanager
async def running_sim(options: SimOptions, *, clock: Clock | None = None) -> AsyncIterator[RunningSim]:
    """Open the exchange and serve it until the block ends.

    Raises:
        OperatorProblem: the port is taken.
    """
    clock = clock or SystemClock()
    ledger = Ledger(options.ledger)
    house = SimHouse(
        clock=clock,
        ledger=ledger,
        seed=options.seed,
        volatility=options.volatility,
        symbols=options.symbols,
    )
    for key, secret in options.keys.items():
        house.exchange.open_wallet(key, secret, options.balances, house.now_ms())
    control = ControlDoor(house)
    runner = web.AppRunner(_application(house, control), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port, reuse_address=True)
    try:
        await site.start()
    except OSError as taken:
        await runner.cleanup()
        raise OperatorProblem(
            f"Port {options.port} cannot be used: {taken.strerror or taken}.",
            hint="Give another with --port; 0 takes a free one.",
        ) from taken
    ticking = asyncio.create_task(house.run(), name="prices")
    try:
        host, port = runner.addresses[0][:2]
        yield RunningSim(house=house, control=control, host=host, port=port)
    finally:
        await ended(*house.late, ticking)
        house.drop_sockets()
        await runner.cleanup()
        ledger.close()


def _application(house: SimHouse, control: ControlDoor) -> web.Application:
    rest, sockets = RestDoor(house), SocketDoor(house)
    app = web.Application(client_max_size=1 << 20)
    app.router.add_get("/ws/{tail:.*}", sockets.market)
    app.router.add_get("/ws", sockets.market)
    app.router.add_get("/stream", sockets.market)
    app.router.add_get("/ws-api/v3", sockets.api)
    app.router.add_get("/control", control.answer)
    app.router.add_post("/control/{what}", control.answer)
    app.router.add_route("*", "/{path:.*}", rest.answer)
    return app
