"""`chat`: the chat doors in a process of their own."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import typer

from server.cli import output
from server.cli.options import DataDir


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.command("chat")(chat)


def chat(data_dir: DataDir = None) -> int:
    """Keep the chat doors open until Ctrl-C. A second one of these takes over when the first one dies."""
    from desk.logs import set_up_logs
    from server.chat import has_doors
    from server.cli.house import settings
    from server.up import secrets_of
    from trading.errors import BadSetting

    found = settings(data_dir)
    if not has_doors(found):
        raise BadSetting(
            "No chat door is set up: BREAKWATER_TELEGRAM_TOKEN and BREAKWATER_DISCORD_TOKEN are empty.",
            hint="Set one of them; docs/telegram.md and docs/discord.md say where tokens come from.",
        )
    if found.telegram_webhook_url:
        raise BadSetting(
            "BREAKWATER_TELEGRAM_WEBHOOK_URL is set; a webhook needs the web server of `breakwater up`.",
            hint="Leave it empty for `breakwater chat`: then Telegram is polled.",
        )
    set_up_logs(level=found.log_level, form=found.log_format, secrets=secrets_of(found))
    return asyncio.run(_chat(data_dir))


async def _chat(data_dir: Path | None) -> int:
    from dataclasses import replace

    from desk.assembly import open_house
    from desk.charts.painter import ProcessPainter
    from server.chat import open_doors
    from server.cli.house import remembered, settings
    from server.version import VERSION

    found = settings(data_dir)
    options = replace(remembered(found), role="chat", is_trading=False, version=VERSION)
    stop = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    async with (
        open_house(options, painter=ProcessPainter()) as house,
        open_doors(house, found, version=VERSION) as open_now,
    ):
        output.note(f"Chat doors: {', '.join(open_now.doors.names)}. Ctrl-C closes them.")
        await stop.wait()
    return 0
