"""Discord as a stand-in: REST and gateway on a loopback port, in this process or in one of its own.

Run: python -m tests.support.discord_server [rest limits: scale] (prints one line of JSON when it listens)
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.support.discord_gateway import Gateway
from tests.support.discord_limits import Limits
from tests.support.discord_rules import Refused, check_commands, check_message, check_modal
from tests.support.discord_world import (
    ANSWER_S,
    APP,
    GUILD,
    ROOM,
    TOKEN,
    TOKEN_S,
    Interaction,
    Message,
    channel_payload,
    guild_payload,
    ready_payload,
    snowflake,
    user_payload,
)


class Problem(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class DiscordServer:
    """The stand-in. Everything public can also be asked for over `/_control/<name>`."""

    def __init__(self, *, scale: float = 1.0, heartbeat_ms: int = 41_250) -> None:
        self.token = TOKEN
        self.gateway = Gateway(heartbeat_ms=heartbeat_ms)
        self.channels: dict[str, dict[str, Any]] = {ROOM: channel_payload(ROOM)}
        self.messages: dict[str, Message] = {}
        self.interactions: dict[str, Interaction] = {}
        self.tokens: dict[str, Interaction] = {}
        self.commands: dict[str, list[dict[str, Any]]] = {}
        self.violations: list[str] = []
        self.requests: dict[str, int] = {}
        self.dms: dict[str, str] = {}
        self.closed_dms: set[str] = set()
        self.is_down = False
        self.lost_answers = 0
        self.repeated_nonces = 0
        self.limits = Limits(scale)
        self.base = ""
        self._nonces: dict[tuple[str, str], str] = {}
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> None:
        """Listen."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/gateway", self._socket)
        app.router.add_post("/_control/{name}", self._control)
        app.router.add_route("*", "/api/v10/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        assert self._runner.addresses
        self.base = f"127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Leave."""
        await self.gateway.drop(1001)
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        """What BREAKWATER_DISCORD_API_URL is set to."""
        return f"http://{self.base}/api/v10"

    @property
    def gateway_url(self) -> str:
        """What BREAKWATER_DISCORD_GATEWAY_URL is set to."""
        return f"ws://{self.base}/gateway"

    # ------------------------------------------------------------ the platform

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self.is_down:
            raise web.HTTPServiceUnavailable
        return await self.gateway.serve(
            request, token=self.token, ready=ready_payload(self.gateway_url), guilds=[guild_payload()]
        )

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        parts = path.split("/")
        body, files = await _read(request)
        if self.is_down:
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=503)
        headers = {"Via": "1.1 stand-in"}
        self.requests[f"{request.method} {parts[0]}"] = (
            self.requests.get(f"{request.method} {parts[0]}", 0) + 1
        )
        try:
            if (
                parts[0] not in {"interactions", "webhooks"}
                and request.headers.get("Authorization") != f"Bot {self.token}"
            ):
                raise _unauthorized()
            waits = self.limits.wait_s(request.method, parts, headers)
            if waits is not None:
                headers["Retry-After"] = str(waits)
                return _json(
                    {"message": "You are being rate limited.", "retry_after": waits, "global": False},
                    status=429,
                    headers=headers,
                )
            answer = await self._answer(request.method, parts, body, files, request.query)
        except Problem as problem:
            return _json(
                {"code": problem.code, "message": problem.message}, status=problem.status, headers=headers
            )
        except Refused as problem:
            self.violations.append(f"{request.method} {path}: {problem}")
            return _json(
                {"code": 50035, "message": f"Invalid Form Body: {problem}"}, status=400, headers=headers
            )
        async with self._changed:
            self._changed.notify_all()
        if self.lost_answers and request.method == "POST" and parts[0] in {"channels", "webhooks"}:
            self.lost_answers -= 1
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=500)
        if answer is None:
            return web.Response(status=204, headers=headers)
        return _json(answer, headers=headers)

    async def _answer(
        self, method: str, parts: list[str], body: Any, files: dict[str, bytes], query: Any
    ) -> Any:
        match [method, *parts]:
            case ["GET", "users", "@me"]:
                return user_payload(APP, "breakwater")
            case ["GET", "oauth2", "applications", "@me"] | ["GET", "applications", "@me"]:
                return _application()
            case ["PUT", "applications", _, "commands"]:
                return self._registered("", body)
            case ["PUT", "applications", _, "guilds", guild, "commands"]:
                return self._registered(guild, body)
            case ["POST", "interactions", interaction_id, token, "callback"]:
                return self._called_back(interaction_id, token, body, files)
            case ["POST", "webhooks", _, token]:
                return self._followed_up(token, body, files)
            case ["PATCH", "webhooks", _, token, "messages", which]:
                record = self._alive(token)
                message = self._message(record.message_id if which == "@original" else which)
                record.is_settled = True
                return self._edited(message, body, files)
            case ["DELETE", "webhooks", _, token, "messages", which]:
                record = self._alive(token)
                self._message(record.message_id if which == "@original" else which).is_deleted = True
                record.is_settled = True
                return None
            case ["GET", "webhooks", _, token, "messages", which]:
                record = self._alive(token)
                return self._message(record.message_id if which == "@original" else which).payload()
            case ["POST", "users", "@me", "channels"]:
                return self._conversation(body["recipient_id"])
            case ["GET", "channels", channel]:
                return self._channel(channel)
            case ["POST", "channels", channel, "messages"]:
                return self._posted(channel, body, files)
            case ["PATCH", "channels", channel, "messages", which]:
                return self._edited(self._message(which), body, files)
            case ["DELETE", "channels", channel, "messages", which]:
                self._message(which).is_deleted = True
                return None
            case ["PUT", "channels", channel, ("pins" | "messages"), *rest]:
                self._message(rest[-1]).is_pinned = True
                return None
            case ["POST", "channels", channel, "threads"]:
                thread = channel_payload(snowflake(), 11, body["name"], channel)
                self.channels[thread["id"]] = thread
                return thread
        raise Problem(404, 0, f"404: {method} {'/'.join(parts)} is not there")

    def _registered(self, guild: str, body: list[dict[str, Any]]) -> list[dict[str, Any]]:
        check_commands(body)
        self.commands[guild] = [
            {
                **one,
                "id": snowflake(),
                "application_id": APP,
                "version": "1",
                "default_member_permissions": None,
            }
            for one in body
        ]
        return self.commands[guild]

    def _called_back(self, interaction_id: str, token: str, body: Any, files: dict[str, bytes]) -> Any:
        record = self.interactions.get(interaction_id)
        if record is None or record.token != token or record.age_s - record.aged_s > ANSWER_S:
            raise Problem(404, 10062, "Unknown interaction")
        if record.answer is not None:
            raise Problem(400, 40060, "Interaction has already been acknowledged.")
        kind, data = body["type"], body.get("data") or {}
        is_ephemeral = bool(int(data.get("flags") or 0) & 64)
        if kind == 4:
            check_message(data)
            record.message_id = self._stored(record.channel_id, data, files, is_ephemeral=is_ephemeral).id
            record.is_settled = True
        elif kind == 5:
            message = self._stored(record.channel_id, {}, {}, is_ephemeral=is_ephemeral, is_loading=True)
            record.message_id = message.id
        elif kind in {6, 7}:
            record.message_id = record.source_id
            if kind == 7:
                self._edited(self._message(record.source_id), data, files)
                record.is_settled = True
        elif kind == 8:
            require_choices(data)
            record.choices = data["choices"]
            record.is_settled = True
        elif kind == 9:
            check_modal(data)
            record.modal = data
            record.is_settled = True
        else:
            raise Refused(f"callback type {kind}")
        record.answer, record.answered_after_s = kind, record.age_s
        return {
            "interaction": {
                "id": record.id,
                "type": record.kind,
                "response_message_id": record.message_id or None,
                "response_message_loading": kind == 5,
                "response_message_ephemeral": is_ephemeral,
            }
        }

    def _alive(self, token: str) -> Interaction:
        record = self.tokens.get(token)
        if record is None or record.age_s > TOKEN_S:
            raise Problem(401, 50027, "Invalid Webhook Token")
        if record.answer is None:
            raise Problem(404, 10015, "Unknown Webhook")
        return record

    def _followed_up(self, token: str, body: Any, files: dict[str, bytes]) -> Any:
        record = self._alive(token)
        check_message(body)
        record.is_settled = True
        if (
            record.message_id
            and (first := self.messages[record.message_id]).is_loading
            and not first.is_deleted
        ):
            return self._edited(first, body, files)
        is_ephemeral = bool(int(body.get("flags") or 0) & 64)
        message = self._stored(record.channel_id, body, files, is_ephemeral=is_ephemeral)
        record.followups.append(message.id)
        return message.payload()

    def _conversation(self, user_id: str) -> dict[str, Any]:
        user_id = str(user_id)
        if user_id in self.closed_dms:
            raise Problem(403, 50007, "Cannot send messages to this user")
        channel_id = self.dms.setdefault(user_id, snowflake())
        self.channels[channel_id] = channel_payload(channel_id, 1, user_id)
        return self.channels[channel_id]

    def _channel(self, channel: str) -> dict[str, Any]:
        found = self.channels.get(channel)
        if found is None:
            raise Problem(404, 10003, "Unknown Channel")
        return found

    def _posted(self, channel: str, body: Any, files: dict[str, bytes]) -> Any:
        self._channel(channel)
        check_message(body)
        nonce = str(body.get("nonce") or "")
        if nonce and body.get("enforce_nonce") and (channel, nonce) in self._nonces:
            self.repeated_nonces += 1
            return self.messages[self._nonces[channel, nonce]].payload()
        message = self._stored(channel, body, files)
        if nonce:
            self._nonces[channel, nonce] = message.id
        return message.payload()

    def _message(self, message_id: str) -> Message:
        found = self.messages.get(message_id)
        if found is None or found.is_deleted:
            raise Problem(404, 10008, "Unknown Message")
        return found

    def _stored(
        self,
        channel: str,
        body: dict[str, Any],
        files: dict[str, bytes],
        *,
        is_ephemeral: bool = False,
        is_loading: bool = False,
    ) -> Message:
        message = Message(
            snowflake(), channel, dict(body), dict(files), is_ephemeral=is_ephemeral, is_loading=is_loading
        )
        self.messages[message.id] = message
        return message

    def _edited(self, message: Message, body: dict[str, Any], files: dict[str, bytes]) -> dict[str, Any]:
        check_message(body, is_edit=True)
        if not message.is_loading:
            message.edits += 1
        message.is_loading = False
        message.at = time.monotonic()
        message.body |= {name: value for name, value in body.items() if name != "attachments"}
        if "attachments" in body:
            kept = {str(one.get("filename")) for one in body["attachments"]}
            message.files = {name: data for name, data in message.files.items() if name in kept}
        message.files |= files
        return message.payload()

    # ------------------------------------------------------------ people and trouble

    async def _control(self, request: web.Request) -> web.Response:
        from tests.support.discord_people import People

        asked = await request.json()
        method: Callable[..., Any] = getattr(People(self), request.match_info["name"])
        return _json(await method(**asked))

    async def settled(self, interaction_id: str, timeout_s: float = 60.0) -> Interaction:
        """Wait until somebody has been shown an answer."""
        record = self.interactions[interaction_id]
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: record.is_settled)
        return record

    async def until(self, holds: Callable[[], object], timeout_s: float = 60.0) -> None:
        """Wait until something holds after a request."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(holds)


def _unauthorized() -> Problem:
    return Problem(401, 0, "401: Unauthorized")


def require_choices(data: dict[str, Any]) -> None:
    """Refuse what autocompletion may not offer."""
    choices = data.get("choices") or []
    if len(choices) > 25 or any(
        not 1 <= len(one["name"]) <= 100 or not 1 <= len(str(one["value"])) <= 100 for one in choices
    ):
        raise Refused("choices")


def _json(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer as Discord does: without a charset, which its library would not take for JSON."""
    given = {**(headers or {}), "Content-Type": "application/json"}
    return web.Response(body=json.dumps(body).encode(), status=status, headers=given)


def _application() -> dict[str, Any]:
    return {
        "id": APP,
        "name": "breakwater",
        "icon": None,
        "description": "",
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "",
        "summary": "",
        "flags": 0,
        "rpc_origins": [],
        "team": None,
        "owner": user_payload("1", "owner"),
        "approximate_guild_count": 1,
        "approximate_user_install_count": 0,
        "guild_id": GUILD,
    }


async def _read(request: web.Request) -> tuple[Any, dict[str, bytes]]:
    """Give the JSON body and the files of a request."""
    if request.content_type != "multipart/form-data":
        text = await request.text()
        return (json.loads(text) if text else {}), {}
    body: Any = {}
    files: dict[str, bytes] = {}
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        assert not isinstance(part, type(reader))
        data = bytes(await part.read())  # type: ignore[union-attr]
        if part.name == "payload_json":  # type: ignore[union-attr]
            body = json.loads(data)
        else:
            files[str(part.filename)] = data  # type: ignore[union-attr]
    return body, files


async def _alone(scale: float) -> None:
    server = DiscordServer(scale=scale)
    await server.start()
    sys.stdout.write(json.dumps({"base": server.base}) + "\n")
    sys.stdout.flush()
    # Whoever started us closes our input to end us.
    with contextlib.suppress(EOFError):
        await asyncio.to_thread(sys.stdin.read)
    await server.stop()


if __name__ == "__main__":
    asyncio.run(_alone(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
