"""A load generator that costs little itself: keep-alive connections, requests written as ready bytes.

Closed loop: so many connections, each sends its next request when the answer is there. Open loop: requests are due at
fixed times whatever the server does, and an answer's time counts from when its request was due.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import orjson


def wire(body: dict[str, object], port: int, token: str) -> bytes:
    """Give a request as bytes."""
    content = orjson.dumps(body)
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


@dataclass(slots=True)
class Tally:
    """What came back."""

    times_s: list[float] = field(default_factory=list)
    errors: int = 0
    first_error: str = ""
    seconds: float = 0.0

    def at(self, share: float) -> float:
        """Give a percentile in milliseconds."""
        ordered = sorted(self.times_s)
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 1) if ordered else 0.0

    @property
    def per_s(self) -> float:
        """Answers a second."""
        return round(len(self.times_s) / self.seconds, 1) if self.seconds else 0.0


class _Line(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._wanted = -1
        self._due = 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self.transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at a time."""
        self._due = due
        self._wanted = -1
        assert self.transport is not None
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._wanted < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end].lower()
            length = head.index(b"content-length:") + 15
            self._wanted = end + 4 + int(head[length : (head + b"\r\n").index(b"\r\n", length)])
        if len(self._buffer) >= self._wanted:
            answer, self._buffer = self._buffer, b""
            self._load.answered(self, answer, self._due)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost()


class Load:
    """A run against one server."""

    def __init__(self, port: int, requests: Sequence[bytes], *, connections: int) -> None:
        self._port = port
        self._requests = requests
        self._at = 0
        self._connections = connections
        self._idle: deque[_Line] = deque()
        self._waiting: deque[float] = deque()
        self._is_closed_loop = False
        self._is_over = False
        self.tally = Tally()

    async def open(self) -> None:
        """Connect."""
        loop = asyncio.get_running_loop()
        for _ in range(self._connections):
            _, line = await loop.create_connection(lambda: _Line(self), "127.0.0.1", self._port)
            self._idle.append(line)

    async def closed_loop(self, seconds: float) -> Tally:
        """Keep every connection busy."""
        self._begin(is_closed_loop=True)
        started = time.perf_counter()
        for line in tuple(self._idle):
            self._next(line, time.perf_counter())
        self._idle.clear()
        await asyncio.sleep(seconds)
        return self._end(started)

    async def open_loop(self, per_s: float, seconds: float) -> Tally:
        """Send at a fixed rate."""
        self._begin(is_closed_loop=False)
        started = time.perf_counter()
        sent, total = 0, int(per_s * seconds)
        while sent < total:
            due_count = min(total, int((time.perf_counter() - started) * per_s))
            while sent < due_count:
                due = started + sent / per_s
                sent += 1
                if self._idle:
                    self._next(self._idle.popleft(), due)
                else:
                    self._waiting.append(due)
            await asyncio.sleep(0.001)
        drained = time.perf_counter() + 10
        while len(self.tally.times_s) + self.tally.errors < total and time.perf_counter() < drained:  # noqa: ASYNC110 - lines answer one by one
            await asyncio.sleep(0.01)
        self.tally.errors += total - len(self.tally.times_s) - self.tally.errors
        return self._end(started)

    def answered(self, line: _Line, answer: bytes, due: float) -> None:
        """Note an answer and give the connection its next request."""
        now = time.perf_counter()
        if self.is_good(answer):
            self.tally.times_s.append(now - due)
        else:
            self._failed(answer.decode(errors="replace")[:400])
        if self._is_over:
            return
        if self._is_closed_loop:
            self._next(line, now)
        elif self._waiting:
            self._next(line, self._waiting.popleft())
        else:
            self._idle.append(line)

    def is_good(self, answer: bytes) -> bool:
        """Tell whether an answer is what was asked for."""
        return answer.startswith(b"HTTP/1.1 200") and b'"errors":' not in answer

    def lost(self) -> None:
        """Note a connection that the server ended."""
        if not self._is_over:
            self._failed("connection lost")

    def _failed(self, what: str) -> None:
        self.tally.errors += 1
        self.tally.first_error = self.tally.first_error or what

    def _next(self, line: _Line, due: float) -> None:
        line.send(self._requests[self._at % len(self._requests)], due)
        self._at += 1

    def _begin(self, *, is_closed_loop: bool) -> None:
        self._is_closed_loop = is_closed_loop
        self.tally = Tally()

    def _end(self, started: float) -> Tally:
        self._is_over = True
        self.tally.seconds = time.perf_counter() - started
        return self.tally


async def run(
    port: int, requests: Sequence[bytes], *, connections: int, seconds: float, per_s: float = 0.0
) -> Tally:
    """Do one run: open loop where a rate is given, else closed."""
    load = Load(port, requests, connections=connections)
    await load.open()
    return await (load.open_loop(per_s, seconds) if per_s else load.closed_loop(seconds))
