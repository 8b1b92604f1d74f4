"""The short way to the API: what nearly every request is, past the layers that only other requests need.

The layers of `server.app` (times, host names, origins, hooks, body limit, routes) wrap each other once per request and
once more per message of the answer. A program that POSTs to the API needs four looks at its headers instead. Whatever
is not exactly that (another path, a browser's Origin, a chunked body) goes the long way and meets the same rules there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from api.view import MAX_BODY, GraphQLDoor, Reply
from server.middleware import LOOPBACK, SAFE_HEADERS, host_name

#: Where the API is.
PATH = "/graphql"

_SAFE = tuple((name.encode(), value.encode()) for name, value in SAFE_HEADERS)

#: Headers that decide; others are looked at by the long way, if at all.
_WANTED = {
    name.encode(): name
    for name in ("host", "content-type", "content-length", "authorization", "accept", "last-event-id")
}

#: A request with one of these is a browser's or unusual: the long way knows what to do.
_ELSEWHERE = frozenset({b"origin", b"transfer-encoding", b"expect"})


class ShortWay:
    """Answers plain POSTs to the API, and passes everything else on."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        door: GraphQLDoor,
        hosts: Iterable[str],
        monotonic: Callable[[], float],
        observe: Callable[[str, int, float], None],
    ) -> None:
        self._app = app
        self._door = door
        self._hosts = LOOPBACK | {one.lower() for one in hosts}
        self._monotonic = monotonic
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on."""
        headers = self._plain_post(scope)
        if headers is None:
            await self._app(scope, receive, send)
            return
        started = self._monotonic()
        code = 500
        try:
            body = await _whole_body(receive)
            if body is None:
                return
            client = scope.get("client")
            reply = await self._door.reply(headers, body, client[0] if client else "")
            if isinstance(reply, Reply):
                code = reply.status
                await _send(reply, send)
            else:
                code = reply.status_code
                for name, value in SAFE_HEADERS:
                    reply.headers.setdefault(name, value)
                await reply(scope, receive, send)
        finally:
            self._observe(PATH, code, self._monotonic() - started)

    def _plain_post(self, scope: Scope) -> dict[str, str] | None:
        """Give the headers of a request that may go this way."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            return None
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            if name in _ELSEWHERE:
                return None
            known = _WANTED.get(name)
            if known is not None:
                # A header that comes twice is unusual, and which one counts is the long way's question.
                if known in headers:
                    return None
                headers[known] = value.decode("latin-1")
        length = headers.get("content-length", "")
        if not length.isdecimal() or len(length) > 9 or int(length) > MAX_BODY:
            return None
        return headers if host_name(headers.get("host", "")) in self._hosts else None


async def _whole_body(receive: Receive) -> bytes | None:
    """Read the body, whose announced length binds the server; None when the client left."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        found: bytes = message.get("body", b"")
        return found
    parts = bytearray()
    while message["type"] == "http.request":
        parts += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(parts)
        message = await receive()
    return None


async def _send(reply: Reply, send: Send) -> None:
    headers = [
        (b"content-length", b"%d" % len(reply.body)),
        (b"content-type", reply.media.encode()),
        *((name.encode(), value.encode()) for name, value in reply.headers.items()),
        *_SAFE,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
