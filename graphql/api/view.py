"""The door itself: one path, POST for queries and mutations, `graphql-transport-ws` for everything that streams."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import strawberry
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError, MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.unset import UnsetType

from api.context import Authenticator, Context, Session
from api.errors import ApiError, ErrorCode
from api.requests import Malformed, read_body
from api.requests import Request as Wanted
from api.runner import ANSWERED
from api.sockets import SocketHandler
from api.sse import as_frames
from trading.errors import StoreProblem

#: Bytes of a request's body.
MAX_BODY = 64 * 1024

#: A client has so long to send connection_init.
INIT_TIMEOUT = timedelta(seconds=5)

#: Operations of one socket at a time.
MAX_OPERATIONS = 10

#: Tokens of open sockets that are looked at again at the same time.
RECHECKS_AT_ONCE = 2

#: We ping so often, and drop a client that missed two pings.
HEARTBEAT_S = 20.0

#: Close code of a server that goes away.
GOING_AWAY = 1001

_GRAPHQL_JSON = "application/graphql-response+json"
_JSON = "application/json"
_EVENT_STREAM = "text/event-stream"
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer over HTTP, before any framework."""

    status: int
    media: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Give it as Starlette sends it."""
        return Response(self.body, status_code=self.status, media_type=self.media, headers=dict(self.headers))


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
        self.documents = template.documents
        self.authenticator = authenticator
        self.heartbeat_s = heartbeat_s
        self.sockets: set[SocketHandler] = set()
        self.rechecking = asyncio.Semaphore(RECHECKS_AT_ONCE)

    async def close(self) -> None:
        """End every stream and socket: the server goes away."""
        await self._template.journal.close()
        await asyncio.gather(*(one.close(GOING_AWAY, "Server stops") for one in tuple(self.sockets)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one socket."""
        if scope["type"] == "websocket":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        if request.method != "POST":
            response = Reply(405, _TEXT, b"GraphQL is asked by POST.", {"allow": "POST"}).response()
        else:
            peer = request.client.host if request.client else ""
            reply = await self.reply(request.headers, await request.body(), peer)
            response = reply if isinstance(reply, Response) else reply.response()
        await response(scope, receive, send)

    async def reply(self, headers: Mapping[str, str], body: bytes, peer: str) -> Reply | Response:
        """Answer a POST; a stream of events is the only answer that is no `Reply`.

        Args:
            headers: names in lower case.
            peer: address that the request came from.
        """
        if headers.get("content-type", "").split(";")[0].strip().lower() != _JSON:
            return Reply(415, _TEXT, b"Send the request as application/json.")
        media = _media(headers.get("accept", ""))
        try:
            wanted = read_body(body, self._template.documents)
        except Malformed as error:
            return _refusal(400, media, str(error))
        except ApiError as error:
            return _refusal(_status(400, media), media, error.message, error.code)
        token = bearer(headers)
        try:
            context = self._context(token, await self._session(token), peer)
        except StoreProblem:
            return _refusal(
                503, media, "The database is away; try again.", ErrorCode.UNAVAILABLE, {"retry-after": "2"}
            )
        if _EVENT_STREAM in headers.get("accept", ""):
            context.resume_after = headers.get("last-event-id", "")
            return await self._event_stream(wanted, context)
        return await self._answered(wanted, context, media)

    async def _answered(self, wanted: Wanted, context: Context, media: str) -> Reply:
        try:
            result = await self.schema.execute(
                wanted.text,
                variable_values=wanted.variables,
                context_value=context,
                operation_name=wanted.operation_name,
                allowed_operation_types=ANSWERED,
            )
        except InvalidOperationTypeError:
            return _refusal(
                _status(400, media),
                media,
                "Subscriptions go over the websocket of the same address, or with Accept: text/event-stream.",
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
        headers: dict[str, str] = {}
        if is_refused and (wait_ms := _wait_ms(result)):
            # The process is full, whoever asks: a load balancer understands this without reading the body.
            status, headers = 503, {"retry-after": str(max(1, wait_ms // 1000))}
        return Reply(status, f"{media}; charset=utf-8", encode(body), headers)

    async def _event_stream(self, wanted: Wanted, context: Context) -> Reply | Response:
        """Answer as server-sent events: for clients behind proxies that let no websocket through."""
        who = context.session.actor.user_id if context.session else f"peer:{context.peer}"
        try:
            context.gate.open_stream(who)
        except ApiError as error:
            return _refusal(503, _JSON, error.message, error.code)
        results = await self.schema.stream(
            wanted.text,
            variable_values=wanted.variables,
            context_value=context,
            operation_name=wanted.operation_name,
        )
        frames = as_frames(
            results,
            context,
            self.authenticator,
            encode=encode,
            heartbeat_s=self.heartbeat_s,
            end=lambda: context.gate.close_stream(who),
        )
        # Proxies of the nginx kind would collect the stream otherwise.
        return StreamingResponse(frames, media_type=_EVENT_STREAM, headers={"x-accel-buffering": "no"})

    async def _session(self, token: str) -> Session | None:
        return await self.authenticator.session(token) if token else None

    def _context(self, token: str, session: Session | None, peer: str) -> Context:
        return self._template.for_operation(session=session, token=token, peer=peer)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """Give a socket's context; the token may still come with connection_init."""
        peer = request.client.host if request.client else ""
        found = self._context(bearer(request.headers), None, peer)
        found.connection = found
        return found

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


def _wait_ms(result: ExecutionResult) -> int:
    """Tell how long to wait when the process is full; 0 when that is not why it was refused."""
    extensions = (result.errors[0].extensions if result.errors else None) or {}
    is_full = extensions.get("code") == ErrorCode.UNAVAILABLE.value
    return int(extensions.get("retryAfterMs", 0)) if is_full else 0


def _refusal(
    status: int,
    media: str,
    message: str,
    code: ErrorCode = ErrorCode.VALIDATION_FAILED,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    error = {"message": message, "extensions": {"code": code.value}}
    return Reply(status, f"{media}; charset=utf-8", encode({"errors": [error]}), headers or {})
