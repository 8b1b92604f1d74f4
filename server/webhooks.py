"""The door for hooks: POST /hooks/PATH, small bodies, little patience, an answer after the durable insert."""

from __future__ import annotations

import asyncio

import structlog
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from desk.hook_message import LARGEST
from desk.hooks import Hooks
from trading.errors import StoreProblem

log = structlog.get_logger(__name__)

#: Where hooks are.
PREFIX = "/hooks/"

#: A sender has so long to send its body.
PATIENCE_S = 5.0

#: The header that carries a signature.
SIGNATURE = "x-breakwater-signature"


class HookDoor:
    """Answers what goes to hooks, and passes everything else on.

    It stands before the general body limit, because a hook's limits are narrower: in bytes and in time.
    """

    def __init__(self, app: ASGIApp, *, hooks: Hooks, patience_s: float = PATIENCE_S) -> None:
        self._app = app
        self._hooks = hooks
        self._patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a message, or pass the request on."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        response = await self._answer(scope, receive)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> JSONResponse:
        if scope["method"] != "POST":
            return _said(405, "Hooks are asked by POST.", {"allow": "POST"})
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "0")
        if not announced.isdecimal() or len(announced) > 9 or int(announced) > LARGEST:
            return _too_large()
        try:
            async with asyncio.timeout(self._patience_s):
                body = await _body(receive)
        except TimeoutError:
            return _said(408, "The body took too long.", {"connection": "close"})
        if body is None:
            return _too_large()
        client = scope.get("client")
        try:
            # The peer of the connection itself: what a header claims is anybody's word.
            answer = await self._hooks.receive(
                scope["path"].removeprefix(PREFIX),
                body,
                peer=client[0] if client else "",
                signature=headers.get(SIGNATURE, ""),
            )
        except StoreProblem as problem:
            log.warning("hook_not_stored", problem=problem.message)
            return _said(503, "Not written down; send it again.", {"retry-after": "2"})
        return JSONResponse(
            {"message": answer.message, "duplicate": answer.is_duplicate}, status_code=int(answer.status)
        )


async def _body(receive: Receive) -> bytes | None:
    """Read the body; None once it is too large."""
    parts = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        parts += message.get("body", b"")
        if len(parts) > LARGEST:
            return None
        if not message.get("more_body"):
            return bytes(parts)


def _too_large() -> JSONResponse:
    return _said(413, f"At most {LARGEST} bytes are allowed.", {"connection": "close"})


def _said(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"message": message, "duplicate": False}, status_code=status, headers=headers)
