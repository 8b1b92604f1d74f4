"""`up`, `serve`, `trade`, `console`, `warm`: running the house and talking to it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli import output
from server.cli.options import AsJson, DataDir, OnStopOption, StrategyPath

if TYPE_CHECKING:
    from server.roles import Role


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.command("up")(up)
    app.command("serve")(serve_api)
    app.command("trade")(trade)
    app.command("console")(console)
    app.command("warm")(warm)


def up(
    demo: Annotated[
        bool,
        typer.Option("--demo", help="A funded paper account and one running bot, to see something at once."),
    ] = False,
    replay: Annotated[
        list[Path] | None,
        typer.Option("--replay", help="Play a candle file instead of the simulated exchange; repeatable."),
    ] = None,
    speed: Annotated[
        float | None, typer.Option(help="Bars a second; 0 is as fast as they are taken.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the simulated exchange.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the web server; 0 takes a free one.")] = None,
    data_dir: DataDir = None,
    strategy_path: StrategyPath = None,
    on_stop: OnStopOption = None,
    as_json: AsJson = False,
) -> int:
    """Run everything in one process until Ctrl-C. That is store, market, bots, GraphQL and alerts."""
    from server.cli.house import remember, settings
    from server.up import UpOptions, serve

    found = settings(data_dir)
    changes = {"port": port, "strategy_path": strategy_path}
    found = replace(found, **{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]
    options = UpOptions(
        demo=demo,
        replay=tuple(replay or ()),
        seed=seed,
        speed_bars_per_s=speed,
        as_json=as_json,
        console_command=f"breakwater console --data-dir {data_dir}" if data_dir else "breakwater console",
        on_stop=on_stop,
    )
    remember(found, options)
    return serve(found, options)


def serve_api(
    port: Annotated[int | None, typer.Option(help="Port of the web server; 0 takes a free one.")] = None,
    data_dir: DataDir = None,
    strategy_path: StrategyPath = None,
    as_json: AsJson = False,
) -> int:
    """Serve the API alone, until Ctrl-C. Another process trades on the same database."""
    from server.roles import SERVING

    return _role(SERVING, port, data_dir, strategy_path, as_json)


def trade(
    port: Annotated[
        int | None, typer.Option(help="Port of the pages of health and metrics; 0 takes a free one.")
    ] = 0,
    data_dir: DataDir = None,
    strategy_path: StrategyPath = None,
    on_stop: OnStopOption = None,
    as_json: AsJson = False,
) -> int:
    """Run the bots, orders and alerts alone, until Ctrl-C. A second one of these takes over when the first one dies."""
    from server.roles import TRADING

    return _role(TRADING, port, data_dir, strategy_path, as_json, on_stop)


def _role(
    role: Role,
    port: int | None,
    data_dir: Path | None,
    strategy_path: Path | None,
    as_json: bool,
    on_stop: str | None = None,
) -> int:
    from server.cli.house import remember, settings
    from server.up import UpOptions, serve

    found = settings(data_dir)
    changes = {"port": port, "strategy_path": strategy_path}
    found = replace(found, **{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]
    options = UpOptions(
        as_json=as_json,
        role=role,
        console_command=f"breakwater console --data-dir {data_dir}" if data_dir else "breakwater console",
        on_stop=on_stop,
    )
    if role.is_trading:
        remember(found, options)
    return serve(found, options)


def console(
    command: Annotated[
        str, typer.Argument(help='One command, e.g. "/status"; without it you talk until /quit.')
    ] = "",
    as_user: Annotated[str, typer.Option("--as", help="Who you are; by default the only owner.")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Confirm at once what asks for a confirmation.")
    ] = False,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder for pictures and files; default: the current one.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Talk to the house, or give one command. With --json the card comes as one JSON document."""
    return asyncio.run(_console(command, as_user, yes, pictures or Path.cwd(), data_dir, as_json))


async def _console(
    command: str, as_user: str, yes: bool, pictures: Path, data_dir: Path | None, as_json: bool
) -> int:
    from chatops.commands import full_book
    from chatops.console.door import Screen, console_actor, room_of, run_interactive, run_once
    from chatops.console.terminal import terminal_ask
    from desk.assembly import open_house
    from desk.charts.painter import ProcessPainter
    from desk.logs import set_up_logs
    from server.chat import forecaster
    from server.cli.house import remembered, settings
    from server.up import secrets_of
    from server.version import VERSION

    found = settings(data_dir)
    # A line per command is for logs, not for whoever talks here; --json is one document and nothing else.
    level = "warning" if found.log_level == "info" else found.log_level
    set_up_logs(level=level, form=found.log_format, secrets=secrets_of(found))
    options = replace(remembered(found), role="console", is_trading=False, is_pumping=False, version=VERSION)
    is_talking = not command and sys.stdin.isatty()
    has_terminal = sys.stdout.isatty()
    screen = Screen(
        width=shutil.get_terminal_size((100, 24)).columns,
        color=has_terminal and not os.environ.get("NO_COLOR"),
        is_json=as_json,
        folder=pictures,
    )
    painter = ProcessPainter()
    try:
        async with open_house(options, painter=painter) as house:
            room = room_of(
                house.desk,
                painter=painter,
                version=VERSION,
                label=house.feed.label,
                drifts=house.drifts,
                forecast=forecaster(house),
            )
            actor = await console_actor(house.store, as_user)
            if command:
                ask = _ask if is_talking or (sys.stdin.isatty() and not as_json) else None
                said = await run_once(room, command, actor, screen=screen, yes=yes, ask=ask)
                _tell(said.text)
                return said.code
            history = options.data_dir / "console_history"
            asking = terminal_ask(full_book(), history) if is_talking else _ask
            return await run_interactive(room, actor, ask=asking, tell=_tell, screen=screen)
    finally:
        await painter.close()


async def _ask(prompt: str) -> str | None:
    try:
        return await asyncio.to_thread(input, prompt if sys.stdin.isatty() else "")
    except EOFError:
        return None


def _tell(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def warm() -> None:
    """Compile the trading core now. Nothing waits for it later then."""
    from server.warm import is_warm, warm_in_subprocess

    if is_warm():
        output.note("The trading core is compiled already.")
        return
    output.note("Compiling the trading core; this happens once per version.")
    warm_in_subprocess()
