"""The door itself: one path, POST for queries and mutations, `graphql-transport-ws` for everything that streams."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import orjson
import strawberry
import structlog
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError, MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    PongMessage,
)
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UnsetType

from api.context import Authenticator, Context, Session
from api.errors import ErrorCode

log = structlog.get_logger(__name__)

#: Bytes of a request's body.
MAX_BODY = 64 * 1024

#: A client has so long to send connection_init.
INIT_TIMEOUT = timedelta(seconds=5)

#: Operations of one socket at a time.
MAX_OPERATIONS = 10

#: We ping so often, and drop a client that missed two pings.
HEARTBEAT_S = 20.0

#: A socket's token is looked at again so often.
RECHECK_S = 2.0

#: Close codes of graphql-transport-ws, and 1001 for a server that goes away.
FORBIDDEN = 4403
GOING_AWAY = 1001
TIMED_OUT = 4408

_GRAPHQL_JSON = "application/graphql-response+json"
_JSON = "application/json"
_HTTP_TYPES = frozenset({OperationType.QUERY, OperationType.MUTATION})


class Malformed(Exception):
    """A request body that is not a GraphQL request."""


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """Adds heartbeats, and closes the socket when its token ends."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._missed = 0
        self._watch: asyncio.Task[None] | None = None
        view = self.view
        assert isinstance(view, GraphQLDoor)
        self._door = view

    async def handle(self) -> None:
        """Serve the socket until it closes."""
        self._door.sockets.add(self)
        self.context.observer.sockets(1)
        try:
            await super().handle()
        finally:
            self._door.sockets.discard(self)
            self.context.observer.sockets(-1)
            if self._watch is not None:
                self._watch.cancel()
                with suppress(asyncio.CancelledError):
                    await self._watch

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Check the token, then begin to watch it."""
        await super().handle_connection_init(message)
        if self.connection_acknowledged and self._watch is None:
            self._watch = asyncio.create_task(self._keep_watch())

    async def handle_message(self, message: Message) -> None:
        """Refuse what has not even the shape of a message, then go on as usual."""
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            await self.handle_invalid_message("A message is an object with a type")
            return
        if message["type"] == "subscribe" and not _is_subscribe(message):
            await self.handle_invalid_message("Subscribe needs an id and a payload with a query")
            return
        await super().handle_message(message)

    async def handle_pong(self, message: PongMessage) -> None:
        """Note that the client is there."""
        self._missed = 0

    async def close(self, code: int, reason: str) -> None:
        """End the socket; one that is already gone is fine."""
        with suppress(RuntimeError, OSError):
            await self.websocket.close(code, reason)

    async def _keep_watch(self) -> None:
        clock = self.context.house.clock
        last_ping = clock.monotonic()
        while True:
            await asyncio.sleep(RECHECK_S)
            session = await self._door.authenticator.session(self.context.token)
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


class GraphQLDoor(GraphQL[Context, None]):
    """Serves the schema.

    Args:
        template: a context without session; each request gets a copy.
        origins: web origins besides our own that may open sockets.
    """

    graphql_transport_ws_handler_class = SocketHandler

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        template: Context,
        authenticator: Authenticator,
        origins: Sequence[str] = (),
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=INIT_TIMEOUT,
            multipart_uploads_enabled=False,
            max_subscriptions_per_connection=MAX_OPERATIONS,
            allowed_origins=origins,
        )
        self._template = template
        self.authenticator = authenticator
        self.heartbeat_s = heartbeat_s
        self.sockets: set[SocketHandler] = set()

    async def close(self) -> None:
        """End every stream and socket: the server goes away."""
        await self._template.journal.close()
        await asyncio.gather(*(one.close(GOING_AWAY, "Server stops") for one in tuple(self.sockets)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one socket."""
        if scope["type"] == "websocket":
            await super().__call__(scope, receive, send)
            return
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            return _plain(405, "GraphQL is asked by POST.", {"allow": "POST"})
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != _JSON:
            return _plain(415, "Send the request as application/json.")
        media = _media(request.headers.get("accept", ""))
        try:
            text, variables, name = _request(await request.body())
        except Malformed as error:
            return _refusal(400, media, str(error))
        token = bearer(request.headers)
        context = self._context(request, token, await self._session(token))
        try:
            result = await self.schema.execute(
                text,
                variable_values=variables,
                context_value=context,
                operation_name=name,
                allowed_operation_types=_HTTP_TYPES,
            )
        except InvalidOperationTypeError:
            return _refusal(
                _status(400, media), media, "Subscriptions go over the websocket of the same address."
            )
        except CannotGetOperationTypeError as error:
            return _refusal(_status(400, media), media, error.as_http_error_reason())
        except MissingQueryError:
            return _refusal(400, media, "The request has no query.")
        body: dict[str, Any] = {}
        is_refused = isinstance(result, PreExecutionError) or _never_ran(result)
        if not is_refused:
            body["data"] = result.data
        if result.errors:
            body["errors"] = [one.formatted for one in result.errors]
        if result.extensions:
            body["extensions"] = result.extensions
        status = _status(400, media) if is_refused else 200
        return Response(encode(body), status_code=status, media_type=f"{media}; charset=utf-8")

    async def _session(self, token: str) -> Session | None:
        return await self.authenticator.session(token) if token else None

    def _context(self, connection: Request | WebSocket, token: str, session: Session | None) -> Context:
        found = self._template.for_operation()
        found.session = session
        found.token = token
        found.peer = connection.client.host if connection.client else ""
        return found

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """Give a socket's context; the token may still come with connection_init."""
        return self._context(request, bearer(request.headers), None)

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """Check the token of a socket.

        Raises:
            ConnectionRejectionError: no token, or not a valid one.
        """
        given = context.connection_params
        for key in ("Authorization", "authorization", "token"):
            found = given.get(key)
            if isinstance(found, str) and found:
                context.token = found.removeprefix("Bearer ").strip()
                break
        context.session = await self._session(context.token)
        if context.session is None:
            raise ConnectionRejectionError
        return await super().on_ws_connect(context)

    def decode_json(self, data: str | bytes) -> object:
        """Read JSON."""
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        """Write JSON as text: websocket clients expect text frames."""
        return encode(data).decode()


def bearer(headers: Mapping[str, str]) -> str:
    """Give the token of an Authorization header; empty if there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def encode(data: object) -> bytes:
    """Write JSON."""
    return orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)


def _is_subscribe(message: Mapping[str, Any]) -> bool:
    payload = message.get("payload")
    return (
        isinstance(message.get("id"), str)
        and isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables") or {}, dict)
        and isinstance(payload.get("operationName") or "", str)
    )


def _request(body: bytes) -> tuple[str, dict[str, Any] | None, str | None]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise Malformed("One JSON object is wanted; batches are not served.")
    text, variables, name = found.get("query"), found.get("variables"), found.get("operationName")
    if not isinstance(text, str) or not text:
        raise Malformed("`query` must be a text.")
    if variables is not None and not isinstance(variables, dict):
        raise Malformed("`variables` must be an object.")
    if name is not None and not isinstance(name, str):
        raise Malformed("`operationName` must be a text.")
    if not isinstance(found.get("extensions") or {}, dict):
        raise Malformed("`extensions` must be an object.")
    return text, variables, name or None


def _never_ran(result: ExecutionResult) -> bool:
    # Variables that do not fit are found by the executor, before the first field: such errors have no path.
    return (
        result.data is None and bool(result.errors) and all(one.path is None for one in result.errors or ())
    )


def _media(accept: str) -> str:
    return _GRAPHQL_JSON if _GRAPHQL_JSON in accept else _JSON


def _status(status: int, media: str) -> int:
    # Clients of plain JSON expect 200 with errors inside; the newer media type has real statuses.
    return status if media == _GRAPHQL_JSON else 200


def _refusal(status: int, media: str, message: str) -> Response:
    error = {"message": message, "extensions": {"code": ErrorCode.VALIDATION_FAILED.value}}
    return Response(encode({"errors": [error]}), status_code=status, media_type=f"{media}; charset=utf-8")


def _plain(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return Response(message, status_code=status, media_type="text/plain", headers=headers)
