"""People on the stand-in of Discord, and what goes wrong there: used in process, and over its control address."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.support.discord_limits import CHANNEL_S
from tests.support.discord_world import (
    APP,
    GUILD,
    ROOM,
    Interaction,
    channel_payload,
    snowflake,
    user_payload,
)

if TYPE_CHECKING:
    from tests.support.discord_server import DiscordServer

_ROOT = Path(__file__).resolve().parents[2]


class People:
    """What people do; every method gives JSON-ready values."""

    def __init__(self, server: DiscordServer) -> None:
        self.server = server

    async def slash(
        self, user: str, name: str, options: dict[str, Any] | None = None, **where: Any
    ) -> dict[str, Any]:
        """Use a slash command, as the server knows it."""
        command = self._command(name)
        typed = {one["name"]: one["type"] for one in command["options"]}
        given = [{"name": key, "type": typed[key], "value": value} for key, value in (options or {}).items()]
        data = {"id": command["id"], "name": name, "type": 1, "options": given}
        return await self._act(user, 2, data, **where)

    async def complete(self, user: str, name: str, option: str, typed: str, **where: Any) -> dict[str, Any]:
        """Type into an option."""
        command = self._command(name)
        given = [{"name": option, "type": 3, "value": typed, "focused": True}]
        data = {"id": command["id"], "name": name, "type": 1, "options": given}
        return await self._act(user, 4, data, **where)

    async def press(self, user: str, message: str, custom_id: str, **where: Any) -> dict[str, Any]:
        """Press a button of a message."""
        return await self._act(
            user, 3, {"custom_id": custom_id, "component_type": 2}, message=message, **where
        )

    async def choose(
        self, user: str, message: str, custom_id: str, values: list[str], **where: Any
    ) -> dict[str, Any]:
        """Choose in a menu."""
        data = {"custom_id": custom_id, "component_type": 3, "values": values}
        return await self._act(user, 3, data, message=message, **where)

    async def submit(
        self, user: str, custom_id: str, values: dict[str, str], message: str = "", **where: Any
    ) -> dict[str, Any]:
        """Send a modal off."""
        rows = [
            {"type": 1, "components": [{"type": 4, "custom_id": key, "value": value}]}
            for key, value in values.items()
        ]
        data = {"custom_id": custom_id, "components": rows}
        return await self._act(user, 5, data, message=message, **where)

    async def state(self) -> dict[str, Any]:
        """Give what was counted."""
        server = self.server
        return {
            "violations": server.violations,
            "requests": server.requests,
            "commands": {guild: [one["name"] for one in rows] for guild, rows in server.commands.items()},
            "messages": len(server.messages),
            "limited": server.limits.told,
            "repeated_nonces": server.repeated_nonces,
            "identified": server.gateway.identified,
            "resumed": server.gateway.resumed,
            "connected": server.gateway.connected.is_set(),
        }

    async def texts(self) -> list[dict[str, Any]]:
        """Give every message: where, what, and how many its channel got within the platform's window that it ends."""
        window_s = CHANNEL_S / self.server.limits.scale
        times: dict[str, list[float]] = {}
        found = []
        for one in self.server.messages.values():
            before = times.setdefault(one.channel_id, [])
            before.append(one.at)
            found.append(
                {
                    "channel": one.channel_id,
                    "at": one.at,
                    "text": json.dumps(one.body.get("embeds") or [], ensure_ascii=False),
                    "within_window": sum(1 for at in before[-20:] if at > one.at - window_s),
                }
            )
        return found

    async def told(self, user: str, timeout_s: float = 60.0) -> list[dict[str, Any]]:
        """Wait until somebody was written to, and give what stands in their conversation with the bot."""
        server = self.server

        def mine() -> list[dict[str, Any]]:
            return [one.shown() for one in server.messages.values() if one.channel_id == server.dms.get(user)]

        await server.until(mine, timeout_s)
        return mine()

    async def outage(self, on: bool) -> bool:
        """Take everything down, or up again."""
        self.server.is_down = on
        if on:
            await self.server.gateway.drop(1001)
        return on

    async def revoke(self) -> bool:
        """Make the token worthless."""
        self.server.token = "another.token"
        await self.server.gateway.drop(4004)
        return True

    async def ready(self, timeout_s: float = 60.0) -> bool:
        """Wait until the bot is connected and its commands are known."""
        async with asyncio.timeout(timeout_s):
            await self.server.gateway.connected.wait()
        await self.server.until(lambda: self.server.commands, timeout_s)
        return True

    def _command(self, name: str) -> dict[str, Any]:
        rows = [one for commands in self.server.commands.values() for one in commands]
        found = next((one for one in rows if one["name"] == name), None)
        assert found is not None, f"/{name} is not registered"
        return found

    async def _act(
        self,
        user: str,
        kind: int,
        data: dict[str, Any],
        *,
        message: str = "",
        channel: str = "",
        dm: bool = False,
        locale: str = "en-US",
        wait: bool = True,
        timeout_s: float = 60.0,
    ) -> dict[str, Any]:
        server = self.server
        if message and not channel:
            channel = server.messages[message].channel_id
        if dm:
            channel = server._conversation(user)["id"]
        channel = channel or ROOM
        record = Interaction(snowflake(), f"token-{snowflake()}", kind, channel, source_id=message)
        server.interactions[record.id] = record
        server.tokens[record.token] = record
        event: dict[str, Any] = {
            "id": record.id,
            "application_id": APP,
            "type": kind,
            "token": record.token,
            "version": 1,
            "data": data,
            "channel_id": channel,
            "channel": {
                **server.channels.get(channel, channel_payload(channel)),
                "permissions": "1071698660929",
            },
            "locale": locale,
            "guild_locale": "en-US",
            "app_permissions": "1071698660929",
            "entitlements": [],
            "authorizing_integration_owners": {},
            "context": 1 if server.channels.get(channel, {}).get("type") == 1 else 0,
            "attachment_size_limit": 10_485_760,
        }
        if event["context"] == 1:
            event["user"] = user_payload(user)
        else:
            event |= {
                "guild_id": GUILD,
                "guild": {"id": GUILD, "locale": "en-US", "features": []},
                "member": {
                    "user": user_payload(user),
                    "roles": [],
                    "joined_at": "2026-01-01T00:00:00+00:00",
                    "deaf": False,
                    "mute": False,
                    "flags": 0,
                    "permissions": "1071698660929",
                },
            }
        if message:
            event["message"] = server.messages[message].payload()
        await server.gateway.emit("INTERACTION_CREATE", event)
        if wait:
            await server.settled(record.id, timeout_s)
        return await self.seen(record.id)

    async def seen(self, interaction: str, wait: bool = False) -> dict[str, Any]:
        """Give how something that a person did was answered."""
        if wait:
            await self.server.settled(interaction)
        record = self.server.interactions[interaction]
        shown = [record.message_id, *record.followups] if record.message_id else list(record.followups)
        return {
            "id": record.id,
            "answer": record.answer,
            "after_s": record.answered_after_s,
            "modal": record.modal,
            "choices": record.choices,
            "messages": [self.server.messages[one].shown() for one in shown],
        }


class Remote:
    """The same over HTTP, for a server in another process."""

    def __init__(self, base: str, client: aiohttp.ClientSession) -> None:
        self.base = base
        self._client = client

    @property
    def api_url(self) -> str:
        """What BREAKWATER_DISCORD_API_URL is set to."""
        return f"http://{self.base}/api/v10"

    @property
    def gateway_url(self) -> str:
        """What BREAKWATER_DISCORD_GATEWAY_URL is set to."""
        return f"ws://{self.base}/gateway"

    async def __call__(self, do: str, /, **asked: Any) -> Any:
        """Do what `People` does under that name."""
        async with self._client.post(f"http://{self.base}/_control/{do}", json=asked) as response:
            assert response.status == 200, await response.text()
            return await response.json()


@asynccontextmanager
async def in_another_process(scale: float = 1.0) -> AsyncIterator[Remote]:
    """Run the stand-in in a process of its own."""
    process = await asyncio.to_thread(
        subprocess.Popen,
        [sys.executable, "-m", "tests.support.discord_server", str(scale)],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await asyncio.to_thread(process.stdout.readline)
        async with aiohttp.ClientSession() as client:
            yield Remote(json.loads(line)["base"], client)
    finally:
        process.stdin.close()
        await asyncio.to_thread(process.wait, 10)
        process.stdout.close()
