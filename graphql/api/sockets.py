"""Sockets: `graphql-transport-ws` with heartbeats, and an end when the token ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from graphql import GraphQLError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    PongMessage,
)

from api.context import Context
from api.errors import ApiError
from api.requests import Malformed, read_request
from desk.ending import ended
from trading.errors import StoreProblem

if TYPE_CHECKING:
    from api.view import GraphQLDoor

#: A socket's token is looked at again so often.
RECHECK_S = 2.0

#: Close codes of graphql-transport-ws.
FORBIDDEN = 4403
TIMED_OUT = 4408

#: Close code of a server that cannot serve now.
TRY_LATER = 1013


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """Adds heartbeats, and closes the socket when its token ends."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._missed = 0
        self._counted = ""
        self._watch: asyncio.Task[None] | None = None
        self._door = cast("GraphQLDoor", self.view)

    async def handle(self) -> None:
        """Serve the socket until it closes."""
        self._door.sockets.add(self)
        self.context.observer.sockets(1)
        try:
            await super().handle()
        finally:
            self._door.sockets.discard(self)
            self.context.observer.sockets(-1)
            if self._counted:
                self.context.gate.close_socket(self._counted)
            if self._watch is not None:
                with suppress(WebSocketDisconnected):
                    await ended(self._watch)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Check the token, then begin to watch it."""
        try:
            await super().handle_connection_init(message)
        except StoreProblem:
            # Not the client's fault: it may come again, which 4403 would forbid.
            await self.close(TRY_LATER, "Try again later")
            return
        session = self.context.session
        if not self.connection_acknowledged or self._watch is not None or session is None:
            return
        who = session.actor.user_id
        if self.context.gate.open_socket(who):
            self._counted = who
            self._watch = asyncio.create_task(self._keep_watch())
        else:
            await self.close(TRY_LATER, "Too many sockets of one person")

    async def handle_message(self, message: Message) -> None:
        """Refuse what has not even the shape of a message, then go on as usual."""
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            await self.handle_invalid_message("A message is an object with a type")
            return
        if message["type"] == "subscribe" and not await self._is_understood(cast(dict[str, Any], message)):
            return
        await super().handle_message(message)

    async def _is_understood(self, message: dict[str, Any]) -> bool:
        """Tell whether a `subscribe` can go on; a document named by its hash is put in."""
        payload = message.get("payload")
        if not isinstance(message.get("id"), str) or not isinstance(payload, dict):
            await self.handle_invalid_message("Subscribe needs an id and a payload with a query")
            return False
        try:
            payload["query"] = read_request(payload, self.context.documents).text
        except Malformed as problem:
            await self.handle_invalid_message(str(problem))
            return False
        except ApiError as problem:
            await self.send_message({"id": message["id"], "type": "error", "payload": [problem.formatted]})
            return False
        return True

    async def handle_pong(self, message: PongMessage) -> None:
        """Note that the client is there."""
        self._missed = 0

    async def close(self, code: int, reason: str) -> None:
        """End the socket; one that is already gone is fine."""
        with suppress(RuntimeError, OSError):
            await self.websocket.close(code, reason)

    async def handle_task_exception(self, error: Exception) -> None:
        """Log what broke in an operation; a client that left in the middle of a message is nobody's fault."""
        if not isinstance(error, WebSocketDisconnected):
            await super().handle_task_exception(error)

    async def _keep_watch(self) -> None:
        clock = self.context.house.clock
        last_ping = clock.monotonic()
        while True:
            await asyncio.sleep(RECHECK_S)
            try:
                # A few at a time: hundreds of sockets must not take every connection of the store at once.
                async with self._door.rechecking:
                    session = await self._door.authenticator.session(self.context.token)
            except StoreProblem:
                # Nobody can be asked now; who was let in stays until somebody can.
                continue
            if session is None:
                await self.close(FORBIDDEN, "Token ended")
                return
            # A changed role holds from the next operation on.
            self.context.session = session
            if clock.monotonic() - last_ping >= self._door.heartbeat_s:
                if self._missed >= 2:
                    await self.close(TIMED_OUT, "No answer to pings")
                    return
                self._missed += 1
                last_ping = clock.monotonic()
                await self.send_message({"type": "ping"})

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        # A malformed document is that operation's failure; its neighbours on the socket go on.
        return None
