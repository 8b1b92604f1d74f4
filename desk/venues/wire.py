"""The way to a venue: one session that keeps to the allowed hosts, follows no redirect, caps what comes back, and
knows of every request whether bytes went out.

ccxt asks a session for `get`, `post`… and `ws_connect`; this object stands in for it. Whether a write may have
reached the venue is decided here, by what the transport saw, not by the name of an exception.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import aiohttp
from yarl import URL

from desk.venues.budget import Budget, Urgency
from trading.errors import BadSetting

#: Largest answer that is read.
MOST_BYTES = 8 << 20
#: An answer that takes longer than this does not come.
LONGEST_S = 10.0
#: Largest list of markets: the one answer that is long by nature.
MOST_MARKET_BYTES = 64 << 20

_CHUNK = 1 << 16


@dataclass(slots=True)
class Attempt:
    """What the transport saw of one call.

    Attributes:
        left_s: within this time the first byte has to go out; later it does not go at all.
        is_out: the first byte of the request went to the connection.
        status: of the answer; None while there is none.
        retry_after_s: what the answer asked for.
        is_json: the answer's type and text are JSON.
        body: the answer, for the reason of a refusal.
    """

    urgency: Urgency = Urgency.READ
    most_bytes: int = MOST_BYTES
    left_s: Callable[[], float] = lambda: math.inf
    is_out: bool = False
    status: int | None = None
    retry_after_s: float | None = None
    is_json: bool = False
    body: str = ""


_ATTEMPT: ContextVar[Attempt | None] = ContextVar("venue_attempt", default=None)


@contextmanager
def attempt(
    urgency: Urgency, *, most_bytes: int = MOST_BYTES, left_s: Callable[[], float] = lambda: math.inf
) -> Iterator[Attempt]:
    """Watch the requests of a block."""
    watched = Attempt(urgency=urgency, most_bytes=most_bytes, left_s=left_s)
    token = _ATTEMPT.set(watched)
    try:
        yield watched
    finally:
        _ATTEMPT.reset(token)


def current_attempt() -> Attempt:
    """Give the attempt that runs, or a fresh one for calls that nobody watches."""
    return _ATTEMPT.get() or Attempt()


class BodyTooLarge(aiohttp.ClientPayloadError):
    """The answer is longer than any honest one."""


class TooLate(Exception):
    """The first byte may not go out any more; none did."""


@dataclass(slots=True)
class _Answer:
    """What ccxt reads of an answer."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: str

    async def text(self, errors: str = "strict") -> str:
        """Give the body."""
        return self.body


@dataclass(slots=True)
class Wire:
    """A session to one venue.

    Attributes:
        hosts: the only hosts that are ever spoken to.
        budget: shared by everybody who speaks to this venue from this process.
        headers, cookie_jar: ccxt looks at them; there is nothing in them.
    """

    hosts: frozenset[str]
    budget: Budget
    headers: Mapping[str, str] = field(default_factory=dict)
    cookie_jar: Any = None
    _session: aiohttp.ClientSession | None = field(default=None, init=False)

    @property
    def closed(self) -> bool:
        """Whether no connection is held."""
        return self._session is None or self._session.closed

    def get(self, url: URL, **options: Any) -> _Exchange:
        """Begin a GET."""
        return _Exchange(self, "GET", url, options)

    def post(self, url: URL, **options: Any) -> _Exchange:
        """Begin a POST."""
        return _Exchange(self, "POST", url, options)

    def put(self, url: URL, **options: Any) -> _Exchange:
        """Begin a PUT."""
        return _Exchange(self, "PUT", url, options)

    def delete(self, url: URL, **options: Any) -> _Exchange:
        """Begin a DELETE."""
        return _Exchange(self, "DELETE", url, options)

    def patch(self, url: URL, **options: Any) -> _Exchange:
        """Begin a PATCH."""
        return _Exchange(self, "PATCH", url, options)

    def ws_connect(self, url: str, **options: Any) -> Any:
        """Begin a websocket."""
        self.check_host(URL(url))
        return self.session().ws_connect(url, **options)

    def check_host(self, url: URL) -> None:
        """Refuse a host that the venue's table and settings do not name.

        Raises:
            BadSetting: another host.
        """
        if url.host not in self.hosts:
            raise BadSetting(
                f"A request to '{url.host}' was stopped; {', '.join(sorted(self.hosts))} are allowed for this venue.",
                hint="Set the venue's base address if it moved.",
            )

    def session(self) -> aiohttp.ClientSession:
        """Give the session, made at the first use because it belongs to a running loop."""
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_headers_sent)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=20, enable_cleanup_closed=True),
                trace_configs=[trace],
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None
            # aiohttp ends TLS connections one turn of the loop later.
            await asyncio.sleep(0)


class _Exchange:
    """One request and its answer, as `async with`."""

    def __init__(self, wire: Wire, method: str, url: URL, options: dict[str, Any]) -> None:
        self._wire, self._method, self._url, self._options = wire, method, url, options

    async def __aenter__(self) -> _Answer:
        wire, watched = self._wire, current_attempt()
        wire.check_host(self._url)
        wire.budget.check_gate(watched.urgency)
        left_s = watched.left_s()
        if left_s <= 0:
            raise TooLate(f"it waited {-left_s:.1f} s longer than it may")
        request = wire.session().request(
            self._method,
            self._url,
            data=self._options.get("data"),
            headers=self._options.get("headers"),
            timeout=_limits(self._options.get("timeout"), left_s),
            allow_redirects=False,
            trace_request_ctx=watched,
        )
        async with request as response:
            watched.status = response.status
            body = await _read(response, watched.most_bytes)
            answer = _Answer(
                status=response.status, reason=response.reason or "", headers=response.headers, body=body
            )
        watched.body = body[:2000]
        watched.is_json = _is_json(answer)
        watched.retry_after_s = _seconds(answer.headers.get("Retry-After", ""))
        wire.budget.observe(answer.status, answer.headers, watched.retry_after_s)
        return answer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def _limits(asked: aiohttp.ClientTimeout | None, left_s: float) -> aiohttp.ClientTimeout:
    """Give the time limits of a request: none goes without, and a connection is there in time or not used."""
    limits = asked or aiohttp.ClientTimeout(total=LONGEST_S, sock_connect=LONGEST_S, sock_read=LONGEST_S)
    if math.isinf(left_s):
        return limits
    return aiohttp.ClientTimeout(
        total=limits.total, connect=left_s, sock_connect=limits.sock_connect, sock_read=limits.sock_read
    )


async def _headers_sent(session: Any, context: Any, parameters: Any) -> None:
    # A websocket's handshake is nobody's attempt.
    if isinstance(context.trace_request_ctx, Attempt):
        context.trace_request_ctx.is_out = True


async def _read(response: aiohttp.ClientResponse, most_bytes: int) -> str:
    parts, size = [], 0
    async for part in response.content.iter_chunked(_CHUNK):
        size += len(part)
        if size > most_bytes:
            response.close()
            raise BodyTooLarge(f"more than {most_bytes} bytes")
        parts.append(part)
    return b"".join(parts).decode("utf-8", "replace")


def _is_json(answer: _Answer) -> bool:
    kind = answer.headers.get("Content-Type", "").lower()
    # Some venues send JSON as text/plain; none sends it as a page.
    return "html" not in kind and answer.body.lstrip()[:1] in ("{", "[")


def _seconds(found: str) -> float | None:
    try:
        value = float(found)
    except ValueError:
        return None
    return value if 0 <= value < 86_400 * 7 else None
