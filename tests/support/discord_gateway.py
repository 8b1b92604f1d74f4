"""Discord's gateway as a stand-in: hello, identify, heartbeats, events with numbers, resuming, invalid sessions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

#: Operation codes.
DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11


@dataclass(slots=True)
class Session:
    """What a client gets back when it resumes."""

    id: str
    sequence: int = 0
    events: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=10_000))


class Gateway:
    """One client's events; a second connection takes the first one's place."""

    def __init__(self, *, heartbeat_ms: int = 41_250) -> None:
        self.heartbeat_ms = heartbeat_ms
        self.session: Session | None = None
        self.socket: web.WebSocketResponse | None = None
        self.identified = 0
        self.resumed = 0
        self.heartbeats = 0
        self.connected = asyncio.Event()
        self._squeeze: Any = None

    async def serve(
        self, request: web.Request, *, token: str, ready: dict[str, Any], guilds: list[dict[str, Any]]
    ) -> web.WebSocketResponse:
        """Talk with a client until either side leaves."""
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        squeeze = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None
        self._squeeze = squeeze
        await self._send(socket, {"op": HELLO, "d": {"heartbeat_interval": self.heartbeat_ms}}, squeeze)
        try:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                frame = json.loads(message.data)
                if frame["op"] == HEARTBEAT:
                    self.heartbeats += 1
                    await self._send(socket, {"op": ACK}, squeeze)
                elif frame["op"] == IDENTIFY:
                    if frame["d"]["token"] != token:
                        await socket.close(code=4004, message=b"Authentication failed.")
                        break
                    await self._identify(socket, ready, guilds)
                elif frame["op"] == RESUME:
                    await self._resume(socket, frame["d"], token)
        finally:
            if self.socket is socket:
                self.socket = None
                self.connected.clear()
        return socket

    async def _identify(
        self, socket: web.WebSocketResponse, ready: dict[str, Any], guilds: list[dict[str, Any]]
    ) -> None:
        self.identified += 1
        self.session = Session(id=f"session-{self.identified}")
        self.socket = socket
        await self.emit("READY", {**ready, "session_id": self.session.id})
        for guild in guilds:
            await self.emit("GUILD_CREATE", guild)
        self.connected.set()

    async def _resume(self, socket: web.WebSocketResponse, body: dict[str, Any], token: str) -> None:
        session = self.session
        if body["token"] != token:
            await socket.close(code=4004, message=b"Authentication failed.")
            return
        if session is None or session.id != body["session_id"]:
            await self._send(socket, {"op": INVALID, "d": False}, self._squeeze)
            return
        self.resumed += 1
        self.socket = socket
        for event in [one for one in session.events if one["s"] > body["seq"]]:
            await self._send(socket, event, self._squeeze)
        await self.emit("RESUMED", {})
        self.connected.set()

    async def emit(self, kind: str, data: dict[str, Any]) -> None:
        """Send an event; without a connection it waits for the client's return."""
        if self.session is None:
            return
        self.session.sequence += 1
        event = {"op": DISPATCH, "t": kind, "s": self.session.sequence, "d": data}
        self.session.events.append(event)
        if self.socket is not None and not self.socket.closed:
            await self._send(self.socket, event, self._squeeze)

    async def drop(self, code: int = 4000) -> None:
        """Cut the connection; the session stays and can be resumed."""
        if self.socket is not None:
            await self.socket.close(code=code)

    async def forget(self) -> None:
        """Cut the connection and the session: the client must identify anew."""
        self.session = None
        await self.drop()

    async def _send(self, socket: web.WebSocketResponse, frame: dict[str, Any], squeeze: Any) -> None:
        text = json.dumps(frame)
        with contextlib.suppress(ConnectionError):
            if squeeze is None:
                await socket.send_str(text)
            else:
                data = squeeze.compress(text.encode()) + squeeze.flush(zlib.Z_SYNC_FLUSH)
                await socket.send_bytes(data)
