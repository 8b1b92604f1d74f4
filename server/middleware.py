"""What every request passes first: host and origin allow-lists, body limit, request time, headers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Host names that always mean this machine.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

#: Headers of every answer.
SAFE_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)


def is_loopback(host: str) -> bool:
    """Tell whether an address is of this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Frontier:
    """Refuses requests that name another host or come from a foreign page.

    A page elsewhere can make a browser send requests here, under a name of its own (DNS rebinding) or its own
    origin; neither is ever let through, token or not.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], origins: Iterable[str]) -> None:
        self._app = app
        self._hosts = LOOPBACK | {one.lower() for one in hosts}
        self._origins = frozenset(one.lower() for one in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host_name(host) not in self._hosts:
            await _refuse(scope, receive, send, 421, "This server does not answer under that host name.")
            return
        origin = headers.get("origin")
        if origin is not None and not self._is_ours(origin, host):
            await _refuse(scope, receive, send, 403, "Pages of that origin may not ask here.")
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS:
                    found.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_safely)

    def _is_ours(self, origin: str, host: str) -> bool:
        return origin.lower() in self._origins or urlsplit(origin).netloc.lower() == host.lower()


class BodyLimit:
    """Stops reading a body that is larger than allowed, before anything parses it."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on as long as its body stays small."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self._most:
            await self._too_large(scope, receive, send)
            return
        # The announced length binds the server; a chunked body is counted here, then handed on whole.
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            if len(body) > self._most:
                await self._too_large(scope, receive, send)
                return
            if not message.get("more_body"):
                break
        is_sent = False

        async def replay() -> Message:
            nonlocal is_sent
            if is_sent:
                return await receive()
            is_sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    async def _too_large(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _refuse(scope, receive, send, 413, f"The body is too large; {self._most} bytes are allowed.")


class Timed:
    """Measures how long each route takes."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        monotonic: Callable[[], float],
        observe: Callable[[str, int, float], None],
        routes: Iterable[str],
    ) -> None:
        self._app = app
        self._monotonic = monotonic
        self._observe = observe
        self._routes = frozenset(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note its code and time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._monotonic()
        code = 500

        async def note(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            path = scope["path"]
            # Only our own paths become a label: a scanner must not be able to make new series.
            route = path if path in self._routes else "other"
            self._observe(route, code, self._monotonic() - started)


@lru_cache(maxsize=256)
def host_name(host: str) -> str:
    """Give the name of a Host header, without port and in lower case; empty where it has none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


async def _refuse(scope: Scope, receive: Receive, send: Send, code: int, message: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": message})
        return
    await PlainTextResponse(message, status_code=code)(scope, receive, send)
