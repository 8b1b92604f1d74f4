"""The stand-in for Telegram from the outside: started as a process, and people who write to the bot."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.telegram_server import TOKEN, USERNAME

ROOT = Path(__file__).resolve().parents[2]

__all__ = ["TOKEN", "USERNAME", "StandIn", "Telegram", "telegram_server"]


@dataclass(slots=True)
class Telegram:
    """A running stand-in."""

    url: str
    control: httpx.AsyncClient
    seen: int = 0
    _log: list[dict[str, Any]] = field(default_factory=list)

    async def do(self, verb: str, **spec: Any) -> dict[str, Any]:
        """Tell it what people do or what goes wrong."""
        answer = await self.control.post(f"/control/{verb}", json=spec)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def say(self, user: int, text: str, **more: Any) -> dict[str, Any]:
        """Write to the bot; gives the update."""
        return (await self.do("say", user=user, text=text, **more))["update"]  # type: ignore[no-any-return]

    async def tap(self, user: int, message: dict[str, Any], label: str, **more: Any) -> dict[str, Any]:
        """Tap a button of a message by its label."""
        data = next(data for text, data in message["keys"] if text == label)
        return await self.do("tap", user=user, message=message["id"], data=data, **more)

    async def log(self) -> list[dict[str, Any]]:
        """Give everything that the bot sent, oldest first."""
        state = await self.do("state", since=len(self._log))
        self._log += state["log"]
        return self._log

    async def next(
        self, *, within_s: float = 20.0, wanted: Callable[[dict[str, Any]], bool] | None = None
    ) -> dict[str, Any]:
        """Wait for the next message of the bot that was not given yet."""
        ends = time.monotonic() + within_s
        while time.monotonic() < ends:
            for one in (await self.log())[self.seen :]:
                self.seen += 1
                if one["method"] != "pinChatMessage" and (wanted is None or wanted(one)):
                    return one
            await asyncio.sleep(0.01)
        raise AssertionError(f"nothing came within {within_s:g} s; before that: {self._log[-3:]}")

    async def silent(self, for_s: float = 0.5) -> None:
        """Make sure that nothing comes for a while."""
        await asyncio.sleep(for_s)
        assert len(await self.log()) == self.seen, self._log[self.seen :]

    async def ask(self, user: int, text: str, **more: Any) -> dict[str, Any]:
        """Write to the bot and give its answer."""
        await self.say(user, text, **more)
        return await self.next()

    async def press(self, user: int, message: dict[str, Any], label: str, **more: Any) -> dict[str, Any]:
        """Tap a button and give the answer."""
        await self.tap(user, message, label, **more)
        return await self.next()


class StandIn:
    """The process of a stand-in."""

    def __init__(self, *, scale: float = 1.0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.telegram_server", "--scale", str(scale)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}"},
        )
        assert self.process.stdout is not None
        self.ports: dict[str, int] = json.loads(self.process.stdout.readline())

    @asynccontextmanager
    async def visited(self) -> AsyncIterator[Telegram]:
        """Talk to it from one loop; it begins anew each time."""
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.ports['control']}", timeout=30.0
        ) as control:
            telegram = Telegram(f"http://127.0.0.1:{self.ports['api']}", control)
            await telegram.do("reset")
            yield telegram

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@asynccontextmanager
async def telegram_server(*, scale: float = 1.0) -> AsyncIterator[Telegram]:
    """Run a stand-in of its own for the block."""
    stand_in = StandIn(scale=scale)
    try:
        async with stand_in.visited() as telegram:
            yield telegram
    finally:
        stand_in.close()
