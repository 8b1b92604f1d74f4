"""The examples run against a real server with the real clients."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport

from api.ids import global_id
from desk.identity import Role
from tests.api.conftest import Scene
from tests.api.test_api_streams import AT, until
from trading.events import PairUnlocked

ROOT = Path(__file__).resolve().parents[2]


def _python_example() -> ModuleType:
    path = ROOT / "examples" / "python" / "follow_journal.py"
    spec = importlib.util.spec_from_file_location("follow_journal", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_the_python_example_follows_the_journal_through_a_lost_connection(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    home = scene.home.workspace.id

    async def write(pair: str) -> None:
        await scene.house.write(
            home, PairUnlocked(workspace_id=home, occurred_at=AT, pair=pair, reason="example")
        )

    following = asyncio.create_task(
        _python_example().follow(scene.web.socket_url, scene.home.tokens[Role.VIEWER], until=4)
    )
    door = scene.web.app.state.door
    await until(lambda: len(door.sockets) == 1 and scene.house.bus.listeners == 2)
    await write("A/USDT")
    await write("B/USDT")
    await until(lambda: "B/USDT" in capsys.readouterr().out)
    for one in tuple(door.sockets):
        await one.close(1012, "restart")
    await write("C/USDT")
    await write("D/USDT")
    seen = await asyncio.wait_for(following, 20)

    assert seen == [1, 2, 3, 4]


async def test_gql_queries_over_the_socket(scene: Scene) -> None:
    transport = WebsocketsTransport(
        url=scene.web.socket_url, headers={"Authorization": f"Bearer {scene.home.tokens[Role.VIEWER]}"}
    )
    async with Client(transport=transport) as session:
        found = await session.execute(gql("{ bots { edges { node { name } } } }"))

    assert found == {"bots": {"edges": [{"node": {"name": "bot-0"}}]}}


async def test_the_curl_example_reads_and_pauses(scene: Scene) -> None:
    assert shutil.which("curl"), "the example needs curl; install it"
    bot = global_id("Bot", scene.bot.id)
    process = await asyncio.create_subprocess_exec(
        str(ROOT / "examples" / "curl" / "first_steps.sh"),
        bot,
        env={
            **os.environ,
            "BREAKWATER_URL": f"{scene.web.url}/graphql",
            "BREAKWATER_TOKEN": scene.home.tokens[Role.OWNER],
            "NO_PROXY": "*",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()

    assert process.returncode == 0, err
    lines = out.decode().strip().splitlines()
    assert bot in lines[0]
    assert '"currency":"USDT"' in lines[1]
    assert "is stopped; only a running bot is paused" in lines[2]
