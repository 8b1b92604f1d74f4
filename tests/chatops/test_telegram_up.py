"""`breakwater up` with a Telegram door, set up through the environment alone; the stand-in is another process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.support.telegram_world import ROOT, TOKEN, telegram_server

HOOK_SECRET = "a-secret-of-the-webhook"

#: Runs `up` without compiling ahead: an empty house trades nothing.
PROGRAM = """
import os, sys
import server.up
from desk.settings import load_settings
server.up._warm = lambda: None
sys.exit(server.up.serve(load_settings(os.environ), server.up.UpOptions(as_json=True)))
"""


@asynccontextmanager
async def up(folder: Path, settings: Mapping[str, str]) -> AsyncIterator[dict[str, str]]:
    """Run the program until the end of the block; gives its line of JSON."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BREAKWATER_")}
    environment |= {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}",
        "BREAKWATER_DATA_DIR": str(folder),
        "BREAKWATER_PORT": "0",
        **settings,
    }
    with (folder / "log.txt").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log
        )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 120)
        yield json.loads(line)
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 30)


async def link_code(ready: Mapping[str, str]) -> str:
    """Make a code for the owner's chat account over the API."""
    document = "mutation($key: UUID!) { createChatLinkCode(input: {idempotencyKey: $key}) { code userErrors { code } } }"
    query = {"query": document, "variables": {"key": str(uuid.uuid4())}}
    headers = {"authorization": f"Bearer {ready['token']}"}
    async with httpx.AsyncClient(timeout=30) as client:
        answer = (await client.post(ready["graphql"], json=query, headers=headers)).json()
    assert "errors" not in answer, answer
    code: str = answer["data"]["createChatLinkCode"]["code"]
    return code


async def test_settings_alone_open_the_door_and_nothing_secret_is_logged(tmp_path: Path) -> None:
    async with telegram_server() as telegram:
        settings = {"BREAKWATER_TELEGRAM_TOKEN": TOKEN, "BREAKWATER_TELEGRAM_BASE_URL": telegram.url}
        async with up(tmp_path, settings) as ready:
            code = await link_code(ready)
            linked = await telegram.ask(77, f"/link {code}")
            bots = await telegram.ask(77, "/bots")

    assert "Linked" in linked["text"]
    assert "/newbot makes one" in bots["text"]
    log = (tmp_path / "log.txt").read_text()
    assert TOKEN not in log
    assert code not in log


async def test_telegram_can_call_us_instead(tmp_path: Path) -> None:
    async with telegram_server() as telegram:
        settings = {
            "BREAKWATER_TELEGRAM_TOKEN": TOKEN,
            "BREAKWATER_TELEGRAM_BASE_URL": telegram.url,
            "BREAKWATER_TELEGRAM_WEBHOOK_URL": "https://desk.example.org/telegram-hook",
            "BREAKWATER_TELEGRAM_WEBHOOK_SECRET": HOOK_SECRET,
        }
        async with up(tmp_path, settings) as ready:
            for _ in range(500):
                hook = (await telegram.do("state"))["webhook"]
                if hook["url"]:
                    break
                await asyncio.sleep(0.02)
            address = ready["graphql"].replace("/graphql", "/telegram-hook")
            update = await telegram.say(66, "/status")
            async with httpx.AsyncClient(timeout=30) as client:
                header = "x-telegram-bot-api-secret-token"
                forged = await client.post(address, json=update, headers={header: "guess"})
                taken = await client.post(address, json=update, headers={header: HOOK_SECRET})
                again = await client.post(address, json=update, headers={header: HOOK_SECRET})
            reply = await telegram.next()
            await telegram.silent()

    assert hook == {"url": "https://desk.example.org/telegram-hook", "secret": HOOK_SECRET}
    assert [one.status_code for one in (forged, taken, again)] == [403, 200, 200]
    assert "We have not met" in reply["text"]
