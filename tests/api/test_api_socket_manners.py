"""Manners on a socket: who says nothing, answers nothing or asks too much at once is told so and ended."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import orjson
import pytest
from strawberry.http.exceptions import WebSocketDisconnected
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, NegotiationError
from websockets.typing import Subprotocol

from api import sockets
from api.ids import global_id
from api.view import MAX_BODY
from desk.identity import Role
from desk.store import SqlStore
from server import auth
from tests.api.conftest import Scene
from tests.api.test_api_queries import CountingStore
from tests.api.test_api_streams import EVENTS, opened
from tests.support.api_house import StoreHouse, furnish, people, serving
from tests.support.role_stage import ids_of

ORDER = "query ($id: ID!) { order(id: $id) { pair } }"


async def test_who_says_no_hello_in_time_is_closed(scene: Scene) -> None:
    scene.web.app.state.door.connection_init_wait_timeout = timedelta(seconds=0.1)
    async with opened(scene) as socket:
        assert await socket.closed() == (4408, "Connection initialisation timeout")


async def test_a_second_hello_closes_the_socket(scene: Scene) -> None:
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.send(type="connection_init", payload={})

        assert (await socket.closed())[0] == 4429


async def test_who_answers_no_pings_is_dropped_and_who_answers_stays(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "RECHECK_S", 0.02)
    scene.web.app.state.door.heartbeat_s = 0.1
    token = scene.home.tokens[Role.VIEWER]
    async with opened(scene, token) as silent, opened(scene, token) as polite:
        await polite.subscribe(EVENTS)
        answered = 0

        async def answer() -> None:
            nonlocal answered
            async for raw in polite.connection:
                if orjson.loads(raw)["type"] == "ping":
                    answered += 1
                    await polite.send(type="pong")

        answering = asyncio.create_task(answer())
        dropped = await silent.closed()
        at_the_end, is_open = answered, not answering.done()
        answering.cancel()
        await asyncio.wait([answering])

    assert dropped == (4408, "No answer to pings")
    assert at_the_end >= 2
    assert is_open


async def test_a_socket_holds_ten_operations_and_the_eleventh_is_told(scene: Scene) -> None:
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        for number in range(10):
            await socket.subscribe(EVENTS, name=str(number))
            assert (await socket.event())["kind"] == "SUBSCRIBED"
        await socket.subscribe(EVENTS, name="eleventh")
        refused = await socket.receive()

    assert (refused["type"], refused["id"]) == ("error", "eleventh")
    assert "limit reached" in refused["payload"][0]["message"]


async def test_the_older_protocol_is_not_spoken(scene: Scene) -> None:
    with pytest.raises((NegotiationError, ConnectionClosed)):
        async with connect(
            scene.web.socket_url, subprotocols=[Subprotocol("graphql-ws")], proxy=None
        ) as connection:
            await connection.recv()


async def test_a_frame_beyond_the_limit_ends_the_socket_before_anything_reads_it(scene: Scene) -> None:
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe("{ viewer { role } }" + " " * MAX_BODY)

        assert (await socket.closed())[0] == 1009


async def test_an_id_of_somebody_else_costs_and_says_what_an_id_of_nobody_does(
    sqlite_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "CACHE_S", 3600.0)
    counting = CountingStore(sqlite_store)
    house = StoreHouse(counting)  # type: ignore[arg-type]
    home, away = await people(house, "home"), await people(house, "away")
    await furnish(house, away)
    foreign = (await ids_of(house, away))["Order"]
    nobody, wrong = (global_id(kind, "01900000-0000-7000-8000-000000000000") for kind in ("Order", "Bot"))
    costs: dict[str, list[int]] = {foreign: [], nobody: []}
    said: set[tuple[str, str]] = set()
    async with serving(house) as web:
        for wanted in (wrong, foreign, nobody, foreign, nobody):
            counting.statements = 0
            answer = await web.ask(ORDER, {"id": wanted}, home.tokens[Role.OWNER])
            (error,) = answer.json()["errors"]
            said.add((error["extensions"]["code"], error["message"].replace(wanted, "ID")))
            if wanted in costs:
                costs[wanted].append(counting.statements)

    assert len(said) == 1
    assert costs[foreign] == costs[nobody] == [1, 1]


async def test_a_client_that_left_in_the_middle_of_a_message_is_no_fault_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler = object.__new__(sockets.SocketHandler)
    handler.task_logger = logging.getLogger("strawberry.ws.task")

    await handler.handle_task_exception(WebSocketDisconnected())
    await handler.handle_task_exception(ValueError("a broken resolver"))

    assert [str(one.exc_info[1]) for one in caplog.records if one.exc_info] == ["a broken resolver"]
