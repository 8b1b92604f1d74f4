"""Server-sent events, in the form of the graphql-sse protocol: `next` per result, `complete` at the end.

Each fact carries its cursor as the event's id, and a client that comes back with `Last-Event-ID` goes on after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from strawberry.types.execution import ExecutionResult

from api.context import Authenticator, Context
from api.errors import ErrorCode
from api.sockets import RECHECK_S
from desk.ending import ended
from trading.errors import StoreProblem

_COMPLETE = b"event: complete\ndata:\n\n"
_HEARTBEAT = b":\n\n"


async def as_frames(
    results: AsyncGenerator[Any, None],
    context: Context,
    authenticator: Authenticator,
    *,
    encode: Callable[[object], bytes],
    heartbeat_s: float,
    end: Callable[[], None],
) -> AsyncIterator[bytes]:
    """Give the bytes of a stream; it ends when the token does.

    Args:
        heartbeat_s: a comment is sent after so long, so that proxies keep the connection.
        end: called when the stream is over, however it ends.
    """
    monotonic = context.house.clock.monotonic
    sent_at = checked_at = monotonic()
    waiting: asyncio.Future[ExecutionResult | None] | None = None
    try:
        while True:
            if waiting is None:
                waiting = asyncio.ensure_future(anext(results, None))
            done, _ = await asyncio.wait({waiting}, timeout=RECHECK_S)
            now = monotonic()
            if now - checked_at >= RECHECK_S:
                checked_at = now
                if await _has_ended(context, authenticator):
                    yield _frame(encode, _TOKEN_ENDED)
                    break
            if not done:
                if now - sent_at >= heartbeat_s:
                    sent_at = now
                    yield _HEARTBEAT
                continue
            found, waiting = waiting.result(), None
            if found is None:
                break
            sent_at = now
            yield _frame(encode, _payload(found), context.place)
        yield _COMPLETE
    finally:
        end()
        if waiting is not None:
            await ended(waiting)
        await results.aclose()


async def _has_ended(context: Context, authenticator: Authenticator) -> bool:
    try:
        return bool(context.token) and await authenticator.session(context.token) is None
    except StoreProblem:
        # Nobody can be asked now; who was let in stays until somebody can.
        return False


_TOKEN_ENDED = {
    "data": None,
    "errors": [{"message": "The token ended.", "extensions": {"code": ErrorCode.UNAUTHENTICATED.value}}],
}


def _payload(result: ExecutionResult) -> dict[str, Any]:
    found: dict[str, Any] = {"data": result.data}
    if result.errors:
        found["errors"] = [one.formatted for one in result.errors]
    if result.extensions:
        found["extensions"] = result.extensions
    return found


def _frame(encode: Callable[[object], bytes], payload: dict[str, Any], place: str = "") -> bytes:
    # With an id, a client that reconnects says by itself (Last-Event-ID) where it stood; cursors hold no line breaks.
    name = f"id: {place}\n".encode() if place else b""
    # JSON has no line breaks of its own, so one data line carries it.
    return name + b"event: next\ndata: " + encode(payload) + b"\n\n"
