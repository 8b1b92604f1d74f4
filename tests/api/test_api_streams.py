"""Subscriptions over real sockets: first message, live facts, resume, another process' facts, ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from api import gate
from api.events import hub
from api.events.types import Event, shown_event
from api.ids import journal_cursor
from api.plans import Plan
from desk.identity import Role
from tests.api.conftest import Scene
from trading.events import AlertRaised, CandleClosed, FeedRecovered, PairUnlocked, Recorded, Severity

EVENTS = "subscription ($after: Cursor, $kinds: [EventKind!]) { events(after: $after, kinds: $kinds) { cursor sequence kind pair } }"
AT = datetime(2026, 1, 5, tzinfo=UTC)


class Socket:
    """A graphql-transport-ws client that shows every message."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        await self.connection.send(orjson.dumps(message).decode())

    async def receive(self, timeout_s: float = 10.0) -> dict[str, Any]:
        """Give the next message that is not a ping."""
        while True:
            found: dict[str, Any] = orjson.loads(await asyncio.wait_for(self.connection.recv(), timeout_s))
            if found["type"] != "ping":
                return found
            await self.send(type="pong")

    async def subscribe(self, text: str, name: str = "1", **variables: Any) -> None:
        await self.send(id=name, type="subscribe", payload={"query": text, "variables": variables})

    async def event(self, field: str = "events") -> dict[str, Any]:
        """Give the next event."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        found: dict[str, Any] = message["payload"]["data"][field]
        return found

    async def closed(self) -> tuple[int | None, str]:
        """Wait for the end; give code and reason."""
        with suppress(ConnectionClosed):
            while True:
                await asyncio.wait_for(self.connection.recv(), 10)
        return self.connection.close_code, self.connection.close_reason or ""


@asynccontextmanager
async def opened(scene: Scene, token: str = "", *, header: str = "", **more: Any) -> AsyncIterator[Socket]:
    """Open a socket; with a token also say hello."""
    headers = {"Authorization": f"Bearer {header}"} if header else {}
    async with connect(
        scene.web.socket_url,
        subprotocols=[Subprotocol("graphql-transport-ws")],
        additional_headers=headers,
        proxy=None,
        **more,
    ) as connection:
        socket = Socket(connection)
        if token or header:
            await socket.send(
                type="connection_init", payload={"Authorization": f"Bearer {token}"} if token else {}
            )
            assert (await socket.receive())["type"] == "connection_ack"
        yield socket


def _unlocked(scene: Scene, pair: str) -> PairUnlocked:
    return PairUnlocked(workspace_id=scene.home.workspace.id, occurred_at=AT, pair=pair, reason="test")


async def until(claim: Callable[[], bool]) -> None:
    """Wait until something holds, at most 10 s."""
    async with asyncio.timeout(10):
        while not claim():  # noqa: ASYNC110 - what is watched has no event
            await asyncio.sleep(0.01)


async def test_a_stream_begins_with_its_cursor_and_goes_on_with_live_facts(scene: Scene) -> None:
    await scene.house.write(scene.home.workspace.id, _unlocked(scene, "OLD/USDT"))
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe(EVENTS)
        first = await socket.event()
        await scene.house.write(scene.home.workspace.id, _unlocked(scene, "NEW/USDT"))
        second = await socket.event()

    assert first == {"cursor": journal_cursor(1), "sequence": 1, "kind": "SUBSCRIBED", "pair": ""}
    assert (second["sequence"], second["kind"], second["pair"]) == (2, "PAIR_UNLOCKED", "NEW/USDT")


async def test_a_token_in_the_header_is_enough(scene: Scene) -> None:
    async with opened(scene, header=scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe(EVENTS)

        assert (await socket.event())["kind"] == "SUBSCRIBED"


async def test_a_stream_resumes_from_a_cursor_across_stored_and_live_facts(scene: Scene) -> None:
    for number in range(5):
        await scene.house.write(scene.home.workspace.id, _unlocked(scene, f"P{number}/USDT"))
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe(EVENTS, after=journal_cursor(2))
        seen = [await socket.event() for _ in range(4)]
        await scene.house.write(scene.home.workspace.id, _unlocked(scene, "LIVE/USDT"))
        seen.append(await socket.event())

    assert [one["sequence"] for one in seen] == [2, 3, 4, 5, 6]
    assert seen[0]["kind"] == "SUBSCRIBED"


async def test_facts_that_another_process_wrote_come_within_a_second(scene: Scene) -> None:
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe(EVENTS)
        await socket.event()
        await scene.house.write(scene.home.workspace.id, _unlocked(scene, "CONSOLE/USDT"), publish=False)
        found = await asyncio.wait_for(socket.event(), 3)

    assert found["pair"] == "CONSOLE/USDT"


async def test_kinds_narrow_a_stream_but_its_cursor_still_moves(scene: Scene) -> None:
    home = scene.home.workspace.id
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe(EVENTS, kinds=["FEED_RECOVERED"])
        await socket.event()
        await scene.house.write(
            home, _unlocked(scene, "A/USDT"), FeedRecovered(workspace_id=home, occurred_at=AT, venue="v")
        )
        found = await socket.event()

    assert (found["kind"], found["sequence"]) == ("FEED_RECOVERED", 2)


async def test_the_alert_stream_keeps_to_its_severity(scene: Scene) -> None:
    home = scene.home.workspace.id
    quiet, loud = (
        AlertRaised(
            workspace_id=home,
            occurred_at=AT,
            alert_id="",
            level=level,
            title="t",
            alert_kind="trading_halted",
        )
        for level in (Severity.INFO, Severity.CRITICAL)
    )
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe(
            "subscription { alerts(minSeverity: WARNING) { sequence kind ... on AlertRaised { level } } }"
        )
        await socket.event("alerts")
        await scene.house.write(home, quiet, loud)
        found = await socket.event("alerts")

    assert found == {"sequence": 2, "kind": "ALERT_RAISED", "level": "CRITICAL"}


async def test_candles_come_as_they_close_for_the_pair_that_was_asked(scene: Scene) -> None:
    def bar(pair: str) -> CandleClosed:
        return CandleClosed(
            workspace_id="", occurred_at=AT, pair=pair, venue="v", timeframe="1h", ts_ms=3_600_000,
            open=1.5, high=2.0, low=1e-7, close=1.75, volume=10.0,
        )  # fmt: skip

    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe('subscription { candles(pair: "BTC/USDT") { pair openTime low close } }')
        await until(lambda: scene.house.bus.listeners >= 2)
        scene.house.bus.publish_market(bar("ETH/USDT"))
        scene.house.bus.publish_market(bar("BTC/USDT"))
        found = await socket.event("candles")

    assert found == {
        "pair": "BTC/USDT",
        "openTime": "1970-01-01T01:00:00.000000Z",
        "low": "0.0000001",
        "close": "1.75",
    }


@pytest.mark.parametrize(("place", "what"), [(99, "ahead"), (0, "pruned")])
async def test_a_cursor_outside_the_journal_is_expired(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, place: int, what: str
) -> None:
    for number in range(3):
        await scene.house.write(scene.home.workspace.id, _unlocked(scene, f"P{number}/USDT"))
    if what == "pruned":
        async with scene.house.store.transactions.transaction() as connection:
            await connection.change("DELETE FROM event_log WHERE sequence < ?", 3)
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe(EVENTS, after=journal_cursor(place))
        message = await socket.receive()
        end = await socket.receive()

    assert message["payload"]["errors"][0]["extensions"]["code"] == "CURSOR_EXPIRED"
    assert end["type"] == "complete"


async def test_a_reader_that_falls_behind_is_told_where_to_resume(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MAX_LAG", 3)
    home = scene.home.workspace.id
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe(EVENTS)
        await socket.event()
        await scene.house.write(home, *[_unlocked(scene, f"P{number}/USDT") for number in range(10)])
        message = await socket.receive()
        while message["type"] == "next" and "errors" not in message["payload"]:
            message = await socket.receive()
        (error,) = message["payload"]["errors"]
        await socket.receive()
        monkeypatch.setattr(hub, "MAX_LAG", 1000)
        await socket.subscribe(EVENTS, name="2", after=error["extensions"]["cursor"])
        resumed = [await socket.event() for _ in range(2)]

    assert error["extensions"]["code"] == "SLOW_CONSUMER"
    assert resumed[1]["sequence"] == resumed[0]["sequence"] + 1


async def test_queries_and_mutations_also_go_over_the_socket_with_the_same_limits(scene: Scene) -> None:
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe("{ viewer { role } }")
        answer, end = await socket.receive(), await socket.receive()
        await socket.subscribe("{ a { b { c { d { e { f { g { h { i } } } } } } } } }", name="2")
        refused = await socket.receive()
        await socket.subscribe("{ nonsense", name="3")
        malformed = await socket.receive()

    assert answer["payload"]["data"] == {"viewer": {"role": "VIEWER"}}
    assert end == {"id": "1", "type": "complete"}
    assert refused["type"] == "error"
    assert refused["payload"][0]["extensions"]["code"] == "QUERY_TOO_DEEP"
    assert malformed["type"] == "error"


@pytest.mark.parametrize("token", ["", "bwk_made_up", "bwk_home_owner_token "[:-2]])
async def test_a_socket_without_a_valid_token_is_closed_as_forbidden(scene: Scene, token: str) -> None:
    async with opened(scene) as socket:
        await socket.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})

        assert await socket.closed() == (4403, "Forbidden")


async def test_asking_before_the_hello_closes_the_socket(scene: Scene) -> None:
    async with opened(scene) as socket:
        await socket.subscribe(EVENTS)

        assert (await socket.closed())[0] == 4401


@pytest.mark.parametrize(
    "text", ["[]", "7", '"x"', "{", '{"type":"subscribe","id":1,"payload":{}}', '{"type":"hm"}']
)
async def test_what_is_no_message_closes_the_socket_and_nothing_else(scene: Scene, text: str) -> None:
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.connection.send(text)

        assert (await socket.closed())[0] == 4400
    assert (await scene.web.data("{ viewer { role } }", token=scene.home.tokens[Role.VIEWER]))["viewer"]


async def test_a_revoked_token_closes_its_sockets_within_five_seconds_and_ends_over_http(
    scene: Scene,
) -> None:
    token = scene.home.tokens[Role.TRADER]
    async with opened(scene, token) as socket:
        await socket.subscribe(EVENTS)
        await socket.event()
        async with scene.house.store.transaction() as unit:
            await unit.members.revoke_token(
                scene.home.workspace.id, scene.home.token_ids[Role.TRADER], scene.house.clock.now()
            )
        code, reason = await asyncio.wait_for(socket.closed(), 5)
    answer = (await scene.web.ask("{ viewer { role } }", token=token)).json()

    assert (code, reason) == (4403, "Token ended")
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_one_person_opens_so_many_sockets_and_nobody_else_is_kept_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "SOCKETS_PER_PERSON", 2)
    greedy, other = scene.home.tokens[Role.VIEWER], scene.home.tokens[Role.OWNER]
    async with opened(scene, greedy) as first, opened(scene, greedy):
        async with opened(scene, greedy) as third:
            refused = await third.closed()
        async with opened(scene, other) as somebody:
            await somebody.subscribe(EVENTS)
            let_in = (await somebody.event())["kind"]
        await first.connection.close()
        await until(lambda: len(scene.web.app.state.door.sockets) == 1)
        async with opened(scene, greedy) as again:
            await again.subscribe(EVENTS)
            again_in = (await again.event())["kind"]

    assert refused == (1013, "Too many sockets of one person")
    assert (let_in, again_in) == ("SUBSCRIBED", "SUBSCRIBED")


async def test_a_foreign_page_cannot_open_a_socket(scene: Scene) -> None:
    with pytest.raises(Exception, match="403"):
        async with opened(scene, origin="https://evil.example"):
            pass


async def test_a_stopping_server_says_goodbye_and_ends_streams_quickly(scene: Scene) -> None:
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe(EVENTS)
        await socket.event()
        began = scene.house.clock.monotonic()
        scene.web.server.should_exit = True
        code, _ = await asyncio.wait_for(socket.closed(), 5)

    assert code in {1001, 1012}
    assert scene.house.clock.monotonic() - began < 5


async def test_a_fact_is_turned_and_written_once_however_many_follow(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = scene.home.tokens[Role.VIEWER]
    turned: list[str] = []
    written: list[str] = []

    def turn(recorded: Recorded) -> Event:
        turned.append(recorded.event.pair)
        return shown_event(recorded)

    def write(plan: Plan, event: Any) -> Any:
        written.append(event.pair)
        return answer(plan, event)

    answer = Plan.answer
    monkeypatch.setattr("api.events.subscriptions.shown_event", turn)
    monkeypatch.setattr(Plan, "answer", write)
    async with opened(scene, token) as one, opened(scene, token) as other:
        for socket in (one, other):
            for name in ("first", "second"):
                await socket.subscribe(EVENTS, name=name)
                assert (await socket.event())["kind"] == "SUBSCRIBED"
        written.clear()
        await scene.house.write(scene.home.workspace.id, _unlocked(scene, "ONCE/USDT"))
        seen = [(await socket.event())["pair"] for socket in (one, one, other, other)]

    assert seen == ["ONCE/USDT"] * 4
    assert (turned, written) == (["ONCE/USDT"], ["ONCE/USDT"])
