"""`breakwater up`: everything in one process, until a signal ends it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import structlog

from desk.logs import set_up_logs
from desk.secrets import Secret
from desk.settings import Settings
from server.money import money_said
from server.roles import EVERYTHING, Role
from server.watchdog import watched
from trading.errors import BreakwaterError, InvalidInput, OperatorProblem, RequestProblem, StoreProblem

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from desk.assembly import House, HouseOptions
    from desk.mail import SmtpServer
    from desk.ports import Painter
    from server.first_start import WayIn
    from server.health import Check

log = structlog.get_logger(__name__)

#: What the banner says of each role.
GREETINGS = {
    "serve": "This process serves the API; `breakwater trade` trades and `breakwater work` does the jobs.",
    "trade": "This process trades; `breakwater serve` has the API and `breakwater chat` the chats.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """How this run differs from the settings.

    Attributes:
        demo: set up a funded paper account with a running bot.
        replay: candle files to play instead of the simulated exchange.
        replay_pair: pair of a single file whose name does not tell.
        seed, speed_bars_per_s: of the market; None takes the setting.
        as_json: print one line of JSON when ready instead of the banner.
        console_command: what the banner tells people to type.
        role: what this process does for the house.
        on_stop: what becomes of live orders and positions; None takes the setting.
    """

    demo: bool = False
    replay: Sequence[Path] = ()
    replay_pair: str = ""
    seed: int | None = None
    speed_bars_per_s: float | None = None
    as_json: bool = False
    console_command: str = "breakwater console"
    role: Role = EVERYTHING
    on_stop: str | None = None


def serve(settings: Settings, options: UpOptions) -> int:
    """Run the house, or one role of it, until SIGINT or SIGTERM; a second signal ends it at once.

    Returns:
        exit code: 0 stopped on request, 1 the work failed, 2 a setting or the machine has to be put right.
    """
    set_up_logs(level=settings.log_level, form=settings.log_format, secrets=secrets_of(settings))
    try:
        listener = _listener(settings)
        with listener:
            _require_writable(settings.data_dir)
            _require_there(options.replay)
            if options.role.is_trading:
                _warm()
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                return runner.run(_run(settings, options, listener))
    except (OperatorProblem, RequestProblem) as problem:
        _complain(problem)
        return 2
    except BreakwaterError as problem:
        _complain(problem)
        return 1


def secrets_of(settings: Settings) -> list[Secret]:
    """Give every secret value of the settings, for the redaction of logs."""
    own = [getattr(settings, name) for name in settings.__slots__]
    keys = [key for venue in settings.venues.values() for key in (venue.api_key, venue.api_secret)]
    return [one for one in (*own, *keys) if isinstance(one, Secret) and one]


def house_options(settings: Settings, options: UpOptions, *, version: str) -> HouseOptions:
    """Turn settings and this run's options into the house's."""
    from desk.assembly import HouseOptions
    from desk.feeds.live_options import live_options
    from desk.news.sources import schedule_with_news

    return HouseOptions(
        # The demo shows something at once on any machine: it is always simulated.
        market=None if options.demo or options.replay else live_options(settings),
        venues=settings.venues,
        data_dir=settings.data_dir,
        database_url=settings.database_url.reveal(),
        replay=tuple(options.replay),
        replay_pair=options.replay_pair,
        seed=settings.demo_seed if options.seed is None else options.seed,
        speed_bars_per_s=settings.demo_speed
        if options.speed_bars_per_s is None
        else options.speed_bars_per_s,
        strategy_paths=(settings.strategy_path,) if settings.strategy_path else (),
        smtp=smtp_server(settings),
        version=version,
        key_path=settings.key_path,
        always_two=settings.two_person == "always",
        schedule=schedule_with_news(settings),
        redis_url=settings.redis_url,
        storage_url=settings.storage_url,
        role=options.role.name,
        is_trading=options.role.is_trading,
        is_pumping=options.role.is_trading,
    )


def market_of(remembered: HouseOptions, options: HouseOptions) -> HouseOptions:
    """Give options with the market that the house was last opened with."""
    return replace(
        options,
        market=remembered.market,
        replay=remembered.replay,
        seed=remembered.seed,
        speed_bars_per_s=remembered.speed_bars_per_s,
    )


def smtp_server(settings: Settings) -> SmtpServer | None:
    """Give the mail server; None where no host is set."""
    if not settings.smtp_host:
        return None
    from desk.mail import SmtpServer, Tls

    return SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=Tls(settings.smtp_tls),
        user=settings.smtp_user,
        password=settings.smtp_password.reveal(),
        sender=settings.smtp_from,
    )


async def _run(settings: Settings, options: UpOptions, listener: socket.socket) -> int:
    from chatops.alert_pictures import letter_pictures
    from chatops.email import render_alert
    from desk.assembly import open_house
    from desk.execution.winding_down import OnStop
    from server.app import create_app, create_pages, our_version
    from server.chat import has_doors, open_doors
    from server.cli.house import remember, remembered
    from server.first_start import NOBODY, prepare
    from server.market import open_market
    from server.stopping import executors_of, stop_on_signals, wind_down
    from server.web import settle, web_server
    from workers.house import working
    from workers.kinds import Bench

    role = options.role
    stop = asyncio.Event()
    stop_on_signals(stop)
    began = asyncio.get_running_loop().time()
    asked = house_options(settings, options, version=our_version())
    if not role.is_trading:
        # The market is played by the process that trades; this one looks at the same.
        asked = market_of(remembered(settings), asked)
    market = await open_market(asked)
    wanted = market.options
    if market.note:
        _note(f"breakwater: {market.note}")
    if role.is_trading and settings.market and wanted.market is None and not options.demo:
        # The console shows the market that is really played.
        remember(replace(settings, market=""), options)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(
            open_house(
                wanted,
                render_alert=render_alert,
                draw_alerts=letter_pictures,
                painter=_painter((role.has_doors and has_doors(settings)) or bool(settings.smtp_host)),
                feed=market.feed,
                on_fatal=_end,
            )
        )
        if role.is_working:
            await stack.enter_async_context(
                working(
                    house.store,
                    house.bus,
                    house.clock,
                    bell=house.bell,
                    bench=Bench(feed=house.feed, strategy_path=settings.strategy_path, settings=settings),
                    url=settings.broker_url.reveal(),
                    timetable=house.timetable,
                )
            )
        checks = _checks(house)
        routes: list[BaseRoute] = []
        if role.has_doors:
            chat = await stack.enter_async_context(open_doors(house, settings, version=our_version()))
            checks |= chat.checks()
            routes += chat.routes
        way_in = NOBODY
        if role.has_api:
            way_in = await prepare(
                house,
                demo=options.demo,
                capital=Decimal(settings.demo_capital),
                owner_email=settings.owner_email,
            )
        port = listener.getsockname()[1]
        create = create_app if role.has_api else create_pages
        app = create(house, replace(settings, port=port), checks=checks)
        app.router.routes.extend(routes)
        server = web_server(app)
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="web")
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells it by a flag only
            await asyncio.sleep(0.01)
        app.state.metrics.start_up.set(asyncio.get_running_loop().time() - began)
        settle()
        if not stop.is_set() and not serving.done():
            _say_ready(settings, options, house, way_in, port, money=await money_said(house.store))
        stopping = asyncio.create_task(stop.wait(), name="stop")
        with watched(settings.watchdog_s):
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping")
        stopping.cancel()
        if role.has_api:
            await app.state.door.close()
        await wind_down(executors_of(house), OnStop(options.on_stop or settings.on_stop), house.clock)
        server.should_exit = True
        await serving
    return 0


def _painter(is_wanted: bool) -> Painter | None:
    """Give what draws pictures for chats, in a process of its own; nothing where nobody would see them."""
    if not is_wanted:
        return None
    from desk.charts.painter import ProcessPainter

    return ProcessPainter()


def _end(problem: StoreProblem) -> None:
    """Leave at once when the database stays away: whoever supervises us starts anew, and a start repairs everything."""
    _complain(problem)
    os._exit(1)


def _checks(house: House) -> dict[str, Check]:
    async def tasks() -> str:
        if not house.is_healthy:
            raise StoreProblem("A task of this process died.", hint="The log says why; restart it.")
        return ", ".join(task.get_name() for task in house.tasks)

    async def feed() -> str:
        return house.feed.label

    async def outbox() -> str:
        async with house.store.reading() as unit:
            waiting, _ = await unit.alerts.pending()
        return f"{waiting} deliveries wait"

    return {"tasks": tasks, "feed": feed, "outbox": outbox}


def _listener(settings: Settings) -> socket.socket:
    from server.web import bound_socket

    return bound_socket(settings.host, settings.port)


def _require_writable(folder: Path) -> None:
    """Refuse a data folder that cannot be used, before anything is started.

    Raises:
        StoreProblem: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StoreProblem(
            f"The data folder '{folder}' cannot be written: {error.strerror or error}.",
            hint="Name one that can be with --data-dir or BREAKWATER_DATA_DIR.",
        ) from error


def _require_there(files: Sequence[Path]) -> None:
    """Refuse a candle file that is not there, before anybody waits for the compiler.

    Raises:
        InvalidInput: there is no such file.
    """
    for one in files:
        if not one.is_file():
            raise InvalidInput(
                f"File '{one}' was named and is not there.",
                hint="Name a candle file that exists with --replay.",
            )


def _warm() -> None:
    from server.warm import is_warm, warm_in_subprocess

    if not is_warm():
        _note("Compiling the trading core; this happens once per version.")
        try:
            warm_in_subprocess()
        except subprocess.CalledProcessError as problem:
            # Everything still works, compiled when it is first needed.
            log.warning("warming_failed", code=problem.returncode)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _say_ready(
    settings: Settings, options: UpOptions, house: House, way_in: WayIn, port: int, *, money: str
) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - shown, not bound
    address = f"{host}:{port}"
    role = options.role
    if options.as_json:
        line = {
            "ready": True,
            "graphql": f"http://{address}/graphql" if role.has_api else None,
            "subscriptions": f"ws://{address}/graphql" if role.has_api else None,
            "token": way_in.token or None,
            "pid": os.getpid(),
        }
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
        sys.stdout.flush()
        return
    rows = [("Market", house.feed.label)]
    if role.has_api:
        rows += [
            ("Workspace", f"{way_in.workspace}, as {way_in.user or 'nobody yet'}"),
            ("GraphQL", f"http://{address}/graphql"),
            ("Streams", f"ws://{address}/graphql"),
            ("API token", way_in.token or "none: this workspace has no owner"),
        ]
    else:
        rows += [("Health", f"http://{address}/readyz"), ("Metrics", f"http://{address}/metrics")]
    rows += [("Console", options.console_command), ("Data", str(settings.data_dir))]
    if role.is_trading:
        rows += [("Mail", settings.smtp_host or "off: alerts wait in the outbox")]
    if role.has_doors:
        rows += [("Chat", _chat(settings))]
    _banner(rows, f"{money if role.is_trading else ''} {GREETINGS.get(role.name, '')}".strip())


def _chat(settings: Settings) -> str:
    tokens = {"Telegram": settings.telegram_token, "Discord": settings.discord_token}
    return " and ".join(name for name, token in tokens.items() if token) or "the console"


def _banner(rows: list[tuple[str, str]], greeting: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    screen = Console(highlight=False, soft_wrap=True)
    grid = Table.grid(padding=(0, 2))
    for name, value in rows:
        grid.add_row(Text(name, style="bold"), Text(value))
    screen.print()
    screen.print(f"[bold green]Breakwater is ready.[/bold green] {greeting} Ctrl-C stops it.")
    screen.print(grid)
    screen.print()
    sys.stdout.flush()


def _complain(problem: BreakwaterError) -> None:
    _note(f"breakwater: {' '.join(str(problem).split())}")


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
