"""A subscriber that stops reading costs a bounded buffer, disturbs nobody, and is ended with the reason."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from api.ids import journal_cursor
from desk.identity import Role
from server import stalled
from tests.api.conftest import Scene
from tests.api.test_api_streams import AT, EVENTS, Socket, opened
from trading.events import PairUnlocked

#: Facts that are more than all buffers between server and client hold.
FACTS = 500
WIDE = EVENTS.replace("kind pair", "kind pair payload")
REASON = "r" * 20_000


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalled, "STALLED_S", 0.4)
    monkeypatch.setattr(stalled, "GOODBYE_S", 30.0)


async def _narrow_pipe(scene: Scene) -> socket.socket:
    pipe = socket.socket()
    # Of more than one segment of the loopback: with less, going on after a stop takes the system many seconds.
    pipe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 * 1024)
    pipe.setblocking(False)
    await asyncio.get_running_loop().sock_connect(pipe, ("127.0.0.1", scene.web.port))
    return pipe


@asynccontextmanager
async def narrow(scene: Scene) -> AsyncIterator[Socket]:
    """Open a socket whose system keeps little for it."""
    pipe = await _narrow_pipe(scene)
    protocols = [Subprotocol("graphql-transport-ws")]
    # Pings of the client's own would notice what this test is about.
    async with connect(
        scene.web.socket_url, sock=pipe, subprotocols=protocols, ping_interval=None, close_timeout=1
    ) as one:
        found = Socket(one)
        token = scene.home.tokens[Role.VIEWER]
        await found.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        await found.receive()
        await found.subscribe(WIDE)
        await found.event()
        yield found


def _open_sockets(scene: Scene) -> list[Any]:
    return [
        one for one in scene.web.server.server_state.connections if isinstance(one, stalled.PatientSocket)
    ]


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - of a server that knows nothing of this test
            await asyncio.sleep(0.02)


async def _write(scene: Scene) -> None:
    home = scene.home.workspace.id
    for start in range(0, FACTS, 50):
        facts = [
            PairUnlocked(workspace_id=home, occurred_at=AT, pair=f"P{start + one}/USDT", reason=REASON)
            for one in range(50)
        ]
        await scene.house.write(home, *facts)


async def test_who_stops_reading_holds_little_and_disturbs_nobody(scene: Scene) -> None:
    async with narrow(scene) as slow, opened(scene, scene.home.tokens[Role.VIEWER]) as other:
        await other.subscribe(EVENTS)
        await other.event()
        (lazy,) = [one for one in _open_sockets(scene) if one.client[1] == slow.connection.local_address[1]]
        slow.connection.transport.pause_reading()
        writing = asyncio.create_task(_write(scene))
        seen = [(await other.event())["sequence"] for _ in range(FACTS)]
        await writing
        held = lazy.transport.get_write_buffer_size()
        await _until(lambda: lazy.disconnected)

    assert seen == list(range(seen[0], seen[0] + FACTS))
    # The mark at which sending pauses, and the one message that went beyond it; not the ten million bytes written.
    assert 0 < held < 64 * 1024 + 2 * len(REASON)


async def test_who_reads_on_too_late_finds_the_reason_and_resumes_without_a_gap(scene: Scene) -> None:
    cursor, seen = "", 0
    async with narrow(scene) as slow:
        slow.connection.transport.pause_reading()
        await _write(scene)
        await _until(lambda: all(one.disconnected for one in _open_sockets(scene)))
        slow.connection.transport.resume_reading()
        with suppress(ConnectionClosed):
            while True:
                event = await slow.event()
                cursor, seen = event["cursor"], event["sequence"]
        ended = (slow.connection.close_code, slow.connection.close_reason)
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe(EVENTS, after=cursor)
        await socket.event()
        following = [(await socket.event())["sequence"] for _ in range(FACTS - seen)]

    assert ended == (stalled.SLOW_CONSUMER, "SLOW_CONSUMER")
    assert 0 < seen < FACTS
    assert following == list(range(seen + 1, FACTS + 1))


async def test_who_never_reads_again_is_cut_off_and_leaves_nothing_behind(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stalled, "GOODBYE_S", 0.2)
    async with narrow(scene) as slow:
        slow.connection.transport.pause_reading()
        await _write(scene)
        await _until(lambda: not _open_sockets(scene))
        left = len(scene.web.server.server_state.tasks)

    assert left == 0


async def test_an_event_stream_that_nobody_reads_is_cut_off_too(scene: Scene) -> None:
    await _write(scene)
    pipe = await _narrow_pipe(scene)
    body = orjson.dumps({"query": WIDE, "variables": {"after": journal_cursor(0)}})
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{scene.web.port}\r\nContent-Type: application/json\r\n"
        f"Accept: text/event-stream\r\nAuthorization: Bearer {scene.home.tokens[Role.VIEWER]}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    connections = scene.web.server.server_state.connections
    own = pipe.getsockname()[1]
    await loop.sock_sendall(pipe, head.encode() + body)
    begun = await loop.sock_recv(pipe, 1000)
    await _until(lambda: all(getattr(one, "client", None) != ("127.0.0.1", own) for one in connections))
    pipe.close()

    assert begun.startswith(b"HTTP/1.1 200")


async def _said_within(pipe: socket.socket) -> bytes:
    """Give what the server says until it ends the connection."""
    found = b""
    async with asyncio.timeout(20):
        while part := await asyncio.get_running_loop().sock_recv(pipe, 4096):
            found += part
    return found


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ",
        b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 40\r\n\r\n{",
    ],
    ids=["nothing", "half a head", "half a body"],
)
async def test_who_does_not_finish_to_ask_is_ended(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(stalled, "ARRIVAL_S", 0.3)
    pipe = await _narrow_pipe(scene)
    try:
        await asyncio.get_running_loop().sock_sendall(pipe, begun)

        said = await _said_within(pipe)
    finally:
        pipe.close()

    assert said.startswith(b"HTTP/1.1 408 ")
    await _until(lambda: not scene.web.server.server_state.tasks)


async def test_who_asks_in_pieces_and_in_time_is_answered_and_a_socket_lives_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stalled, "ARRIVAL_S", 0.3)
    token = scene.home.tokens[Role.VIEWER]
    async with opened(scene, token) as socket_:
        for _ in range(3):
            await asyncio.sleep(0.2)
            assert (await scene.web.data("{ viewer { role } }", token=token))["viewer"]["role"] == "VIEWER"
        await socket_.subscribe(EVENTS)

        assert (await socket_.event())["kind"] == "SUBSCRIBED"
