"""`sim-exchange` and `pairs`: a simulated exchange as a server of its own, and what is on offer at a venue."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli import output
from server.cli.options import AsJson

if TYPE_CHECKING:
    from desk.settings import Settings
    from server.sim_exchange.app import RunningSim, SimOptions


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.command("sim-exchange")(sim_exchange)
    app.command("pairs")(pairs)


def sim_exchange(
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of the exchange; 0 takes a free one.")
    ] = 9009,
    host: Annotated[
        str, typer.Option(help="Address to listen on; anybody who reaches it may set prices and faults.")
    ] = "127.0.0.1",
    ledger: Annotated[
        Path | None, typer.Option(help="File where every order, fill and balance is written at once.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Names the market: the same seed gives the same prices.")] = 7,
    volatility: Annotated[
        float, typer.Option(min=0.0, max=20.0, help="1 is an ordinary day; 0 keeps prices still.")
    ] = 1.0,
    key: Annotated[
        list[str] | None,
        typer.Option(help="KEY:SECRET of a wallet; repeatable. Default: sim-key:sim-secret."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a simulated spot exchange until Ctrl-C. Real exchange software can talk to it."""
    from server.sim_exchange.app import SimOptions

    options = SimOptions(host=host, port=port, ledger=ledger, seed=seed, volatility=volatility)
    if key:
        options = SimOptions(
            host=host, port=port, ledger=ledger, seed=seed, volatility=volatility, keys=_keys(key)
        )
    asyncio.run(_serve(options, as_json=as_json))


def _keys(given: list[str]) -> dict[str, str]:
    from trading.errors import InvalidInput

    found: dict[str, str] = {}
    for one in given:
        name, colon, secret = one.partition(":")
        if not colon or not name or not secret:
            raise InvalidInput("A key was given without its secret; KEY:SECRET is allowed.")
        found[name] = secret
    return found


async def _serve(options: SimOptions, *, as_json: bool) -> None:
    from server.sim_exchange.app import running_sim

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(one, stop.set)
    async with running_sim(options) as sim:
        _say(sim, options, as_json=as_json)
        await stop.wait()


def _say(sim: RunningSim, options: SimOptions, *, as_json: bool) -> None:
    from server.sim_exchange.app import KEY, SECRET

    first = next(iter(options.keys))
    if as_json:
        output.emit_json(
            {
                "ready": True,
                "base_url": sim.base_url,
                "ws_url": sim.ws_url,
                "ws_api_url": sim.ws_api_url,
                "control": f"{sim.base_url}/control",
                "key": first,
            }
        )
        return
    screen = output.console()
    screen.print(f"The simulated exchange is ready at {sim.base_url}. Ctrl-C stops it.")
    rows = [
        ("BREAKWATER_MARKET", "binance"),
        ("BREAKWATER_BINANCE_BASE_URL", sim.base_url),
        ("BREAKWATER_BINANCE_WS_URL", sim.ws_url),
        ("BREAKWATER_BINANCE_WS_API_URL", sim.ws_api_url),
    ]
    output.table("Settings that use it", ("setting", "value"), rows)
    secret = SECRET if first == KEY else "as you gave it"
    screen.print(
        f"The key for addExchangeAccount is {first}, its secret {secret}; docs/go-live.md shows the way."
    )
    screen.print(f"Prices and faults are set at {sim.base_url}/control; docs/venues.md lists them.")


def pairs(
    venue: Annotated[
        str, typer.Option(help="Exchange to ask; default: the one that the settings name.")
    ] = "",
    choose: Annotated[
        str, typer.Option("--pairs", help="As BREAKWATER_MARKET_PAIRS: names, top-N, both.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show which pairs an exchange offers. Tells of much traded ones too why they are not on offer."""
    from server.cli.house import settings
    from trading.errors import InvalidInput

    found = settings()
    name = venue or found.market
    if not name:
        raise InvalidInput(
            "No exchange was named and BREAKWATER_MARKET is not set.",
            hint="Give --venue binance, for example.",
        )
    words = tuple(one.strip() for one in choose.split(",") if one.strip()) or found.market_pairs
    offered, left_out = asyncio.run(_offered(replace(found, market=name, market_pairs=words)))
    if as_json:
        output.emit_json({"venue": name, "pairs": offered, "left_out": left_out})
        return
    output.table(f"Pairs on offer at {name}", ("pair",), [(one,) for one in offered])
    if left_out:
        output.table("Left out", ("pair", "because"), list(left_out.items()))


async def _offered(found: Settings) -> tuple[list[str], dict[str, str]]:
    from desk.clock import SystemClock
    from desk.feeds.live_options import live_feed, live_options

    options = live_options(found)
    assert options is not None, "the market was named above"
    feed = live_feed(options, SystemClock())
    try:
        return list(await feed.pairs()), dict(feed.left_out)
    finally:
        await feed.close()
